use axum::Json;
use axum::extract::{Query, State};
use portique_access::audit::{Outcome, Record};
use portique_access::{Access, AuditQuery};
use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::refusal::{Refusal, Reply};
use crate::api::{LIMIT_DEFAULT, page_limit};

pub(super) fn router() -> OpenApiRouter<Access> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(verify))
}

/// Which records are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParameters {
    /// Of whom, such as `user:alice` or `token:commander`.
    who: Option<String>,
    /// Of which action, such as `user.create` or `session.begin`.
    action: Option<String>,
    /// `done` or `refused`.
    outcome: Option<OutcomeName>,
    /// Not before this time, RFC 3339.
    from: Option<String>,
    /// Before this time, RFC 3339.
    to: Option<String>,
    /// Before this sequence.
    before: Option<u64>,
    /// At most so many, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeName {
    /// It holds from then on.
    Done,
    /// It was not allowed, or could not be.
    Refused,
}

/// Something that was changed or refused.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct AuditView {
    /// From 1, without gaps.
    sequence: u64,
    /// When, RFC 3339.
    at: String,
    /// Who.
    who: String,
    /// From which address.
    from: String,
    /// What they wanted.
    action: String,
    /// What it was to be done to.
    target: String,
    /// What came of it.
    outcome: OutcomeName,
    /// Why it was refused.
    reason: String,
    /// The hash that chains it to the record before.
    hash: String,
}

/// What came of walking the chain.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct VerdictView {
    /// Whether every record is as it was written.
    holds: bool,
    /// Records that hold, from the first that is kept.
    records: u64,
    /// The first that is kept.
    first: u64,
    /// Where the chain ends; keep it elsewhere, with the hash.
    last: u64,
    /// The hash of the last.
    hash: String,
    /// The first record that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<BrokenView>,
}

/// The first place where the chain does not hold.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct BrokenView {
    /// The record.
    sequence: u64,
    /// What is wrong with it.
    reason: String,
}

/// What was changed and refused, newest first.
#[utoipa::path(get, path = "/api/v1/access/audit", tag = "access", params(AuditParameters),
    responses((status = OK, body = Vec<AuditView>)))]
pub(crate) async fn list(
    State(access): State<Access>,
    Query(parameters): Query<AuditParameters>,
) -> Reply<Json<Vec<AuditView>>> {
    let query = AuditQuery {
        who: parameters.who,
        action: parameters.action,
        outcome: parameters.outcome.map(|outcome| match outcome {
            OutcomeName::Done => Outcome::Done,
            OutcomeName::Refused => Outcome::Refused,
        }),
        from: time("from", parameters.from)?,
        to: time("to", parameters.to)?,
        before: parameters.before,
        limit: page_limit(parameters.limit.unwrap_or(LIMIT_DEFAULT))?,
    };
    let records = access.audit(query).await?;
    Ok(Json(records.into_iter().map(AuditView::of).collect()))
}

/// Walk the whole audit journal and say whether every record is as it was written.
#[utoipa::path(get, path = "/api/v1/access/audit/verify", tag = "access",
    responses((status = OK, body = VerdictView)))]
pub(crate) async fn verify(State(access): State<Access>) -> Reply<Json<VerdictView>> {
    let verdict = access.verify().await?;
    Ok(Json(VerdictView {
        holds: verdict.broken.is_none(),
        records: verdict.records,
        first: verdict.first,
        last: verdict.head.sequence,
        hash: verdict.head.hash_text(),
        broken: verdict.broken.map(|broken| BrokenView {
            sequence: broken.sequence,
            reason: broken.reason.into(),
        }),
    }))
}

fn time(what: &str, given: Option<String>) -> Reply<Option<Timestamp>> {
    let parsed = given.map(|text| {
        text.parse::<Timestamp>().map_err(|_| {
            let right = "write a time such as 2026-11-21T03:12:00Z";
            Refusal::invalid(format!("{what} is {text:?}: {right}"))
        })
    });
    parsed.transpose()
}

impl AuditView {
    fn of(record: Record) -> Self {
        Self {
            sequence: record.sequence,
            at: record.at.to_string(),
            hash: record.head().hash_text(),
            who: record.who,
            from: record.from,
            action: record.action,
            target: record.target,
            outcome: match record.outcome {
                Outcome::Done => OutcomeName::Done,
                Outcome::Refused => OutcomeName::Refused,
            },
            reason: record.reason,
        }
    }
}
