//! What visitors ask about rules and alerts.

use std::sync::Arc;

use portique_fault::{Code, Report, Retry};
use portique_monitor::{AlertState, Episode, Error, Fingerprint, Rule, read_inputs};
use portique_series::{Labels, Matcher};

use super::{AlertExplained, AlertHistory, AlertView, GroupView, Monitor, RuleView, StateView};

/// Which alerts somebody wants to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct AlertFilter {
    /// In one of these states; in any when there is none.
    pub(crate) states: Vec<StateView>,
    /// One of these has to accept its labels; all are accepted when there is none.
    pub(crate) any_of: Vec<Vec<Matcher>>,
    /// Whether somebody takes care of it.
    pub(crate) acknowledged: Option<bool>,
    /// Whether it is put aside.
    pub(crate) shelved: Option<bool>,
}

impl AlertFilter {
    fn accepts(&self, episode: &Episode) -> bool {
        let state = StateView::from(episode.state);
        let is_state = self.states.is_empty() || self.states.contains(&state);
        let is_acknowledged = episode.acknowledged.is_some();
        is_state
            && self
                .acknowledged
                .is_none_or(|wanted| wanted == is_acknowledged)
            && accepts(&self.any_of, &episode.labels)
    }
}

/// Whether one of the selectors accepts the labels, or there is none.
fn accepts(any_of: &[Vec<Matcher>], labels: &Labels) -> bool {
    let matches = |m: &Matcher| m.matches(labels.get(m.name()).unwrap_or(""));
    any_of.is_empty() || any_of.iter().any(|all| all.iter().all(matches))
}

/// What an explanation needs before samples are read.
struct Known {
    episode: Episode,
    rule: Option<Arc<Rule>>,
    explained: AlertExplained,
}

impl Monitor {
    /// Alerts that pass a filter, firing ones first, then by their begin, the newest first; at most so many, and how
    /// many more there are.
    pub(crate) fn alerts(&self, filter: &AlertFilter, limit: usize) -> (Vec<AlertView>, usize) {
        let core = self.shared.core();
        let (engine, now) = (&core.engine, self.shared.now());
        let is_shelved = |e: &Episode| engine.book().shelf(&e.labels, now).is_some();
        let all = engine.book().all().filter(|e| filter.accepts(e));
        let mut found: Vec<&Episode> = all
            .filter(|e| filter.shelved.is_none_or(|wanted| wanted == is_shelved(e)))
            .collect();
        found.sort_by_key(|e| (StateView::from(e.state), std::cmp::Reverse(e.active_at)));
        let left_out = found.len().saturating_sub(limit);
        let shown = found.into_iter().take(limit);
        let views = shown.map(|e| AlertView::of(e, engine, now));
        (views.collect(), left_out)
    }

    /// The alerts of a fingerprint with what happened to them, the active ones first: one, unless two rules raise
    /// the same labels.
    ///
    /// # Errors
    /// Not found.
    pub(crate) fn history(&self, alert: Fingerprint) -> Result<Vec<AlertHistory>, Report> {
        let core = self.shared.core();
        let (engine, now) = (&core.engine, self.shared.now());
        let mut found: Vec<&Episode> = engine.book().find(alert).collect();
        found.sort_by_key(|episode| !episode.is_active());
        let views = found.into_iter().map(|e| AlertHistory::of(e, engine, now));
        some(alert, views.collect())
    }

    /// As [`history`](Self::history), with the rules and the samples that they read.
    ///
    /// # Errors
    /// Not found, or what keeps samples from being read.
    pub(crate) async fn explain(&self, alert: Fingerprint) -> Result<Vec<AlertExplained>, Report> {
        let known = some(alert, self.known(alert))?;
        let (shared, now) = (Arc::clone(&self.shared), self.shared.now());
        let lookback = shared.core().engine.options().lookback;
        let explained = tokio::task::spawn_blocking(move || {
            let explained = known.into_iter().map(|known| {
                let mut explained = known.explained;
                if let Some(rule) = &known.rule {
                    let store = &*shared.telemetry.store;
                    let inputs = read_inputs(rule, &known.episode, lookback, store, now)?;
                    explained.inputs = inputs.into_iter().map(Into::into).collect();
                }
                Ok(explained)
            });
            explained.collect::<Result<Vec<_>, portique_series::Error>>()
        });
        match explained.await {
            Ok(Ok(explained)) => Ok(explained),
            Ok(Err(error)) => Err(Report::from(&error)),
            Err(error) => Err(Report {
                code: Code::Internal,
                message: error.to_string(),
                retry: Retry::No,
            }),
        }
    }

    fn known(&self, alert: Fingerprint) -> Vec<Known> {
        let core = self.shared.core();
        let (engine, now) = (&core.engine, self.shared.now());
        let mut found: Vec<&Episode> = engine.book().find(alert).collect();
        found.sort_by_key(|episode| !episode.is_active());
        let known = found.into_iter().map(|episode| {
            let status = engine.rule(episode.rule);
            let place = status.as_ref().and_then(|status| {
                let mut groups = engine.groups();
                let has = |rules: &[portique_monitor::RuleStatus<'_>]| {
                    rules.iter().any(|rule| rule.rule.id == episode.rule)
                };
                let group = groups.find(|group| has(&group.rules))?;
                Some(format!("{}:{}", group.group.file, status.rule.line))
            });
            Known {
                episode: episode.clone(),
                rule: status.as_ref().map(|status| Arc::clone(status.rule)),
                explained: AlertExplained {
                    alert: AlertHistory::of(episode, engine, now),
                    place,
                    definition: status.map(|s| RuleView::of(&s, engine, false, now)),
                    inputs: Vec::new(),
                },
            }
        });
        known.collect()
    }

    /// All groups that `wanted` accepts by file and name, in the order loaded, with their rules.
    pub(crate) fn groups(
        &self,
        has_alerts: bool,
        wanted: impl Fn(&str, &str) -> bool,
    ) -> Vec<GroupView> {
        let core = self.shared.core();
        let (engine, now) = (&core.engine, self.shared.now());
        let groups = engine.groups();
        let groups = groups.filter(|status| wanted(&status.group.file, &status.group.name));
        groups
            .map(|status| GroupView::of(&status, engine, has_alerts, now))
            .collect()
    }

    /// Pending and firing alerts, by rule and labels.
    pub(crate) fn active(&self) -> Vec<AlertView> {
        let core = self.shared.core();
        let (engine, now) = (&core.engine, self.shared.now());
        let active = engine
            .book()
            .all()
            .filter(|e| e.state != AlertState::Resolved);
        active.map(|e| AlertView::of(e, engine, now)).collect()
    }
}

fn some<T>(alert: Fingerprint, found: Vec<T>) -> Result<Vec<T>, Report> {
    match found.is_empty() {
        true => Err(Report::from(&Error::UnknownAlert { alert })),
        false => Ok(found),
    }
}
