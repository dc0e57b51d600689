use std::fmt;
use std::sync::Arc;

use crate::{Error, Name, Permissions};

/// Who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever shows no secret.
    Nobody,
    /// Whoever shows a token of the hub's data folder.
    BuiltIn(Name),
    /// A user who signed in.
    User(Name),
    /// A program with a token.
    Token {
        /// Whose token.
        owner: Name,
        /// Which.
        id: String,
    },
}

impl Who {
    /// The person behind it; none for whoever shows no secret, or one that is nobody's own.
    pub fn person(&self) -> Option<&Name> {
        match self {
            Self::User(name) | Self::Token { owner: name, .. } => Some(name),
            Self::Nobody | Self::BuiltIn(_) => None,
        }
    }
}

/// As the audit journal writes it.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::BuiltIn(name) => write!(f, "token:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Token { owner, id } => write!(f, "user:{owner}/token:{id}"),
        }
    }
}

/// Who asks, and what they may.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub who: Who,
    /// What they hold.
    pub permissions: Arc<Permissions>,
    /// Holds nothing until the password is changed.
    pub must_change: bool,
}

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Who.
    pub caller: Caller,
    /// From which address, or by which way, as the audit journal says it.
    pub from: String,
}

impl Caller {
    /// Whoever shows no secret, with what is open to everybody.
    pub fn nobody(open: Arc<Permissions>) -> Self {
        Self {
            who: Who::Nobody,
            permissions: open,
            must_change: false,
        }
    }

    /// Whether they hold it.
    pub fn holds(&self, permission: &str) -> bool {
        !self.must_change && self.permissions.contains(permission)
    }

    /// The one decision of the house: may this caller do what needs this permission?
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for whoever showed no secret, [`Error::Denied`] for whoever is known.
    pub fn check(&self, permission: &str) -> Result<(), Error> {
        if self.holds(permission) {
            return Ok(());
        }
        if self.who == Who::Nobody {
            return Err(Error::Unauthenticated {
                reason: "sign in, or show a token",
            });
        }
        let reason = match self.must_change {
            true => {
                "choose a password of your own first: this one was given by somebody else".into()
            }
            false => format!(
                "this needs the permission {permission}, which {} lacks",
                self.who
            ),
        };
        Err(Error::Denied { reason })
    }
}
