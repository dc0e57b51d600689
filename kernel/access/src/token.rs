use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, Name, Permissions};

/// Longest life of a token; a new one is made then.
pub const LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A secret that a program shows for its owner, with fewer permissions or as many.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiToken {
    /// 16 hexadecimal digits; no secret.
    pub id: String,
    /// Whose it is: what the owner may not, it may not.
    pub owner: Name,
    /// What it is for, in the owner's words; at most 128 bytes.
    pub label: String,
    /// What it is known by.
    pub digest: Digest,
    /// What it opens at most.
    pub scopes: Permissions,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When it was shown last, to the minute; none when never.
    pub last_used_at: Option<Timestamp>,
    /// Since when it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it opens anything at this time.
    pub fn works(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && at < self.expires_at
    }
}

/// A token that comes with the hub, from a file of its data folder: it has no owner and does not expire.
#[derive(Debug, Clone)]
pub struct BuiltInToken {
    /// What the audit journal calls it.
    pub name: Name,
    /// What it is known by.
    pub digest: Digest,
    /// The role of the catalogue that it has.
    pub role: Name,
}
