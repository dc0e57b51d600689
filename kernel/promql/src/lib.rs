//! The query language: PromQL, as Prometheus 3.14 speaks it.
//!
//! [`syntax`] makes a typed tree of a text; every part knows its place, because errors and
//! annotations name line and column. The [`Engine`] evaluates it on any
//! [`Source`](portique_series::Source), series by series: each operator makes of a series' values
//! over all steps a column, and an aggregation takes columns in as they come, so that memory goes
//! by groups and steps, not by series. Everything is synchronous; nothing here reads a clock.

mod annotations;
mod budget;
mod column;
mod config;
mod engine;
mod error;
mod evaluate;
mod functions;
mod numbers;
mod output;
mod smooth;
mod steps;
pub mod syntax;

pub use annotations::{Annotations, Level};
pub use config::{Config, Interrupt, Interruption, Options};
pub use engine::{Engine, Query, TimeRange};
pub use error::{Error, ErrorKind};
pub use output::{MatrixSeries, Output, QueryValue, VectorSample};
