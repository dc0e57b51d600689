use std::collections::BTreeSet;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Name, PasswordHash};

/// Somebody who signs in by name. A user is disabled and not deleted, so that the audit journal names nobody
/// who was somebody else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Their name.
    pub name: Name,
    /// What their password is known by.
    pub password: PasswordHash,
    /// What they are; each is a built-in role, a system's, or one's own.
    pub roles: BTreeSet<Name>,
    /// Opens nothing, neither by password nor by token or session.
    pub disabled: bool,
    /// May do nothing but choose another password: this one was chosen by somebody else.
    pub must_change: bool,
    /// When it was made.
    pub created_at: Timestamp,
}
