//! The state machine of the job queue: plain, synchronous, without clock, disk or network.
//!
//! [`Machine`] says how a shell drives it. Inside, every job is in one place:
//!
//! ```text
//!   plain and waiting ---> the backlog of its queue: no more than its id
//!   everything else -----> an entry, and by its state one of its queue's structures:
//!        due       lane of its group (shown, or hidden behind its key), or suspects
//!        delayed   by due time
//!        active    counts of queue, group and key; leases of all queues by their end
//!        dead      by id
//!   finished ------------> what its queue remembers, within limits
//! ```
//!
//! A lane is one group's due jobs in order; the queue gives lanes their turns by deficit round-robin. What
//! a state means for the structures is in `Queue::enter` and `Queue::leave`, and nowhere else.

mod agenda;
mod apply;
mod attempt;
mod bindings;
mod checkpoint;
mod claim;
mod due;
mod enqueue;
mod entry;
mod fact;
mod finish;
mod lane;
mod names;
mod once;
mod parts;
mod queue;
mod queues;
mod relief;
mod retain;
mod schedules;
mod settle;
mod take_in;
mod view;
mod waits;
mod worker;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use portique_clock::Timestamp;

pub use claim::{Picked, PickedJob};
pub use enqueue::{EnqueuePlan, PlannedJob};
pub use fact::{Fact, FactError, JobRecord};
pub use settle::Settling;
pub use view::{FoundDead, FoundJob, FoundPage};

use self::agenda::Agenda;
use self::entry::Entry;
use self::parts::{KeyHash, KeyIndex};
use self::queue::Queue;
use self::schedules::Scheduled;
use self::worker::Workers;
use crate::{Binding, Error, JobId, LeaseToken, QueueName, ScheduleName};

/// Most queues: each is looked at whenever time has passed.
const QUEUES_MAX: usize = 10_000;
/// Most idempotency keys remembered at a time, about 100 MB of them.
const IDEMPOTENCY_KEYS_MAX: usize = 1_000_000;
/// How long an idempotency key is remembered.
const IDEMPOTENCY_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// Bits of a token that count claims within one epoch: 10^12 of them.
const TOKEN_COUNT_BITS: u32 = 40;

/// The moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall-clock time: what `run_at`, backoff, deadlines and schedules go by.
    pub wall: Timestamp,
    /// Time since some fixed start of this process, never going back: what leases go by.
    pub monotonic: Duration,
}

/// All queues and what is known of every job in them.
///
/// ```text
///              decide_*, claim, due            encode             apply
///   request ----------------------> facts ---------------> journal -----> the machine's state
/// ```
///
/// A shell calls, under one lock:
///
/// 1. a *decision* (`decide_*`, [`claim`](Self::claim), [`due`](Self::due)), which gives facts and what to
///    answer;
/// 2. the journal: the facts' records in this order and without others between them, in one frame;
/// 3. [`apply`](Self::apply) for each fact with its record's sequence, before any other decision.
///
/// It answers once the frame is durable. Decisions change nothing, but for a claim, which sets its jobs
/// aside: when the journal refuses a frame, the facts are dropped (a claim's by
/// [`unclaim`](Self::unclaim)). On a start the shell [restores](Self::restore) a checkpoint, applies every
/// fact after it, and [opens](Self::open) an epoch.
///
/// `apply` is total, and the only durable change: the same facts give the same jobs in the same states.
/// What is derived from time, such as whose turn it is, how much of a lease or a rate is left, begins anew
/// after a restart.
///
/// Payloads are not here. A job's id is the sequence of its first record; [`location`](Self::location)
/// says where the record is that holds it now, to be read by [`JobRecord::decode`].
#[derive(Debug, Clone)]
pub struct Machine {
    epoch: u64,
    /// Claims made in this epoch.
    claims: u64,
    next_queue: u32,
    queues: BTreeMap<u32, Queue>,
    names: BTreeMap<QueueName, u32>,
    /// Every job but the plain ones that wait.
    entries: BTreeMap<u64, Entry>,
    /// Where the records of plain waiting jobs are, if not where they were enqueued.
    moved: BTreeMap<u64, u64>,
    /// Who waits for a job.
    parents: HashMap<u64, Vec<u64>>,
    /// When each lease ends, in monotonic time.
    leases: BTreeSet<(Duration, u64)>,
    deadlines: BTreeSet<(Timestamp, u64)>,
    workers: Workers,
    keys: KeyIndex,
    schedules: BTreeMap<ScheduleName, Scheduled>,
    agenda: Agenda,
    bindings: BTreeMap<ScheduleName, Binding>,
    /// Bytes of all reasons of failures.
    reason_bytes: usize,
    /// Queues that are stirred, for the shell to wake who waits for them.
    stirred: Vec<u32>,
    /// Jobs somebody waits for, and those of them that ended since the shell last asked.
    watched: HashMap<u64, u32>,
    ended: Vec<JobId>,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A machine without queues.
    pub fn new() -> Self {
        Self {
            epoch: 0,
            claims: 0,
            next_queue: 1,
            queues: BTreeMap::new(),
            names: BTreeMap::new(),
            entries: BTreeMap::new(),
            moved: BTreeMap::new(),
            parents: HashMap::new(),
            leases: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            workers: Workers::new(),
            keys: KeyIndex::new(IDEMPOTENCY_KEYS_MAX),
            schedules: BTreeMap::new(),
            agenda: Agenda::default(),
            bindings: BTreeMap::new(),
            reason_bytes: 0,
            stirred: Vec::new(),
            watched: HashMap::new(),
            ended: Vec::new(),
        }
    }

    /// Begins an epoch, so that no token of an earlier one is given again. The shell calls it for each start
    /// it has recorded, also in replay, in the order of the records.
    pub fn open(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.claims = 0;
    }

    /// Where in the journal the record is that holds a job that is not finished.
    pub fn location(&self, id: JobId) -> Option<u64> {
        if let Some(entry) = self.entries.get(&id.0) {
            return Some(entry.location);
        }
        self.waits_plainly(id.0)?;
        Some(self.moved.get(&id.0).copied().unwrap_or(id.0))
    }

    /// Queues in which something may be given that could not before, since the last call: who waits to
    /// claim from them should try again.
    pub fn take_stirred(&mut self) -> Vec<QueueName> {
        let mut names = Vec::with_capacity(self.stirred.len());
        for number in std::mem::take(&mut self.stirred) {
            if let Some(queue) = self.queues.get_mut(&number) {
                queue.is_stirred = false;
                names.push(queue.name.clone());
            }
        }
        names
    }

    /// Tells of this job's end in [`take_ended`](Self::take_ended), until as many [unwatch](Self::unwatch)
    /// as have watched.
    pub fn watch(&mut self, id: JobId) {
        *self.watched.entry(id.0).or_default() += 1;
    }

    /// The opposite of [`watch`](Self::watch).
    pub fn unwatch(&mut self, id: JobId) {
        if let Some(count) = self.watched.get_mut(&id.0) {
            *count -= 1;
            if *count == 0 {
                self.watched.remove(&id.0);
            }
        }
    }

    /// Watched jobs that were finished or died since the last call.
    pub fn take_ended(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.ended)
    }

    fn next_token(&self) -> u64 {
        (self.epoch << TOKEN_COUNT_BITS) + self.claims + 1
    }

    fn count_tokens(&mut self, first: u64, count: usize) {
        let last = first.saturating_add(count as u64).saturating_sub(1);
        if last >> TOKEN_COUNT_BITS == self.epoch {
            let count = last & ((1 << TOKEN_COUNT_BITS) - 1);
            self.claims = self.claims.max(count);
        }
    }

    fn queue_named(&self, name: &QueueName) -> Option<&Queue> {
        self.queues.get(self.names.get(name)?)
    }

    fn existing(&self, name: &QueueName) -> Result<&Queue, Error> {
        self.queue_named(name).ok_or_else(|| Error::UnknownQueue {
            queue: name.clone(),
        })
    }

    /// The queue in whose backlog a job waits.
    fn waits_plainly(&self, id: u64) -> Option<u32> {
        let mut queues = self.queues.values();
        Some(queues.find(|queue| queue.backlog.contains(id))?.number)
    }

    /// Whether a job is there and not finished; dead ones are.
    fn is_known(&self, id: u64) -> bool {
        self.entries.contains_key(&id) || self.waits_plainly(id).is_some()
    }

    fn note_stirred(&mut self, number: u32) {
        self.plan(number);
        let queue = self.queues.get(&number);
        if queue.is_some_and(|queue| queue.is_stirred) && !self.stirred.contains(&number) {
            self.stirred.push(number);
        }
    }
}

/// The hash of an idempotency key of a job's request; keys of different queues are different.
fn request_hash(queue: &QueueName, key: &str) -> KeyHash {
    KeyHash::of(&[b"job", queue.as_str().as_bytes(), key.as_bytes()])
}

/// The token as the port has it.
fn token(number: u64) -> LeaseToken {
    LeaseToken(number)
}

#[cfg(test)]
mod tests;
