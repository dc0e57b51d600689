//! Why there is an alert: its rule, the samples its rule reads, and what happened.

use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{
    Error, Labels, METRIC_NAME, MatchOp, Matcher, Samples, Selection, Source, Value,
};

use crate::{Engine, Episode, Fingerprint, Rule, RuleStatus, Shelf};

/// So many series of a selector are shown.
const SERIES_MAX: usize = 20;
/// So many samples of a series are shown, the newest.
const SAMPLES_MAX: usize = 100;

/// Why there is an alert. Who was told of it is the notifier's to say, by the same fingerprint.
pub struct Explanation<'e> {
    /// The rule; none when it is gone, and with it the alert.
    pub rule: Option<RuleStatus<'e>>,
    /// The alert with its history.
    pub episode: &'e Episode,
    /// Its place on the shelf, if it is put aside now.
    pub shelf: Option<&'e Shelf>,
    /// What the rule reads, a selector each.
    pub inputs: Vec<Input>,
}

/// The samples of a selector of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The selector's conditions, with those that the alert's labels add.
    pub matchers: Vec<Matcher>,
    /// At most 20 series with their newest samples, at most 100 each, from a lookback before the alert's begin
    /// to its end or now.
    pub series: Vec<(Labels, Vec<(i64, Value)>)>,
    /// How many series more there are.
    pub left_out: usize,
}

impl Engine {
    /// Explains the alerts of a fingerprint, the active ones first; reads the samples of their rules.
    ///
    /// # Errors
    /// When samples cannot be read.
    pub fn explain(
        &self,
        alert: Fingerprint,
        source: &dyn Source,
        now: Timestamp,
    ) -> Result<Vec<Explanation<'_>>, Error> {
        let mut found: Vec<&Episode> = self.book().find(alert).collect();
        found.sort_by_key(|episode| !episode.is_active());
        let explained = found.into_iter().map(|episode| {
            let rule = self.rule(episode.rule);
            let mut inputs = Vec::new();
            if let Some(rule) = &rule {
                let lookback = self.options().lookback;
                inputs = read_inputs(rule.rule, episode, lookback, source, now)?;
            }
            Ok(Explanation {
                rule,
                episode,
                shelf: self.book().shelf(&episode.labels, now),
                inputs,
            })
        });
        explained.collect()
    }
}

/// The samples that a rule reads of an alert, a selector each: what an [`Explanation`] shows of them, for whoever
/// reads them without the engine.
///
/// # Errors
/// When samples cannot be read.
pub fn read_inputs(
    rule: &Rule,
    episode: &Episode,
    lookback: Duration,
    source: &dyn Source,
    now: Timestamp,
) -> Result<Vec<Input>, Error> {
    let from_ms = episode.active_at.minus(lookback).as_millis();
    let to_ms = episode.resolved_at.unwrap_or(now).as_millis();
    let selectors = rule.query.selectors().iter();
    let inputs = selectors.map(|selector| {
        let narrowed = Selection {
            matchers: narrow(selector, &episode.source),
            from_ms,
            to_ms,
        };
        // The expression may have put labels on that its series do not have.
        let has_own = !source.select(&narrowed)?.is_empty();
        let matchers = match has_own {
            true => narrowed.matchers,
            false => selector.clone(),
        };
        let selection = Selection {
            matchers,
            from_ms,
            to_ms,
        };
        read_input(selection, source)
    });
    inputs.collect()
}

fn read_input(selection: Selection, source: &dyn Source) -> Result<Input, Error> {
    let selected = source.select(&selection)?;
    let mut series = Vec::new();
    let mut samples = Samples::default();
    for index in 0..selected.len().min(SERIES_MAX) {
        selected.read(index, selection.from_ms, selection.to_ms, &mut samples)?;
        let first = samples.len().saturating_sub(SAMPLES_MAX);
        let points = (first..samples.len()).map(|i| (samples.timestamps[i], samples.value(i)));
        series.push((selected.labels(index).clone(), points.collect()));
    }
    Ok(Input {
        matchers: selection.matchers,
        left_out: selected.len() - series.len(),
        series,
    })
}

/// The selector for the series of one alert: its labels are conditions too.
fn narrow(selector: &[Matcher], source: &Labels) -> Vec<Matcher> {
    let mut matchers = selector.to_vec();
    for (name, value) in source.iter().filter(|(name, _)| *name != METRIC_NAME) {
        let is_fixed = selector
            .iter()
            .any(|m| m.name() == name && m.op() == MatchOp::Equal);
        if !is_fixed {
            matchers.push(Matcher::equal(name, value));
        }
    }
    matchers
}
