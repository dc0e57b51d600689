//! Launch control: from the readiness poll to the landed booster.
//!
//! A [`Launch`](service::Launch) holds any number of missions, one per rocket. A mission's state is a fold of its facts,
//! which are events on the bus: a request is checked against the state ([`mission`]), what it decides is
//! published, and only what is durable is applied and acted on. So a restart finds every vote and every
//! order again, and the mission log is the same facts, projected into records.
//!
//! Vehicles stand behind a [`Link`]: simulated, replayed, or attached from outside. What they send is
//! watched as it arrives ([`limits`], [`detect`]); a violated structural limit orders destruction straight
//! from there, without waiting for anything. It is stored as series, which the shipped [`rules`] read: an alert of
//! theirs may call for an abort ([`abort`]), which is just as quick.
//! A person's order to destroy is no reflex: it takes [two](destruction).
//!
//! What is not here: processes and sockets (the front door's), physics (`portique_flight`), people.

pub mod abort;
pub mod api;
mod backoff;
pub mod count;
pub mod destruction;
pub mod detect;
mod error;
pub mod limits;
pub mod link;
pub mod mission;
pub mod onboard;
pub mod poll;
pub mod recording;
mod rpc;
pub mod rules;
pub mod service;
mod vehicle;
pub mod weather;
pub mod webcast;

pub use error::Error;
pub use link::{Connector, Downlink, Link, LinkError, LinkKind, Pad, Received};
pub use vehicle::{
    Answer, Command, FlightEvent, InjectedFault, LinkFault, ModuleId, Order, PARAMETERS_MAX, PadId,
    Parameter, Parameters, Quality, RocketId, Sample, Station,
};
