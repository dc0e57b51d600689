//! Launch control from outside.

mod rig;
mod vehicle_link;
