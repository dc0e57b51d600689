use portique_jobs::{Completion, Error, Failing, Failure, JobState, Settled};

use super::claim::lease;
use super::{duration, nanos, time};
use crate::proto::jobs::v1 as pb;
use crate::words;

impl From<Completion> for pb::Completion {
    fn from(completion: Completion) -> Self {
        Self {
            lease: Some(completion.lease.into()),
            result: completion.result.map(Into::into),
        }
    }
}

impl TryFrom<pb::Completion> for Completion {
    type Error = Error;

    fn try_from(completion: pb::Completion) -> Result<Self, Error> {
        Ok(Self {
            lease: lease(completion.lease)?,
            result: completion.result.map(Into::into),
        })
    }
}

impl From<Failing> for pb::Failing {
    fn from(failing: Failing) -> Self {
        use pb::failing::Failure as Wire;
        let failure = match failing.failure {
            Failure::Policy => None,
            Failure::After(delay) => Some(Wire::AfterNs(nanos(delay))),
            Failure::Reject => Some(Wire::Reject(pb::Done {})),
        };
        Self {
            lease: Some(failing.lease.into()),
            reason: failing.reason,
            failure,
        }
    }
}

impl TryFrom<pb::Failing> for Failing {
    type Error = Error;

    fn try_from(failing: pb::Failing) -> Result<Self, Error> {
        use pb::failing::Failure as Wire;
        let failure = match failing.failure {
            None => Failure::Policy,
            Some(Wire::AfterNs(delay)) => Failure::After(duration(delay)),
            Some(Wire::Reject(_)) => Failure::Reject,
        };
        Ok(Self {
            lease: lease(failing.lease)?,
            reason: failing.reason,
            failure,
        })
    }
}

impl From<Settled> for pb::Settled {
    fn from(settled: Settled) -> Self {
        use pb::settled::Outcome;
        let outcome = match settled {
            Settled::Done => Outcome::Done(pb::Done {}),
            Settled::Retrying { at } => Outcome::RetryingUnixNs(at.as_nanos()),
            Settled::Dead => Outcome::Dead(pb::Done {}),
            Settled::Stale => Outcome::Stale(pb::Done {}),
            Settled::Unknown => Outcome::Unknown(pb::Done {}),
            Settled::Refused(state) => Outcome::Refused(state.into()),
        };
        Self {
            outcome: Some(outcome),
        }
    }
}

impl From<pb::Settled> for Settled {
    fn from(settled: pb::Settled) -> Self {
        use pb::settled::Outcome;
        match settled.outcome {
            Some(Outcome::Done(_)) => Self::Done,
            Some(Outcome::RetryingUnixNs(at)) => Self::Retrying { at: time(at) },
            Some(Outcome::Dead(_)) => Self::Dead,
            Some(Outcome::Stale(_)) => Self::Stale,
            Some(Outcome::Refused(state)) => Self::Refused(words::state(&state)),
            // What a newer hub may say and this program does not know: it cannot count on anything.
            None | Some(Outcome::Unknown(_)) => Self::Unknown,
        }
    }
}

impl From<JobState> for pb::JobState {
    fn from(state: JobState) -> Self {
        use pb::job_state::{Active, Dead, State};
        let state = match state {
            JobState::Waiting => State::Waiting(pb::Done {}),
            JobState::Prioritized => State::Prioritized(pb::Done {}),
            JobState::Delayed { due } => State::DelayedUnixNs(due.as_nanos()),
            JobState::Failed { due } => State::FailedUnixNs(due.as_nanos()),
            JobState::Blocked { left } => State::Blocked(left),
            JobState::Active {
                worker,
                token,
                since,
                left,
            } => State::Active(Active {
                worker: worker.to_string(),
                token: token.0,
                since_unix_ns: since.as_nanos(),
                left_ns: nanos(left),
            }),
            JobState::Completed { at } => State::CompletedUnixNs(at.as_nanos()),
            JobState::Dead { at, reason } => State::Dead(Dead {
                at_unix_ns: at.as_nanos(),
                reason,
            }),
            JobState::Cancelled { at } => State::CancelledUnixNs(at.as_nanos()),
        };
        Self { state: Some(state) }
    }
}
