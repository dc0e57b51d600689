use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use portique_jobs::{Completion, Failing, Failure, JobId, Lease, LeaseToken, Settled};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::view::SettledView;
use crate::api::Api;
use crate::api::batch;
use crate::api::content;
use crate::api::number::{Token, duration_or_none};
use crate::api::refusal::{Refusal, Reply};

/// A job done.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompletionRequest {
    /// Which.
    id: u64,
    /// The claim's token.
    token: Token,
    /// What came of it: JSON as it is; a text, when `content_type` is not a JSON type.
    #[schema(value_type = Option<serde_json::Value>)]
    result: Option<Box<RawValue>>,
    /// What came of it, as bytes in base64; instead of `result`.
    result_base64: Option<String>,
    /// The result's media type; `application/json` when absent.
    content_type: Option<String>,
}

impl CompletionRequest {
    /// # Errors
    /// Invalid argument for a result that is not what it says it is.
    pub(in crate::api) fn into_completion(self) -> Reply<Completion> {
        let lease = lease(self.id, self.token);
        if self.result.is_none() && self.result_base64.is_none() {
            return Ok(Completion {
                lease,
                result: None,
            });
        }
        let result = content::payload(content::Parts {
            name: "result",
            base64_name: "result_base64",
            content_type: self.content_type,
            value: self.result,
            base64: self.result_base64,
        })?;
        Ok(Completion {
            lease,
            result: Some(result),
        })
    }
}

/// An attempt that came to nothing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailingRequest {
    /// Which.
    id: u64,
    /// The claim's token.
    token: Token,
    /// Why, for people; cut to 4 KiB.
    #[serde(default)]
    reason: String,
    /// Try again after this many seconds, instead of what the policy says.
    retry_after_s: Option<f64>,
    /// Trying again cannot help: the job is dead.
    #[serde(default)]
    reject: bool,
}

impl FailingRequest {
    fn into_failing(self) -> Reply<Failing> {
        let after = duration_or_none("retry_after_s", self.retry_after_s)?;
        Ok(Failing {
            lease: lease(self.id, self.token),
            reason: self.reason,
            failure: match (after, self.reject) {
                (Some(_), true) => {
                    return Err(Refusal::invalid(
                        "retry_after_s and reject are both given: a job that is dead is not tried again",
                    ));
                }
                (Some(after), false) => Failure::After(after),
                (None, true) => Failure::Reject,
                (None, false) => Failure::Policy,
            },
        })
    }
}

/// Under which claim.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TokenQuery {
    /// The claim's token.
    #[param(value_type = String)]
    pub(super) token: Token,
}

/// Under which claim, and what is to become of the job.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FailQuery {
    /// The claim's token.
    #[param(value_type = String)]
    token: Token,
    /// Try again after this many seconds, instead of what the policy says.
    retry_after_s: Option<f64>,
    /// Trying again cannot help: the job is dead.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    reject: bool,
}

/// End a job well; the body, if any, is its result. Repeating it gives the same answer.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/complete", tag = "jobs",
    params(("id" = u64, Path), TokenQuery),
    request_body(content = Option<serde_json::Value>, content_type = "application/json",
        description = "The result: JSON, or anything else under its own media type"),
    responses((status = OK, body = SettledView)))]
pub(crate) async fn complete(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    Query(query): Query<TokenQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply<Json<SettledView>> {
    let lease = lease(id, query.token);
    let result = if body.is_empty() {
        None
    } else {
        let content_type = batch::content_type(&headers);
        Some(content::from_body(content_type, body)?)
    };
    let settled = api
        .jobs
        .complete(vec![Completion { lease, result }])
        .await?;
    one(lease, &settled)
}

/// End jobs well: a JSON array, or one a line. Each has an outcome of its own.
#[utoipa::path(post, path = "/api/v1/jobs/complete", tag = "jobs",
    request_body(content((Vec<CompletionRequest> = "application/json"), (CompletionRequest = "application/x-ndjson"))),
    responses((status = OK, body = Vec<SettledView>)))]
pub(crate) async fn complete_batch(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Reply<Json<Vec<SettledView>>> {
    let received = batch::receive(&api.gate, &headers, body).await?;
    let requests = batch::entries(batch::content_type(&headers), &received.bytes)?;
    let completions = batch::each(requests, CompletionRequest::into_completion)?;
    let completions: Vec<Completion> = batch::without_places(completions);
    let ids: Vec<JobId> = completions.iter().map(|done| done.lease.id).collect();
    let settled = api.jobs.complete(completions).await?;
    Ok(each(&ids, &settled))
}

/// End an attempt badly; the body is the reason, as text.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/fail", tag = "jobs",
    params(("id" = u64, Path), FailQuery),
    request_body(content = String, content_type = "text/plain", description = "Why, for people; cut to 4 KiB"),
    responses((status = OK, body = SettledView)))]
pub(crate) async fn fail(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    Query(query): Query<FailQuery>,
    body: Bytes,
) -> Reply<Json<SettledView>> {
    let request = FailingRequest {
        id,
        token: query.token,
        reason: String::from_utf8_lossy(&body).into_owned(),
        retry_after_s: query.retry_after_s,
        reject: query.reject,
    };
    let failing = request.into_failing()?;
    let lease = failing.lease;
    let settled = api.jobs.fail(vec![failing]).await?;
    one(lease, &settled)
}

/// End attempts badly: a JSON array, or one a line. Each has an outcome of its own.
#[utoipa::path(post, path = "/api/v1/jobs/fail", tag = "jobs",
    request_body(content((Vec<FailingRequest> = "application/json"), (FailingRequest = "application/x-ndjson"))),
    responses((status = OK, body = Vec<SettledView>)))]
pub(crate) async fn fail_batch(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Reply<Json<Vec<SettledView>>> {
    let received = batch::receive(&api.gate, &headers, body).await?;
    let requests = batch::entries(batch::content_type(&headers), &received.bytes)?;
    let failings = batch::each(requests, FailingRequest::into_failing)?;
    let failings: Vec<Failing> = batch::without_places(failings);
    let ids: Vec<JobId> = failings.iter().map(|failing| failing.lease.id).collect();
    let settled = api.jobs.fail(failings).await?;
    Ok(each(&ids, &settled))
}

pub(super) fn lease(id: u64, token: Token) -> Lease {
    Lease {
        id: JobId(id),
        token: LeaseToken(token.0),
    }
}

/// The outcome of one job, which is a refusal when nothing came of what was asked.
pub(super) fn one(lease: Lease, settled: &[Settled]) -> Reply<Json<SettledView>> {
    let settled = settled
        .first()
        .ok_or_else(|| Refusal::internal("the engine was asked about a job and did not answer"))?;
    match settled {
        Settled::Stale => Err(portique_jobs::Error::StaleLease { lease }.into()),
        Settled::Unknown => Err(portique_jobs::Error::UnknownJob { id: lease.id }.into()),
        Settled::Refused(state) => Err(wrong_state(lease.id, state)),
        settled => Ok(Json(SettledView::of(lease.id.0, settled))),
    }
}

pub(in crate::api) fn wrong_state(id: JobId, state: &'static str) -> Refusal {
    portique_jobs::Error::WrongState {
        id,
        state,
        rule: "this cannot be done to a job in that state",
    }
    .into()
}

pub(super) fn each(ids: &[JobId], settled: &[Settled]) -> Json<Vec<SettledView>> {
    let views = ids.iter().zip(settled);
    Json(
        views
            .map(|(id, settled)| SettledView::of(id.0, settled))
            .collect(),
    )
}
