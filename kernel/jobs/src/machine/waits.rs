//! Why jobs wait that are not in a worker's hands.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Now;
use super::entry::{Entry, NO_GROUP, Number, State};
use super::lane::Lane;
use super::queue::Queue;
use crate::WaitReason;

/// A queue that nobody has asked for work for this long has no workers: a worker with nothing to do asks
/// once a minute, which is as long as a claim waits.
const WORKERS_SEEN: Duration = Duration::from_secs(75);

impl Queue {
    /// Why a job is not in a worker's hands; none when it is, or will never be again.
    pub(super) fn wait_reason(&self, entry: &Entry, now: Now) -> Option<WaitReason> {
        let due = entry.due;
        match entry.state {
            State::Delayed => Some(WaitReason::NotDue { due }),
            State::Failed => Some(WaitReason::Backoff { due }),
            State::Blocked => Some(WaitReason::Children {
                left: u32::try_from(entry.open_count()).unwrap_or(u32::MAX),
            }),
            State::Ready | State::Suspect | State::Overdue => Some(self.due_reason(entry, now)),
            State::Picked | State::Active(_) | State::Dead { .. } => None,
        }
    }

    fn due_reason(&self, entry: &Entry, now: Now) -> WaitReason {
        let lane_reason = || self.lane_reason(entry.group, now);
        let key_reason = || self.key_reason(entry.key, now);
        if self.is_paused {
            return WaitReason::QueuePaused;
        }
        if self.lane(entry.group).is_paused {
            return WaitReason::GroupPaused;
        }
        let limit = self.limit_reason(now);
        if let Some(reason) = limit.or_else(lane_reason).or_else(key_reason) {
            return reason;
        }
        match entry.is_suspect() {
            _ if !self.has_workers(now) => WaitReason::NoWorkers,
            true => WaitReason::Suspect,
            false => WaitReason::Turn,
        }
    }

    fn has_workers(&self, now: Now) -> bool {
        self.asked
            .is_some_and(|asked| now.monotonic.saturating_sub(asked) <= WORKERS_SEEN)
    }

    /// Which limit of the whole queue is reached.
    fn limit_reason(&self, now: Now) -> Option<WaitReason> {
        if self.room() == 0 {
            return Some(WaitReason::QueueConcurrency);
        }
        let rate = self.options.rate?;
        (!self.rate.is_ready(rate, now.wall)).then_some(WaitReason::QueueRate)
    }

    /// Which limit of a group is reached.
    fn lane_reason(&self, group: Number, now: Now) -> Option<WaitReason> {
        if group == NO_GROUP {
            return None;
        }
        let lane = self.lane(group);
        if self.group_room(lane) == 0 {
            return Some(WaitReason::GroupConcurrency);
        }
        let rate = self.options.group_rate?;
        (!lane.rate.is_ready(rate, now.wall)).then_some(WaitReason::GroupRate)
    }

    /// Which limit of a key is reached.
    fn key_reason(&self, number: Number, now: Now) -> Option<WaitReason> {
        let key = self.keys.find(number)?;
        if !self.key_has_room(number) {
            return Some(WaitReason::KeyConcurrency);
        }
        let rate = self.options.key_rate?;
        (!key.rate.is_ready(rate, now.wall)).then_some(WaitReason::KeyRate)
    }

    fn group_room(&self, lane: &Lane) -> u64 {
        let limit = self.options.group_concurrency.unwrap_or(u32::MAX);
        u64::from(limit.saturating_sub(lane.active))
    }

    /// How many due jobs a worker would be given now, and how many wait for which reason.
    pub(super) fn waits(&self, now: Now) -> (u64, BTreeMap<&'static str, u64>) {
        let mut waits = Waits::default();
        let due = self.counts.waiting + self.counts.prioritized + self.backlog.len();
        if self.is_paused {
            waits.add(&WaitReason::QueuePaused, due);
            return (0, waits.0);
        }
        if let Some(reason) = self.limit_reason(now) {
            waits.add(&reason, due);
            return (0, waits.0);
        }
        let mut ready = self.backlog.len();
        ready += self.lane_waits(&self.common, NO_GROUP, now, &mut waits);
        for (group, lane) in self.lanes.iter() {
            ready += self.lane_waits(lane, group, now, &mut waits);
        }
        let over = ready.saturating_sub(self.room());
        waits.add(&WaitReason::QueueConcurrency, over);
        ready -= over;
        let (suspects, turn) = match self.has_workers(now) {
            true => (WaitReason::Suspect, WaitReason::Turn),
            false => (WaitReason::NoWorkers, WaitReason::NoWorkers),
        };
        waits.add(&suspects, self.suspects.len() as u64);
        waits.add(&turn, ready);
        (ready, waits.0)
    }

    /// How many jobs of a lane would be given now; the others are counted by what they wait for.
    fn lane_waits(&self, lane: &Lane, group: Number, now: Now, waits: &mut Waits) -> u64 {
        if lane.due == 0 {
            return 0;
        }
        if lane.is_paused {
            waits.add(&WaitReason::GroupPaused, lane.due);
            return 0;
        }
        if let Some(reason) = self.lane_reason(group, now) {
            waits.add(&reason, lane.due);
            return 0;
        }
        let mut ready = lane.due;
        for (key, jobs) in lane.keyed() {
            let blocked = match self.key_reason(key, now) {
                Some(reason) => (reason, jobs),
                None => (
                    WaitReason::KeyConcurrency,
                    jobs.saturating_sub(self.key_room(key)),
                ),
            };
            waits.add(&blocked.0, blocked.1);
            ready -= blocked.1;
        }
        if group == NO_GROUP {
            return ready;
        }
        let over = ready.saturating_sub(self.group_room(lane));
        waits.add(&WaitReason::GroupConcurrency, over);
        ready - over
    }

    fn key_room(&self, key: Number) -> u64 {
        let limit = self.options.key_concurrency.unwrap_or(u32::MAX);
        let active = self.keys.find(key).map_or(0, |key| key.active);
        u64::from(limit.saturating_sub(active))
    }
}

/// Jobs per reason.
#[derive(Debug, Default)]
struct Waits(BTreeMap<&'static str, u64>);

impl Waits {
    fn add(&mut self, reason: &WaitReason, jobs: u64) {
        if jobs > 0 {
            *self.0.entry(reason.word()).or_default() += jobs;
        }
    }
}
