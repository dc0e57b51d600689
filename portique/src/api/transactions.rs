//! Changes of events and jobs that are made together or not at all.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use portique_bus::{ConsumerName, DeliveryToken, Sequence};
use portique_event::Event;
use portique_jobs::{Cursor, Transaction};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::{CompletionRequest, EnqueuedView, JobRequest};
use super::number::Token;
use super::refusal::{Refusal, Reply};
use super::{Api, batch, idempotency_key};

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(commit))
}

/// Changes that are made together or not at all; each list may be left out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransactionRequest {
    /// Events to publish, in CloudEvents' JSON format.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>)]
    publish: Vec<Event>,
    /// Jobs to add; each names its queue.
    #[serde(default)]
    enqueue: Vec<JobRequest>,
    /// Jobs that are done.
    #[serde(default)]
    complete: Vec<CompletionRequest>,
    /// Deliveries to acknowledge.
    #[serde(default)]
    acknowledge: Vec<AcknowledgeRequest>,
    /// Consumers to move.
    #[serde(default)]
    seek: Vec<CursorRequest>,
}

/// Deliveries of one consumer.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgeRequest {
    /// Whose.
    consumer: String,
    /// Their tokens.
    tokens: Vec<Token>,
}

/// A consumer's new position.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CursorRequest {
    /// Whose.
    consumer: String,
    /// The sequence of the next event it receives.
    next: u64,
}

/// What a transaction came to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct CommittedView {
    /// One per event.
    sequences: Vec<u64>,
    /// One per job.
    jobs: Vec<EnqueuedView>,
}

/// Publish, add, complete, acknowledge and move together, or do none of it.
///
/// The header `Idempotency-Key` names the request for 24 hours: the same request with the same key is
/// made once and answered the same.
#[utoipa::path(post, path = "/api/v1/transactions", tag = "jobs",
    params(("Idempotency-Key" = Option<String>, Header)), request_body = TransactionRequest,
    responses((status = CREATED, body = CommittedView)))]
pub(crate) async fn commit(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Reply<(StatusCode, Json<CommittedView>)> {
    let received = batch::receive(&api.gate, &headers, body).await?;
    let request: TransactionRequest = serde_json::from_slice(&received.bytes)
        .map_err(|error| Refusal::invalid(format!("the body is not a transaction: {error}")))?;
    let mut transaction = request.into_transaction(&api)?;
    transaction.idempotency_key = idempotency_key(&headers)?;
    let committed = api.transact.commit(transaction).await?;
    let view = CommittedView {
        sequences: committed.sequences.into_iter().map(|s| s.0).collect(),
        jobs: committed.jobs.into_iter().map(EnqueuedView::from).collect(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

impl TransactionRequest {
    fn into_transaction(self, api: &Api) -> Reply<Transaction> {
        let now = api.clock.now();
        let events = list("publish", self.publish, |event| {
            api.owned.check_subject(event.subject())?;
            Ok(event)
        })?;
        Ok(Transaction {
            idempotency_key: None,
            publish: events,
            enqueue: list("enqueue", self.enqueue, |job| job.into_job(None, now))?,
            complete: list(
                "complete",
                self.complete,
                CompletionRequest::into_completion,
            )?,
            acknowledge: list("acknowledge", self.acknowledge, |deliveries| {
                let name = ConsumerName::new(deliveries.consumer)?;
                api.owned.check_consumer(&name)?;
                let tokens = deliveries.tokens.iter();
                Ok((name, tokens.map(|token| DeliveryToken(token.0)).collect()))
            })?,
            seek: list("seek", self.seek, |cursor| {
                let consumer = ConsumerName::new(cursor.consumer)?;
                api.owned.check_consumer(&consumer)?;
                let next = Sequence(cursor.next);
                Ok(Cursor { consumer, next })
            })?,
        })
    }
}

/// What each entry of a list becomes; a refusal says which one it is about.
fn list<T, U>(
    name: &str,
    entries: Vec<T>,
    mut convert: impl FnMut(T) -> Reply<U>,
) -> Reply<Vec<U>> {
    let entries = entries.into_iter().enumerate();
    entries
        .map(|(index, entry)| {
            convert(entry).map_err(|refusal| refusal.at(format_args!("{name}[{index}]")))
        })
        .collect()
}
