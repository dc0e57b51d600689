//! The ports over the wire: what worker processes and other programs link.
//!
//! A [`Client`] reaches one hub over one connection and gives its [bus](Client::bus), its
//! [job queues](Client::jobs) and its [transactions](Client::transact) as the ports that the engines
//! in the hub implement: code written against a port runs on either. Errors come back as the port's
//! own. Publishing and enqueuing go through streams of their own, on which many calls are in flight
//! and travel together.
//!
//! [`Telemetry`] pushes a program's own samples over a stream on which series are named once.
//!
//! A [`Worker`] takes jobs of a queue over a stream of credits, extends its leases while it works, and
//! on the way out finishes what it has begun.
//!
//! [`proto`] is what the build makes of the contracts in `proto/`, for both sides;
//! [`wire`] turns it into the ports' types and back, [`status`] errors. What is not here: engines, and
//! decisions.

mod backoff;
mod bus;
mod call;
mod client;
mod error;
mod jobs;
mod pipeline;
pub mod proto;
mod refusal;
pub mod status;
mod telemetry;
mod tls;
mod transact;
pub mod wire;
mod words;
mod worker;

pub use client::{Client, ClientOptions, Connection};
pub use error::Error;
pub use proto::telemetry::v1::{BucketSpan, CounterReset, Histogram};
pub use refusal::{NotUnderstood, bus_status, jobs_status};
pub use telemetry::{Exemplar, HistogramSample, Push, Pushed, Sample, Series, Telemetry};
pub use tls::{Ask, Fingerprint, NotAFingerprint, Trust};
pub use worker::{Handler, Job, JobError, Worker, WorkerBuilder};
