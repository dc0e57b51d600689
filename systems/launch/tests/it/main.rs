//! Launch control from outside.

mod attached;
mod rig;
mod vehicle_link;
