//! Webhooks over HTTP: events that are pushed to an address.
//!
//! A webhook is a durable consumer whose events are posted, signed, to a receiver; what the receiver
//! answers settles them. Webhooks are kept in the records; the [`Pusher`] keeps those at work like
//! those that are kept.

mod definition;
mod figures;
mod handshake;
mod outcomes;
mod outlet;
mod push;
mod pusher;
mod receiver;
mod signature;
mod store;
mod verdict;

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portique_clock::Seeded;
use portique_fault::Code;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use definition::{Webhook, WebhookRequest, WebhookView, consumer_name};
use outcomes::Outcomes;
use outlet::Means;
use pusher::Changes;
pub(crate) use pusher::Pusher;
use receiver::Receivers;
use store::{Store, WEBHOOKS_MAX};

use super::Ports;
use super::refusal::{Refusal, Reply};

/// What the names of webhooks' consumers begin with.
pub(crate) const CONSUMER_PREFIX: &str = "webhook-";
/// Pushes of all webhooks under way at once: a connection and an event in memory each.
const PUSHES_MAX: usize = 64;

/// What the routes of webhooks stand on.
#[derive(Clone)]
pub(crate) struct Webhooks {
    store: Store,
    means: Means,
    changes: Arc<Changes>,
}

impl Webhooks {
    /// Nothing is pushed until the [`Pusher`] runs.
    ///
    /// # Errors
    /// Those of the records, in which webhooks are kept.
    pub(super) async fn open(
        ports: &Ports,
        random: Seeded,
    ) -> Result<Self, portique_records::Error> {
        let store = Store::new(ports.records.clone());
        store.open().await?;
        Ok(Self {
            store,
            means: Means {
                bus: ports.bus.clone(),
                transact: ports.transact.clone(),
                clock: ports.clock.clone(),
                random: Arc::new(Mutex::new(random)),
                receivers: Receivers::default(),
                outcomes: Outcomes::default(),
                pushes: Arc::new(Semaphore::new(PUSHES_MAX)),
            },
            changes: Arc::default(),
        })
    }

    /// What pushes.
    pub(super) fn pusher(&self) -> Pusher {
        Pusher {
            store: self.store.clone(),
            means: self.means.clone(),
            changes: self.changes.clone(),
        }
    }

    fn view(&self, webhook: &Webhook, shows_secret: bool) -> WebhookView {
        webhook.view(self.means.outcomes.of(&webhook.name), shows_secret)
    }
}

pub(super) fn router(webhooks: Webhooks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, put, remove))
        .with_state(webhooks)
}

/// Every webhook, by name.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "events",
    responses((status = OK, body = Vec<WebhookView>)))]
pub(crate) async fn list(State(webhooks): State<Webhooks>) -> Reply<Json<Vec<WebhookView>>> {
    let all = webhooks.store.all().await?;
    Ok(Json(
        all.iter()
            .map(|webhook| webhooks.view(webhook, false))
            .collect(),
    ))
}

/// One webhook, without its secret.
#[utoipa::path(get, path = "/api/v1/webhooks/{name}", tag = "events",
    params(("name" = String, Path)), responses((status = OK, body = WebhookView)))]
pub(crate) async fn show(
    State(webhooks): State<Webhooks>,
    Path(name): Path<String>,
) -> Reply<Json<WebhookView>> {
    let found = webhooks.store.find(&name).await?;
    let found = found.ok_or_else(|| unknown(&name))?;
    Ok(Json(webhooks.view(&found, false)))
}

/// Push events to an address, or change where to and how.
///
/// Each push is signed as Standard Webhooks has it: `webhook-signature` is `v1,` and the base64 of an
/// HMAC-SHA256 over `webhook-id`, `webhook-timestamp` and the body, joined by dots. A 2xx answer
/// acknowledges; 408, 425, 429 and 503 repeat the push after `Retry-After`; other 4xx and 3xx give the
/// event up at once, on `dead.webhook-NAME.SUBJECT`; anything else repeats it later and later.
#[utoipa::path(put, path = "/api/v1/webhooks/{name}", tag = "events",
    params(("name" = String, Path)), request_body = WebhookRequest,
    responses((status = OK, body = WebhookView)))]
pub(crate) async fn put(
    State(webhooks): State<Webhooks>,
    Path(name): Path<String>,
    Json(request): Json<WebhookRequest>,
) -> Reply<Json<WebhookView>> {
    consumer_name(&name)?;
    let validate = request.validate;
    let before = webhooks.store.find(&name).await?;
    let (webhook, is_new_secret) = request.into_webhook(&name, before.as_ref())?;
    if validate {
        handshake::validate(&webhooks.means.receivers, &webhook.url()).await?;
    }
    let turn = webhooks.changes.turn().await;
    let all = webhooks.store.all().await?;
    let is_new = all.iter().all(|other| other.name != name);
    if is_new && all.len() >= WEBHOOKS_MAX {
        return Err(Refusal::new(
            Code::ResourceExhausted,
            format!("there are {WEBHOOKS_MAX} webhooks, which is the limit: remove one"),
        ));
    }
    let bus = &webhooks.means.bus;
    bus.consumer(&webhook.consumer(), webhook.options()).await?;
    webhooks.store.put(&webhook).await?;
    webhooks.changes.take_up(turn).await;
    Ok(Json(webhooks.view(&webhook, is_new_secret)))
}

/// Push no more; what was not pushed is forgotten.
#[utoipa::path(delete, path = "/api/v1/webhooks/{name}", tag = "events",
    params(("name" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn remove(
    State(webhooks): State<Webhooks>,
    Path(name): Path<String>,
) -> Reply<StatusCode> {
    let turn = webhooks.changes.turn().await;
    let found = webhooks.store.find(&name).await?;
    let found = found.ok_or_else(|| unknown(&name))?;
    webhooks.store.remove(&name).await?;
    let removed = webhooks.means.bus.remove_consumer(&found.consumer()).await;
    webhooks.changes.take_up(turn).await;
    webhooks.means.outcomes.forget(&name);
    match removed {
        Ok(()) | Err(portique_bus::Error::UnknownConsumer { .. }) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(error.into()),
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no webhook {name}"))
}
