//! The query language: PromQL, as Prometheus 3.14 speaks it.
//!
//! [`syntax`] makes a typed tree of a text; every part knows its place, because errors and
//! annotations name line and column.

mod annotations;
mod column;
mod error;
mod functions;
mod numbers;
mod steps;
pub mod syntax;

pub use annotations::{Annotations, Level};
pub use error::{Error, ErrorKind};
