//! The facts that a hub keeps of its alerts.

use portique_monitor::{Fact, Fingerprint, notify};

use super::KeptFact;

impl KeptFact for Fact {
    const NAME: &'static str = "alerts";

    fn kind(&self) -> &'static str {
        match self {
            Self::Changed(_) => "changed",
            Self::Acted(_) => "acted",
            Self::Alive { .. } => "alive",
            Self::Kept(_) => "kept",
            Self::Shelved(_) => "shelved",
        }
    }

    /// The alert's fingerprint.
    fn key(&self) -> Option<String> {
        let alert = match self {
            Self::Changed(changed) => Fingerprint::of(&changed.labels),
            Self::Acted(acted) => acted.alert,
            Self::Kept(episode) => episode.fingerprint(),
            Self::Shelved(shelf) => Fingerprint::of(&shelf.labels),
            Self::Alive { .. } => return None,
        };
        Some(alert.to_string())
    }

    fn encode(&self) -> Vec<u8> {
        Self::encode(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        Self::decode(bytes).map_err(|error| error.to_string())
    }
}

impl KeptFact for notify::Fact {
    const NAME: &'static str = "notifications";

    fn kind(&self) -> &'static str {
        match self {
            Self::Received { .. } => "received",
            Self::Notified(_) => "notified",
            Self::Flushed { .. } => "flushed",
            Self::Settled { .. } => "settled",
            Self::Silenced(_) => "silenced",
            Self::Noticed { .. } => "noticed",
            Self::Configured { .. } => "configured",
            Self::Swept { .. } => "swept",
            Self::KeptAlerts { .. } => "kept_alerts",
            Self::KeptGroup(_) => "kept_group",
            Self::KeptLog { .. } => "kept_log",
            Self::KeptTrouble { .. } => "kept_trouble",
            Self::KeptNext { .. } => "kept_next",
        }
    }

    /// None: they are about groups, receivers and silences that depend on each other.
    fn key(&self) -> Option<String> {
        None
    }

    fn encode(&self) -> Vec<u8> {
        Self::encode(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        Self::decode(bytes).map_err(|error| error.to_string())
    }
}
