//! One queue: which structure holds each of its jobs, and what may be given now.

mod labels;

use std::collections::BTreeSet;
use std::time::Duration;

use portique_clock::Timestamp;

use super::Now;
use super::entry::{Entry, NO_GROUP, Number, State};
use super::lane::{Key, Lane, rank};
use super::names::Named;
use super::parts::{Backlog, DurationHistogram, FairShare, Finished, FinishedLimits};
use super::parts::{KeyIndex, MovingRate, RateLimit};
use super::relief::PassedOver;
use crate::{QueueName, QueueOptions};

/// Most uniqueness keys of a queue; an enqueue past it is refused.
const UNIQUE_MAX: usize = 1_000_000;
/// Before every place in line.
const LINE_START: Timestamp = Timestamp::from_nanos(i64::MIN);

/// How many jobs with an entry are in which state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) waiting: u64,
    pub(super) prioritized: u64,
    pub(super) delayed: u64,
    pub(super) failed: u64,
    pub(super) blocked: u64,
    pub(super) active: u64,
    pub(super) dead: u64,
}

/// What happened since the queue was made; durable, but for the durations' last digits.
#[derive(Debug, Clone, Default)]
pub(super) struct Happened {
    pub(super) enqueued: u64,
    pub(super) completed: u64,
    pub(super) failures: u64,
    pub(super) losses: u64,
    pub(super) dead: u64,
    pub(super) cancelled: u64,
    pub(super) durations: DurationHistogram,
}

/// What a rate makes possible again at some time; `LookAt` is whether something may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wake {
    Group(Number),
    Key(Number),
    LookAtGroup(Number),
    LookAtKey(Number),
}

#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) number: u32,
    pub(super) name: QueueName,
    pub(super) options: QueueOptions,
    pub(super) is_paused: bool,
    pub(super) is_draining: bool,
    /// Plain jobs; they belong to the common lane.
    pub(super) backlog: Backlog,
    /// The lane of jobs without a group.
    pub(super) common: Lane,
    pub(super) lanes: Named<Lane>,
    pub(super) keys: Named<Key>,
    pub(super) fair: FairShare<Number>,
    pub(super) delayed: BTreeSet<(Timestamp, u64)>,
    /// For when it is on the agenda.
    pub(super) planned: Option<Timestamp>,
    pub(super) suspects: BTreeSet<(i128, u64)>,
    /// Due jobs with an entry, by when they became due.
    pub(super) ages: BTreeSet<(Timestamp, u64)>,
    pub(super) dead: BTreeSet<u64>,
    pub(super) wakes: BTreeSet<(Timestamp, Wake)>,
    pub(super) counts: Counts,
    /// The place in line of the last job that was due at once.
    pub(super) last_in_line: Timestamp,
    /// Suspects that nobody with empty hands came for.
    pub(super) passed_over: PassedOver,
    pub(super) rate: RateLimit,
    pub(super) finished: Finished,
    pub(super) unique: KeyIndex,
    pub(super) happened: Happened,
    pub(super) arrivals: MovingRate,
    pub(super) completions: MovingRate,
    /// When a worker last asked for work, in monotonic time.
    pub(super) asked: Option<Duration>,
    /// Something may be given that could not before, since the shell last asked.
    pub(super) is_stirred: bool,
}

impl Queue {
    pub(super) fn new(number: u32, name: QueueName, options: QueueOptions, now: Now) -> Self {
        Self {
            number,
            name,
            options,
            is_paused: false,
            is_draining: false,
            backlog: Backlog::new(),
            common: Lane::default(),
            lanes: Named::new(),
            keys: Named::new(),
            fair: FairShare::new(),
            delayed: BTreeSet::new(),
            planned: None,
            suspects: BTreeSet::new(),
            ages: BTreeSet::new(),
            dead: BTreeSet::new(),
            wakes: BTreeSet::new(),
            counts: Counts::default(),
            last_in_line: LINE_START,
            passed_over: PassedOver::default(),
            rate: RateLimit::new(),
            finished: Finished::new(),
            unique: KeyIndex::new(UNIQUE_MAX),
            happened: Happened::default(),
            arrivals: MovingRate::new(now.monotonic),
            completions: MovingRate::new(now.monotonic),
            asked: None,
            is_stirred: false,
        }
    }

    /// Jobs that are not finished, dead ones included.
    pub(super) fn jobs(&self) -> u64 {
        let counts = &self.counts;
        let with_entry = counts.waiting + counts.prioritized + counts.delayed + counts.failed;
        with_entry + counts.blocked + counts.active + counts.dead + self.backlog.len()
    }

    pub(super) fn finished_limits(&self) -> FinishedLimits {
        FinishedLimits {
            jobs_max: self.options.finished_max as usize,
            result_bytes_max: self.options.result_bytes_max,
        }
    }

    /// How many more may be active.
    pub(super) fn room(&self) -> u64 {
        match self.options.concurrency {
            Some(limit) => u64::from(limit).saturating_sub(self.counts.active),
            None => u64::MAX,
        }
    }

    pub(super) fn lane(&self, group: Number) -> &Lane {
        match group {
            NO_GROUP => &self.common,
            group => self.lanes.find(group).expect("a job's group has a lane"),
        }
    }

    pub(super) fn lane_mut(&mut self, group: Number) -> &mut Lane {
        match group {
            NO_GROUP => &mut self.common,
            group => self
                .lanes
                .find_mut(group)
                .expect("a job's group has a lane"),
        }
    }

    /// The place in line of a job that is due at once, at this time by the clock: behind all that
    /// came before it and are not done, also when the clock was set back meanwhile.
    pub(super) fn next_in_line(&mut self, at: Timestamp) -> Timestamp {
        let counts = &self.counts;
        if counts.waiting + counts.prioritized + counts.active + counts.blocked == 0 {
            self.last_in_line = LINE_START;
        }
        self.last_in_line = match at >= self.last_in_line {
            true => at,
            false => self.last_in_line.plus(Duration::from_nanos(1)),
        };
        self.last_in_line
    }

    /// Takes a plain job in.
    pub(super) fn enter_plain(&mut self, id: u64, enqueued: Timestamp) {
        self.backlog.push(id, enqueued);
        self.refresh(NO_GROUP);
    }

    /// Puts a job where its state says.
    pub(super) fn enter(&mut self, id: u64, entry: &Entry) {
        *self.count_of(entry) += 1;
        match entry.state {
            State::Delayed | State::Failed => {
                self.delayed.insert((entry.due, id));
            }
            State::Ready => {
                self.ages.insert((entry.due, id));
                self.enter_lane(id, entry);
            }
            State::Suspect => {
                self.ages.insert((entry.due, id));
                let rank = rank(&self.options, entry.priority, entry.line);
                self.suspects.insert((rank, id));
                self.is_stirred = true;
            }
            State::Overdue => {
                self.ages.insert((entry.due, id));
            }
            State::Picked | State::Active(_) => self.count_active(entry),
            State::Dead { .. } => {
                self.dead.insert(id);
            }
            State::Blocked => {}
        }
    }

    /// Takes a job from where its state says.
    pub(super) fn leave(&mut self, id: u64, entry: &Entry) {
        *self.count_of(entry) -= 1;
        match entry.state {
            State::Delayed | State::Failed => {
                self.delayed.remove(&(entry.due, id));
            }
            State::Ready => {
                self.ages.remove(&(entry.due, id));
                self.leave_lane(id, entry);
            }
            State::Suspect => {
                self.ages.remove(&(entry.due, id));
                let rank = rank(&self.options, entry.priority, entry.line);
                self.suspects.remove(&(rank, id));
            }
            State::Overdue => {
                self.ages.remove(&(entry.due, id));
            }
            State::Picked | State::Active(_) => self.discount_active(entry),
            State::Dead { .. } => {
                self.dead.remove(&id);
            }
            State::Blocked => {}
        }
    }

    /// Whether the group takes turns: it has something to give and may.
    pub(super) fn refresh(&mut self, group: Number) {
        let (has_jobs, may_give, weight) = match group {
            NO_GROUP => {
                let has_jobs = !self.backlog.is_empty() || !self.common.shown.is_empty();
                (has_jobs, true, 1)
            }
            group => {
                let Some(lane) = self.lanes.find(group) else {
                    return;
                };
                let limit = self.options.group_concurrency.unwrap_or(u32::MAX);
                let label = lane.label.as_ref();
                let weight = label.and_then(|label| self.options.weights.get(label));
                let may_give = !lane.is_paused && lane.active < limit;
                (!lane.shown.is_empty(), may_give, *weight.unwrap_or(&1))
            }
        };
        if has_jobs && may_give {
            self.fair.activate(group, weight);
            self.is_stirred = true;
        } else {
            self.fair.deactivate(&group);
        }
    }

    fn count_of(&mut self, entry: &Entry) -> &mut u64 {
        let counts = &mut self.counts;
        match entry.state {
            State::Delayed => &mut counts.delayed,
            State::Failed => &mut counts.failed,
            State::Blocked => &mut counts.blocked,
            State::Picked | State::Active(_) => &mut counts.active,
            State::Dead { .. } => &mut counts.dead,
            State::Ready | State::Suspect | State::Overdue if entry.priority == 0 => {
                &mut counts.waiting
            }
            State::Ready | State::Suspect | State::Overdue => &mut counts.prioritized,
        }
    }

    fn enter_lane(&mut self, id: u64, entry: &Entry) {
        let place = (rank(&self.options, entry.priority, entry.line), id);
        if !self.is_key_limited(entry) {
            self.lane_mut(entry.group).insert(place);
        } else {
            let has_room = self.key_has_room(entry.key);
            let lane = self.lane_mut(entry.group);
            let is_hidden = lane.insert_keyed(entry.key, place, has_room);
            self.note_hidden(entry, is_hidden);
        }
        self.refresh(entry.group);
    }

    fn leave_lane(&mut self, id: u64, entry: &Entry) {
        let place = (rank(&self.options, entry.priority, entry.line), id);
        if !self.is_key_limited(entry) {
            self.lane_mut(entry.group).remove(place);
        } else {
            let has_room = self.key_has_room(entry.key);
            let lane = self.lane_mut(entry.group);
            let is_hidden = lane.remove_keyed(entry.key, place, has_room);
            self.note_hidden(entry, is_hidden);
        }
        self.refresh(entry.group);
    }

    fn count_active(&mut self, entry: &Entry) {
        if let Some(key) = self.keys.find_mut(entry.key) {
            key.active += 1;
        }
        self.lane_mut(entry.group).active += 1;
        if entry.group != NO_GROUP {
            self.refresh(entry.group);
        }
    }

    fn discount_active(&mut self, entry: &Entry) {
        if let Some(key) = self.keys.find_mut(entry.key) {
            key.active -= 1;
            self.show_key(entry.key);
        }
        self.lane_mut(entry.group).active -= 1;
        if entry.group != NO_GROUP {
            self.refresh(entry.group);
        }
        // Room was made for the whole queue.
        self.is_stirred = true;
    }
}
