//! The envelope every event travels in: CloudEvents 1.0, with a subject to route by.
//!
//! An [`Event`] is checked when it is built, so that whatever holds one can pass it on. Its
//! [`Subject`] (`plant.north.pump.started`) is matched by a [`Filter`] (`plant.*.pump.>`).
//! Events are written as CloudEvents JSON (structured and batch mode) by serde; the binary mode of
//! HTTP belongs to the edge.
//!
//! Source: CloudEvents 1.0.2, core specification and JSON event format.

mod attribute;
mod builder;
mod data;
mod error;
mod event;
mod id;
mod json;
mod subject;

pub use attribute::EXTENSIONS_MAX;
pub use builder::EventBuilder;
pub use data::{DATA_BYTES_MAX, Data};
pub use error::Error;
pub use event::{Event, EventParts};
pub use id::EventId;
pub use subject::{Filter, Subject};
