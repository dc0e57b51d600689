use std::collections::BTreeMap;
use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::{STALE, Value};

use super::run::RuleRun;
use super::schedule::{STEP, last_grid_time};
use super::{Engine, GroupRun, Outcome};
use crate::ingest::Index;
use crate::judge::{changed, timer};
use crate::{
    AlertState, Alerting, Changed, Episode, OnStale, RuleGroup, RuleId, Sample, Transition,
};

impl Engine {
    /// Puts these groups in the place of those there are. Rules that stay keep their alerts; those of rules
    /// that are gone are resolved, and their series end. Kept facts are [applied](Self::apply) before the first
    /// call: it also sees to alerts that were pending when nobody looked.
    pub fn load(&mut self, groups: Vec<RuleGroup>, now: Timestamp) -> Outcome {
        let mut outcome = Outcome::default();
        let old: BTreeMap<RuleId, RuleRun> = std::mem::take(&mut self.rules)
            .into_iter()
            .map(|run| (run.rule.id, run))
            .collect();
        let old_groups = std::mem::take(&mut self.groups);
        self.by_id.clear();
        self.index = Index::default();
        let mut old = old;
        for group in groups {
            self.add_group(group, &mut old, &old_groups, now);
        }
        self.end_removed(old, now, &mut outcome);
        if !self.is_restored {
            self.is_restored = true;
            self.restore(now, &mut outcome);
            self.remember_missing();
            self.remember_shelves(now);
        }
        self.set_timers();
        outcome
    }

    fn add_group(
        &mut self,
        group: RuleGroup,
        old: &mut BTreeMap<RuleId, RuleRun>,
        old_groups: &[GroupRun],
        now: Timestamp,
    ) {
        let first = self.rules.len();
        for rule in &group.rules {
            let generator = self.generator(rule.query.text());
            let mut run = RuleRun::new(Arc::clone(rule), &group, generator);
            if let Some(before) = old.remove(&rule.id) {
                run.previous = before.previous;
                run.expected = before.expected;
                run.missing = before.missing;
                run.last_at = before.last_at;
                run.health = before.health;
                run.took = before.took;
                run.evaluations = before.evaluations;
                run.failures = before.failures;
                run.rests_until = before.rests_until;
            }
            let ordinal = self.rules.len();
            if run.is_on_ingest() {
                self.index.add(ordinal, rule.query.selectors());
            }
            self.by_id.insert(rule.id, ordinal);
            self.rules.push(run);
        }
        let before = old_groups.iter().find(|old| {
            let old = &old.group;
            (&old.file, &old.name, old.interval) == (&group.file, &group.name, group.interval)
        });
        let next = last_grid_time(&group, now).plus(group.interval);
        self.groups.push(GroupRun {
            next_at: before.map_or(next, |before| before.next_at),
            turns_left: 0,
            missed: before.map_or(0, |before| before.missed),
            rules: first..self.rules.len(),
            group: Arc::new(group),
        });
    }

    fn end_removed(
        &mut self,
        removed: BTreeMap<RuleId, RuleRun>,
        now: Timestamp,
        outcome: &mut Outcome,
    ) {
        for run in removed.into_values() {
            // The rule may have yielded samples of this very moment.
            let at = run.last_at.map_or(now, |last| now.max(last.plus(STEP)));
            let series = run.previous.into_keys();
            outcome.samples.extend(series.map(|labels| Sample {
                labels,
                at_ms: at.as_millis(),
                value: Value::Float(STALE),
            }));
        }
        let gone: Vec<RuleId> = self
            .book
            .rules()
            .filter(|rule| !self.by_id.contains_key(rule))
            .collect();
        let nowhere = Arc::from("");
        for rule in gone {
            let ends: Vec<Changed> = self
                .book
                .of_rule(rule)
                .filter_map(|e| ended(e, now))
                .collect();
            for end in ends {
                let (to, labels) = (end.to, end.labels.clone());
                self.happen(end, outcome);
                if to == Transition::Resolved {
                    let episode = self.book.episode(rule, &labels);
                    outcome
                        .alerts
                        .extend(episode.map(|e| e.alert(&nowhere, None)));
                }
            }
        }
    }

    /// Sees to alerts that were pending when rules were evaluated last, as Prometheus does.
    fn restore(&mut self, now: Timestamp, outcome: &mut Outcome) {
        let Some(down_at) = self.book.last_alive() else {
            return;
        };
        let mut changes = Vec::new();
        for run in &self.rules {
            let Some(alerting) = run.rule.alerting() else {
                continue;
            };
            let pending = self.book.of_rule(run.rule.id);
            for episode in pending.filter(|e| e.state == AlertState::Pending) {
                let active_at = self.resumed(episode, alerting, down_at, now);
                changes.push(Changed {
                    active_at,
                    ..changed(episode, now, Transition::Postponed)
                });
            }
        }
        for change in changes {
            self.happen(change, outcome);
        }
    }

    /// Who is missing was known before a restart: else a silence that began before it would end with it.
    fn remember_missing(&mut self) {
        for run in &mut self.rules {
            let alarms = run.rule.alerting().map(|alerting| alerting.on_stale);
            if alarms != Some(OnStale::Alarm) {
                continue;
            }
            let alerts = self.book.of_rule(run.rule.id).filter(|e| e.is_active());
            for episode in alerts {
                let expected = Arc::make_mut(&mut run.expected);
                expected.insert(episode.source.clone());
                if episode.is_stale {
                    let since = episode.active_at;
                    run.missing.insert(episode.source.clone(), since);
                }
            }
        }
    }

    /// Those who are put aside are told of again when that ends.
    fn remember_shelves(&mut self, now: Timestamp) {
        let shelves = self.book.shelves().filter(|shelf| shelf.until > now);
        self.shelved = shelves
            .map(|shelf| (shelf.labels.clone(), shelf.until))
            .collect();
    }

    /// Since when an alert counts as active, after nobody looked between `down_at` and `now`.
    fn resumed(
        &self,
        episode: &Episode,
        alerting: &Alerting,
        down_at: Timestamp,
        now: Timestamp,
    ) -> Timestamp {
        let (hold, grace) = (alerting.hold, self.options.for_grace);
        let down_for = now.since(down_at);
        if hold < grace || down_for > self.options.outage_tolerance {
            return now;
        }
        let remaining = hold.saturating_sub(down_at.since(episode.active_at));
        if remaining < grace {
            return now.plus(grace).minus(hold);
        }
        episode.active_at.plus(down_for)
    }

    fn set_timers(&mut self) {
        self.waiting.clear();
        for (ordinal, run) in self.rules.iter_mut().enumerate() {
            if let (true, Some(alerting)) = (run.is_on_ingest(), run.rule.alerting()) {
                let alerts = self.book.of_rule(run.rule.id);
                run.timer = alerts.filter_map(|e| timer(alerting, e)).min();
                self.waiting.insert(ordinal);
            }
        }
    }

    /// The address at which an expression can be looked at.
    fn generator(&self, expression: &str) -> Arc<str> {
        let mut address = self.options.external_url.clone();
        address.push_str("/graph?g0.expr=");
        for byte in expression.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    address.push(char::from(byte));
                }
                b' ' => address.push('+'),
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
        address.push_str("&g0.tab=1");
        Arc::from(address)
    }
}

/// The end of an alert whose rule is gone.
fn ended(episode: &Episode, now: Timestamp) -> Option<Changed> {
    let to = match episode.state {
        AlertState::Pending => Transition::Dropped,
        AlertState::Firing => Transition::Resolved,
        AlertState::Resolved => return None,
    };
    Some(changed(episode, now, to))
}
