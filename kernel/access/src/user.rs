use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Name, PasswordHash};

/// Somebody who signs in. A user is disabled and not deleted, so that the audit journal names nobody
/// who was somebody else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Their name.
    pub name: Name,
    /// By what they are known.
    #[serde(flatten)]
    pub origin: Origin,
    /// What they are; each is a built-in role, a system's, or one's own.
    pub roles: BTreeSet<Name>,
    /// Opens nothing, neither by password or provider nor by token or session.
    pub disabled: bool,
    /// May do nothing but choose another password: this one was chosen by somebody else.
    pub must_change: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When they last came by their provider, to the hour; none for whoever has a password here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_at: Option<Timestamp>,
}

/// How long somebody who came by a provider counts as one of the people here. Whoever leaves the provider is not
/// disabled here, and comes no more; whoever works here signs in each day, as sessions last for twelve hours.
const HERE_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// By what a user is known. One who is known by a provider has no password here, ever.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A password of this hub.
    Password(PasswordHash),
    /// A provider of identities, which says at each sign-in what they are.
    Provider(Identity),
}

/// Somebody, as a provider of identities knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What the provider is called here.
    pub provider: Name,
    /// Who: the provider's own word, never another person's; at most 255 bytes.
    pub subject: String,
}

/// Somebody whom a provider sends, and what they are by its groups.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Who.
    pub identity: Identity,
    /// What they are called, when they come for the first time.
    pub name: Name,
    /// What they are from now on; those that there are not are left out.
    pub roles: BTreeSet<Name>,
}

impl User {
    /// What their password is known by, if they have one.
    pub fn password(&self) -> Option<&PasswordHash> {
        match &self.origin {
            Origin::Password(password) => Some(password),
            Origin::Provider(_) => None,
        }
    }

    /// Who they are to a provider, if they come by one.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.origin {
            Origin::Password(_) => None,
            Origin::Provider(identity) => Some(identity),
        }
    }

    /// Whether they can be reckoned with: they have a password of this hub, or came by their provider within a week.
    pub fn is_here(&self, at: Timestamp) -> bool {
        let last = self.arrived_at.unwrap_or(self.created_at);
        self.identity().is_none() || at < last.plus(HERE_FOR)
    }

    /// Whether both are known by the same.
    pub(crate) fn is_known_as(&self, other: &Self) -> bool {
        match (&self.origin, &other.origin) {
            (Origin::Password(one), Origin::Password(another)) => one.is_same(another),
            (Origin::Provider(one), Origin::Provider(another)) => one == another,
            _ => false,
        }
    }
}

/// As the audit journal writes it; a subject is in no way the hub's own word.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "provider:{} subject={}",
            self.provider,
            self.subject.escape_debug()
        )
    }
}
