use std::collections::BTreeMap;

use portique_clock::Timestamp;
use portique_jobs::{Claimed, Enqueued, JobState, JobView, Label, Settled, WaitReason};
use serde::Serialize;

use crate::api::content::Content;
use crate::api::number::Token;

/// What became of a job that was added.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub(crate) struct EnqueuedView {
    /// The job, which is an earlier one when `new` is false.
    id: u64,
    /// False when a key named an earlier job.
    new: bool,
}

impl From<Enqueued> for EnqueuedView {
    fn from(enqueued: Enqueued) -> Self {
        Self {
            id: enqueued.id.0,
            new: enqueued.is_new,
        }
    }
}

/// A job in a worker's hands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct ClaimedView {
    /// Which.
    id: u64,
    /// Names this claim; extends and ends it. It rises with every claim of the job.
    token: Token,
    /// Its queue.
    queue: String,
    /// What kind of work.
    kind: String,
    /// What it is about.
    payload: Content,
    /// Times it was claimed, this one included and releases left out.
    attempt: u32,
    /// Attempts that failed.
    failures: u32,
    /// Leases that were lost.
    losses: u32,
    /// How long the lease holds without being extended, in seconds.
    lease_s: f64,
    /// Whose fair share it is taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Jobs with the same key share limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// As added, such as `traceparent`.
    headers: BTreeMap<String, String>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    enqueued: Timestamp,
    /// When it is dead, completed or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    deadline: Option<Timestamp>,
    /// The jobs it waited for, whose results can be asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<u64>,
}

impl From<Claimed> for ClaimedView {
    fn from(job: Claimed) -> Self {
        Self {
            id: job.lease.id.0,
            token: Token(job.lease.token.0),
            queue: job.queue.to_string(),
            kind: job.kind.to_string(),
            payload: Content::of(&job.payload),
            attempt: job.attempt,
            failures: job.failures,
            losses: job.losses,
            lease_s: job.lease_time.as_secs_f64(),
            group: job.group.as_ref().map(Label::to_string),
            key: job.key.as_ref().map(Label::to_string),
            headers: job.headers,
            enqueued: job.enqueued,
            deadline: job.deadline,
            after: job.after.into_iter().map(|id| id.0).collect(),
        }
    }
}

/// What became of one job of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct SettledView {
    /// Which.
    id: u64,
    /// `done`, `retrying`, `dead`, `stale` (the lease is no longer held), `unknown` (there is no such
    /// job, or it is not remembered any more) or `refused` (its state does not allow it).
    outcome: &'static str,
    /// With `retrying`: when it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// With `refused`: its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl SettledView {
    pub(in crate::api) fn of(id: u64, settled: &Settled) -> Self {
        let (outcome, at, state) = match settled {
            Settled::Done => ("done", None, None),
            Settled::Retrying { at } => ("retrying", Some(*at), None),
            Settled::Dead => ("dead", None, None),
            Settled::Stale => ("stale", None, None),
            Settled::Unknown => ("unknown", None, None),
            Settled::Refused(state) => ("refused", None, Some(*state)),
        };
        Self {
            id,
            outcome,
            at,
            state,
        }
    }
}

/// A job as it stands now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct JobShown {
    /// Which.
    id: u64,
    /// Its queue.
    queue: String,
    /// `waiting`, `prioritized`, `delayed`, `failed`, `blocked`, `active`, `completed`, `dead` or
    /// `cancelled`.
    state: &'static str,
    /// With `delayed` and `failed`: not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due: Option<Timestamp>,
    /// With `blocked`: how many jobs it still waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    /// With `active`: in whose hands.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<ActiveView>,
    /// With `completed`, `dead` and `cancelled`: since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// With `dead`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why it waits, when it does: `not_due`, `backoff`, `children`, `queue_paused`, `group_paused`,
    /// `queue_concurrency`, `group_concurrency`, `key_concurrency`, `queue_rate`, `group_rate`,
    /// `key_rate`, `suspect`, `no_workers` or `turn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<&'static str>,
    /// Times it was claimed, releases left out. The counts of finished jobs are not kept: they say 0.
    attempts: u32,
    /// Attempts that failed.
    failures: u32,
    /// Leases that were lost.
    losses: u32,
    /// How far the active attempt is.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// What kind of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// What it is about; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Content>,
    /// Higher first.
    priority: i16,
    /// Whose fair share it is taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Jobs with the same key share limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// As added.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// When it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    enqueued: Option<Timestamp>,
    /// What came of it, while it is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Content>,
}

/// In whose hands a job is. The token is not shown: who has it may end the job.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct ActiveView {
    /// The worker.
    worker: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Seconds until the lease is lost unless it is extended.
    lease_left_s: f64,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct ProgressView {
    /// 0 to 1.
    share: f64,
    /// For people.
    note: String,
}

impl From<JobView> for JobShown {
    fn from(job: JobView) -> Self {
        let state = Details::of(&job.state);
        Self {
            id: job.id.0,
            queue: job.queue.to_string(),
            state: job.state.word(),
            due: state.due,
            left: state.left,
            active: state.active,
            at: state.at,
            reason: state.reason,
            waits: job.waits.as_ref().map(WaitReason::word),
            attempts: job.attempts,
            failures: job.failures,
            losses: job.losses,
            progress: job.progress.map(|progress| ProgressView {
                share: progress.share,
                note: progress.note,
            }),
            last_error: job.last_error,
            kind: job.kind.map(|kind| kind.to_string()),
            payload: job.payload.as_ref().map(Content::of),
            priority: job.priority,
            group: job.group.as_ref().map(Label::to_string),
            key: job.key.as_ref().map(Label::to_string),
            headers: job.headers,
            enqueued: job.enqueued,
            result: job.result.as_ref().map(Content::of),
        }
    }
}

/// What a state says beyond its word.
#[derive(Default)]
struct Details {
    due: Option<Timestamp>,
    left: Option<u32>,
    active: Option<ActiveView>,
    at: Option<Timestamp>,
    reason: Option<String>,
}

impl Details {
    fn of(state: &JobState) -> Self {
        let none = Self::default();
        match state {
            JobState::Waiting | JobState::Prioritized => none,
            JobState::Delayed { due } | JobState::Failed { due } => Self {
                due: Some(*due),
                ..none
            },
            JobState::Blocked { left } => Self {
                left: Some(*left),
                ..none
            },
            JobState::Active {
                worker,
                since,
                left,
                ..
            } => Self {
                active: Some(ActiveView {
                    worker: worker.to_string(),
                    since: *since,
                    lease_left_s: left.as_secs_f64(),
                }),
                ..none
            },
            JobState::Completed { at } | JobState::Cancelled { at } => Self {
                at: Some(*at),
                ..none
            },
            JobState::Dead { at, reason } => Self {
                at: Some(*at),
                reason: Some(reason.clone()),
                ..none
            },
        }
    }
}
