//! What of the state is asked for.

use portique_series::{Labels, MatchOp, Matcher};

use crate::notify::dispatcher::Muting;
use crate::notify::silence::{Silence, SilenceState};
use crate::notify::{Error, Matchers};

/// Which alerts or groups are asked for.
#[derive(Debug, Clone)]
pub struct AlertFilter {
    matchers: Matchers,
    receiver: Option<Matcher>,
    active: bool,
    silenced: bool,
    inhibited: bool,
    pub(super) muted: bool,
}

/// Which silences are asked for.
#[derive(Debug, Clone)]
pub struct SilenceFilter {
    matchers: Matchers,
    active: bool,
    pending: bool,
    expired: bool,
}

fn bad(problem: impl Into<String>) -> Error {
    let problem = problem.into();
    Error::BadFilter { problem }
}

fn flag(name: &str, value: &str) -> Result<bool, Error> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(bad(format!("{name} is true or false, not {other:?}"))),
    }
}

fn matchers(text: &str) -> Result<Matchers, Error> {
    Matchers::parse(text).map_err(bad)
}

impl AlertFilter {
    /// Reads the parameters of a query, decoded: `filter` (any number of times), `receiver` (a regular
    /// expression), `active`, `silenced`, `inhibited`, `muted` and `unprocessed` (no alert is that here).
    ///
    /// # Errors
    /// [`Error::BadFilter`]; names that are not known are passed over, as Alertmanager does.
    pub fn from_query<'q>(
        pairs: impl IntoIterator<Item = (&'q str, &'q str)>,
    ) -> Result<Self, Error> {
        let mut filter = Self {
            matchers: Matchers::default(),
            receiver: None,
            active: true,
            silenced: true,
            inhibited: true,
            muted: true,
        };
        for (name, value) in pairs {
            match name {
                "filter" => filter.matchers.extend(matchers(value)?),
                "receiver" if !value.is_empty() => {
                    let matcher = Matcher::new("receiver", MatchOp::Regex, value);
                    filter.receiver = Some(matcher.map_err(|error| bad(error.to_string()))?);
                }
                "active" => filter.active = flag(name, value)?,
                "silenced" => filter.silenced = flag(name, value)?,
                "inhibited" => filter.inhibited = flag(name, value)?,
                "muted" => filter.muted = flag(name, value)?,
                "unprocessed" => {
                    flag(name, value)?;
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    pub(super) fn takes_receiver(&self, name: &str) -> bool {
        self.receiver
            .as_ref()
            .is_none_or(|receiver| receiver.matches(name))
    }

    pub(super) fn takes(&self, labels: &Labels, muting: &Muting) -> bool {
        let is_wanted = self.active || muting.is_muted();
        let is_silenced = !muting.silenced_by.is_empty();
        is_wanted
            && (self.silenced || !is_silenced)
            && (self.inhibited || muting.inhibited_by.is_none())
            && self.matchers.matches(labels)
    }
}

impl SilenceFilter {
    /// Reads the parameters of a query, decoded: `filter` (any number of times), `active`, `pending` and
    /// `expired`.
    ///
    /// # Errors
    /// [`Error::BadFilter`].
    pub fn from_query<'q>(
        pairs: impl IntoIterator<Item = (&'q str, &'q str)>,
    ) -> Result<Self, Error> {
        let mut filter = Self {
            matchers: Matchers::default(),
            active: true,
            pending: true,
            expired: true,
        };
        for (name, value) in pairs {
            match name {
                "filter" => filter.matchers.extend(matchers(value)?),
                "active" => filter.active = flag(name, value)?,
                "pending" => filter.pending = flag(name, value)?,
                "expired" => filter.expired = flag(name, value)?,
                _ => {}
            }
        }
        Ok(filter)
    }

    pub(super) fn takes(&self, silence: &Silence, state: SilenceState) -> bool {
        let is_wanted = match state {
            SilenceState::Active => self.active,
            SilenceState::Pending => self.pending,
            SilenceState::Expired => self.expired,
        };
        // A filter is held against the matchers as if they were an alert's labels.
        let pairs = silence
            .matchers
            .iter()
            .map(|m| (m.name().to_owned(), m.value().to_owned()));
        is_wanted && self.matchers.matches(&Labels::from_pairs(pairs))
    }
}
