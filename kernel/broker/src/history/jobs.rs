//! The jobs' side of the history: what became of each, and whether it may have.

mod claiming;
mod ending;
mod queue;

use std::collections::HashMap;

use super::audit::Totals;
use super::findings::Findings;
use super::job_facts::{JobFact, Record, Ticked};
use super::sequence_set::SequenceSet;
use queue::{Queue, Turn};

/// How long an idempotency key is remembered at least, in nanoseconds: 24 hours.
const KEY_NANOS: i64 = 24 * 60 * 60 * 1_000_000_000;
/// `on_dead_child` of a job that goes on as if a dead child were completed.
const IGNORE: u32 = 1;
/// `on_dead_child` of a job that dies with its child.
const DIE: u32 = 2;
/// `unique_mode` of a job that is the only one of its key until it is finished.
const UNTIL_FINISHED: u32 = 0;

/// Every job that is not ended, and that the others are.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// The first record read: jobs below were enqueued before, and are known once they are named.
    first: u64,
    epoch: u64,
    last_token: u64,
    queues: HashMap<u32, Queue>,
    jobs: HashMap<u64, Job>,
    completed: SequenceSet,
    cancelled: SequenceSet,
    dropped: SequenceSet,
    /// Jobs that were dead or cancelled at some time.
    given_up: SequenceSet,
    /// Jobs that may die with a job, by that job.
    dependants: HashMap<u64, Vec<u64>>,
    /// When each idempotency key was used last, by queue and key.
    keys: HashMap<(u32, String), i64>,
    /// The newest job of each unique key that counts until it is finished.
    uniques: HashMap<(u32, String), u64>,
    /// What each worker holds: how many jobs, and how many of them were lost before.
    workers: HashMap<String, Hands>,
    /// The record that must be a job: the one after a tick that made one.
    owed: Option<(u64, String)>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Hands {
    jobs: u32,
    suspects: u32,
}

#[derive(Debug)]
struct Job {
    queue: u32,
    group: Option<Box<str>>,
    key: Option<Box<str>>,
    state: State,
    last_token: u64,
    losses: u32,
    /// The jobs it waits for.
    open: Vec<u64>,
    on_dead_child: u32,
    /// Its turn among the jobs of its key, until it is first claimed.
    turn: Option<Turn>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// There, and waiting or dead: enqueued before the first record read and not told of since, or to die
    /// with a job of which the same is true.
    Unknown,
    Waiting,
    Active {
        token: u64,
        worker: String,
    },
    Dead,
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
            Self::Active { .. } => "active",
            Self::Dead => "dead",
        }
    }
}

impl Jobs {
    pub(super) fn begin(&mut self, first: u64) {
        self.first = first;
    }

    pub(super) fn open(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// Whether this job was enqueued and is somewhere: not ended, or ended in a way that is known.
    pub(super) fn is_known(&self, id: u64) -> bool {
        self.jobs.contains_key(&id) || self.ending(id).is_some()
    }

    pub(super) fn count_left(&self, totals: &mut Totals) {
        for job in self.jobs.values() {
            match job.state {
                State::Unknown | State::Waiting => totals.waiting += 1,
                State::Active { .. } => totals.active += 1,
                State::Dead => totals.dead += 1,
            }
        }
    }

    pub(super) fn take(
        &mut self,
        sequence: u64,
        fact: JobFact,
        totals: &mut Totals,
        findings: &mut Findings,
    ) {
        self.check_owed(sequence, &fact, findings);
        match fact {
            JobFact::QueueDefined(defined) => {
                let queue = self.queues.entry(defined.queue).or_default();
                queue.define(defined.name, defined.options);
            }
            JobFact::QueueRemoved(removed) => self.remove_queue(removed.queue, findings),
            JobFact::QueuePaused(of) => self.queue(of.queue).pause(of.group),
            JobFact::QueueResumed(of) => self.queue(of.queue).resume(of.group.as_deref()),
            JobFact::Enqueued(record) => self.enqueue(sequence, record, totals, findings),
            JobFact::Claimed(claimed) => self.claim(&claimed, totals, findings),
            JobFact::Completed(leases) => self.complete(&leases, totals, findings),
            JobFact::Failed(failed) => self.fail(failed, totals, findings),
            JobFact::Released(leases) => self.release(&leases, findings),
            JobFact::Lost(lost) => self.lose(&lost, totals, findings),
            JobFact::Cancelled(ids) => self.cancel(&ids, totals, findings),
            JobFact::Retried(ids) => self.retry(&ids, findings),
            JobFact::Edited(written) => self.edit(&written, findings),
            JobFact::Carried(written) => self.carry(&written, findings),
            JobFact::Dropped(ids) => self.drop_dead(&ids, totals, findings),
            JobFact::Expired(ids) => self.expire(&ids, findings),
            JobFact::Ticked(ticked) => self.tick(sequence, ticked),
            JobFact::Other => {}
        }
    }

    /// A record that is not about jobs stands where one may be owed.
    pub(super) fn pass(&mut self, sequence: u64, findings: &mut Findings) {
        self.check_owed(sequence, &JobFact::Other, findings);
    }

    fn check_owed(&mut self, sequence: u64, fact: &JobFact, findings: &mut Findings) {
        if let Some((at, schedule)) = self.owed.take()
            && (at != sequence || !matches!(fact, JobFact::Enqueued(_)))
        {
            findings.report("tick_without_job", format!("schedule {schedule}"));
        }
    }

    fn tick(&mut self, sequence: u64, ticked: Ticked) {
        self.owed = ticked.has_job.then_some((sequence + 1, ticked.schedule));
    }

    fn queue(&mut self, number: u32) -> &mut Queue {
        self.queues.entry(number).or_default()
    }

    fn remove_queue(&mut self, number: u32, findings: &mut Findings) {
        let left = self.jobs.values().filter(|job| job.queue == number).count();
        if left > 0 {
            let name = self.queue(number).name().to_owned();
            findings.report("queue_removed_with_jobs", format!("{name} holds {left}"));
        }
        self.queues.remove(&number);
    }

    fn enqueue(&mut self, id: u64, record: Record, totals: &mut Totals, findings: &mut Findings) {
        totals.enqueued += 1;
        self.check_keys(id, &record, findings);
        let job = self.new_job(id, &record, findings);
        if !self.queues.contains_key(&record.queue) && self.first == 1 {
            findings.report(
                "enqueued_nowhere",
                format!("job {id}: queue {}", record.queue),
            );
        }
        self.jobs.insert(id, job);
        self.depend(id);
    }

    /// A job that may die with its children: at once when one of them is given up already. Of a child from
    /// before the first record that cannot be told, nor then of the job.
    fn depend(&mut self, id: u64) {
        let Some(job) = self.jobs.get(&id) else {
            return;
        };
        if job.on_dead_child == IGNORE {
            return;
        }
        let (mut is_over, mut is_unsure) = (false, false);
        for child in &job.open {
            match self.jobs.get(child).map(|child| &child.state) {
                Some(State::Dead) => is_over |= job.on_dead_child == DIE,
                Some(State::Unknown) => is_unsure = true,
                Some(State::Waiting | State::Active { .. }) => {}
                None if *child >= self.first || self.ending(*child).is_some() => is_over = true,
                None => is_unsure = true,
            }
            self.dependants.entry(*child).or_default().push(id);
        }
        if is_over {
            self.bury(id);
        } else if is_unsure && let Some(job) = self.jobs.get_mut(&id) {
            job.state = State::Unknown;
        }
    }

    fn check_keys(&mut self, id: u64, record: &Record, findings: &mut Findings) {
        if let Some(key) = &record.idempotency_key {
            let used = (record.queue, key.clone());
            let before = self.keys.insert(used, record.enqueued);
            if before.is_some_and(|at| (0..KEY_NANOS).contains(&(record.enqueued - at))) {
                findings.report("idempotency_key_used_twice", format!("job {id}: {key:?}"));
            }
        }
        if let Some(key) = &record.unique_key
            && record.unique_mode == UNTIL_FINISHED
        {
            let before = self.uniques.insert((record.queue, key.clone()), id);
            let other = before.and_then(|before| self.jobs.get(&before));
            if other.is_some_and(|other| other.state != State::Dead) {
                findings.report("unique_key_used_twice", format!("job {id}: {key:?}"));
            }
        }
    }

    fn new_job(&mut self, id: u64, record: &Record, findings: &mut Findings) -> Job {
        let mut open = Vec::new();
        for child in record.children(id) {
            let is_left = self.jobs.contains_key(&child.id);
            if child.is_open {
                open.push(child.id);
            } else if is_left {
                let what = format!("job {id} does not wait for {}, which is not done", child.id);
                findings.report("dependency_left_out", what);
            }
        }
        // One that may be past its deadline is passed over before a fact says so.
        let is_plain = record.run_at.is_none() && record.deadline.is_none() && open.is_empty();
        let turn = match is_plain {
            true => self.queue(record.queue).line_up(id, record),
            false => None,
        };
        Job {
            queue: record.queue,
            group: record.group.as_deref().map(Into::into),
            key: record.key.as_deref().map(Into::into),
            state: State::Waiting,
            last_token: 0,
            losses: 0,
            open,
            on_dead_child: record.on_dead_child,
            turn,
        }
    }

    /// How this job ended, if it did.
    fn ending(&self, id: u64) -> Option<&'static str> {
        let endings = [
            (&self.completed, "completed"),
            (&self.cancelled, "cancelled"),
            (&self.dropped, "dropped"),
        ];
        let found = endings.into_iter().find(|(set, _)| set.contains(id));
        found.map(|(_, word)| word)
    }

    /// The job of a fact; one from before the first record is known from now on.
    fn find(&mut self, id: u64, queue: u32) -> Result<&mut Job, &'static str> {
        if !self.jobs.contains_key(&id) {
            if let Some(ending) = self.ending(id) {
                return Err(ending);
            }
            if id >= self.first {
                return Err("never enqueued");
            }
            let job = Job {
                queue,
                group: None,
                key: None,
                state: State::Unknown,
                last_token: 0,
                losses: 0,
                open: Vec::new(),
                on_dead_child: 0,
                turn: None,
            };
            self.jobs.insert(id, job);
        }
        Ok(self
            .jobs
            .get_mut(&id)
            .expect("it is there or was put there"))
    }

    /// It no longer has a turn among the jobs of its key.
    fn leave_line(&mut self, id: u64) {
        if let Some(job) = self.jobs.get_mut(&id)
            && let Some(turn) = job.turn.take()
        {
            let number = job.queue;
            self.queue(number).forget(id, &turn);
        }
    }

    fn leave_line_of(&mut self, id: u64, turn: Option<&Turn>) {
        let number = self.jobs.get(&id).map(|job| job.queue);
        if let (Some(number), Some(turn)) = (number, turn) {
            self.queue(number).forget(id, turn);
        }
    }

    fn forget(&mut self, id: u64) {
        self.leave_line(id);
        self.jobs.remove(&id);
    }
}
