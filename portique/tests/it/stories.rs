//! The stories of launch control, each told to the real binary.

mod anomalies;
mod control_room;
mod faults;
mod flight;
mod links;
mod restarts;
mod shared_pad;
mod telemetry;
