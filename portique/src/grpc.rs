//! The gRPC edge: bus, jobs and telemetry as the contracts in `proto/` tell them.
//!
//! A service here checks who calls, turns a message into a call of its port and the answer into a
//! message, and no more: everything that is decided is decided by the engine. Streams are pulled by
//! their connection, so that a caller that does not read is not read from either; nothing runs on
//! its own.

mod bus;
mod calls;
mod door;
mod jobs;
mod server;
mod telemetry;
mod transact;
mod work;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use portique_bus::Bus;
use portique_client::proto::bus::v1::bus_server::BusServer;
use portique_client::proto::jobs::v1::jobs_server::JobsServer;
use portique_client::proto::jobs::v1::transact_server::TransactServer;
use portique_client::proto::telemetry::v1::telemetry_server::TelemetryServer;
use portique_jobs::{Jobs, Transact};
use tonic::service::Routes;

use crate::access::Gate;
use crate::intake::Intake;
use bus::BusService;
pub(crate) use door::Door;
use jobs::JobsService;
pub(crate) use server::serve;
use telemetry::TelemetryService;
use transact::TransactService;

/// Largest message of a request: twice the largest batch that an engine takes, with what surrounds it.
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// Largest batch of telemetry, as its contract has it: there may be many streams.
const PUSH_BYTES_MAX: usize = 4 << 20;

/// The ports that are served.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) transact: Arc<dyn Transact>,
    /// None where telemetry is not served.
    pub(crate) intake: Option<Intake>,
}

/// Serves the ports beside what `routes` serves already; `gate` says who may do what, and `door` what nobody
/// may and how much at once.
pub(crate) fn add_to(routes: Routes, ports: Ports, door: Door, gate: Gate) -> Routes {
    let door = Arc::new(door);
    let bus = BusService {
        bus: ports.bus,
        door: Arc::clone(&door),
    };
    let jobs = JobsService {
        jobs: ports.jobs,
        door: Arc::clone(&door),
    };
    let transact = TransactService {
        transact: ports.transact,
        door: Arc::clone(&door),
    };
    let limit = REQUEST_BYTES_MAX;
    let routes = match ports.intake {
        Some(intake) => routes.add_service(
            TelemetryServer::new(TelemetryService { intake, door })
                .max_decoding_message_size(PUSH_BYTES_MAX),
        ),
        None => routes,
    };
    let routes = routes
        .add_service(BusServer::new(bus).max_decoding_message_size(limit))
        .add_service(JobsServer::new(jobs).max_decoding_message_size(limit))
        .add_service(TransactServer::new(transact).max_decoding_message_size(limit));
    door::guard(routes, gate)
}
