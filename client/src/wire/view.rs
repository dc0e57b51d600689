use portique_clock::Timestamp;
use portique_jobs::{
    Error, JobId, JobKind, JobPage, JobState, JobView, LeaseToken, QueueName, WaitReason,
    WorkerName,
};

use super::job::{absent, label, text};
use super::{duration, time};
use crate::proto::jobs::v1 as pb;

/// Every reason, to find one by its word.
const REASONS: [WaitReason; 14] = [
    WaitReason::NotDue {
        due: Timestamp::EPOCH,
    },
    WaitReason::Backoff {
        due: Timestamp::EPOCH,
    },
    WaitReason::Children { left: 0 },
    WaitReason::QueuePaused,
    WaitReason::GroupPaused,
    WaitReason::QueueConcurrency,
    WaitReason::GroupConcurrency,
    WaitReason::KeyConcurrency,
    WaitReason::QueueRate,
    WaitReason::GroupRate,
    WaitReason::KeyRate,
    WaitReason::Suspect,
    WaitReason::NoWorkers,
    WaitReason::Turn,
];

/// The word of a reason, when it is one that the port knows.
pub(super) fn wait_word(word: &str) -> Option<&'static str> {
    reason_of(word).map(|reason| reason.word())
}

fn reason_of(word: &str) -> Option<WaitReason> {
    REASONS.into_iter().find(|reason| reason.word() == word)
}

impl From<WaitReason> for pb::WaitReason {
    fn from(reason: WaitReason) -> Self {
        let (due_unix_ns, left) = match reason {
            WaitReason::NotDue { due } | WaitReason::Backoff { due } => (due.as_nanos(), 0),
            WaitReason::Children { left } => (0, left),
            _ => (0, 0),
        };
        Self {
            word: reason.word().into(),
            due_unix_ns,
            left,
        }
    }
}

/// The reason, when it is one that the port knows.
fn reason(reason: &pb::WaitReason) -> Option<WaitReason> {
    let due = time(reason.due_unix_ns);
    Some(match reason_of(&reason.word)? {
        WaitReason::NotDue { .. } => WaitReason::NotDue { due },
        WaitReason::Backoff { .. } => WaitReason::Backoff { due },
        WaitReason::Children { .. } => WaitReason::Children { left: reason.left },
        plain => plain,
    })
}

impl TryFrom<pb::JobState> for JobState {
    type Error = Error;

    fn try_from(state: pb::JobState) -> Result<Self, Error> {
        use pb::job_state::State;
        Ok(match state.state.ok_or_else(|| absent("state"))? {
            State::Waiting(_) => Self::Waiting,
            State::Prioritized(_) => Self::Prioritized,
            State::DelayedUnixNs(due) => Self::Delayed { due: time(due) },
            State::FailedUnixNs(due) => Self::Failed { due: time(due) },
            State::Blocked(left) => Self::Blocked { left },
            State::Active(active) => Self::Active {
                worker: WorkerName::new(active.worker)?,
                token: LeaseToken(active.token),
                since: time(active.since_unix_ns),
                left: duration(active.left_ns),
            },
            State::CompletedUnixNs(at) => Self::Completed { at: time(at) },
            State::Dead(dead) => Self::Dead {
                at: time(dead.at_unix_ns),
                reason: dead.reason,
            },
            State::CancelledUnixNs(at) => Self::Cancelled { at: time(at) },
        })
    }
}

impl From<JobView> for pb::JobView {
    fn from(view: JobView) -> Self {
        Self {
            id: view.id.0,
            queue: view.queue.to_string(),
            state: Some(view.state.into()),
            waits: view.waits.map(Into::into),
            attempts: view.attempts,
            failures: view.failures,
            losses: view.losses,
            progress: view.progress.map(Into::into),
            last_error: view.last_error,
            kind: view.kind.map(|kind| kind.to_string()),
            payload: view.payload.map(Into::into),
            priority: view.priority.into(),
            group: text(view.group.as_ref()),
            key: text(view.key.as_ref()),
            headers: view.headers,
            enqueued_unix_ns: view.enqueued.map(Timestamp::as_nanos),
            result: view.result.map(Into::into),
        }
    }
}

impl TryFrom<pb::JobView> for JobView {
    type Error = Error;

    fn try_from(view: pb::JobView) -> Result<Self, Error> {
        Ok(Self {
            id: JobId(view.id),
            queue: QueueName::new(view.queue)?,
            state: view.state.ok_or_else(|| absent("state"))?.try_into()?,
            waits: view.waits.as_ref().and_then(reason),
            attempts: view.attempts,
            failures: view.failures,
            losses: view.losses,
            progress: view.progress.map(Into::into),
            last_error: view.last_error,
            kind: view.kind.map(JobKind::new).transpose()?,
            payload: view.payload.map(Into::into),
            priority: i16::try_from(view.priority).unwrap_or_default(),
            group: label(view.group)?,
            key: label(view.key)?,
            headers: view.headers,
            enqueued: view.enqueued_unix_ns.map(time),
            result: view.result.map(Into::into),
        })
    }
}

impl From<JobPage> for pb::JobPage {
    fn from(page: JobPage) -> Self {
        Self {
            jobs: page.jobs.into_iter().map(Into::into).collect(),
            next: page.next.map(|id| id.0),
        }
    }
}

impl TryFrom<pb::JobPage> for JobPage {
    type Error = Error;

    fn try_from(page: pb::JobPage) -> Result<Self, Error> {
        let jobs = page.jobs.into_iter().map(TryInto::try_into);
        Ok(Self {
            jobs: jobs.collect::<Result<_, Error>>()?,
            next: page.next.map(JobId),
        })
    }
}
