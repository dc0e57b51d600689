use portique_jobs::{
    Claim, Claimed, Error, Extension, JobId, JobKind, Label, Lease, LeaseToken, Progress,
    QueueName, WorkerName,
};

use super::job::{absent, label};
use super::{count, duration, nanos, time};
use crate::proto::jobs::v1 as pb;

impl From<Lease> for pb::Lease {
    fn from(lease: Lease) -> Self {
        Self {
            id: lease.id.0,
            token: lease.token.0,
        }
    }
}

impl From<pb::Lease> for Lease {
    fn from(lease: pb::Lease) -> Self {
        Self {
            id: JobId(lease.id),
            token: LeaseToken(lease.token),
        }
    }
}

/// The lease that a message must have.
///
/// # Errors
/// [`Error::InvalidOption`] when it has none.
pub fn lease(lease: Option<pb::Lease>) -> Result<Lease, Error> {
    lease.map(Lease::from).ok_or_else(|| absent("lease"))
}

impl From<Claim> for pb::ClaimRequest {
    fn from(claim: Claim) -> Self {
        Self {
            queue: claim.queue.to_string(),
            worker: claim.worker.to_string(),
            limit: count(claim.limit),
            wait_ns: nanos(claim.wait),
            lease_ns: claim.lease.map(nanos),
        }
    }
}

impl TryFrom<pb::ClaimRequest> for Claim {
    type Error = Error;

    fn try_from(claim: pb::ClaimRequest) -> Result<Self, Error> {
        Ok(Self {
            queue: QueueName::new(claim.queue)?,
            worker: WorkerName::new(claim.worker)?,
            limit: claim.limit as usize,
            wait: duration(claim.wait_ns),
            lease: claim.lease_ns.map(duration),
        })
    }
}

impl From<Claimed> for pb::Claimed {
    fn from(claimed: Claimed) -> Self {
        Self {
            lease: Some(claimed.lease.into()),
            queue: claimed.queue.to_string(),
            kind: claimed.kind.to_string(),
            payload: Some(claimed.payload.into()),
            attempt: claimed.attempt,
            failures: claimed.failures,
            losses: claimed.losses,
            lease_ns: nanos(claimed.lease_time),
            group: claimed.group.as_ref().map(Label::to_string),
            key: claimed.key.as_ref().map(Label::to_string),
            headers: claimed.headers,
            enqueued_unix_ns: claimed.enqueued.as_nanos(),
            deadline_unix_ns: claimed.deadline.map(|deadline| deadline.as_nanos()),
            after: claimed.after.into_iter().map(|id| id.0).collect(),
        }
    }
}

impl TryFrom<pb::Claimed> for Claimed {
    type Error = Error;

    fn try_from(claimed: pb::Claimed) -> Result<Self, Error> {
        Ok(Self {
            lease: lease(claimed.lease)?,
            queue: QueueName::new(claimed.queue)?,
            kind: JobKind::new(claimed.kind)?,
            payload: claimed.payload.ok_or_else(|| absent("payload"))?.into(),
            attempt: claimed.attempt,
            failures: claimed.failures,
            losses: claimed.losses,
            lease_time: duration(claimed.lease_ns),
            group: label(claimed.group)?,
            key: label(claimed.key)?,
            headers: claimed.headers,
            enqueued: time(claimed.enqueued_unix_ns),
            deadline: claimed.deadline_unix_ns.map(time),
            after: claimed.after.into_iter().map(JobId).collect(),
        })
    }
}

impl From<Extension> for pb::Extension {
    fn from(extension: Extension) -> Self {
        match extension {
            Extension::Held => Self::Held,
            Extension::Cancelled => Self::Cancelled,
            Extension::Lost => Self::Lost,
        }
    }
}

impl From<pb::Extension> for Extension {
    fn from(extension: pb::Extension) -> Self {
        match extension {
            pb::Extension::Held => Self::Held,
            pb::Extension::Cancelled => Self::Cancelled,
            pb::Extension::Lost => Self::Lost,
        }
    }
}

impl From<Progress> for pb::Progress {
    fn from(progress: Progress) -> Self {
        Self {
            share: progress.share,
            note: progress.note,
        }
    }
}

impl From<pb::Progress> for Progress {
    fn from(progress: pb::Progress) -> Self {
        Self {
            share: progress.share,
            note: progress.note,
        }
    }
}
