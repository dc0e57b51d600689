use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use portique_clock::Timestamp;
use portique_jobs::{Enqueued, Error, NewJob, QueueName, Transaction};
use serde::Deserialize;

use super::request::{JobRequest, RetrySettings};
use super::view::EnqueuedView;
use crate::api::batch::{self, Place};
use crate::api::content;
use crate::api::refusal::{Refusal, Reply};
use crate::api::{Api, idempotency_key};

/// What a trace is carried in from the request to the worker (W3C Trace Context).
const TRACE_HEADERS: [&str; 2] = ["traceparent", "tracestate"];

/// How a job is queued whose payload is the body.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AddQuery {
    /// What kind of work, for the worker to choose its code by; `job` when absent.
    kind: Option<String>,
    /// Higher first, from -32768 to 32767.
    priority: Option<i16>,
    /// Not before this time; instead of `delay_s`.
    #[param(value_type = Option<String>, format = DateTime)]
    run_at: Option<Timestamp>,
    /// Not before this many seconds have passed.
    delay_s: Option<f64>,
    /// Whose fair share it is taken from.
    group: Option<String>,
    /// Jobs with the same key share the queue's limits per key.
    key: Option<String>,
    /// Failed attempts before it is dead, instead of the queue's policy.
    attempts: Option<u32>,
    /// Dead when it has not been completed by then.
    #[param(value_type = Option<String>, format = DateTime)]
    deadline: Option<Timestamp>,
    /// How long its result is remembered, instead of the queue's time.
    result_ttl_s: Option<f64>,
}

impl From<AddQuery> for JobRequest {
    fn from(query: AddQuery) -> Self {
        Self {
            kind: query.kind,
            priority: query.priority,
            run_at: query.run_at,
            delay_s: query.delay_s,
            group: query.group,
            key: query.key,
            retry: query.attempts.map(RetrySettings::attempts),
            deadline: query.deadline,
            result_ttl_s: query.result_ttl_s,
            ..Self::default()
        }
    }
}

/// Add a job whose payload is the body, of any media type.
///
/// The answer comes once the job is durable. The header `Idempotency-Key` names the request for 24
/// hours; `traceparent` and `tracestate` are carried to the worker.
#[utoipa::path(post, path = "/api/v1/queues/{queue}/jobs", tag = "jobs",
    params(("queue" = String, Path), AddQuery, ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "The payload: JSON, or anything else under its own media type"),
    responses((status = CREATED, body = EnqueuedView),
        (status = OK, body = EnqueuedView, description = "A key named an earlier job")))]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
    Query(query): Query<AddQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply<(StatusCode, Json<EnqueuedView>)> {
    let queue = QueueName::new(queue)?;
    let payload = content::from_body(batch::content_type(&headers), body)?;
    let mut request = JobRequest::from(query);
    request.idempotency_key = idempotency_key(&headers)?;
    carry_trace(&headers, &mut request.headers);
    let job = request.with_payload(Some(&queue), payload, api.clock.now())?;
    let enqueued = api.jobs.enqueue(vec![job]).await?;
    let enqueued = enqueued
        .first()
        .ok_or_else(|| Refusal::internal("the engine took a job in and did not name it"))?;
    let status = if enqueued.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json((*enqueued).into())))
}

/// Add many jobs, all or none: a JSON array of jobs, or one a line as `application/x-ndjson`.
///
/// A refusal names every line or entry that is wrong, up to ten. The header `Idempotency-Key` names
/// the whole request for 24 hours.
#[utoipa::path(post, path = "/api/v1/queues/{queue}/jobs/batch", tag = "jobs",
    params(("queue" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content((Vec<JobRequest> = "application/json"), (JobRequest = "application/x-ndjson"))),
    responses((status = CREATED, body = Vec<EnqueuedView>)))]
pub(crate) async fn add_batch(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Reply<(StatusCode, Json<Vec<EnqueuedView>>)> {
    let queue = QueueName::new(queue)?;
    let received = batch::receive(&api.gate, &headers, body).await?;
    let requests = batch::entries::<JobRequest>(batch::content_type(&headers), &received.bytes)?;
    let mut trace = BTreeMap::new();
    carry_trace(&headers, &mut trace);
    let now = api.clock.now();
    let jobs = batch::each(requests, |mut request| {
        add_missing(&trace, &mut request.headers);
        request.into_job(Some(&queue), now)
    })?;
    let enqueued = enqueue(&api, idempotency_key(&headers)?, jobs).await?;
    let views = enqueued.into_iter().map(EnqueuedView::from).collect();
    Ok((StatusCode::CREATED, Json(views)))
}

async fn enqueue(
    api: &Api,
    idempotency_key: Option<String>,
    jobs: Vec<(Place, NewJob)>,
) -> Reply<Vec<Enqueued>> {
    let keys = keyed_places(&jobs);
    let jobs: Vec<NewJob> = jobs.into_iter().map(|(_, job)| job).collect();
    let enqueued = if idempotency_key.is_some() {
        let transaction = Transaction {
            idempotency_key,
            enqueue: jobs,
            ..Transaction::default()
        };
        let committed = api.transact.commit(transaction).await;
        committed.map(|committed| committed.jobs)
    } else {
        api.jobs.enqueue(jobs).await
    };
    enqueued.map_err(|error| {
        let place = match &error {
            Error::KeyConflict { key, .. } => keys.get(key).copied(),
            _ => None,
        };
        let refusal = Refusal::from(error);
        match place {
            Some(place) => refusal.at(place),
            None => refusal,
        }
    })
}

/// Where each idempotency key stands, to say so when it is in conflict.
fn keyed_places(jobs: &[(Place, NewJob)]) -> BTreeMap<String, Place> {
    let keyed = jobs.iter().filter_map(|(place, job)| {
        let key = job.options.idempotency_key.clone()?;
        Some((key, *place))
    });
    keyed.collect()
}

/// Adds the request's trace to a job's headers, unless the job has one.
pub(in crate::api) fn carry_trace(request: &HeaderMap, headers: &mut BTreeMap<String, String>) {
    if headers.contains_key(TRACE_HEADERS[0]) {
        return;
    }
    for name in TRACE_HEADERS {
        let value = request.get(name).and_then(|value| value.to_str().ok());
        if let Some(value) = value {
            headers.insert(name.into(), value.into());
        }
    }
}

fn add_missing(trace: &BTreeMap<String, String>, headers: &mut BTreeMap<String, String>) {
    if headers.contains_key(TRACE_HEADERS[0]) {
        return;
    }
    for (name, value) in trace {
        headers.insert(name.clone(), value.clone());
    }
}
