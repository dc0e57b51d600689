//! An alert on its way from a rule to people.

use std::fmt;
use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Serialize};

/// The label that names an alert's rule.
pub const ALERT_NAME: &str = "alertname";

/// What a label set is known by outside: 64 bits, written as 16 hexadecimal digits.
///
/// Source: Prometheus `model.LabelSet.Fingerprint`, FNV-1a over names and values with 0xFF after each, so
/// that Alertmanager's clients see the number they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
const SEPARATOR: u8 = 0xff;

impl Fingerprint {
    /// The fingerprint of a label set.
    pub fn of(labels: &Labels) -> Self {
        let texts = labels.iter().flat_map(|(name, value)| [name, value]);
        Self(texts.fold(FNV_OFFSET, |hash, text| {
            let hash = text.bytes().fold(hash, fnv_1a);
            fnv_1a(hash, SEPARATOR)
        }))
    }

    /// Reads 16 hexadecimal digits, as [`Display`](fmt::Display) writes them.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = is_hex.then(|| u64::from_str_radix(text, 16).ok());
        number.flatten().map(Self)
    }
}

fn fnv_1a(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How far an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Its condition holds, but not yet for as long as its rule says.
    Pending,
    /// It is raised.
    Firing,
    /// It was firing and its condition holds no more.
    Resolved,
}

impl AlertState {
    /// As the API and `ALERTS` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// One label set that a rule raises, as the notifier and readers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Who it is, [`ALERT_NAME`] among them; of one label set there is one alert at a time.
    pub labels: Labels,
    /// What to tell people, expanded; none is empty.
    pub annotations: Labels,
    /// Since when its condition holds; the episode began here.
    pub starts_at: Timestamp,
    /// When it was resolved; while it is firing, until when it is taken as firing without further word,
    /// if there is such a time.
    pub ends_at: Option<Timestamp>,
    /// The address where its expression can be looked at; may be empty.
    pub generator: Arc<str>,
    /// [`Fingerprint::of`] its labels.
    pub fingerprint: Fingerprint,
    /// How far it is.
    pub state: AlertState,
    /// The expression's value when it was last true; NaN when it comes from elsewhere.
    pub value: f64,
    /// Somebody put it aside until then: nobody is reminded of it before.
    pub shelved_until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        assert_eq!(
            Fingerprint::of(&Labels::empty()).to_string(),
            "cbf29ce484222325"
        );
        let labels = Labels::from_pairs([("a", "b")]);
        let print = Fingerprint::of(&labels);
        assert_ne!(print, Fingerprint::of(&Labels::from_pairs([("ab", "")])));
        assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        assert_eq!(Fingerprint::parse("+bf29ce484222325"), None);
    }
}
