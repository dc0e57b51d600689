//! The ways in for telemetry: what others send, decoded, kept, and accounted for.
//!
//! Remote write, OTLP and Influx lines come over HTTP, Graphite lines over a port of their own,
//! what programs push over gRPC. All go the same way: room for the body, decoding on a thread that
//! may block, the store, and an answer once what was taken is durable. Bad lines and samples that
//! the store refuses keep nothing else out; the [`Ledger`] counts them by reason and keeps the
//! last, for whoever asks at `/api/v1/telemetry/intake`.

mod body;
mod figures;
mod graphite;
mod influx;
mod ledger;
mod otlp;
mod push;
mod remote_write;
mod report;
mod take;

use std::sync::{Arc, Mutex};

use portique_series::Batch;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;

use crate::telemetry::Telemetry;
pub(crate) use graphite::Graphite;
use ledger::Ledger;
pub(crate) use push::Tables;

/// Bytes of bodies held in memory at once, in KiB: eight of the largest, thousands of the usual ones.
const BODIES_KIB_MAX: usize = 128 * 1024;
/// Bodies decoded at once: each may take a core, and a few times its size in memory.
const DECODES_MAX: usize = 4;

/// Texts and series that streams of pushes were told, all of them together, in KiB: those of a
/// million series.
const TABLES_KIB_MAX: usize = 256 * 1024;

/// What every way in stands on; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Intake {
    shared: Arc<Shared>,
}

struct Shared {
    telemetry: Telemetry,
    ledger: Ledger,
    bodies: Arc<Semaphore>,
    decodes: Arc<Semaphore>,
    /// Room for what streams of pushes were told once, in KiB.
    tables: Arc<Semaphore>,
    /// Batches with the room that earlier bodies made, as many as are decoded at once.
    batches: Mutex<Vec<Batch>>,
}

impl Intake {
    pub(crate) fn new(telemetry: Telemetry) -> Self {
        Self {
            shared: Arc::new(Shared {
                telemetry,
                ledger: Ledger::default(),
                bodies: Arc::new(Semaphore::new(BODIES_KIB_MAX)),
                decodes: Arc::new(Semaphore::new(DECODES_MAX)),
                tables: Arc::new(Semaphore::new(TABLES_KIB_MAX)),
                batches: Mutex::new(Vec::new()),
            }),
        }
    }

    fn now_ms(&self) -> i64 {
        self.shared.telemetry.clock.now().as_millis()
    }
}

/// The routes, with their whole paths.
pub(crate) fn router(intake: Intake) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(remote_write::router())
        .merge(otlp::router())
        .merge(influx::router())
        .merge(report::router())
        .with_state(intake)
}
