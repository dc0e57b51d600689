//! Queries at one time, and over a range of times.

use std::sync::Arc;

use axum::extract::State;
use portique_promql::{Options, Output, TimeRange};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Answer, Refusal};
use super::parameters::Parameters;
use super::work::Watch;
use super::{QueryApi, Reply, result};
use crate::telemetry::Telemetry;

/// Points of one series in an answer, as in Prometheus.
const POINTS_MAX: i64 = 11_000;

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(query))
        .routes(routes!(query_range))
}

/// What a query is asked with, beside its times.
struct Asked {
    query: String,
    lookback_ms: Option<i64>,
    limit: usize,
}

impl Asked {
    fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            query: parameters.required("query").to_owned(),
            limit: parameters.limit()?,
            lookback_ms: parameters.span_ms("lookback_delta")?,
        })
    }
}

/// A query at one time.
#[utoipa::path(method(get, post), path = "/query", tag = "prometheus",
    params(
        ("query" = String, Query, description = "PromQL"),
        ("time" = Option<String>, Query, description = "Unix seconds or RFC 3339; now when absent"),
        ("timeout" = Option<String>, Query, description = "Seconds or a duration, at most the hub's own"),
        ("limit" = Option<u64>, Query, description = "At most so many series"),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn query(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    let asked = Asked::of(&parameters)?;
    let now_ms = api.telemetry.clock.now().as_millis();
    let time_ms = parameters.time_ms("time", now_ms)?;
    evaluate(
        &api,
        &parameters,
        asked,
        move |telemetry, query, options| {
            telemetry
                .engine
                .instant(&*telemetry.store, query, time_ms, options)
        },
    )
    .await
}

/// A query over a range of times.
#[utoipa::path(method(get, post), path = "/query_range", tag = "prometheus",
    params(
        ("query" = String, Query, description = "PromQL"),
        ("start" = String, Query, description = "Unix seconds or RFC 3339"),
        ("end" = String, Query, description = "Unix seconds or RFC 3339"),
        ("step" = String, Query, description = "Seconds or a duration"),
        ("timeout" = Option<String>, Query, description = "Seconds or a duration, at most the hub's own"),
        ("limit" = Option<u64>, Query, description = "At most so many series"),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn query_range(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    let asked = Asked::of(&parameters)?;
    let range = range(&parameters)?;
    evaluate(
        &api,
        &parameters,
        asked,
        move |telemetry, query, options| {
            telemetry
                .engine
                .range(&*telemetry.store, query, range, options)
        },
    )
    .await
}

fn range(parameters: &Parameters) -> Result<TimeRange, Refusal> {
    let from_ms = parameters.required_time_ms("start")?;
    let to_ms = parameters.required_time_ms("end")?;
    if to_ms < from_ms {
        let reason = "end timestamp must not be before start time";
        return Err(Refusal::parameter("end", reason));
    }
    let step = parameters.span_ms("step")?;
    let no_step = || Refusal::parameter("step", "cannot parse \"\" to a valid duration");
    let step_ms = step.ok_or_else(no_step)?;
    if step_ms <= 0 {
        let reason = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(Refusal::parameter("step", reason));
    }
    if to_ms.saturating_sub(from_ms) / step_ms > POINTS_MAX {
        let reason = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        return Err(Refusal::bad_data(reason));
    }
    Ok(TimeRange {
        from_ms,
        to_ms,
        step_ms,
    })
}

/// Has a query evaluated and its answer written, both away from the threads that must not block.
async fn evaluate<F>(api: &QueryApi, parameters: &Parameters, asked: Asked, evaluate: F) -> Reply
where
    F: FnOnce(&Telemetry, &str, &Options<'_>) -> Result<Output, portique_promql::Error>,
    F: Send + 'static,
{
    let timeout = parameters.timeout(api.telemetry.query_timeout)?;
    let telemetry = api.telemetry.clone();
    let work = move |watch: &Watch| {
        let options = Options {
            lookback_ms: asked.lookback_ms,
            interrupt: Some(watch),
        };
        let output = evaluate(&telemetry, &asked.query, &options);
        let output = output.map_err(|error| refuse(&error))?;
        let (data, truncated) = result::write(output.value, asked.limit)?;
        let answer = Answer::written(data).truncated(truncated);
        Ok(answer.with_notes(&output.annotations, &asked.query))
    };
    let under_way = api.counts.begin(api.telemetry.clock.clone());
    let reply = api.work.run(timeout, work).await.and_then(|reply| reply);
    under_way.end(reply.is_ok());
    reply
}

/// A query of a kind that has no range is wrong in its parameter too.
fn refuse(error: &portique_promql::Error) -> Refusal {
    match error {
        portique_promql::Error::BadParameter { reason } => Refusal::parameter("query", reason),
        other => Refusal::of_query(other),
    }
}
