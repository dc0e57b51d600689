//! The state machine of alerts: what an evaluation changes.

use std::collections::BTreeMap;

use portique_clock::Timestamp;
use portique_series::{Labels, METRIC_NAME, MatchOp, Matcher};

use crate::book::Look;
use crate::evaluation::{DueRule, Raised, Wanted};
use crate::{AlertState, Alerting, Book, Changed, Episode, Transition};

/// What becomes of a rule's alerts.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) changes: Vec<Changed>,
    /// What active alerts look like now.
    pub(crate) looks: BTreeMap<Labels, Look>,
}

/// Holds what was found against the alerts there are.
///
/// # Errors
/// How many alerts there would be, when that is over the limit: then no alert begins or ends.
pub(crate) fn judge(
    due: &DueRule,
    alerting: &Alerting,
    raised: &Raised,
    book: &Book,
    limit: usize,
) -> Result<Judgement, usize> {
    let active = || book.of_rule(due.rule.id).filter(|e| e.is_active());
    let active_one = |labels: &Labels| book.episode(due.rule.id, labels).filter(|e| e.is_active());
    if limit > 0 {
        let new = raised
            .wanted
            .keys()
            .filter(|labels| active_one(labels).is_none());
        let alerts = active().count() + new.count();
        let ending = active().filter(|e| ends(due, alerting, raised, e)).count();
        if alerts - ending > limit {
            return Err(alerts - ending);
        }
    }
    let mut judgement = Judgement::default();
    for (labels, wanted) in &raised.wanted {
        let change = match active_one(labels) {
            Some(episode) => {
                judgement.looks.insert(labels.clone(), look(wanted));
                goes_on(due, alerting, episode, wanted)
            }
            None => Some(begins(due, alerting, labels, wanted)),
        };
        judgement.changes.extend(change);
    }
    let missing = active().filter(|e| is_missing(due, raised, e));
    for episode in missing {
        let is_held = raised.held.contains(&episode.source);
        judgement
            .changes
            .extend(fades(due, alerting, episode, is_held));
    }
    Ok(judgement)
}

fn is_missing(due: &DueRule, raised: &Raised, episode: &Episode) -> bool {
    !raised.wanted.contains_key(&episode.labels) && due.concerns(&episode.source)
}

fn ends(due: &DueRule, alerting: &Alerting, raised: &Raised, episode: &Episode) -> bool {
    let is_held = raised.held.contains(&episode.source);
    let fading = is_missing(due, raised, episode).then(|| fades(due, alerting, episode, is_held));
    let to = fading.flatten().map(|changed| changed.to);
    matches!(to, Some(Transition::Dropped | Transition::Resolved))
}

fn look(wanted: &Wanted) -> Look {
    Look {
        value: wanted.value,
        annotations: wanted.annotations.clone(),
        is_stale: wanted.is_stale,
    }
}

fn begins(due: &DueRule, alerting: &Alerting, labels: &Labels, wanted: &Wanted) -> Changed {
    let to = if alerting.hold.is_zero() {
        Transition::Firing
    } else {
        Transition::Pending
    };
    Changed {
        rule: due.rule.id,
        at: due.at,
        to,
        labels: labels.clone(),
        source: wanted.source.clone(),
        annotations: wanted.annotations.clone(),
        active_at: due.at,
        value: wanted.value,
        is_stale: wanted.is_stale,
    }
}

fn goes_on(
    due: &DueRule,
    alerting: &Alerting,
    episode: &Episode,
    wanted: &Wanted,
) -> Option<Changed> {
    let has_held = has_passed(episode.active_at, due.at, alerting.hold);
    // The clock was set back: waiting for the old time to come again could take for ever.
    let is_ahead = episode.active_at > due.at;
    let to = match episode.state {
        AlertState::Pending if is_ahead => Transition::Postponed,
        AlertState::Pending if has_held => Transition::Firing,
        _ if episode.lingering_since.is_some() => Transition::Recovered,
        _ => return None,
    };
    let changed = changed(episode, due.at, to);
    Some(Changed {
        active_at: episode.active_at.min(due.at),
        annotations: wanted.annotations.clone(),
        value: wanted.value,
        is_stale: wanted.is_stale,
        ..changed
    })
}

/// What becomes of an alert whose condition does not hold.
fn fades(due: &DueRule, alerting: &Alerting, episode: &Episode, is_held: bool) -> Option<Changed> {
    let to = match (episode.state, episode.lingering_since) {
        (AlertState::Pending, _) => Transition::Dropped,
        _ if is_held => return None,
        (_, None) if !alerting.keep_firing.is_zero() => Transition::Lingering,
        (_, Some(since)) if !has_passed(since, due.at, alerting.keep_firing) => return None,
        _ => Transition::Resolved,
    };
    Some(changed(episode, due.at, to))
}

fn has_passed(since: Timestamp, now: Timestamp, wanted: std::time::Duration) -> bool {
    since.plus(wanted) <= now
}

/// A transition of an alert that otherwise stays as it is.
pub(crate) fn changed(episode: &Episode, at: Timestamp, to: Transition) -> Changed {
    Changed {
        rule: episode.rule,
        at,
        to,
        labels: episode.labels.clone(),
        source: episode.source.clone(),
        annotations: episode.annotations.clone(),
        active_at: episode.active_at,
        value: episode.value,
        is_stale: episode.is_stale,
    }
}

/// When an alert changes without another sample, if it does.
pub(crate) fn timer(alerting: &Alerting, episode: &Episode) -> Option<Timestamp> {
    match (episode.state, episode.lingering_since) {
        (AlertState::Pending, _) => Some(episode.active_at.plus(alerting.hold)),
        (AlertState::Firing, Some(since)) => Some(since.plus(alerting.keep_firing)),
        _ => None,
    }
}

/// Whether a matcher asks for one metric.
pub(crate) fn names_metric(matcher: &Matcher) -> bool {
    matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal
}
