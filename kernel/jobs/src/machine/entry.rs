//! What the machine keeps of a job that is not a plain waiting one.

use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;

use super::parts::KeyHash;
use crate::{OnDeadChild, Progress};

/// A number given to a label within its queue.
pub(super) type Number = u32;
/// The lane of the jobs without a group.
pub(super) const NO_GROUP: Number = 0;
/// The number of no key.
pub(super) const NO_KEY: Number = 0;

/// Where a job stands, and so which structure of its queue holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Due later.
    Delayed,
    /// Failed, and due later.
    Failed,
    /// Waits for other jobs.
    Blocked,
    /// Due, in its group's lane.
    Ready,
    /// Due, and was lost before.
    Suspect,
    /// Due, and past its deadline: nobody is given it any more.
    Overdue,
    /// Chosen by a claim that is not applied yet.
    Picked,
    /// In a worker's hands.
    Active(Lease),
    /// Given up on.
    Dead {
        /// When.
        at: Timestamp,
    },
}

/// A job in a worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) token: u64,
    pub(super) since: Timestamp,
    /// Monotonic.
    pub(super) until: Duration,
    pub(super) time_ms: u32,
    pub(super) worker: Number,
}

/// One job.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) state: State,
    pub(super) queue: u32,
    pub(super) group: Number,
    pub(super) key: Number,
    pub(super) attempts: u32,
    pub(super) failures: u32,
    pub(super) losses: u16,
    pub(super) redrives: u16,
    pub(super) priority: i16,
    /// When it became due, or will.
    pub(super) due: Timestamp,
    /// Where it stands among the others by time: `due`, or later when the clock was set back before
    /// it came.
    pub(super) line: Timestamp,
    pub(super) enqueued: Timestamp,
    /// Where the record with its payload is.
    pub(super) location: u64,
    pub(super) more: Option<Box<More>>,
}

/// What few jobs have.
#[derive(Debug, Clone, Default)]
pub(super) struct More {
    pub(super) deadline: Option<Timestamp>,
    pub(super) unique: Option<HeldKey>,
    pub(super) result_ttl: Option<Duration>,
    /// Jobs it waits for, in no order.
    pub(super) open: Vec<u64>,
    pub(super) on_dead_child: OnDeadChild,
    pub(super) last_error: Option<Arc<str>>,
    /// Not durable.
    pub(super) progress: Option<Progress>,
}

/// A uniqueness key that a job holds, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldKey {
    pub(super) hash: KeyHash,
    pub(super) hold: Hold,
}

/// What ends the hold on a uniqueness key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// The job is finished or dead.
    Finish,
    /// It is claimed.
    Claim,
    /// A time that the index of keys knows.
    Time,
}

impl More {
    /// Says nothing that a job without it would not.
    pub(super) fn is_empty(&self) -> bool {
        self.deadline.is_none()
            && self.unique.is_none()
            && self.result_ttl.is_none()
            && self.open.is_empty()
            && self.last_error.is_none()
            && self.progress.is_none()
    }
}

impl Entry {
    /// A job without anything special, waiting.
    pub(super) fn plain(queue: u32, id: u64, enqueued: Timestamp) -> Self {
        Self {
            state: State::Ready,
            queue,
            group: NO_GROUP,
            key: NO_KEY,
            attempts: 0,
            failures: 0,
            losses: 0,
            redrives: 0,
            priority: 0,
            due: enqueued,
            line: enqueued,
            enqueued,
            location: id,
            more: None,
        }
    }

    /// Whether it may wait in its queue's backlog, which keeps nothing of it but its id.
    pub(super) fn is_plain(&self) -> bool {
        self.attempts == 0
            && self.failures == 0
            && self.losses == 0
            && self.redrives == 0
            && self.priority == 0
            && self.group == NO_GROUP
            && self.key == NO_KEY
            && self.is_due_at_once()
            && self.more.is_none()
    }

    /// Gives it another time, and its place by that.
    pub(super) fn put_at(&mut self, due: Timestamp) {
        self.due = due;
        self.line = due;
    }

    /// Whether it was due when it was enqueued, and has been since.
    pub(super) fn is_due_at_once(&self) -> bool {
        self.due == self.enqueued
    }

    pub(super) fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Active(lease) => Some(lease),
            _ => None,
        }
    }

    /// Active under this token.
    pub(super) fn is_held(&self, token: u64) -> bool {
        self.lease().is_some_and(|lease| lease.token == token)
    }

    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, State::Dead { .. })
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.losses > 0
    }

    /// Drops what says nothing any more.
    pub(super) fn tidy(&mut self) {
        if self.more.as_ref().is_some_and(|more| more.is_empty()) {
            self.more = None;
        }
    }

    pub(super) fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.more.as_ref()?.deadline
    }

    /// How many jobs it waits for.
    pub(super) fn open_count(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.open.len())
    }

    /// The state of a job that waits, by what it has to wait for.
    pub(super) fn waiting_state(&self, now: Timestamp) -> State {
        if self.open_count() > 0 {
            State::Blocked
        } else if self.due > now && !self.is_due_at_once() {
            // A job that was due when it was enqueued stays so when the clock was set back since.
            State::Delayed
        } else if self.is_suspect() {
            State::Suspect
        } else {
            State::Ready
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_delays_nothing_that_was_due() {
        let then = Timestamp::from_millis(3_600_000);
        let set_back = Timestamp::from_millis(1_000);
        let mut entry = Entry::plain(1, 7, then);
        assert_eq!(entry.waiting_state(set_back), State::Ready);
        entry.due = then.plus(Duration::from_secs(1));
        assert_eq!(
            entry.waiting_state(then),
            State::Delayed,
            "it was asked for later"
        );
    }
}
