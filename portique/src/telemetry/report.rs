//! How the store is, and what people have done to it, over HTTP.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portique_fault::{Code, Report, Retry};
use portique_promql::syntax::parse_selector;
use portique_series::Matcher;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Telemetry;
use super::housekeeping::Span;

/// Routes that may take as long as the store does.
pub(crate) const OWN_DEADLINES: [&str; 2] =
    ["/api/v1/telemetry/delete", "/api/v1/telemetry/snapshots"];
/// Metrics and labels of a report when nobody says how many.
const LARGEST_DEFAULT: usize = 10;
/// More than anybody reads.
const LARGEST_MAX: usize = 1_000;

/// The routes, with their whole paths.
pub(crate) fn router(telemetry: Telemetry) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(store))
        .routes(routes!(delete))
        .routes(routes!(snapshot))
        .with_state(telemetry)
}

/// A refusal on its way to the front door, which gives it its body.
#[derive(Debug)]
pub(crate) struct Refused(Report);

impl Refused {
    fn invalid(message: String) -> Self {
        Self(Report {
            code: Code::InvalidArgument,
            message,
            retry: Retry::No,
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// How much of a report.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportQuery {
    /// So many metrics and labels, 1 to 1,000; 10 when absent.
    limit: Option<usize>,
}

/// How the store of telemetry is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoreView {
    /// Why samples are refused now, if they are; it goes on by itself when the disk allows it.
    refuses: Option<String>,
    /// How often its log was opened again after its disk had failed, since the start.
    log_reopened: u64,
    /// Series with recent samples, and how many there may be, of all and of one metric.
    series: usize,
    series_max: usize,
    series_per_metric_max: usize,
    /// The same of one source, the label `job`.
    series_per_job_max: usize,
    /// The metrics with the most series.
    series_by_metric: Vec<Count>,
    /// The labels with the most values.
    values_by_label: Vec<Count>,
    /// The values of labels, as `name=value`, with the most series.
    series_by_pair: Vec<Count>,
    /// Samples refused since the start because their series would have been one too many, by
    /// metric; under an empty name those of metrics beyond the first hundred.
    refused_by_metric: Vec<Count>,
    /// Samples taken since the start.
    samples: u64,
    /// Samples refused since the start, by reason.
    refused: BTreeMap<&'static str, u64>,
    /// The oldest and the newest timestamp, Unix milliseconds.
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    /// Blocks of older samples, those among them with deleted samples, and their bytes by class.
    blocks: usize,
    deleted_blocks: usize,
    class_bytes: BTreeMap<String, u64>,
    /// Blocks whose samples are missing from answers because they are damaged: file, place and
    /// reason.
    damaged: Vec<String>,
    /// Blocks that should be there and are not.
    lost: Vec<LostView>,
    /// Steps of compaction that fail and are tried again.
    failing: Vec<FailingView>,
}

/// A name and how many.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Count {
    name: String,
    count: u64,
}

/// A block whose file was taken away.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LostView {
    /// Where its file was.
    file: String,
    /// Its oldest and its newest timestamp, Unix milliseconds.
    first_ms: i64,
    last_ms: i64,
    /// How many samples it had.
    samples: u64,
}

/// A step of compaction that fails.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FailingView {
    class: String,
    /// What it would do, with the numbers of blocks.
    step: String,
    /// Why it fails.
    problem: String,
    /// How often it was tried, and when it is tried again, Unix milliseconds.
    tries: u32,
    not_before_ms: i64,
}

/// How the store of telemetry is: what takes the most room, what was refused, what is wrong with
/// its files.
#[utoipa::path(get, path = "/api/v1/telemetry/store", tag = "telemetry", params(ReportQuery),
    responses((status = OK, body = StoreView)))]
pub(crate) async fn store(
    State(telemetry): State<Telemetry>,
    Query(query): Query<ReportQuery>,
) -> Result<Json<StoreView>, Refused> {
    let limit = query.limit.unwrap_or(LARGEST_DEFAULT);
    if !(1..=LARGEST_MAX).contains(&limit) {
        let message = format!("limit = {limit} is out of range: write 1 to {LARGEST_MAX}");
        return Err(Refused::invalid(message));
    }
    blocking(move || Ok(view(&telemetry, limit)))
        .await
        .map(Json)
}

/// Samples to delete.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteRequest {
    /// Selectors in PromQL: samples of series that one of them accepts; at least one.
    #[serde(rename = "match")]
    selectors: Vec<String>,
    /// From this time on, Unix milliseconds; from the first when absent.
    from_ms: Option<i64>,
    /// Up to this time, inclusive; to the last when absent.
    to_ms: Option<i64>,
    /// Only counts them.
    #[serde(default)]
    dry_run: bool,
}

/// What a deletion took away, or would.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeletedView {
    /// Series with samples in that time.
    series: usize,
    /// How many samples these are.
    samples: usize,
    dry_run: bool,
}

/// Delete samples, or count what that would delete. They are gone from answers and lists at once;
/// their space comes back when their blocks are written again.
#[utoipa::path(post, path = "/api/v1/telemetry/delete", tag = "telemetry",
    request_body = DeleteRequest, responses((status = OK, body = DeletedView)))]
pub(crate) async fn delete(
    State(telemetry): State<Telemetry>,
    Json(request): Json<DeleteRequest>,
) -> Result<Json<DeletedView>, Refused> {
    let span = Span {
        any_of: selectors(&request.selectors)?,
        from_ms: request.from_ms.unwrap_or(i64::MIN),
        to_ms: request.to_ms.unwrap_or(i64::MAX),
    };
    let dry_run = request.dry_run;
    let deleted = blocking(move || telemetry.delete(&span, dry_run)).await?;
    Ok(Json(DeletedView {
        series: deleted.series,
        samples: deleted.samples,
        dry_run,
    }))
}

/// A copy of the telemetry.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SnapshotView {
    name: String,
    /// Its folder: what lies in the folder `series` of a data folder. To go back to it, put it
    /// there.
    folder: String,
}

/// Copy all telemetry as it is at this moment, by hard links as far as it is in blocks.
#[utoipa::path(post, path = "/api/v1/telemetry/snapshots", tag = "telemetry",
    responses((status = OK, body = SnapshotView)))]
pub(crate) async fn snapshot(
    State(telemetry): State<Telemetry>,
) -> Result<Json<SnapshotView>, Refused> {
    let folder = telemetry.snapshots();
    let name = blocking(move || telemetry.snapshot()).await?;
    let folder = folder.join(&name).display().to_string();
    Ok(Json(SnapshotView { name, folder }))
}

fn selectors(texts: &[String]) -> Result<Vec<Vec<Matcher>>, Refused> {
    if texts.is_empty() {
        return Err(Refused::invalid(
            "match has no selector: say which series".into(),
        ));
    }
    let parse = |text: &String| {
        let parsed = parse_selector(text);
        let matchers = parsed.map_err(|error| Refused::invalid(format!("{text:?}: {error}")))?;
        match matchers.iter().all(Matcher::matches_empty) {
            true => Err(Refused::invalid(format!(
                "{text:?} accepts every series: write {{__name__!=\"\"}} if you mean it"
            ))),
            false => Ok(matchers),
        }
    };
    texts.iter().map(parse).collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, portique_series::Error> + Send + 'static,
) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| {
        Refused(Report {
            code: Code::Internal,
            message: error.to_string(),
            retry: Retry::No,
        })
    })?;
    done.map_err(|error| Refused(Report::from(&error)))
}

fn view(telemetry: &Telemetry, limit: usize) -> StoreView {
    let store = &telemetry.store;
    let (figures, largest) = (store.figures(), store.largest(limit));
    let named = |(name, count): (String, usize)| Count {
        name,
        count: count as u64,
    };
    let list = |sizes: Vec<(String, usize)>| sizes.into_iter().map(named).collect();
    let refused_by_metric = store.refused_metrics().into_iter().take(limit);
    StoreView {
        refuses: figures.refuses,
        log_reopened: figures.reopened_total,
        series: figures.series,
        series_max: telemetry.limits.series_max,
        series_per_metric_max: telemetry.limits.series_per_metric_max,
        series_per_job_max: telemetry.limits.series_per_job_max,
        series_by_metric: list(largest.series_by_metric),
        values_by_label: list(largest.values_by_label),
        series_by_pair: list(largest.series_by_pair),
        refused_by_metric: refused_by_metric
            .map(|(name, count)| Count { name, count })
            .collect(),
        samples: figures.samples_total,
        refused: telemetry
            .refused()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| (kind.as_str(), count))
            .collect(),
        first_ms: figures.range_ms.map(|range| range.0),
        last_ms: figures.range_ms.map(|range| range.1),
        blocks: figures.blocks,
        deleted_blocks: figures.deleted_blocks,
        class_bytes: store.class_bytes().into_iter().collect(),
        damaged: store
            .damaged_blocks()
            .iter()
            .map(|error| portique_fault::chain(error))
            .collect(),
        lost: store
            .lost_blocks()
            .into_iter()
            .map(LostView::from)
            .collect(),
        failing: store
            .failing_steps()
            .into_iter()
            .map(FailingView::from)
            .collect(),
    }
}

impl From<portique_series::LostBlock> for LostView {
    fn from(lost: portique_series::LostBlock) -> Self {
        Self {
            file: lost.path.display().to_string(),
            first_ms: lost.first_ms,
            last_ms: lost.last_ms,
            samples: lost.samples,
        }
    }
}

impl From<portique_series::FailingStep> for FailingView {
    fn from(failing: portique_series::FailingStep) -> Self {
        Self {
            class: failing.class,
            step: failing.step,
            problem: failing.problem,
            tries: failing.tries,
            not_before_ms: failing.not_before_ms,
        }
    }
}
