//! What workers and people decide about jobs that are there.

use std::time::Duration;

use portique_clock::{Random, Timestamp};

use super::entry::{Entry, State};
use super::fact::{
    Completed, Decided, Fact, Failed, Ids, JobRecord, Released, ResultBody, Rewritten,
};
use super::once::Once;
use super::parts::{Ending, FinishedJob, backoff};
use super::queue::Queue;
use super::{Machine, Now};
use crate::port::DELAY_MAX;
use crate::{
    Completion, Error, Extension, Failing, Failure, JobId, Lease, Payload, Progress,
    REASON_BYTES_MAX, RetryPolicy, Settled,
};

/// Bytes of results after which completions go on in another record: records are limited.
const RESULTS_BYTES: usize = 64 * 1024;
/// Longest note of a progress.
const NOTE_BYTES_MAX: usize = 1024;

/// A settling call that was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Settling {
    /// To be written and applied; empty when nothing changes.
    pub facts: Vec<Fact>,
    /// One answer per job asked about, in order, once the facts are durable.
    pub settled: Vec<Settled>,
}

impl Machine {
    /// Ends jobs well.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] or [`Error::InvalidOption`] for a result.
    pub fn decide_complete(
        &self,
        completions: Vec<Completion>,
        now: Now,
    ) -> Result<Settling, Error> {
        let mut settled = Vec::with_capacity(completions.len());
        let mut facts = Vec::new();
        let mut open = completed(now);
        let mut bytes = 0;
        let mut once = Once::new(completions.iter().map(|completion| completion.lease.id));
        for Completion { lease, result } in completions {
            let id = lease.id;
            if let Some(result) = &result {
                result.check()?;
            }
            if !self.is_held(id.0, lease.token.0) {
                settled.push(self.not_held(lease, now.wall));
                continue;
            }
            settled.push(Settled::Done);
            if !once.is_first(id) {
                continue;
            }
            let size = result.as_ref().map_or(0, |result| result.body.len());
            if bytes > 0 && bytes + size > RESULTS_BYTES {
                let full = std::mem::replace(&mut open, completed(now));
                facts.push(Fact(Decided::Completed(full)));
                bytes = 0;
            }
            bytes += size;
            open.ids.push(id.0);
            open.tokens.push(lease.token.0);
            open.results
                .extend(result.map(|result| ResultBody::new(id, result)));
        }
        if !open.ids.is_empty() {
            facts.push(Fact(Decided::Completed(open)));
        }
        Ok(Settling { facts, settled })
    }

    /// Ends attempts badly. `own` stands beside `failings`: the job's own policy, when its record has one.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a delay of more than a year.
    pub fn decide_fail(
        &self,
        failings: Vec<Failing>,
        own: &[Option<RetryPolicy>],
        now: Now,
        random: &mut dyn Random,
    ) -> Result<Settling, Error> {
        let mut settled = Vec::with_capacity(failings.len());
        let mut facts = Vec::new();
        let mut once = Once::new(failings.iter().map(|failing| failing.lease.id));
        for (index, failing) in failings.into_iter().enumerate() {
            let lease = failing.lease;
            if let Failure::After(delay) = failing.failure {
                check_delay(delay)?;
            }
            let Some(entry) = self.held(lease) else {
                settled.push(self.not_held(lease, now.wall));
                continue;
            };
            if !once.is_first(lease.id) {
                settled.push(Settled::Stale);
                continue;
            }
            let own = own.get(index).and_then(Option::as_ref);
            let policy = own.unwrap_or(&self.queues[&entry.queue].options.retry);
            let due = next_attempt(entry, policy, failing.failure, now.wall, random);
            settled.push(due.map_or(Settled::Dead, |at| Settled::Retrying { at }));
            let mut reason = failing.reason;
            reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
            facts.push(Fact(Decided::Failed(Failed {
                id: lease.id.0,
                token: lease.token.0,
                reason,
                due: due.map(Timestamp::as_nanos),
                at: now.wall.as_nanos(),
            })));
        }
        Ok(Settling { facts, settled })
    }

    /// Gives jobs back without costing an attempt.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a delay of more than a year.
    pub fn decide_release(
        &self,
        leases: &[Lease],
        delay: Duration,
        now: Now,
    ) -> Result<Settling, Error> {
        check_delay(delay)?;
        let due = (!delay.is_zero()).then(|| now.wall.plus(delay));
        let mut released = Released {
            due: due.map(Timestamp::as_nanos),
            at: now.wall.as_nanos(),
            ..Released::default()
        };
        let mut settled = Vec::with_capacity(leases.len());
        let mut once = Once::new(leases.iter().map(|lease| lease.id));
        for lease in leases {
            if !self.is_held(lease.id.0, lease.token.0) {
                settled.push(self.not_held(*lease, now.wall));
                continue;
            }
            if !once.is_first(lease.id) {
                settled.push(Settled::Stale);
                continue;
            }
            released.ids.push(lease.id.0);
            released.tokens.push(lease.token.0);
            settled.push(due.map_or(Settled::Done, |at| Settled::Retrying { at }));
        }
        let facts = match released.ids.is_empty() {
            true => Vec::new(),
            false => vec![Fact(Decided::Released(released))],
        };
        Ok(Settling { facts, settled })
    }

    /// Cancels jobs that are not finished.
    pub fn decide_cancel(&self, ids: &[JobId], now: Now) -> Settling {
        let answer = |standing: Standing<'_>| match standing {
            Standing::Entry(entry) if entry.is_dead() => Settled::Refused("dead"),
            Standing::Entry(_) | Standing::Plain => Settled::Done,
            standing => standing.refusal(),
        };
        let again = |_: Standing<'_>| Settled::Refused("cancelled");
        self.decide_each(ids, now, Decided::Cancelled, answer, again)
    }

    /// Makes delayed and failed jobs due now, and dead ones waiting again.
    pub fn decide_retry(&self, ids: &[JobId], now: Now) -> Settling {
        let answer = |standing: Standing<'_>| match standing {
            Standing::Entry(entry) => match entry.state {
                State::Delayed | State::Failed | State::Dead { .. } => Settled::Done,
                _ => standing.refusal(),
            },
            standing => standing.refusal(),
        };
        let again = |standing: Standing<'_>| match standing {
            Standing::Entry(entry) if !self.still_open(entry).is_empty() => {
                Settled::Refused("blocked")
            }
            Standing::Entry(entry) if entry.priority > 0 => Settled::Refused("prioritized"),
            _ => Settled::Refused("waiting"),
        };
        self.decide_each(ids, now, Decided::Retried, answer, again)
    }

    /// Forgets dead jobs for good.
    pub fn decide_drop_dead(&self, ids: &[JobId], now: Now) -> Settling {
        let answer = |standing: Standing<'_>| match standing {
            Standing::Entry(entry) if entry.is_dead() => Settled::Done,
            standing => standing.refusal(),
        };
        let again = |_: Standing<'_>| Settled::Unknown;
        self.decide_each(ids, now, Decided::Dropped, answer, again)
    }

    /// Gives a dead job another payload. `record` is what its [`location`](Self::location) holds.
    ///
    /// # Errors
    /// [`Error::UnknownJob`]; [`Error::WrongState`] unless it is dead; what [`Payload::check`] refuses.
    pub fn decide_edit_dead(
        &self,
        record: JobRecord,
        payload: Payload,
        now: Now,
    ) -> Result<Fact, Error> {
        payload.check()?;
        let id = record.id;
        let standing = self.standing(id.0, now.wall);
        match standing {
            Standing::Unknown => return Err(Error::UnknownJob { id }),
            Standing::Entry(entry) if entry.is_dead() => {}
            standing => {
                return Err(Error::WrongState {
                    id,
                    state: standing.word(),
                    rule: "only dead jobs are edited",
                });
            }
        }
        let mut job = record.record;
        job.content_type = payload.content_type;
        job.payload = payload.body;
        Ok(Fact(Decided::Edited(Rewritten {
            id: id.0,
            job,
            at: now.wall.as_nanos(),
        })))
    }

    /// Gives leases their full time again from now; nothing is written.
    pub fn extend(&mut self, leases: &[Lease], now: Now) -> Vec<Extension> {
        let extended = leases.iter().map(|lease| self.extend_one(*lease, now));
        extended.collect()
    }

    fn extend_one(&mut self, lease: Lease, now: Now) -> Extension {
        let id = lease.id.0;
        let entry = self.entries.get_mut(&id);
        if let Some(entry) = entry.filter(|entry| entry.is_held(lease.token.0)) {
            let State::Active(held) = &mut entry.state else {
                return Extension::Lost;
            };
            self.leases.remove(&(held.until, id));
            let time = Duration::from_millis(held.time_ms.into());
            held.until = now.monotonic.saturating_add(time);
            self.leases.insert((held.until, id));
            return Extension::Held;
        }
        let is_cancelled =
            |job: &FinishedJob| job.ending == Ending::Cancelled && job.token == lease.token.0;
        match self.finished(id, now.wall) {
            Some((_, job)) if is_cancelled(job) => Extension::Cancelled,
            _ => Extension::Lost,
        }
    }

    /// Notes how far an active job is; nothing is written.
    ///
    /// # Errors
    /// [`Error::StaleLease`]; [`Error::InvalidOption`] for the share or the note.
    pub fn progress(&mut self, lease: Lease, progress: Progress) -> Result<(), Error> {
        let invalid = |name, problem: &str| Error::InvalidOption {
            name,
            problem: problem.into(),
        };
        if !(0.0..=1.0).contains(&progress.share) {
            return Err(invalid("share", "out of range: write 0 to 1"));
        }
        if progress.note.len() > NOTE_BYTES_MAX {
            return Err(invalid("note", "too long: write at most 1 KiB"));
        }
        let entry = self.entries.get_mut(&lease.id.0);
        let entry = entry
            .filter(|entry| entry.is_held(lease.token.0))
            .ok_or(Error::StaleLease { lease })?;
        entry.more_mut().progress = Some(progress);
        Ok(())
    }

    /// What is remembered of a finished job, and its queue.
    pub(super) fn finished(&self, id: u64, now: Timestamp) -> Option<(&Queue, &FinishedJob)> {
        self.queues
            .values()
            .find_map(|queue| Some((queue, queue.finished.lookup(id, now)?)))
    }

    fn held(&self, lease: Lease) -> Option<&Entry> {
        let entry = self.entries.get(&lease.id.0)?;
        entry.is_held(lease.token.0).then_some(entry)
    }

    fn not_held(&self, lease: Lease, now: Timestamp) -> Settled {
        match self.standing(lease.id.0, now) {
            Standing::Unknown => Settled::Unknown,
            Standing::Finished(job)
                if job.ending == Ending::Completed && job.token == lease.token.0 =>
            {
                Settled::Done
            }
            _ => Settled::Stale,
        }
    }

    /// `again` answers a second time for what was [done](Settled::Done) earlier in the call, with how it
    /// stood before.
    fn decide_each(
        &self,
        ids: &[JobId],
        now: Now,
        decided: fn(Ids) -> Decided,
        answer: impl Fn(Standing<'_>) -> Settled,
        again: impl Fn(Standing<'_>) -> Settled,
    ) -> Settling {
        let mut fact = Ids {
            ids: Vec::new(),
            at: now.wall.as_nanos(),
        };
        let mut settled = Vec::with_capacity(ids.len());
        let mut once = Once::new(ids.iter().copied());
        for id in ids {
            let standing = self.standing(id.0, now.wall);
            let answer = answer(standing);
            if answer != Settled::Done {
                settled.push(answer);
            } else if once.is_first(*id) {
                fact.ids.push(id.0);
                settled.push(Settled::Done);
            } else {
                settled.push(again(standing));
            }
        }
        let facts = match fact.ids.is_empty() {
            true => Vec::new(),
            false => vec![Fact(decided(fact))],
        };
        Settling { facts, settled }
    }

    pub(super) fn standing(&self, id: u64, now: Timestamp) -> Standing<'_> {
        if let Some(entry) = self.entries.get(&id) {
            Standing::Entry(entry)
        } else if let Some((_, job)) = self.finished(id, now) {
            Standing::Finished(job)
        } else if self.waits_plainly(id).is_some() {
            Standing::Plain
        } else {
            Standing::Unknown
        }
    }
}

/// Where a job is to be found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing<'a> {
    Entry(&'a Entry),
    /// In a backlog.
    Plain,
    Finished(&'a FinishedJob),
    Unknown,
}

impl Standing<'_> {
    /// The word of its state, as [`JobState::word`](crate::JobState::word) has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Entry(entry) => word(entry),
            Self::Plain => "waiting",
            Self::Finished(job) => match job.ending {
                Ending::Completed => "completed",
                Ending::Cancelled => "cancelled",
                Ending::Dropped => "dropped",
            },
            Self::Unknown => "unknown",
        }
    }

    fn refusal(self) -> Settled {
        match self {
            Self::Unknown => Settled::Unknown,
            standing => Settled::Refused(standing.word()),
        }
    }
}

/// The word of the state of a job that is not finished.
pub(super) fn word(entry: &Entry) -> &'static str {
    match entry.state {
        State::Delayed => "delayed",
        State::Failed => "failed",
        State::Blocked => "blocked",
        State::Ready | State::Suspect | State::Overdue if entry.priority == 0 => "waiting",
        State::Ready | State::Suspect | State::Overdue => "prioritized",
        State::Picked | State::Active(_) => "active",
        State::Dead { .. } => "dead",
    }
}

fn completed(now: Now) -> Completed {
    Completed {
        at: now.wall.as_nanos(),
        ..Completed::default()
    }
}

/// When a failed job is tried again; none: it is dead.
fn next_attempt(
    entry: &Entry,
    policy: &RetryPolicy,
    failure: Failure,
    now: Timestamp,
    random: &mut dyn Random,
) -> Option<Timestamp> {
    let failures = entry.failures.saturating_add(1);
    if failures >= policy.attempts {
        return None;
    }
    match failure {
        Failure::Reject => None,
        Failure::After(delay) => Some(now.plus(delay)),
        Failure::Policy => Some(now.plus(backoff(&policy.backoff, failures, random))),
    }
}

fn check_delay(delay: Duration) -> Result<(), Error> {
    if delay <= DELAY_MAX {
        return Ok(());
    }
    Err(Error::InvalidOption {
        name: "delay",
        problem: format!("{delay:?}: write at most a year"),
    })
}
