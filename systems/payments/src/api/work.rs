use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use portique_jobs::{JobId, Lease, LeaseToken};
use serde::{Deserialize, Serialize};

use super::body;
use super::refusal::Refusal;
use crate::Error;
use crate::service::{ClaimedJob, Payments};

/// Which job, under which lease.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaseQuery {
    /// The job's id.
    job: u64,
    /// The lease's token.
    token: u64,
}

/// What a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct Done {
    /// Transactions that it was about.
    transactions: u64,
}

/// Read a claimed part of a file, and end its job.
#[utoipa::path(post, path = "/payments/work/inject", tag = "payments", params(LeaseQuery),
    request_body(content = Vec<u8>, content_type = "application/json"),
    responses((status = OK, body = Done)))]
pub(super) async fn inject(
    State(payments): State<Payments>,
    Query(lease): Query<LeaseQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Done>, Refusal> {
    let job = claimed(&payments, lease, &headers, request).await?;
    let outcomes = payments.inject_jobs(job).await;
    done(outcomes.into_iter())
}

/// Post a claimed batch, and end its job.
#[utoipa::path(post, path = "/payments/work/post", tag = "payments", params(LeaseQuery),
    request_body(content = Vec<u8>, content_type = "application/json"),
    responses((status = OK, body = Done)))]
pub(super) async fn post(
    State(payments): State<Payments>,
    Query(lease): Query<LeaseQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Done>, Refusal> {
    let job = claimed(&payments, lease, &headers, request).await?;
    let outcomes = payments.post_jobs(job).await;
    done(
        outcomes
            .into_iter()
            .map(|it| it.map(|counted| counted.all())),
    )
}

/// Put a claimed batch into the journal, and end its job.
#[utoipa::path(post, path = "/payments/work/journal", tag = "payments", params(LeaseQuery),
    request_body(content = Vec<u8>, content_type = "application/json"),
    responses((status = OK, body = Done)))]
pub(super) async fn journal(
    State(payments): State<Payments>,
    Query(lease): Query<LeaseQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Done>, Refusal> {
    let job = claimed(&payments, lease, &headers, request).await?;
    let outcomes = payments.journal_jobs(job).await;
    done(
        outcomes
            .into_iter()
            .map(|it| it.map(|counted| counted.all())),
    )
}

async fn claimed(
    payments: &Payments,
    lease: LeaseQuery,
    headers: &HeaderMap,
    request: Body,
) -> Result<Vec<ClaimedJob>, Error> {
    let held = body::hold(payments, headers, request).await?;
    let lease = Lease {
        id: JobId(lease.job),
        token: LeaseToken(lease.token),
    };
    let body = held.bytes.clone();
    Ok(vec![ClaimedJob { lease, body }])
}

fn done(mut outcomes: impl Iterator<Item = Result<u64, Error>>) -> Result<Json<Done>, Refusal> {
    let transactions = outcomes.next().unwrap_or(Err(Error::Stopping))?;
    Ok(Json(Done { transactions }))
}
