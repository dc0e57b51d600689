//! Which facts new jobs become.

use std::collections::{BTreeMap, HashMap};

use super::entry::State;
use super::fact::{Decided, Defined, DependencyCode, Fact, KeyUsed, Record, Rewritten};
use super::parts::{Ending, KeyHash};
use super::queue::Queue;
use super::take_in::{content_hash, unique_hash};
use super::{Machine, Now, QUEUES_MAX, request_hash};
use crate::{
    Dependency, Enqueued, Error, JobId, NewJob, QueueName, QueueOptions, Unique, UniqueMode,
};

/// A batch of jobs that was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct EnqueuePlan {
    /// To be written in this order and without others between them.
    pub facts: Vec<Fact>,
    /// What each job comes to, one per job.
    pub jobs: Vec<PlannedJob>,
}

/// What one job of a batch comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedJob {
    /// A new job: its id is the sequence of the record of the fact at this place.
    New(usize),
    /// A key named a job that is there already.
    Existing(JobId),
    /// A key named the job of the fact at this place, of the same batch.
    Same(usize),
}

impl EnqueuePlan {
    /// The answers, when the record of the first fact has this sequence.
    pub fn enqueued(&self, first_sequence: u64) -> Vec<Enqueued> {
        let answer = |job: &PlannedJob| {
            let (id, is_new) = match *job {
                PlannedJob::New(fact) => (first_sequence + fact as u64, true),
                PlannedJob::Existing(id) => (id.0, false),
                PlannedJob::Same(fact) => (first_sequence + fact as u64, false),
            };
            Enqueued {
                id: JobId(id),
                is_new,
            }
        };
        self.jobs.iter().map(answer).collect()
    }
}

impl Machine {
    /// Decides a batch: all jobs or none. Queues that do not exist are made.
    ///
    /// # Errors
    /// What [`Jobs::enqueue`](crate::Jobs::enqueue) says, and [`Error::UnknownJob`] for a job to wait for that
    /// was never enqueued or is not remembered any more.
    pub fn decide_enqueue(&self, jobs: Vec<NewJob>, now: Now) -> Result<EnqueuePlan, Error> {
        let mut batch = Batch::new(self, now);
        for job in jobs {
            job.check()?;
            batch.add(job)?;
        }
        Ok(batch.finish())
    }
}

/// A batch while it is decided. Places are those among the facts of jobs, until [`finish`](Self::finish).
struct Batch<'a> {
    machine: &'a Machine,
    now: Now,
    /// Queues to be made.
    made: Vec<Fact>,
    numbers: BTreeMap<QueueName, u32>,
    /// New jobs per queue.
    counts: BTreeMap<u32, u64>,
    facts: Vec<Fact>,
    jobs: Vec<PlannedJob>,
    /// Keys used in this batch: place, and what the work is.
    requests: HashMap<KeyHash, (PlannedJob, u64)>,
    uniques: HashMap<(u32, KeyHash), PlannedJob>,
    /// Jobs from before whose place was taken, and by which fact.
    rewritten: HashMap<JobId, usize>,
}

impl<'a> Batch<'a> {
    fn new(machine: &'a Machine, now: Now) -> Self {
        Self {
            machine,
            now,
            made: Vec::new(),
            numbers: BTreeMap::new(),
            counts: BTreeMap::new(),
            facts: Vec::new(),
            jobs: Vec::new(),
            requests: HashMap::new(),
            uniques: HashMap::new(),
            rewritten: HashMap::new(),
        }
    }

    fn finish(self) -> EnqueuePlan {
        let before = self.made.len();
        let mut facts = self.made;
        facts.extend(self.facts);
        let shift = |job| match job {
            PlannedJob::New(place) => PlannedJob::New(before + place),
            PlannedJob::Same(place) => PlannedJob::Same(before + place),
            existing @ PlannedJob::Existing(_) => existing,
        };
        EnqueuePlan {
            facts,
            jobs: self.jobs.into_iter().map(shift).collect(),
        }
    }

    fn add(&mut self, job: NewJob) -> Result<(), Error> {
        let after = self.dependencies(&job)?;
        let queue_name = job.queue.clone();
        let request = job.options.idempotency_key.clone();
        let unique = job.options.unique.clone();
        let queue = self.machine.queue_named(&queue_name);
        let number = queue.map_or(0, |queue| queue.number);
        let mut record = Record::new(number, job, after, self.now.wall);
        // Only a key asks what the content is, and payloads may be large.
        let content = request.as_ref().map_or(0, |_| content_hash(&record));
        let request = request.map(|key| (request_hash(&queue_name, &key), key));
        if let Some((hash, key)) = &request
            && let Some(earlier) = self.earlier_request(*hash, content, key)?
        {
            self.jobs.push(earlier);
            return Ok(());
        }
        record.queue = match queue {
            Some(queue) => queue.number,
            None => self.make_queue(&queue_name)?,
        };
        if queue.is_some_and(|queue| queue.is_draining) {
            return Err(Error::Draining { queue: queue_name });
        }
        let queue_number = record.queue;
        let outcome = match unique {
            Some(unique) => self.add_unique(queue, unique, record)?,
            None => self.add_new(queue, record)?,
        };
        if let Some((hash, key)) = request {
            if !matches!(outcome, PlannedJob::New(_)) {
                self.note_request(queue_number, key, outcome, content);
            }
            self.requests.insert(hash, (as_same(outcome), content));
        }
        self.jobs.push(outcome);
        Ok(())
    }

    fn dependencies(&self, job: &NewJob) -> Result<Vec<u64>, Error> {
        let mut codes = Vec::with_capacity(job.options.after.len());
        for dependency in &job.options.after {
            let planned = match *dependency {
                Dependency::Job(id) => PlannedJob::Existing(id),
                Dependency::InBatch(index) => {
                    *self.jobs.get(index).ok_or_else(|| Error::InvalidOption {
                        name: "after",
                        problem: format!(
                            "job {index} of the batch, which is not before job {}",
                            self.jobs.len()
                        ),
                    })?
                }
            };
            codes.push(self.dependency(planned)?.encode());
        }
        Ok(codes)
    }

    fn dependency(&self, planned: PlannedJob) -> Result<DependencyCode, Error> {
        let id = match planned {
            PlannedJob::New(place) | PlannedJob::Same(place) => {
                return Ok(DependencyCode {
                    value: (self.facts.len() - place) as u64,
                    is_open: true,
                    is_distance: true,
                });
            }
            PlannedJob::Existing(id) => id,
        };
        let finished = self.machine.finished(id.0, self.now.wall);
        let is_open = match finished {
            Some((_, job)) => job.ending != Ending::Completed,
            None if self.machine.is_known(id.0) => true,
            None => return Err(Error::UnknownJob { id }),
        };
        Ok(DependencyCode {
            value: id.0,
            is_open,
            is_distance: false,
        })
    }

    fn earlier_request(
        &self,
        hash: KeyHash,
        content: u64,
        key: &str,
    ) -> Result<Option<PlannedJob>, Error> {
        let in_batch = self.requests.get(&hash).copied();
        let remembered = || {
            let used = self.machine.keys.lookup(hash, self.now.wall)?;
            Some((PlannedJob::Existing(JobId(used.id)), used.payload))
        };
        let Some((earlier, content_then)) = in_batch.or_else(remembered) else {
            if self.machine.keys.is_full() {
                let remedy = "send requests without keys, or wait until some are 24 h old";
                return Err(Error::Exhausted {
                    resource: "idempotency keys",
                    remedy: remedy.into(),
                });
            }
            return Ok(None);
        };
        if content_then == content {
            return Ok(Some(earlier));
        }
        let existing = match earlier {
            PlannedJob::Existing(id) => Some(id),
            _ => None,
        };
        Err(Error::KeyConflict {
            key: key.to_owned(),
            existing,
        })
    }

    fn make_queue(&mut self, name: &QueueName) -> Result<u32, Error> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let made = self.made.len();
        check_queue_count(self.machine.queues.len() + made)?;
        let made = u32::try_from(made).expect("there are not so many queues");
        let number = self.machine.next_queue.saturating_add(made);
        let defined = Defined::new(number, name, &QueueOptions::default());
        self.made.push(Fact(Decided::QueueDefined(defined)));
        self.numbers.insert(name.clone(), number);
        Ok(number)
    }

    fn add_unique(
        &mut self,
        queue: Option<&Queue>,
        unique: Unique,
        record: Record,
    ) -> Result<PlannedJob, Error> {
        let hash = unique_hash(&unique.key);
        let slot = (record.queue, hash);
        if let Some(planned) = self.uniques.get(&slot).copied() {
            return self.come_after(planned, unique.mode, record);
        }
        let used = queue.and_then(|queue| queue.unique.lookup(hash, self.now.wall));
        if let Some(used) = used {
            let existing = PlannedJob::Existing(JobId(used.id));
            return self.come_after(existing, unique.mode, record);
        }
        if queue.is_some_and(|queue| queue.unique.is_full()) {
            return Err(Error::Exhausted {
                resource: "uniqueness keys",
                remedy: "wait until some jobs are finished".into(),
            });
        }
        let outcome = self.add_new(queue, record)?;
        self.uniques.insert(slot, as_same(outcome));
        Ok(outcome)
    }

    /// A job whose uniqueness key another holds: it is the other, or takes its place.
    fn come_after(
        &mut self,
        first: PlannedJob,
        mode: UniqueMode,
        record: Record,
    ) -> Result<PlannedJob, Error> {
        if mode != UniqueMode::Replace {
            return Ok(first);
        }
        if record.waits_in_batch() {
            return Err(Error::InvalidOption {
                name: "after",
                problem: "a job of the same batch: one that may take an earlier job's place can \
                          only wait for jobs enqueued before"
                    .into(),
            });
        }
        match first {
            PlannedJob::New(place) | PlannedJob::Same(place) => {
                let number = record.queue;
                let replaced = Fact(Decided::Enqueued(record));
                let earlier = std::mem::replace(&mut self.facts[place], replaced);
                if let Decided::Enqueued(earlier) = earlier.0
                    && let Some(key) = earlier.idempotency_key.clone()
                {
                    let content = content_hash(&earlier);
                    self.note_request(number, key, first, content);
                }
            }
            PlannedJob::Existing(id) if self.machine.is_waiting(id.0) => {
                // Jobs that wait for earlier ones only cannot wait for each other.
                if let Some(later) = record.dependencies(id.0, true).find(|child| *child >= id.0) {
                    return Err(Error::InvalidOption {
                        name: "after",
                        problem: format!(
                            "job {later}: one that takes the place of job {id} can only wait for \
                             jobs enqueued before that one"
                        ),
                    });
                }
                let rewritten = Rewritten {
                    id: id.0,
                    job: record,
                    at: self.now.wall.as_nanos(),
                };
                self.rewrite(id, Fact(Decided::Edited(rewritten)));
            }
            PlannedJob::Existing(_) => {}
        }
        Ok(first)
    }

    /// The last of a batch to take a job's place takes it; those before it in the batch never had it,
    /// so that nothing they wait for can make the job die.
    fn rewrite(&mut self, id: JobId, rewritten: Fact) {
        match self.rewritten.get(&id) {
            Some(place) => self.facts[*place] = rewritten,
            None => {
                self.rewritten.insert(id, self.facts.len());
                self.facts.push(rewritten);
            }
        }
    }

    /// Remembers the key of a request that has no record of its own.
    fn note_request(&mut self, queue: u32, key: String, job: PlannedJob, content: u64) {
        let (value, is_distance) = match job {
            PlannedJob::New(place) | PlannedJob::Same(place) => {
                ((self.facts.len() - place) as u64, true)
            }
            PlannedJob::Existing(id) => (id.0, false),
        };
        let code = DependencyCode {
            value,
            is_open: false,
            is_distance,
        };
        self.facts.push(Fact(Decided::KeyUsed(KeyUsed {
            queue,
            key,
            job: code.encode(),
            content,
            at: self.now.wall.as_nanos(),
        })));
    }

    fn add_new(&mut self, queue: Option<&Queue>, record: Record) -> Result<PlannedJob, Error> {
        let count = self.counts.entry(record.queue).or_default();
        *count += 1;
        if let Some(queue) = queue {
            let max = queue.options.jobs_max;
            if queue.jobs() + *count > max {
                return Err(Error::QueueFull {
                    queue: queue.name.clone(),
                    max,
                });
            }
        }
        self.facts.push(Fact(Decided::Enqueued(record)));
        Ok(PlannedJob::New(self.facts.len() - 1))
    }
}

impl Machine {
    /// Whether a job is there and may still be given to a worker for the first time or again.
    fn is_waiting(&self, id: u64) -> bool {
        self.entries.get(&id).is_some_and(|entry| {
            !matches!(
                entry.state,
                State::Picked | State::Active(_) | State::Dead { .. }
            )
        })
    }
}

/// What a later job of the batch comes to that is found to be this one.
fn as_same(job: PlannedJob) -> PlannedJob {
    match job {
        PlannedJob::New(place) => PlannedJob::Same(place),
        other => other,
    }
}

/// # Errors
/// [`Error::Exhausted`] when there is no room for one more queue.
pub(super) fn check_queue_count(count: usize) -> Result<(), Error> {
    if count < QUEUES_MAX {
        return Ok(());
    }
    Err(Error::Exhausted {
        resource: "queues",
        remedy: format!("{QUEUES_MAX} exist: remove some that are not used"),
    })
}
