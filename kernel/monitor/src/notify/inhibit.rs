//! Alerts that make others not worth telling.

use std::collections::HashMap;

use portique_clock::Timestamp;
use portique_series::Labels;

use super::alert::Received;
use super::config::InhibitRule;
use crate::Fingerprint;

/// Sources of each rule at one moment, by the labels that must be equal.
pub(super) struct Inhibitor<'a> {
    rules: Vec<(&'a InhibitRule, Sources<'a>)>,
}

type Sources<'a> = HashMap<Vec<&'a str>, Vec<&'a Received>>;

impl<'a> Inhibitor<'a> {
    /// Takes in the alerts that fire.
    pub(super) fn new(
        rules: &'a [InhibitRule],
        alerts: impl Iterator<Item = &'a Received> + Clone,
        now: Timestamp,
    ) -> Self {
        let rules = rules.iter().map(|rule| {
            let mut sources = Sources::new();
            let firing = alerts.clone().filter(|alert| !alert.is_resolved(now));
            for alert in firing.filter(|alert| rule.source.matches(&alert.labels)) {
                sources
                    .entry(values(rule, &alert.labels))
                    .or_default()
                    .push(alert);
            }
            (rule, sources)
        });
        Self {
            rules: rules.collect(),
        }
    }

    /// The alert that inhibits another one, if any.
    pub(super) fn inhibiting(&self, labels: &Labels) -> Option<Fingerprint> {
        self.rules.iter().find_map(|(rule, sources)| {
            if !rule.target.matches(labels) {
                return None;
            }
            // An alert that is source and target at once must not inhibit itself, nor two such each other.
            let is_source = rule.source.matches(labels);
            let inhibits =
                |source: &&&Received| !(is_source && rule.target.matches(&source.labels));
            let equal = sources.get(&values(rule, labels))?;
            equal
                .iter()
                .find(inhibits)
                .map(|source| source.fingerprint())
        })
    }
}

fn values<'l>(rule: &InhibitRule, labels: &'l Labels) -> Vec<&'l str> {
    let names = rule.equal.iter();
    names.map(|name| labels.get(name).unwrap_or("")).collect()
}
