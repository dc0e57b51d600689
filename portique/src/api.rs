//! Queues and events over HTTP: one router on the ports, documented for OpenAPI.
//!
//! Failures leave as a [`Report`](portique_fault::Report) in the response's extensions, which
//! `http` renders; who may call what is decided there too. Whatever waits or holds much memory asks
//! the [`gate`] first, so that completions always find a place.

mod access;
mod alerts;
mod batch;
mod bindings;
mod compactions;
mod consumers;
mod content;
mod dead;
mod events;
mod figures;
mod gate;
mod jobs;
mod logs;
mod number;
mod owned;
mod pools;
mod queues;
mod refusal;
mod retention;
mod schedules;
mod transactions;
mod webhooks;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use portique_bus::Bus;
use portique_clock::{Clock, Random, Seeded};
use portique_event::EventId;
use portique_jobs::{Jobs, Transact};
use portique_records::Records;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use access::router as access_router;
pub(crate) use alerts::router as alerts_router;
pub(crate) use batch::BATCH_BYTES_MAX;
pub(crate) use figures::figures;
use gate::Gate;
pub(crate) use logs::router as logs_router;
pub(crate) use owned::{Owned, OwnedQueue};
pub(crate) use pools::router as pools_router;
use refusal::{Refusal, Reply};
pub(crate) use retention::Retention;
pub(crate) use webhooks::Pusher;
use webhooks::Webhooks;

/// Longest wait of a long poll; what ports count at most.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);
/// Routes that wait when they are asked to.
pub(crate) const LONG_POLLS: [&str; 3] = [
    "/api/v1/queues/{queue}/claim",
    "/api/v1/jobs/{id}",
    "/api/v1/consumers/{name}/fetch",
];
/// Entries of a page when nobody says.
const LIMIT_DEFAULT: usize = 100;
/// Most entries of a page: what ports give at most.
const LIMIT_MAX: usize = 1_000;

/// What these routes stand on.
pub(crate) struct Api {
    bus: Arc<dyn Bus>,
    jobs: Arc<dyn Jobs>,
    transact: Arc<dyn Transact>,
    clock: Arc<dyn Clock>,
    /// Names events whose publisher does not.
    random: Mutex<Seeded>,
    owned: Owned,
    gate: Gate,
    retention: Retention,
}

/// The ports behind the routes, and what of them is not to be touched from outside.
pub(crate) struct Ports {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) transact: Arc<dyn Transact>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Seeded,
    /// Where webhooks are kept.
    pub(crate) records: Arc<dyn Records>,
    pub(crate) owned: Owned,
    pub(crate) retention: Retention,
    /// Requests that may wait at once.
    pub(crate) waiting_max: usize,
}

/// The routes of queues and events, below `/api/v1`, and what pushes events while the hub runs.
///
/// # Errors
/// Those of the records, in which webhooks are kept.
pub(crate) async fn open(
    mut ports: Ports,
) -> Result<(OpenApiRouter, Pusher), portique_records::Error> {
    let luck = Seeded::new(ports.random.next_u64());
    let webhooks = Webhooks::open(&ports, luck).await?;
    let pusher = webhooks.pusher();
    let api = Arc::new(Api {
        bus: ports.bus,
        jobs: ports.jobs,
        transact: ports.transact,
        clock: ports.clock,
        random: Mutex::new(ports.random),
        owned: ports.owned,
        gate: Gate::new(ports.waiting_max),
        retention: ports.retention,
    });
    let routes = OpenApiRouter::new()
        .merge(queues::router())
        .merge(jobs::router())
        .merge(dead::router())
        .merge(schedules::router())
        .merge(bindings::router())
        .merge(transactions::router())
        .merge(events::router())
        .merge(consumers::router())
        .merge(compactions::router())
        .merge(retention::router())
        .with_state(api)
        .merge(webhooks::router(webhooks));
    Ok((routes, pusher))
}

impl Api {
    /// The id of an event whose publisher gave none.
    fn new_id(&self) -> EventId {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        EventId::generate(self.clock.now(), &mut *random)
    }
}

/// # Errors
/// Invalid argument outside 1 to 1,000.
fn page_limit(limit: usize) -> Reply<usize> {
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Refusal::invalid(format!(
        "limit is {limit}: write 1 to {LIMIT_MAX}"
    )))
}

/// What names a request for whoever sends it twice.
///
/// # Errors
/// Invalid argument when it is not text.
fn idempotency_key(headers: &HeaderMap) -> Reply<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| Refusal::invalid("the header idempotency-key is not printable ASCII"))?;
    Ok(Some(text.to_owned()))
}
