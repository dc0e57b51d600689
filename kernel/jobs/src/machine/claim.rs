//! Which jobs a worker is given.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;

use super::entry::{Entry, NO_GROUP, Number, State};
use super::fact::{Claimed, Decided, Fact, nanos};
use super::queue::{Queue, Wake};
use super::relief::SuspectTurn;
use super::{Machine, Now, token};
use crate::port::check_lease;
use crate::{CLAIM_MAX, Claim, Error, JobId, Lease};

/// Most delayed jobs that one claim makes due, so that a million of one moment do not stop the engine; the
/// next claim goes on.
const PROMOTED_MAX: usize = 1_024;
/// Most suspects a claim looks at for one whose group and key have room.
const SUSPECTS_LOOKED_AT_MAX: usize = 32;

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

/// One claim's choice.
struct Pick<'a> {
    queue: &'a mut Queue,
    entries: &'a mut BTreeMap<u64, Entry>,
    moved: &'a mut BTreeMap<u64, u64>,
    now: Timestamp,
    ids: Vec<u64>,
}

/// Who is next in a lane.
enum Candidate {
    Plain(u64),
    WithEntry(u64),
}

impl Pick<'_> {
    /// The first suspect that may be given now, to a worker with nothing in hand.
    fn suspect(&mut self) -> Option<u64> {
        if !self.may_give() {
            return None;
        }
        let suspects = self.queue.suspects.iter();
        let looked_at: Vec<u64> = suspects
            .take(SUSPECTS_LOOKED_AT_MAX)
            .map(|(_, id)| *id)
            .collect();
        for id in looked_at {
            let entry = &self.entries[&id];
            let (group, key) = (entry.group, entry.key);
            if self.lane_may_give(group) && self.key_may_give(key) && !self.is_overdue(id) {
                return Some(id);
            }
        }
        None
    }

    /// Chooses up to `limit` jobs that are not suspects.
    fn others(&mut self, limit: usize) {
        while self.ids.len() < limit && self.may_give() {
            let Some(group) = self.queue.fair.turn().copied() else {
                return;
            };
            if !self.lane_may_give(group) {
                self.queue.fair.deactivate(&group);
                continue;
            }
            match self.candidate(group) {
                None => self.queue.refresh(group),
                Some(Candidate::Plain(id)) => {
                    self.queue.fair.served();
                    self.take_plain(id);
                }
                Some(Candidate::WithEntry(id)) => {
                    let key = self.entries[&id].key;
                    if self.is_overdue(id) {
                        continue;
                    }
                    if self.key_may_give(key) {
                        self.queue.fair.served();
                        self.take(id);
                    } else {
                        self.queue.hide_key(key, group);
                        self.queue.refresh(group);
                    }
                }
            }
        }
    }

    fn candidate(&self, group: Number) -> Option<Candidate> {
        let lane = self.queue.lane(group);
        let first = lane.shown.first().copied();
        if group != NO_GROUP {
            return first.map(|(_, id)| Candidate::WithEntry(id));
        }
        let Some(front) = self.queue.backlog.front() else {
            return first.map(|(_, id)| Candidate::WithEntry(id));
        };
        let Some((rank, id)) = first else {
            return Some(Candidate::Plain(front));
        };
        Some(if self.is_before_plain(rank, id, front) {
            Candidate::WithEntry(id)
        } else {
            Candidate::Plain(front)
        })
    }

    /// Whether a job with an entry goes before the plain one at the front. Plain ones know their times only
    /// roughly; between two that were due at once, ids know better, unless one took an earlier job's place.
    fn is_before_plain(&self, rank: i128, id: u64, front: u64) -> bool {
        let entry = &self.entries[&id];
        let was_written_once = entry.location == id;
        if entry.priority == 0 && entry.is_due_at_once() && was_written_once {
            return id < front;
        }
        let front_time = self.queue.backlog.front_time();
        let front_time = front_time.expect("a backlog with a front knows its time");
        (rank, id) < (super::lane::rank(&self.queue.options, 0, front_time), front)
    }

    fn may_give(&self) -> bool {
        let queue = &self.queue;
        let is_in_rate = queue
            .options
            .rate
            .is_none_or(|rate| queue.rate.is_ready(rate, self.now));
        !queue.is_paused && queue.room() > 0 && is_in_rate
    }

    /// Whether a group may be given one more; when its rate says no, it is looked at again in time.
    fn lane_may_give(&mut self, group: Number) -> bool {
        if group == NO_GROUP {
            return true;
        }
        let lane = self.queue.lane(group);
        let limit = self.queue.options.group_concurrency.unwrap_or(u32::MAX);
        if lane.is_paused || lane.active >= limit {
            return false;
        }
        let Some(rate) = self.queue.options.group_rate else {
            return true;
        };
        let ready = lane.rate.ready_at(rate, self.now);
        if ready > self.now {
            self.queue.wakes.insert((ready, Wake::Group(group)));
        }
        ready <= self.now
    }

    /// As [`lane_may_give`](Self::lane_may_give), for a key.
    fn key_may_give(&mut self, number: Number) -> bool {
        let Some(key) = self.queue.keys.find(number) else {
            return true;
        };
        if !self.queue.key_has_room(number) {
            return false;
        }
        let Some(rate) = self.queue.options.key_rate else {
            return true;
        };
        let ready = key.rate.ready_at(rate, self.now);
        if ready > self.now {
            self.queue.wakes.insert((ready, Wake::Key(number)));
        }
        ready <= self.now
    }

    /// Sets a job aside whose deadline has passed.
    fn is_overdue(&mut self, id: u64) -> bool {
        let entry = self.entries.get_mut(&id).expect("who waits has an entry");
        if entry.deadline().is_none_or(|deadline| deadline > self.now) {
            return false;
        }
        self.queue.leave(id, entry);
        entry.state = State::Overdue;
        self.queue.enter(id, entry);
        true
    }

    fn take_plain(&mut self, id: u64) {
        let enqueued = self.queue.backlog.front_time().unwrap_or(self.now);
        self.queue.backlog.pop_front();
        let mut entry = Entry::plain(self.queue.number, id, enqueued);
        if let Some(location) = self.moved.remove(&id) {
            entry.location = location;
        }
        entry.state = State::Picked;
        self.queue.adopt(&entry);
        self.queue.enter(id, &entry);
        if self.queue.backlog.is_empty() {
            self.queue.refresh(NO_GROUP);
        }
        self.count_start(NO_GROUP, entry.key);
        self.entries.insert(id, entry);
        self.ids.push(id);
    }

    fn take(&mut self, id: u64) {
        let entry = self.entries.get_mut(&id).expect("who waits has an entry");
        let waiting = entry.state;
        // First among the active, so that a key without room for another shows none.
        entry.state = State::Picked;
        self.queue.enter(id, entry);
        entry.state = waiting;
        self.queue.leave(id, entry);
        entry.state = State::Picked;
        let (group, key) = (entry.group, entry.key);
        self.count_start(group, key);
        self.ids.push(id);
    }

    fn count_start(&mut self, group: Number, key: Number) {
        let options = &self.queue.options;
        let (rate, group_rate, key_rate) = (options.rate, options.group_rate, options.key_rate);
        if let Some(rate) = rate {
            self.queue.rate.take(rate, self.now);
        }
        if let Some(rate) = group_rate.filter(|_| group != NO_GROUP) {
            self.queue.lane_mut(group).rate.take(rate, self.now);
        }
        if let (Some(rate), Some(key)) = (key_rate, self.queue.keys.find_mut(key)) {
            key.rate.take(rate, self.now);
        }
    }
}
