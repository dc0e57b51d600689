use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::{Random, Timestamp};
use portique_series::Labels;
use serde::{Deserialize, Serialize};

use super::Error;
use super::interval::TimeInterval;
use super::matchers::Matchers;

/// A comment, a name or an annotation has at most this many bytes.
const TEXT_BYTES_MAX: usize = 4 * 1024;
/// Most matchers, annotations and parts of a schedule of one silence.
const PARTS_MAX: usize = 64;

/// While it is active, nobody is told of the alerts that it matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// A UUID.
    pub id: String,
    /// Which alerts: all matchers hold.
    pub matchers: Matchers,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whose it is.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// More about it.
    pub annotations: BTreeMap<String, String>,
    /// Between its start and its end it is active only while one of these holds; an empty list is always.
    /// An addition: a silence that comes back every night.
    pub schedule: Vec<TimeInterval>,
    /// How long before its end its owner wants to be told, if at all. An addition.
    pub notice: Option<Duration>,
    /// Whether its owner was told.
    pub is_noticed: bool,
}

/// A silence as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceRequest {
    /// Of the one to change; none for a new one.
    pub id: Option<String>,
    /// See [`Silence::matchers`].
    pub matchers: Matchers,
    /// See [`Silence::starts_at`].
    pub starts_at: Timestamp,
    /// See [`Silence::ends_at`].
    pub ends_at: Timestamp,
    /// See [`Silence::created_by`].
    pub created_by: String,
    /// See [`Silence::comment`].
    pub comment: String,
    /// See [`Silence::annotations`].
    pub annotations: BTreeMap<String, String>,
    /// See [`Silence::schedule`].
    pub schedule: Vec<TimeInterval>,
    /// See [`Silence::notice`].
    pub notice: Option<Duration>,
}

/// How far a silence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    /// It has begun. One with a schedule is active between its spans too, though it mutes nothing then.
    Active,
    /// It will begin.
    Pending,
    /// It is over.
    Expired,
}

impl Silence {
    /// How far it is.
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    /// Whether it mutes anything now.
    pub fn is_muting(&self, now: Timestamp) -> bool {
        let is_scheduled =
            self.schedule.is_empty() || self.schedule.iter().any(|s| s.contains(now));
        self.state(now) == SilenceState::Active && is_scheduled
    }

    /// Whether it mutes an alert now.
    pub fn mutes(&self, labels: &Labels, now: Timestamp) -> bool {
        self.is_muting(now) && self.matchers.matches(labels)
    }

    /// When its owner is to be told of its end, unless that was done.
    pub(super) fn notice_at(&self) -> Option<Timestamp> {
        let notice = self.notice.filter(|_| !self.is_noticed)?;
        Some(self.ends_at.minus(notice).max(self.starts_at))
    }

    /// Whether it can become what is asked without being another one.
    pub(super) fn can_become(&self, request: &SilenceRequest, now: Timestamp) -> bool {
        let same_second =
            |a: Timestamp, b: Timestamp| a.as_millis() / 1_000 == b.as_millis() / 1_000;
        self.matchers == request.matchers
            && match self.state(now) {
                SilenceState::Active => {
                    same_second(self.starts_at, request.starts_at) && request.ends_at >= now
                }
                SilenceState::Pending => request.starts_at >= now,
                SilenceState::Expired => false,
            }
    }
}

impl SilenceRequest {
    /// The silence of this id.
    pub(super) fn with_id(self, id: String, now: Timestamp) -> Silence {
        Silence {
            id,
            matchers: self.matchers,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            updated_at: now,
            created_by: self.created_by,
            comment: self.comment,
            annotations: self.annotations,
            schedule: self.schedule,
            notice: self.notice,
            is_noticed: false,
        }
    }

    pub(super) fn check(&self, now: Timestamp) -> Result<(), Error> {
        let bad = |problem: String| Err(Error::BadSilence { problem });
        if self.matchers.is_empty() {
            return bad("it has no matchers: say which alerts".into());
        }
        if self.matchers.all_match_empty() {
            return bad(
                "at least one matcher must not match the empty string, or it mutes every alert without these labels"
                    .into(),
            );
        }
        if self.ends_at <= self.starts_at {
            return bad("start time must be before end time".into());
        }
        if self.ends_at <= now {
            return bad("end time can't be in the past".into());
        }
        if self
            .matchers
            .len()
            .max(self.annotations.len())
            .max(self.schedule.len())
            > PARTS_MAX
        {
            return bad(format!(
                "it has more than {PARTS_MAX} matchers, annotations or spans"
            ));
        }
        for part in &self.schedule {
            part.check().or_else(bad)?;
        }
        let annotations = self
            .annotations
            .iter()
            .flat_map(|(name, value)| [name, value]);
        let mut texts = annotations.chain([&self.created_by, &self.comment]);
        let mut matchers = self.matchers.iter().flat_map(|m| [m.name(), m.value()]);
        let is_long = texts.any(|text| text.len() > TEXT_BYTES_MAX)
            || matchers.any(|text| text.len() > TEXT_BYTES_MAX);
        if is_long {
            return bad(format!(
                "one of its texts is longer than {TEXT_BYTES_MAX} bytes"
            ));
        }
        Ok(())
    }
}

/// A random UUID, version 4.
pub(super) fn random_id(random: &mut dyn Random) -> String {
    let high = (random.next_u64() & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (random.next_u64() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    let digits = format!("{high:016x}{low:016x}");
    let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
    format!("{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
}
