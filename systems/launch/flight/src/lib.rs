//! Flight physics of a two-stage rocket: a world to act on, and the computers that fly in it.
//!
//! A [`World`] holds the bodies of one rocket and moves them in fixed steps: point mass, rotating
//! Earth, US Standard Atmosphere 1976, drag, thrust, staging. It is acted on through [`Actuators`] and
//! seen through [`Sensors`], one set per [`Body`]. An [`Autopilot`] is the control law of one module: sensors
//! and orders in, actuators and events out. [`fly`] closes the loop in process.
//!
//! Nothing here reads a clock, a file or a random number: the same inputs give the same flight,
//! bit for bit, at any time factor.

mod atmosphere;
mod autopilot;
mod body;
mod closed_loop;
mod event;
mod motion;
mod order;
mod phase;
mod vehicle;
mod words;
mod world;

pub use atmosphere::{Air, air_at};
pub use autopilot::{Autopilot, Output};
pub use body::{Actuators, Body, Sensors};
pub use closed_loop::{Flight, FlyOptions, Point, Track, fly};
pub use event::{Event, EventKind};
pub use order::{Order, Refusal};
pub use phase::Phase;
pub use vehicle::{
    Aerodynamics, Ascent, Booster, BoosterReturn, Engines, Error, Landing, Limits, Payload, Plan,
    Stage2, Target, Vehicle,
};
pub use words::UnknownWord;
pub use world::{Fault, TICK_S, World};
