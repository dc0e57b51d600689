use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;

use super::{Engine, GroupRun, Work};
use crate::{DueRule, Fact, Fingerprint, Reason, RuleGroup};

/// A sample may be so far ahead of the hub's clock and is still looked at when it arrives: clocks of its
/// senders differ a little.
pub(super) const AHEAD_MAX: Duration = Duration::from_secs(1);
/// How often it is said that rules are being evaluated, while there are alerts: a restart knows the last
/// moment before it this well.
const ALIVE_EVERY: Duration = Duration::from_mins(1);
/// Two evaluations of a rule are at least so far apart, because their samples have to differ in time.
pub(super) const STEP: Duration = Duration::from_millis(1);

impl Engine {
    /// When there is something to do next; none without rules.
    pub fn next_due(&self) -> Option<Timestamp> {
        let groups = self.groups.iter().filter(|group| group.turns_left == 0);
        let groups = groups.map(|group| group.next_at);
        let waiting = self.waiting.iter();
        let rules = waiting.filter_map(|ordinal| self.rules[*ordinal].due_at());
        let shelves = self.shelved.values().copied();
        groups.chain(rules).chain(shelves).min()
    }

    /// What is to do now: first rules that are due because of a sample and need no query, then groups whose
    /// interval has passed, in the order of their times, then other rules that are due because of a sample or a
    /// timer. What is on its way is not handed out again before it is concluded: neither the rule, nor its group's
    /// interval.
    ///
    /// A group that missed intervals is evaluated once, at the last of them. The clock may jump: set back, the
    /// times that were waited for are forgotten; so ask at least every second, whatever
    /// [`next_due`](Self::next_due) says.
    pub fn tick(&mut self, now: Timestamp) -> Work {
        let mut work = Work::default();
        if now < self.last_tick {
            let rules = self.rules.iter_mut();
            rules.for_each(|run| run.meet_clock(now));
        }
        self.last_tick = now;
        self.waiting.retain(|ordinal| {
            let run = &self.rules[*ordinal];
            run.is_busy || run.due_at().is_some()
        });
        let waiting: Vec<usize> = self.waiting.iter().copied().collect();
        // What needs no query waits for nothing that does.
        let (quick, slow): (Vec<usize>, Vec<usize>) = waiting
            .into_iter()
            .filter(|ordinal| self.rules[*ordinal].due_at().is_some_and(|at| at <= now))
            .partition(|ordinal| self.rules[*ordinal].is_quick(now));
        self.add_waiting(&quick, now, &mut work);
        for (at, index) in self.due_groups(now) {
            let rules = self.groups[index].rules.clone();
            let due = rules.map(|rule| self.due(rule, at, Reason::Tick));
            let due: Vec<DueRule> = due.collect();
            self.groups[index].turns_left = due.len();
            work.due.push(due);
        }
        self.add_waiting(&slow, now, &mut work);
        self.take_from_shelves(now, &mut work);
        self.say_alive(now, &mut work);
        work
    }

    /// The groups whose interval has passed, by time.
    fn due_groups(&mut self, now: Timestamp) -> Vec<(Timestamp, usize)> {
        let mut due = Vec::new();
        for (index, group) in self.groups.iter_mut().enumerate() {
            if group.turns_left > 0 {
                continue;
            }
            let interval = group.group.interval;
            if group.next_at > now.plus(interval) {
                group.next_at = last_grid_time(&group.group, now).plus(interval);
            }
            if group.next_at <= now {
                let at = last_grid_time(&group.group, now);
                let skipped = at.since(group.next_at).as_nanos() / interval.as_nanos();
                group.missed += u64::try_from(skipped).unwrap_or(u64::MAX);
                group.next_at = at.plus(interval);
                due.push((at, index));
            }
        }
        due.sort_unstable();
        due
    }

    /// All rules, group by group in the order given, at one time: how files of rules are tested.
    pub(crate) fn all_due(&mut self, at: Timestamp, order: &[usize]) -> Vec<DueRule> {
        let rules = order
            .iter()
            .flat_map(|group| self.groups[*group].rules.clone());
        let rules: Vec<usize> = rules.collect();
        let due = rules
            .into_iter()
            .map(|rule| self.due(rule, at, Reason::Tick));
        due.collect()
    }

    fn add_waiting(&mut self, ordinals: &[usize], now: Timestamp, work: &mut Work) {
        for ordinal in ordinals {
            let dirty = self.rules[*ordinal].dirty.as_ref();
            let is_dirty = dirty.is_some_and(|dirty| dirty.due_at <= now);
            let reason = if is_dirty {
                Reason::Ingest
            } else {
                Reason::Timer
            };
            let due = self.due(*ordinal, now, reason);
            self.rules[*ordinal].is_busy = true;
            work.due.push(vec![due]);
        }
    }

    fn due(&mut self, ordinal: usize, at: Timestamp, reason: Reason) -> DueRule {
        let lookback = self.options.lookback;
        let offset = self.group_of(ordinal).group.query_offset;
        let run = &mut self.rules[ordinal];
        let mut at = at;
        let mut touched = None;
        let mut since = None;
        if reason == Reason::Ingest {
            let dirty = run.dirty.take();
            if let Some(dirty) = dirty {
                since = Some(dirty.since);
                let newest = Timestamp::from_millis(dirty.newest_ms);
                let is_seen = newest.plus(lookback) > at;
                at = at.max(newest);
                // What is too old to be seen is for a whole evaluation to say.
                touched = dirty.touched.filter(|_| is_seen);
            }
        }
        if run.is_on_ingest() {
            at = run.last_at.map_or(at, |last| at.max(last.plus(STEP)));
        }
        // A rule that waits for its turn in a group is not waited for.
        if reason != Reason::Tick && run.timer.is_some_and(|timer| timer <= at) {
            // Another alert's time has come too.
            touched = None;
            run.timer = None;
        }
        run.last_at = Some(at);
        DueRule {
            rule: std::sync::Arc::clone(&run.rule),
            at,
            reason,
            since,
            query_at: at.minus(offset),
            touched,
            expected: std::sync::Arc::clone(&run.expected),
        }
    }

    pub(super) fn group_of(&self, ordinal: usize) -> &GroupRun {
        &self.groups[self.index_of(ordinal)]
    }

    pub(super) fn index_of(&self, ordinal: usize) -> usize {
        // Empty groups begin where the next one does, so the last that begins there is the one.
        let after = self.groups.partition_point(|g| g.rules.start <= ordinal);
        after - 1
    }

    /// Tells of the alerts that were put aside until now and fire.
    fn take_from_shelves(&mut self, now: Timestamp, work: &mut Work) {
        let over = self.shelved.iter().filter(|(_, until)| **until <= now);
        let over: Vec<Labels> = over.map(|(labels, _)| labels.clone()).collect();
        for labels in over {
            self.shelved.remove(&labels);
            work.alerts.extend(self.firing(&labels, now));
        }
    }

    fn say_alive(&mut self, now: Timestamp, work: &mut Work) {
        let is_time = self
            .last_alive
            .is_none_or(|last| now.since(last) >= ALIVE_EVERY);
        if is_time && self.book.all().next().is_some() {
            let fact = Fact::Alive { at: now };
            self.book.apply(&fact);
            self.last_alive = Some(now);
            work.facts.push(fact);
        }
    }
}

/// The last time at or before `now` at which a group is evaluated: multiples of its interval, shifted by a
/// hash of its file and name, so that groups do not all come at once and each always comes at the same times.
pub(super) fn last_grid_time(group: &RuleGroup, now: Timestamp) -> Timestamp {
    let interval = i64::try_from(group.interval.as_nanos()).unwrap_or(i64::MAX);
    let key = Labels::from_pairs([("file", &*group.file), ("name", &*group.name)]);
    let shift = Fingerprint::of(&key).0 % interval.unsigned_abs();
    let shift = i64::try_from(shift).expect("it is below the interval");
    let shifted = now.as_nanos().saturating_sub(shift);
    Timestamp::from_nanos(shifted - shifted.rem_euclid(interval) + shift)
}
