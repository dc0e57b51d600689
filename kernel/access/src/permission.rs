use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What it takes to change people, roles and the tokens of others.
pub const ADMIN: &str = "access:admin";
/// What it takes to see people, roles, tokens and the audit journal.
pub const READ: &str = "access:read";

/// What it takes to see and answer approvals, beside what they are about; and to have tokens of one's own.
pub(crate) const OWN: &str = "access:own";

/// Longest permission.
const PERMISSION_BYTES_MAX: usize = 64;

/// Something that can be allowed: `<area>:<action>`, each of `a-z -`, such as `jobs:write`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission(Arc<str>);

/// A set of them.
pub type Permissions = BTreeSet<Permission>;

impl Permission {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Permission {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_part = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            !part.is_empty() && part.bytes().all(plain)
        };
        let parts = text.split_once(':');
        let is_whole = parts.is_some_and(|(area, action)| is_part(area) && is_part(action));
        if is_whole && text.len() <= PERMISSION_BYTES_MAX {
            return Ok(Self(text.into()));
        }
        Err(Error::Invalid {
            what: "permission",
            given: text.chars().take(PERMISSION_BYTES_MAX).collect(),
            rule: "write area:action, such as jobs:write".into(),
        })
    }
}

impl TryFrom<String> for Permission {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0.as_ref().to_owned()
    }
}

/// So that a set is asked by text; text and permissions are in the same order.
impl Borrow<str> for Permission {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
