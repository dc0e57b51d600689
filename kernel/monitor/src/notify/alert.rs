use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Serialize};

use crate::{Alert, AlertState, Fingerprint, wire};

/// Most labels of an alert, and most annotations.
const PAIRS_MAX: usize = 128;
/// Most bytes of an alert's labels and annotations: a fact of many of them must fit into a record.
const PAIR_BYTES_MAX: usize = 64 * 1024;

/// An alert as somebody tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// Who it is.
    pub labels: Labels,
    /// What to tell people.
    pub annotations: Labels,
    /// Since when; the end if there is one, otherwise now.
    pub starts_at: Option<Timestamp>,
    /// When it ends or ended.
    pub ends_at: Option<Timestamp>,
    /// Where it comes from; may be empty.
    pub generator: Arc<str>,
    /// What counts when no end is given.
    pub without_end: WithoutEnd,
    /// Nobody is told of it before then, but for its end.
    pub shelved_until: Option<Timestamp>,
}

/// What becomes of an alert that came without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutEnd {
    /// It counts as resolved when nobody repeats it for `resolve_timeout`: for senders that may die.
    TimesOut,
    /// It goes on until its end is told: for the hub's own rules, whose alerts are durable themselves.
    GoesOn,
}

impl Posted {
    /// Whether a rule of this hub raises it: nobody outside tells of an alert that goes on by itself.
    pub(super) fn is_own(&self) -> bool {
        self.without_end == WithoutEnd::GoesOn
    }
}

impl From<&Alert> for Posted {
    /// An alert of our own rules; a pending one must not be posted.
    fn from(alert: &Alert) -> Self {
        let is_over = alert.state == AlertState::Resolved;
        Self {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            starts_at: Some(alert.starts_at),
            ends_at: alert.ends_at.filter(|_| is_over),
            generator: Arc::clone(&alert.generator),
            without_end: WithoutEnd::GoesOn,
            shelved_until: alert.shelved_until,
        }
    }
}

/// An alert as the notifier holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// Who it is.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
    /// What to tell people.
    #[serde(with = "wire::labels")]
    pub annotations: Labels,
    /// Since when.
    pub starts_at: Timestamp,
    /// When it ends or ended; without one, it goes on until its end is told.
    pub ends_at: Option<Timestamp>,
    /// Where it comes from; may be empty.
    pub generator: Arc<str>,
    /// When somebody last told of it.
    pub updated_at: Timestamp,
    /// Whether its end was not told but supposed.
    pub is_timeout: bool,
    /// Nobody is told of it before then, but for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelved_until: Option<Timestamp>,
    /// Whether a rule of this hub raises it: of others no system is asked to do anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_own: bool,
}

impl Received {
    /// What is told now; what is wrong with it instead, if anything.
    pub(super) fn now(posted: &Posted, now: Timestamp, timeout: Duration) -> Result<Self, String> {
        check(posted)?;
        let starts_at = posted.starts_at.or(posted.ends_at).unwrap_or(now);
        let is_timeout = posted.ends_at.is_none() && posted.without_end == WithoutEnd::TimesOut;
        let ends_at = match is_timeout {
            true => Some(now.plus(timeout)),
            false => posted.ends_at,
        };
        if ends_at.is_some_and(|end| end < starts_at) {
            return Err("it ends before it starts: swap startsAt and endsAt".into());
        }
        Ok(Self {
            labels: posted.labels.clone(),
            annotations: posted.annotations.clone(),
            starts_at,
            ends_at,
            generator: Arc::clone(&posted.generator),
            updated_at: now,
            is_timeout,
            shelved_until: posted.shelved_until,
            is_own: posted.is_own(),
        })
    }

    /// Whether it is over.
    pub fn is_resolved(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// Until when it is put aside, if it is: its end is told all the same.
    pub fn shelf(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.shelved_until.filter(|until| *until > now);
        until.filter(|_| !self.is_resolved(now))
    }

    /// [`Fingerprint::of`] its labels.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels)
    }

    /// What is told now of an alert that is known: the same episode, if they overlap in time.
    pub(super) fn after(self, known: &Self, now: Timestamp) -> Self {
        if self.overlaps(known) {
            return self.merged(known, now);
        }
        self
    }

    fn overlaps(&self, known: &Self) -> bool {
        let known_end = known.ends_at.unwrap_or(Timestamp::from_nanos(i64::MAX));
        let is_inside = |at: Timestamp| known.starts_at < at && at < known_end;
        self.ends_at.is_some_and(is_inside) || is_inside(self.starts_at)
    }

    /// The earliest start counts; of two told ends the latest; an end that was told outlives a supposed one.
    fn merged(self, known: &Self, now: Timestamp) -> Self {
        let ends_at = if self.is_resolved(now) {
            let known_end = known.ends_at.filter(|_| known.is_resolved(now));
            self.ends_at.max(known_end)
        } else {
            let is_later = match (known.ends_at, self.ends_at) {
                (Some(known), Some(new)) => known > new,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if is_later && !known.is_timeout {
                known.ends_at
            } else {
                self.ends_at
            }
        };
        Self {
            starts_at: self.starts_at.min(known.starts_at),
            ends_at,
            ..self
        }
    }
}

fn check(posted: &Posted) -> Result<(), String> {
    if posted.labels.is_empty() {
        return Err("it has no labels: give it an alertname at least".into());
    }
    for (what, pairs) in [
        ("labels", &posted.labels),
        ("annotations", &posted.annotations),
    ] {
        if pairs.len() > PAIRS_MAX || pairs.packed_bytes() > PAIR_BYTES_MAX {
            return Err(format!(
                "its {what} are more than {PAIRS_MAX} or longer than {PAIR_BYTES_MAX} bytes: shorten them"
            ));
        }
    }
    match posted.labels.iter().find(|(name, _)| name.is_empty()) {
        Some((_, value)) => Err(format!("the label with the value {value:?} has no name")),
        None => Ok(()),
    }
}
