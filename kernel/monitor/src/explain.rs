//! Why there is an alert: its rule, the samples its rule reads, and what happened.

use portique_clock::Timestamp;
use portique_series::{
    Error, Labels, METRIC_NAME, MatchOp, Matcher, Samples, Selection, Source, Value,
};

use crate::{Engine, Episode, Fingerprint, RuleStatus, Shelf};

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
                for selector in rule.rule.query.selectors() {
                    inputs.push(self.input(selector, episode, source, now)?);
                }
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

    fn input(
        &self,
        selector: &[Matcher],
        episode: &Episode,
        source: &dyn Source,
        now: Timestamp,
    ) -> Result<Input, Error> {
        let from = episode.active_at.minus(self.options().lookback);
        let until = episode.resolved_at.unwrap_or(now);
        let narrowed = Selection {
            matchers: narrow(selector, &episode.source),
            from_ms: from.as_millis(),
            to_ms: until.as_millis(),
        };
        // The expression may have put labels on that its series do not have.
        let has_own = !source.select(&narrowed)?.is_empty();
        let selection = Selection {
            matchers: if has_own {
                narrowed.matchers
            } else {
                selector.to_vec()
            },
            ..narrowed
        };
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
