//! What people are told: jobs, queues, dead letters.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portique_clock::Timestamp;

use super::entry::{Entry, State};
use super::parts::{Ending, FinishedJob};
use super::queue::Queue;
use super::settle::{Standing, word};
use super::{Machine, Now, token};
use crate::{
    DeadFilter, Error, JobFilter, JobId, JobState, JobView, QueueCounts, QueueName, QueueState,
    Totals,
};

/// Most jobs looked at for one page of a list; a page may come out short then, and says where to go on.
const LOOKED_AT_MAX: usize = 50_000;
/// Most jobs of one page.
const PAGE_MAX: usize = 1_000;

/// What is known of a job; the rest is in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundJob {
    /// Without kind, payload, headers, time of enqueuing and result; without group and key when it is
    /// finished.
    pub view: JobView,
    /// Where its record is. That of a finished job may be gone, or be in another place by now.
    pub location: u64,
    /// The record that holds its result, to be read by [`Fact::result`](super::Fact::result).
    pub result: Option<u64>,
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPage {
    /// Oldest first.
    pub jobs: Vec<FoundJob>,
    /// The next page's `after`; none at the end.
    pub next: Option<JobId>,
}

/// A dead job; kind and payload are in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundDead {
    /// Which.
    pub id: JobId,
    /// Its queue.
    pub queue: QueueName,
    /// Where its record is.
    pub location: u64,
    /// When it was given up on.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Attempts that failed.
    pub failures: u32,
    /// Leases that were lost.
    pub losses: u32,
    /// Times it was retried after having been dead.
    pub redrives: u32,
}

impl Machine {
    /// One job, also a finished one for as long as it is remembered.
    pub fn job(&self, id: JobId, now: Now) -> Option<FoundJob> {
        match self.standing(id.0, now.wall) {
            Standing::Entry(entry) => Some(self.view_entry(id.0, entry, now)),
            Standing::Plain => {
                let number = self.waits_plainly(id.0)?;
                Some(self.view_plain(id.0, &self.queues[&number], now))
            }
            Standing::Finished(job) => {
                let (queue, _) = self.finished(id.0, now.wall)?;
                view_finished(id.0, queue, job)
            }
            Standing::Unknown => None,
        }
    }

    /// Jobs of a queue in one state, oldest first.
    ///
    /// # Errors
    /// [`Error::UnknownQueue`]; [`Error::InvalidOption`] for the state or the limit.
    pub fn list(&self, filter: &JobFilter, now: Now) -> Result<FoundPage, Error> {
        let queue = self.existing(&filter.queue)?;
        check_filter(filter)?;
        let after = filter.after.map_or(0, |id| id.0);
        let state = filter.state.as_deref();
        let mut looked_at = LOOKED_AT_MAX;
        let mut seen_to = None;
        let mut found = BTreeMap::new();
        for (id, entry) in self.entries.range(after.saturating_add(1)..) {
            if looked_at == 0 || found.len() > filter.limit {
                seen_to = Some(*id);
                break;
            }
            looked_at -= 1;
            if entry.queue == queue.number && state.is_none_or(|state| state == word(entry)) {
                found.insert(*id, Standing::Entry(entry));
            }
        }
        let room = filter.limit + 1;
        if state.is_none_or(|state| state == "waiting") {
            let plain = queue.backlog.iter_from(after).take(room);
            found.extend(plain.map(|id| (id, Standing::Plain)));
        }
        let finished = queue.finished.iter_from(after);
        let finished = finished.filter(|(_, job)| {
            let standing = Standing::Finished(job);
            job.expires > now.wall && state.is_none_or(|state| state == standing.word())
        });
        found.extend(
            finished
                .take(room)
                .map(|(id, job)| (id, Standing::Finished(job))),
        );
        Ok(self.page(queue, filter.limit, seen_to, found, now))
    }

    /// The first `limit` of what was found. `seen_to`: jobs with entries were looked at below this id only.
    fn page(
        &self,
        queue: &Queue,
        limit: usize,
        seen_to: Option<u64>,
        mut found: BTreeMap<u64, Standing<'_>>,
        now: Now,
    ) -> FoundPage {
        if let Some(seen_to) = seen_to {
            found.split_off(&seen_to);
        }
        let has_more = seen_to.is_some() || found.len() > limit;
        let mut jobs = Vec::with_capacity(limit.min(found.len()));
        for (id, standing) in found.iter().take(limit) {
            jobs.extend(match standing {
                Standing::Entry(entry) => Some(self.view_entry(*id, entry, now)),
                Standing::Plain => Some(self.view_plain(*id, queue, now)),
                Standing::Finished(job) => view_finished(*id, queue, job),
                Standing::Unknown => None,
            });
        }
        let last = found.keys().take(limit).next_back().copied();
        let next = match seen_to {
            Some(seen_to) if found.len() <= limit => Some(seen_to - 1),
            _ => last,
        };
        FoundPage {
            jobs,
            next: next.filter(|_| has_more).map(JobId),
        }
    }

    /// Dead jobs, oldest first.
    ///
    /// # Errors
    /// [`Error::UnknownQueue`]; [`Error::InvalidOption`] for the limit.
    pub fn dead(&self, filter: &DeadFilter) -> Result<Vec<FoundDead>, Error> {
        check_limit(filter.limit)?;
        let first = filter.after.map_or(0, |id| id.0.saturating_add(1));
        let mut ids = BTreeSet::new();
        match &filter.queue {
            Some(name) => {
                let dead = self.existing(name)?.dead.range(first..);
                ids.extend(dead.take(filter.limit));
            }
            None => {
                for queue in self.queues.values() {
                    ids.extend(queue.dead.range(first..).take(filter.limit));
                }
            }
        }
        let dead = ids.into_iter().take(filter.limit);
        Ok(dead.map(|id| self.dead_letter(id)).collect())
    }

    fn dead_letter(&self, id: u64) -> FoundDead {
        let entry = &self.entries[&id];
        let State::Dead { at } = entry.state else {
            unreachable!("queues know which of their jobs are dead");
        };
        FoundDead {
            id: JobId(id),
            queue: self.queues[&entry.queue].name.clone(),
            location: entry.location,
            at,
            reason: last_error(entry).unwrap_or_default(),
            failures: entry.failures,
            losses: entry.losses.into(),
            redrives: entry.redrives.into(),
        }
    }

    /// Every queue, by name.
    pub fn queue_states(&self, now: Now) -> Vec<QueueState> {
        let queues = self.names.values().map(|number| &self.queues[number]);
        queues.map(|queue| queue.state(now)).collect()
    }

    /// One queue.
    ///
    /// # Errors
    /// [`Error::UnknownQueue`].
    pub fn queue_state(&self, name: &QueueName, now: Now) -> Result<QueueState, Error> {
        Ok(self.existing(name)?.state(now))
    }

    fn view_entry(&self, id: u64, entry: &Entry, now: Now) -> FoundJob {
        let queue = &self.queues[&entry.queue];
        let more = entry.more.as_deref();
        let view = JobView {
            state: self.state_of(entry, now),
            waits: queue.wait_reason(entry, now),
            attempts: entry.attempts,
            failures: entry.failures,
            losses: entry.losses.into(),
            progress: more.and_then(|more| more.progress.clone()),
            last_error: last_error(entry),
            priority: entry.priority,
            group: queue.lane(entry.group).label.clone(),
            key: queue.keys.find(entry.key).map(|key| key.label.clone()),
            ..empty_view(id, queue)
        };
        FoundJob {
            view,
            location: entry.location,
            result: None,
        }
    }

    fn view_plain(&self, id: u64, queue: &Queue, now: Now) -> FoundJob {
        let enqueued = queue.backlog.time_of(id).unwrap_or(now.wall);
        let entry = Entry::plain(queue.number, id, enqueued);
        FoundJob {
            view: JobView {
                state: JobState::Waiting,
                waits: queue.wait_reason(&entry, now),
                ..empty_view(id, queue)
            },
            location: self.moved.get(&id).copied().unwrap_or(id),
            result: None,
        }
    }

    fn state_of(&self, entry: &Entry, now: Now) -> JobState {
        match entry.state {
            State::Delayed => JobState::Delayed { due: entry.due },
            State::Failed => JobState::Failed { due: entry.due },
            State::Blocked => JobState::Blocked {
                left: u32::try_from(entry.open_count()).unwrap_or(u32::MAX),
            },
            State::Ready | State::Suspect | State::Overdue | State::Picked => {
                match entry.priority {
                    0 => JobState::Waiting,
                    _ => JobState::Prioritized,
                }
            }
            State::Active(lease) => JobState::Active {
                worker: self.workers.name(lease.worker),
                token: token(lease.token),
                since: lease.since,
                left: lease.until.saturating_sub(now.monotonic),
            },
            State::Dead { at } => JobState::Dead {
                at,
                reason: last_error(entry).unwrap_or_default(),
            },
        }
    }
}

impl Queue {
    pub(super) fn state(&self, now: Now) -> QueueState {
        let counts = &self.counts;
        let (ready, waits) = self.waits(now);
        let paused = self.lanes.iter().filter(|(_, lane)| lane.is_paused);
        QueueState {
            name: self.name.clone(),
            options: self.options.clone(),
            is_paused: self.is_paused,
            is_draining: self.is_draining,
            paused_groups: paused.filter_map(|(_, lane)| lane.label.clone()).collect(),
            counts: QueueCounts {
                waiting: counts.waiting + self.backlog.len(),
                prioritized: counts.prioritized,
                delayed: counts.delayed,
                failed: counts.failed,
                blocked: counts.blocked,
                active: counts.active,
                dead: counts.dead,
                finished: self.finished.len() as u64,
            },
            ready,
            oldest: self.oldest(now.wall),
            arrival_rate: self.arrivals.per_second(now.monotonic),
            completion_rate: self.completions.per_second(now.monotonic),
            waits,
            totals: self.totals(),
        }
    }

    fn oldest(&self, now: Timestamp) -> Duration {
        let with_entry = self.ages.first().map(|(due, _)| *due);
        let oldest = with_entry
            .into_iter()
            .chain(self.backlog.front_time())
            .min();
        oldest.map_or(Duration::ZERO, |oldest| now.since(oldest))
    }

    fn totals(&self) -> Totals {
        let happened = &self.happened;
        Totals {
            enqueued: happened.enqueued,
            completed: happened.completed,
            failures: happened.failures,
            losses: happened.losses,
            dead: happened.dead,
            cancelled: happened.cancelled,
            durations: happened.durations.cumulative(),
            durations_sum_s: happened.durations.sum_s(),
        }
    }
}

fn view_finished(id: u64, queue: &Queue, job: &FinishedJob) -> Option<FoundJob> {
    let state = match job.ending {
        Ending::Completed => JobState::Completed { at: job.at },
        Ending::Cancelled => JobState::Cancelled { at: job.at },
        Ending::Dropped => return None,
    };
    Some(FoundJob {
        view: JobView {
            state,
            ..empty_view(id, queue)
        },
        location: id,
        result: (job.ending == Ending::Completed).then_some(job.record),
    })
}

fn empty_view(id: u64, queue: &Queue) -> JobView {
    JobView {
        id: JobId(id),
        queue: queue.name.clone(),
        state: JobState::Waiting,
        waits: None,
        attempts: 0,
        failures: 0,
        losses: 0,
        progress: None,
        last_error: None,
        kind: None,
        payload: None,
        priority: 0,
        group: None,
        key: None,
        headers: BTreeMap::new(),
        enqueued: None,
        result: None,
    }
}

fn last_error(entry: &Entry) -> Option<String> {
    let more = entry.more.as_ref()?;
    more.last_error.as_deref().map(str::to_owned)
}

const STATES: [&str; 9] = [
    "waiting",
    "prioritized",
    "delayed",
    "failed",
    "blocked",
    "active",
    "completed",
    "dead",
    "cancelled",
];

fn check_filter(filter: &JobFilter) -> Result<(), Error> {
    check_limit(filter.limit)?;
    match &filter.state {
        Some(state) if !STATES.contains(&state.as_str()) => Err(Error::InvalidOption {
            name: "state",
            problem: format!("{state:?}: write one of {}", STATES.join(", ")),
        }),
        _ => Ok(()),
    }
}

fn check_limit(limit: usize) -> Result<(), Error> {
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(());
    }
    Err(Error::InvalidOption {
        name: "limit",
        problem: format!("{limit}: write 1 to {PAGE_MAX}"),
    })
}
