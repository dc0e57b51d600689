//! Which jobs a worker is given.

mod pick;

use std::collections::BTreeMap;
use std::time::Duration;

use self::pick::Pick;
use super::entry::{Entry, NO_GROUP, Number, State};
use super::fact::{Claimed, Decided, Fact, nanos};
use super::queue::Queue;
use super::relief::SuspectTurn;
use super::{Machine, Now, token};
use crate::port::check_lease;
use crate::{CLAIM_MAX, Claim, Error, JobId, Lease};

/// Most delayed jobs that one claim makes due, so that a million of one moment do not stop the engine; the
/// next claim goes on.
const PROMOTED_MAX: usize = 1_024;

/// A claim that was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// To be written and applied, or [taken back](Machine::unclaim).
    pub fact: Fact,
    /// What was chosen, in the order to be worked on.
    pub jobs: Vec<PickedJob>,
    /// The worker must not be told before the fact is durable: one of the jobs was tried before, and if it
    /// takes the machine down, the attempt must have been counted.
    pub is_durable_first: bool,
}

/// What a claim knows of one of its jobs; the rest is in the record at `location`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PickedJob {
    /// What extends and ends it.
    pub lease: Lease,
    /// Where its record is.
    pub location: u64,
    /// Times it was claimed, this one included and releases left out.
    pub attempt: u32,
    /// Attempts that failed.
    pub failures: u32,
    /// Leases that were lost.
    pub losses: u32,
    /// How long the lease holds without being extended.
    pub lease_time: Duration,
}

impl Machine {
    /// Chooses up to `claim.limit` jobs; `claim.wait` is the shell's business. None when nothing may be given
    /// now, also when there is no such queue: [`next_ready`](Self::next_ready) says when time alone
    /// may change that, [`take_stirred`](Self::take_stirred) when something else did.
    ///
    /// The jobs are set aside: the shell applies the fact next, or gives it to [`unclaim`](Self::unclaim).
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for the limit or the lease.
    pub fn claim(&mut self, claim: &Claim, now: Now) -> Result<Option<Picked>, Error> {
        check(claim)?;
        let first = self.next_token();
        let Some(number) = self.names.get(&claim.queue) else {
            return Ok(None);
        };
        let queue = self.queues.get_mut(number).expect("names name queues");
        queue.asked = Some(now.monotonic);
        queue.make_due(&mut self.entries, now);
        let worker = self.workers.by_name(&claim.worker);
        if worker.is_some_and(|worker| worker.suspects > 0) {
            return Ok(None);
        }
        let is_busy = worker.is_some();
        let mut pick = Pick {
            queue,
            entries: &mut self.entries,
            moved: &mut self.moved,
            now: now.wall,
            ids: Vec::new(),
        };
        let limit = claim.limit.min(CLAIM_MAX);
        let suspect = pick.suspect();
        let turn = SuspectTurn {
            waits: suspect.is_some(),
            is_busy,
        };
        let is_relief = pick
            .queue
            .passed_over
            .turn(&claim.worker, turn, now.monotonic);
        match suspect {
            Some(suspect) if !is_busy => pick.take(suspect),
            // Its hands are to become empty.
            _ if is_relief => return Ok(None),
            _ => pick.others(limit),
        }
        let ids = pick.ids;
        let lease = claim.lease.unwrap_or(queue.options.lease);
        let number = queue.number;
        // What is left may be somebody else's.
        self.note_stirred(number);
        if ids.is_empty() {
            return Ok(None);
        }
        let fact = Claimed {
            queue: number,
            ids,
            token: first,
            worker: claim.worker.to_string(),
            lease_nanos: nanos(lease),
            at: now.wall.as_nanos(),
        };
        Ok(Some(self.picked(fact, lease)))
    }

    /// Whether this worker is given nothing of the queue for now because of a suspect, in its hands
    /// or to come: a wake that it was given is for somebody else.
    pub fn is_kept_free(&self, claim: &Claim) -> bool {
        let worker = self.workers.by_name(&claim.worker);
        let queue = self.queue_named(&claim.queue);
        worker.is_some_and(|worker| worker.suspects > 0)
            || queue.is_some_and(|queue| queue.passed_over.is_relief(&claim.worker))
    }

    /// Takes a claim back that could not be written: its jobs wait again as if nothing had happened.
    pub fn unclaim(&mut self, fact: &Fact, now: Now) {
        let Decided::Claimed(claimed) = &fact.0 else {
            return;
        };
        for id in &claimed.ids {
            let picked = self.entries.get(id).map(|entry| entry.state);
            if picked == Some(State::Picked) {
                let entry = &self.entries[id];
                let queue = self.queues.get_mut(&entry.queue);
                let queue = queue.expect("a job's queue exists");
                queue.give_starts_back(entry.group, entry.key);
                self.wait_again(*id, now);
            }
        }
        self.note_stirred(claimed.queue);
    }

    fn picked(&self, fact: Claimed, lease_time: Duration) -> Picked {
        let mut jobs = Vec::with_capacity(fact.ids.len());
        let mut is_durable_first = false;
        for (id, number) in fact.claims() {
            let entry = &self.entries[&id];
            is_durable_first |= entry.attempts > 0 || entry.losses > 0;
            jobs.push(PickedJob {
                lease: Lease {
                    id: JobId(id),
                    token: token(number),
                },
                location: entry.location,
                attempt: entry.attempts.saturating_add(1),
                failures: entry.failures,
                losses: entry.losses.into(),
                lease_time,
            });
        }
        Picked {
            fact: Fact(Decided::Claimed(fact)),
            jobs,
            is_durable_first,
        }
    }
}

fn check(claim: &Claim) -> Result<(), Error> {
    if claim.limit == 0 {
        return Err(Error::InvalidOption {
            name: "limit",
            problem: "0: write at least 1".into(),
        });
    }
    claim.lease.map_or(Ok(()), check_lease)
}

impl Queue {
    /// Takes back what a start counted towards the rates.
    fn give_starts_back(&mut self, group: Number, key: Number) {
        let options = &self.options;
        let (rate, group_rate, key_rate) = (options.rate, options.group_rate, options.key_rate);
        if let Some(rate) = rate {
            self.rate.give_back(rate);
        }
        if let Some(rate) = group_rate.filter(|_| group != NO_GROUP) {
            self.lane_mut(group).rate.give_back(rate);
        }
        if let (Some(rate), Some(key)) = (key_rate, self.keys.find_mut(key)) {
            key.rate.give_back(rate);
        }
    }

    /// Makes delayed jobs due whose time has come, and lets go on what a rate held up.
    pub(super) fn make_due(&mut self, entries: &mut BTreeMap<u64, Entry>, now: Now) {
        self.wake(now.wall);
        for _ in 0..PROMOTED_MAX {
            let Some((due, id)) = self.delayed.first().copied() else {
                return;
            };
            if due > now.wall {
                return;
            }
            let entry = entries.get_mut(&id).expect("a delayed job has an entry");
            self.leave(id, entry);
            entry.state = entry.waiting_state(now.wall);
            self.enter(id, entry);
            self.arrivals.record(1, now.monotonic);
        }
        self.is_stirred = true;
    }
}
