use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{Labels, METRIC_NAME, STALE, Value};

use super::{Call, Engine, Health, Outcome};
use crate::evaluation::{Evaluated, Found, Raised};
use crate::judge::{judge, timer};
use crate::{
    ActionRequest, AlertState, Alerting, Changed, DueRule, Episode, Fact, OnStale, QueryError,
    RuleAction, Sample, Transition,
};

/// A rule remembers so many sources whose absence is an alarm.
const EXPECTED_MAX: usize = 10_000;
/// A source that has had no value for so long is not coming back: whoever took it away meant it.
const MISSED_MAX: Duration = Duration::from_hours(24);

impl Engine {
    /// Decides what an evaluation means; `took` is how long it took, `now` when it ended.
    ///
    /// An evaluation that failed changes nothing but the rule's [`Health`]; one of a rule that was loaded anew
    /// since is ignored.
    pub fn conclude(&mut self, evaluated: Evaluated, took: Duration, now: Timestamp) -> Outcome {
        let Evaluated { due, found } = evaluated;
        let Some(ordinal) = self.ordinal_of(&due) else {
            return Outcome::default();
        };
        self.end_flight(&due, ordinal);
        self.rules[ordinal].rest(took, now);
        let limit = self.group_limit(ordinal);
        let decided = found.and_then(|found| match found {
            Found::Recorded(series) => self.record(ordinal, &due, series, limit),
            Found::Raised(raised) => self.raise(ordinal, &due, &raised, limit),
        });
        let run = &mut self.rules[ordinal];
        run.evaluations += 1;
        match decided {
            Ok(outcome) => {
                run.health = Health::Good;
                outcome
            }
            Err(error) => {
                run.failures += 1;
                run.health = Health::Bad(error);
                Outcome::default()
            }
        }
    }

    fn record(
        &mut self,
        ordinal: usize,
        due: &DueRule,
        series: BTreeMap<Labels, Value>,
        limit: usize,
    ) -> Result<Outcome, QueryError> {
        if limit > 0 && series.len() > limit {
            return Err(over_limit(limit, series.len(), "series"));
        }
        let at_ms = due.query_at.as_millis();
        let mut outcome = Outcome::default();
        let mut yielded = BTreeMap::new();
        for (labels, value) in series {
            yielded.insert(labels.clone(), Labels::empty());
            outcome.samples.push(Sample {
                labels,
                at_ms,
                value,
            });
        }
        self.end_vanished(ordinal, due, yielded, &mut outcome);
        Ok(outcome)
    }

    fn raise(
        &mut self,
        ordinal: usize,
        due: &DueRule,
        raised: &Raised,
        limit: usize,
    ) -> Result<Outcome, QueryError> {
        let rule = Arc::clone(&due.rule);
        let Some(alerting) = rule.alerting() else {
            return Ok(Outcome::default());
        };
        let judgement = judge(due, alerting, raised, &self.book, limit)
            .map_err(|alerts| over_limit(limit, alerts, "alerts"))?;
        let mut outcome = Outcome::default();
        let mut told: BTreeSet<Labels> = BTreeSet::new();
        for (labels, look) in judgement.looks {
            let known = self.book.episode(rule.id, &labels);
            let is_news = known.is_some_and(|e| {
                e.state == AlertState::Firing && e.annotations != look.annotations
            });
            if is_news {
                told.insert(labels.clone());
            }
            self.book.refresh(rule.id, &labels, look);
        }
        let mut fired = Vec::new();
        for change in judgement.changes {
            if matches!(change.to, Transition::Firing | Transition::Resolved) {
                told.insert(change.labels.clone());
            }
            if change.to == Transition::Firing {
                fired.push(change.labels.clone());
            }
            self.happen(change, &mut outcome);
        }
        let generator = Arc::clone(&self.rules[ordinal].generator);
        if let Some(action) = &alerting.action {
            let fired = fired.iter().filter_map(|l| self.book.episode(rule.id, l));
            let calls = fired.map(|episode| call(action, episode, raised, &generator, due.at));
            outcome.calls = calls.collect();
        }
        let told = told.iter().filter_map(|l| self.book.episode(rule.id, l));
        // Who is put aside is not told of, but for an end: whoever heard of it before waits for that.
        let told = told.filter(|episode| {
            let is_shelved = self.book.shelf(&episode.labels, due.at).is_some();
            !is_shelved || !episode.is_active()
        });
        outcome.alerts = told
            .map(|episode| episode.alert(&generator, None))
            .collect();
        self.alert_samples(ordinal, due, &mut outcome);
        self.remember(ordinal, due, alerting, raised);
        Ok(outcome)
    }

    /// Makes a change true and notes it as a fact.
    pub(super) fn happen(&mut self, change: Changed, outcome: &mut Outcome) {
        let fact = Fact::Changed(Box::new(change));
        self.book.apply(&fact);
        outcome.facts.push(fact);
    }

    /// `ALERTS` and `ALERTS_FOR_STATE` of the alerts that were looked at.
    fn alert_samples(&mut self, ordinal: usize, due: &DueRule, outcome: &mut Outcome) {
        let at_ms = due.query_at.as_millis();
        let mut yielded = BTreeMap::new();
        let active = self.book.of_rule(due.rule.id).filter(|e| e.is_active());
        for episode in active.filter(|e| due.concerns(&e.source)) {
            for (labels, value) in series_of(episode) {
                yielded.insert(labels.clone(), episode.source.clone());
                let value = Value::Float(value);
                outcome.samples.push(Sample {
                    labels,
                    at_ms,
                    value,
                });
            }
        }
        self.end_vanished(ordinal, due, yielded, outcome);
    }

    /// Ends the series that the rule yielded last and does not any more, of those it looked at.
    fn end_vanished(
        &mut self,
        ordinal: usize,
        due: &DueRule,
        yielded: BTreeMap<Labels, Labels>,
        outcome: &mut Outcome,
    ) {
        let previous = &mut self.rules[ordinal].previous;
        let vanished: Vec<Labels> = previous
            .iter()
            .filter(|(series, source)| due.concerns(source) && !yielded.contains_key(*series))
            .map(|(series, _)| series.clone())
            .collect();
        for labels in vanished {
            previous.remove(&labels);
            let (at_ms, value) = (due.query_at.as_millis(), Value::Float(STALE));
            outcome.samples.push(Sample {
                labels,
                at_ms,
                value,
            });
        }
        previous.extend(yielded);
    }

    /// Notes what the next evaluation needs to know: who should have a value, and when a time comes.
    fn remember(&mut self, ordinal: usize, due: &DueRule, alerting: &Alerting, raised: &Raised) {
        let alerts = self.book.of_rule(due.rule.id);
        let timer = alerts.filter_map(|e| timer(alerting, e)).min();
        let run = &mut self.rules[ordinal];
        run.timer = timer.filter(|_| run.is_on_ingest());
        self.waiting.insert(ordinal);
        if alerting.on_stale == OnStale::Resolve {
            return;
        }
        for source in &raised.present {
            run.missing.remove(source);
        }
        let gone = raised.wanted.values().filter(|wanted| wanted.is_stale);
        let mut forgotten: Vec<&Labels> = raised.taken_away.iter().collect();
        for source in gone.map(|wanted| &wanted.source) {
            let since = run.missing.entry(source.clone()).or_insert(due.at);
            if due.at.since(*since) >= MISSED_MAX {
                forgotten.push(source);
            }
        }
        let is_new = |source: &&Labels| !run.expected.contains(*source);
        let new: Vec<&Labels> = raised.present.iter().filter(is_new).collect();
        if new.is_empty() && forgotten.is_empty() {
            return;
        }
        let expected = Arc::make_mut(&mut run.expected);
        for source in forgotten {
            expected.remove(source);
            run.missing.remove(source);
        }
        let room = EXPECTED_MAX.saturating_sub(expected.len());
        expected.extend(new.into_iter().take(room).cloned());
    }
}

/// What a system is to do about an alert that began to fire.
fn call(
    action: &RuleAction,
    episode: &Episode,
    raised: &Raised,
    generator: &Arc<str>,
    at: Timestamp,
) -> Call {
    let alert = episode.alert(generator, None);
    let params = raised.wanted.get(&episode.labels).map(|w| &w.params);
    let params = params.into_iter().flat_map(Labels::iter);
    let (rule, since) = (episode.rule, alert.starts_at.as_nanos());
    Call {
        action: Arc::clone(&action.name),
        request: ActionRequest {
            id: format!("{rule}-{}-{since}", alert.fingerprint),
            at,
            params: params
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect(),
            alerts: vec![alert],
        },
    }
}

fn over_limit(limit: usize, found: usize, what: &str) -> QueryError {
    QueryError::new(format!("exceeded limit of {limit} with {found} {what}"))
}

/// The two series that tell of an active alert.
fn series_of(episode: &Episode) -> [(Labels, f64); 2] {
    let mut state = episode.labels.to_builder();
    state.set(METRIC_NAME, "ALERTS");
    state.set("alertstate", episode.state.as_str());
    let mut since = episode.labels.to_builder();
    since.set(METRIC_NAME, "ALERTS_FOR_STATE");
    let seconds = episode.active_at.as_millis().div_euclid(1_000);
    [(state.build(), 1.0), (since.build(), whole(seconds))]
}

/// A whole number of seconds, which a float holds exactly for 285 million years.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn whole(seconds: i64) -> f64 {
    seconds as f64
}
