//! Silences as they are posted and shown.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{MatchOp, Matcher};
use serde::{Deserialize, Serialize};

use super::filter::SilenceFilter;
use super::millis;
use crate::notify::dispatcher::Dispatcher;
use crate::notify::interval::TimeInterval;
use crate::notify::silence::{Silence, SilenceRequest, SilenceState};
use crate::notify::{Error, Matchers};

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatcherView {
    /// Whether the value must match, or must not; true when absent.
    #[serde(default = "yes")]
    pub is_equal: bool,
    /// Whether the value is a regular expression.
    pub is_regex: bool,
    /// The label's name.
    pub name: String,
    /// The value.
    pub value: String,
}

fn yes() -> bool {
    true
}

/// A silence as it is posted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostableSilence {
    /// Of the one to change.
    #[serde(default)]
    pub id: Option<String>,
    /// Which alerts.
    pub matchers: Vec<MatcherView>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Whose it is.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// More about it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// An addition: when it mutes, between its start and its end.
    #[serde(default)]
    pub schedule: Vec<TimeInterval>,
    /// An addition: how long before its end its owner wants to be told.
    #[serde(default)]
    pub notice_seconds: Option<u64>,
}

impl PostableSilence {
    /// The request that it stands for.
    ///
    /// # Errors
    /// [`Error::BadSilence`] when a matcher cannot be used.
    pub fn request(self) -> Result<SilenceRequest, Error> {
        let matchers = self
            .matchers
            .iter()
            .map(matcher)
            .collect::<Result<_, _>>()?;
        Ok(SilenceRequest {
            id: self.id.filter(|id| !id.is_empty()),
            matchers: Matchers::new(matchers),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            created_by: self.created_by,
            comment: self.comment,
            annotations: self.annotations,
            schedule: self.schedule,
            notice: self.notice_seconds.map(Duration::from_secs),
        })
    }
}

fn matcher(view: &MatcherView) -> Result<Matcher, Error> {
    let bad = |problem: String| Error::BadSilence { problem };
    if view.name.is_empty() {
        return Err(bad("a matcher has no name".into()));
    }
    let op = match (view.is_equal, view.is_regex) {
        (true, false) => MatchOp::Equal,
        (false, false) => MatchOp::NotEqual,
        (true, true) => MatchOp::Regex,
        (false, true) => MatchOp::NotRegex,
    };
    Matcher::new(&view.name, op, &view.value).map_err(|error| bad(error.to_string()))
}

/// A silence as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GettableSilence {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub status: SilenceStatusView,
    /// When it was last changed.
    #[serde(serialize_with = "millis")]
    pub updated_at: Timestamp,
    /// Why.
    pub comment: String,
    /// Whose it is.
    pub created_by: String,
    /// Until when.
    #[serde(serialize_with = "millis")]
    pub ends_at: Timestamp,
    /// Which alerts.
    pub matchers: Vec<MatcherView>,
    /// From when.
    #[serde(serialize_with = "millis")]
    pub starts_at: Timestamp,
    /// More about it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// An addition: when it mutes, between its start and its end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<TimeInterval>,
    /// An addition: how long before its end its owner wants to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice_seconds: Option<u64>,
}

/// How far a silence is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilenceStatusView {
    /// `active`, `pending` or `expired`.
    pub state: SilenceState,
}

impl GettableSilence {
    /// A silence as it is now.
    pub fn of(silence: &Silence, now: Timestamp) -> Self {
        let matchers = silence.matchers.iter().map(|matcher| MatcherView {
            is_equal: matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex),
            is_regex: matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
        });
        Self {
            id: silence.id.clone(),
            status: SilenceStatusView {
                state: silence.state(now),
            },
            updated_at: silence.updated_at,
            comment: silence.comment.clone(),
            created_by: silence.created_by.clone(),
            ends_at: silence.ends_at,
            matchers: matchers.collect(),
            starts_at: silence.starts_at,
            annotations: silence.annotations.clone(),
            schedule: silence.schedule.clone(),
            notice_seconds: silence.notice.map(|notice| notice.as_secs()),
        }
    }
}

/// Silences: active ones by their end, then pending ones by their start, then expired ones, the last first.
pub fn silences(
    dispatcher: &Dispatcher,
    filter: &SilenceFilter,
    now: Timestamp,
) -> Vec<GettableSilence> {
    let all = dispatcher.silences();
    let wanted = all.filter(|silence| filter.takes(silence, silence.state(now)));
    let mut views: Vec<_> = wanted
        .map(|silence| GettableSilence::of(silence, now))
        .collect();
    views.sort_by_cached_key(|view| {
        let place = match view.status.state {
            SilenceState::Active => view.ends_at.as_nanos(),
            SilenceState::Pending => view.starts_at.as_nanos(),
            SilenceState::Expired => view.ends_at.as_nanos().saturating_neg(),
        };
        (view.status.state, place, view.id.clone())
    });
    views
}
