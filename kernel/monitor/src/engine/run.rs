use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{Labels, Value};

use super::Health;
use super::schedule::AHEAD_MAX;
use crate::evaluation::{Touched, unnamed};
use crate::{Rule, RuleGroup, Trigger, judge};

/// A rule is evaluated on ingest at most every so often: a burst of samples is looked at once, and nobody
/// waits longer for it.
pub(super) const SPACING: Duration = Duration::from_millis(20);
/// So often when the samples that arrived say all: that takes microseconds, and what stands behind such a rule may
/// be a vehicle that leaves its limits.
const SPACING_QUICK: Duration = Duration::from_millis(2);
/// A rule that takes long is evaluated on ingest only every so many times as long, so that it takes no more
/// than a fifth of a processor.
const SPACING_PER_COST: u32 = 4;
/// However long it took, it is evaluated on ingest again after this.
const REST_MAX: Duration = Duration::from_secs(10);
/// When more series have new samples, the whole rule is evaluated.
const TOUCHED_MAX: usize = 1_000;

/// A rule and what has become of it.
pub(super) struct RuleRun {
    pub(super) rule: Arc<Rule>,
    pub(super) generator: Arc<str>,
    /// Whether looking at the series with new samples is enough.
    is_restrictable: bool,
    /// The series it yielded last, with their sources.
    pub(super) previous: BTreeMap<Labels, Labels>,
    /// Sources whose absence is an alarm.
    pub(super) expected: Arc<BTreeSet<Labels>>,
    /// Of these, those that have no value, and since when.
    pub(super) missing: BTreeMap<Labels, Timestamp>,
    /// The time of the last evaluation begun.
    pub(super) last_at: Option<Timestamp>,
    pub(super) health: Health,
    pub(super) took: Duration,
    /// Evaluations concluded, and those of them that failed.
    pub(super) evaluations: u64,
    pub(super) failures: u64,
    /// Whether an evaluation is on its way.
    pub(super) is_busy: bool,
    pub(super) dirty: Option<Dirty>,
    /// When an alert changes without another sample.
    pub(super) timer: Option<Timestamp>,
    /// Not evaluated on ingest before this.
    pub(super) rests_until: Timestamp,
}

/// What is new since the last evaluation.
pub(super) struct Dirty {
    /// Since when there is something new.
    pub(super) since: Timestamp,
    pub(super) due_at: Timestamp,
    pub(super) newest_ms: i64,
    /// By source; none when all is to be looked at.
    pub(super) touched: Option<BTreeMap<Labels, Touched>>,
}

impl RuleRun {
    pub(super) fn new(rule: Arc<Rule>, group: &RuleGroup, generator: Arc<str>) -> Self {
        let is_restrictable = group.query_offset.is_zero() && is_restrictable(&rule);
        Self {
            rule,
            generator,
            is_restrictable,
            previous: BTreeMap::new(),
            expected: Arc::default(),
            missing: BTreeMap::new(),
            last_at: None,
            health: Health::Unknown,
            took: Duration::ZERO,
            evaluations: 0,
            failures: 0,
            is_busy: false,
            dirty: None,
            timer: None,
            rests_until: Timestamp::EPOCH,
        }
    }

    pub(super) fn is_on_ingest(&self) -> bool {
        self.rule.trigger == Trigger::Ingest
    }

    /// Notes a new sample, whose value may not be known.
    pub(super) fn touch(
        &mut self,
        labels: &Labels,
        at_ms: i64,
        value: Option<&Value>,
        now: Timestamp,
    ) {
        let due_at = now.max(self.rests_until);
        let is_restrictable = self.is_restrictable;
        let dirty = self.dirty.get_or_insert_with(|| Dirty {
            since: now,
            due_at,
            newest_ms: at_ms,
            touched: is_restrictable.then(BTreeMap::new),
        });
        dirty.newest_ms = dirty.newest_ms.max(at_ms);
        let (Some(touched), Some(value)) = (&mut dirty.touched, value) else {
            dirty.touched = None;
            return;
        };
        let new = Touched {
            labels: labels.clone(),
            value: value.clone(),
        };
        touched.insert(unnamed(labels), new);
        if touched.len() > TOUCHED_MAX {
            dirty.touched = None;
        }
    }

    /// Notes that all of it is to be looked at.
    pub(super) fn touch_all(&mut self, now: Timestamp) {
        let due_at = now.max(self.rests_until);
        let dirty = self.dirty.get_or_insert_with(|| Dirty {
            since: now,
            due_at,
            newest_ms: now.as_millis(),
            touched: None,
        });
        dirty.touched = None;
    }

    /// When it is to be evaluated other than at its group's interval; not before an evaluation that is on its
    /// way has ended.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        if self.is_busy {
            return None;
        }
        let dirty = self.dirty.as_ref().map(|dirty| dirty.due_at);
        let timer = self.timer.map(|timer| timer.max(self.rests_until));
        dirty.into_iter().chain(timer).min()
    }

    /// Whether the samples that arrived say all.
    pub(super) fn is_quick(&self, now: Timestamp) -> bool {
        let dirty = self.dirty.as_ref().filter(|dirty| dirty.due_at <= now);
        let is_timed = self.timer.is_some_and(|timer| timer <= now);
        !is_timed && dirty.is_some_and(|dirty| dirty.touched.is_some())
    }

    /// Takes note of how long an evaluation took.
    pub(super) fn rest(&mut self, took: Duration, now: Timestamp) {
        self.took = took;
        let rest = took.saturating_mul(SPACING_PER_COST);
        let shortest = if self.is_restrictable {
            SPACING_QUICK
        } else {
            SPACING
        };
        self.rests_until = now.plus(rest.clamp(shortest, REST_MAX));
    }

    /// Forgets times that lie so far ahead that the clock must have been set back.
    pub(super) fn meet_clock(&mut self, now: Timestamp) {
        if self
            .last_at
            .is_some_and(|last| last > now.plus(AHEAD_MAX * 2))
        {
            self.last_at = None;
        }
        if self.rests_until > now.plus(REST_MAX) {
            self.rests_until = now;
            if let Some(dirty) = &mut self.dirty {
                dirty.due_at = dirty.due_at.min(now);
            }
        }
    }
}

/// Whether a new sample of one series says all about the alerts of that series.
fn is_restrictable(rule: &Rule) -> bool {
    let (Some(alerting), [matchers]) = (rule.alerting(), rule.query.selectors()) else {
        return false;
    };
    let is_plain = rule.query.threshold().is_some_and(|t| t.is_plain);
    // Without one metric's name, two series of one source would be taken for each other.
    let is_one_metric = matchers.iter().any(judge::names_metric);
    let resolve_agrees = alerting.resolve.as_ref().is_none_or(|resolve| {
        let same = resolve.selectors() == rule.query.selectors();
        same && resolve.threshold().is_some_and(|t| t.is_plain)
    });
    is_plain && is_one_metric && resolve_agrees
}
