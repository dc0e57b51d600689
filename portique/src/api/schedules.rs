//! Schedules over HTTP: jobs made by the clock.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portique_clock::Timestamp;
use portique_jobs::{Error, MissedTicks, Overlap, Schedule, ScheduleName, ScheduleState};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::jobs::{JobRequest, JobTemplate};
use super::refusal::{Refusal, Reply};

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, define, remove))
}

/// Jobs made by the clock.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleRequest {
    /// Five fields (minute, hour, day of month, month, day of week), or six with seconds first.
    cron: String,
    /// A time zone of the IANA database, such as `Europe/Paris`; `UTC` when absent.
    zone: Option<String>,
    /// What each tick adds; `queue` is needed, `run_at`, `delay_s` and `idempotency_key` must be
    /// absent.
    job: JobRequest,
    /// What becomes of ticks that passed while the hub was down; `last` when absent.
    #[serde(default)]
    missed: MissedTicksName,
    /// What a tick does while the job of an earlier one is not finished; `queue` when absent.
    #[serde(default)]
    overlap: OverlapName,
    /// Ticks come to nothing.
    #[serde(default)]
    paused: bool,
}

/// What becomes of ticks that passed while the hub was down.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MissedTicksName {
    /// They are left out.
    Skip,
    /// One job for all of them.
    #[default]
    Last,
    /// One job each, at most 100.
    All,
}

/// What a tick does while the job of an earlier one is not finished.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OverlapName {
    /// It adds another.
    #[default]
    Queue,
    /// It is left out.
    Skip,
    /// It cancels the earlier one.
    Replace,
}

/// A schedule and where it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ScheduleView {
    /// Its name.
    name: String,
    /// When it ticks.
    cron: String,
    /// In this time zone.
    zone: String,
    /// What each tick adds.
    job: JobTemplate,
    /// What becomes of ticks that passed while the hub was down.
    missed: MissedTicksName,
    /// What a tick does while the job of an earlier one is not finished.
    overlap: OverlapName,
    /// Ticks come to nothing.
    paused: bool,
    /// The next tick; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next: Option<Timestamp>,
    /// The last tick.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last: Option<Timestamp>,
    /// The job that the last tick made, if it made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_job: Option<u64>,
}

/// Every schedule, by name.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "jobs",
    responses((status = OK, body = Vec<ScheduleView>)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Reply<Json<Vec<ScheduleView>>> {
    let schedules = api.jobs.schedules().await?;
    Ok(Json(
        schedules.into_iter().map(ScheduleView::from).collect(),
    ))
}

/// One schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{name}", tag = "jobs",
    params(("name" = String, Path)), responses((status = OK, body = ScheduleView)))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<Json<ScheduleView>> {
    view(&api, &ScheduleName::new(name)?).await
}

/// Make a schedule, or change it; ticks count from now on.
#[utoipa::path(put, path = "/api/v1/schedules/{name}", tag = "jobs",
    params(("name" = String, Path)), request_body = ScheduleRequest,
    responses((status = OK, body = ScheduleView)))]
pub(crate) async fn define(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(request): Json<ScheduleRequest>,
) -> Reply<Json<ScheduleView>> {
    let name = ScheduleName::new(name)?;
    let job = request.job;
    if job.run_at.is_some() || job.delay_s.is_some() || job.idempotency_key.is_some() {
        return Err(Refusal::invalid(
            "job.run_at, job.delay_s and job.idempotency_key must be absent: the clock says when, \
             and each tick is a job of its own",
        ));
    }
    let schedule = Schedule {
        name: name.clone(),
        cron: request.cron,
        zone: request.zone.unwrap_or_else(|| "UTC".into()),
        job: job
            .into_job(None, api.clock.now())
            .map_err(|refusal| refusal.at("job"))?,
        missed: request.missed.into(),
        overlap: request.overlap.into(),
        is_paused: request.paused,
    };
    api.jobs.define_schedule(schedule).await?;
    view(&api, &name).await
}

/// Forget a schedule; the jobs it made stay.
#[utoipa::path(delete, path = "/api/v1/schedules/{name}", tag = "jobs",
    params(("name" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<StatusCode> {
    api.jobs.remove_schedule(&ScheduleName::new(name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn view(api: &Api, name: &ScheduleName) -> Reply<Json<ScheduleView>> {
    let schedules = api.jobs.schedules().await?;
    let found = schedules
        .into_iter()
        .find(|state| state.schedule.name == *name);
    let found = found.ok_or_else(|| Error::UnknownName {
        what: "schedule",
        name: name.to_string(),
    })?;
    Ok(Json(found.into()))
}

impl From<ScheduleState> for ScheduleView {
    fn from(state: ScheduleState) -> Self {
        let schedule = state.schedule;
        let (last, last_job) = match state.last {
            Some((at, job)) => (Some(at), job.map(|id| id.0)),
            None => (None, None),
        };
        Self {
            name: schedule.name.to_string(),
            cron: schedule.cron,
            zone: schedule.zone,
            job: JobTemplate::of(&schedule.job),
            missed: schedule.missed.into(),
            overlap: schedule.overlap.into(),
            paused: schedule.is_paused,
            next: state.next,
            last,
            last_job,
        }
    }
}

impl From<MissedTicksName> for MissedTicks {
    fn from(name: MissedTicksName) -> Self {
        match name {
            MissedTicksName::Skip => Self::Skip,
            MissedTicksName::Last => Self::Last,
            MissedTicksName::All => Self::All,
        }
    }
}

impl From<MissedTicks> for MissedTicksName {
    fn from(missed: MissedTicks) -> Self {
        match missed {
            MissedTicks::Skip => Self::Skip,
            MissedTicks::Last => Self::Last,
            MissedTicks::All => Self::All,
        }
    }
}

impl From<OverlapName> for Overlap {
    fn from(name: OverlapName) -> Self {
        match name {
            OverlapName::Queue => Self::Queue,
            OverlapName::Skip => Self::Skip,
            OverlapName::Replace => Self::Replace,
        }
    }
}

impl From<Overlap> for OverlapName {
    fn from(overlap: Overlap) -> Self {
        match overlap {
            Overlap::Queue => Self::Queue,
            Overlap::Skip => Self::Skip,
            Overlap::Replace => Self::Replace,
        }
    }
}
