//! Everybody and everything that is known, and the judgement of what may change.
//!
//! Pure: a command and a time go in, changes or an error come out, and changes are applied as they are. What a
//! caller holds is computed when something changes and looked up when somebody asks.

mod command;
mod decide;
mod resolve;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use command::{Change, Command, NewToken};

use crate::approval::Approval;
use crate::permission::ADMIN;
use crate::{ApiToken, BuiltInToken, Catalogue, Digest, Error, Identity, Name, Permissions, User};

/// Users of one hub, with those who are disabled.
const USERS_MAX: usize = 1_000;
/// Roles of one's own.
const ROLES_MAX: usize = 128;
/// Roles of one user.
const ROLES_OF_USER_MAX: usize = 16;
/// Tokens of one owner; those that open nothing any more make room.
const TOKENS_OF_OWNER_MAX: usize = 32;
/// Longest words about a token.
const LABEL_BYTES_MAX: usize = 128;

/// Everybody and everything that is known.
#[derive(Debug, Clone)]
pub struct Book {
    catalogue: Arc<Catalogue>,
    built_in: Vec<BuiltInToken>,
    pub(crate) users: BTreeMap<Name, User>,
    /// Those of one's own.
    roles: BTreeMap<Name, Permissions>,
    tokens: BTreeMap<String, ApiToken>,
    pub(crate) approvals: BTreeMap<String, Approval>,
    /// What follows from those above, for whoever asks.
    by_digest: HashMap<Digest, String>,
    held_by_built_in: HashMap<Digest, (Name, Arc<Permissions>)>,
    pub(crate) held_by_user: BTreeMap<Name, Arc<Permissions>>,
    held_by_token: BTreeMap<String, Arc<Permissions>>,
}

impl Book {
    /// Nobody is known but the holders of these tokens.
    ///
    /// # Errors
    /// [`Error::Unknown`] when a token has a role that is not in the catalogue.
    pub fn new(catalogue: Arc<Catalogue>, built_in: Vec<BuiltInToken>) -> Result<Self, Error> {
        let unknown = built_in
            .iter()
            .find(|token| catalogue.role(&token.role).is_none());
        if let Some(token) = unknown {
            let (kind, name) = ("role", token.role.to_string());
            return Err(Error::Unknown { kind, name });
        }
        let mut book = Self {
            catalogue,
            built_in,
            users: BTreeMap::new(),
            roles: BTreeMap::new(),
            tokens: BTreeMap::new(),
            approvals: BTreeMap::new(),
            by_digest: HashMap::new(),
            held_by_built_in: HashMap::new(),
            held_by_user: BTreeMap::new(),
            held_by_token: BTreeMap::new(),
        };
        book.derive();
        Ok(book)
    }

    /// With everything that was kept.
    pub(crate) fn with(mut self, kept: impl IntoIterator<Item = Change>) -> Self {
        for change in kept {
            self.put(change);
        }
        self.derive();
        self
    }

    /// Has these changes hold.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            self.put(change);
        }
        self.derive();
    }

    /// What there is to be permitted.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Everybody, by name.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Whether somebody can change people, and so let others in: until then the first user is still to be made.
    pub fn has_administrator(&self) -> bool {
        let mut held = self.held_by_user.values();
        held.any(|held| held.contains(ADMIN))
    }

    /// One of them.
    pub fn user(&self, name: &Name) -> Option<&User> {
        self.users.get(name)
    }

    /// Who comes by a provider as this.
    pub fn user_of(&self, identity: &Identity) -> Option<&User> {
        let mut all = self.users.values();
        all.find(|user| user.identity() == Some(identity))
    }

    /// Roles of one's own, by name; those of the hub are in the [catalogue](Self::catalogue).
    pub fn roles(&self) -> impl Iterator<Item = (&Name, &Permissions)> {
        self.roles.iter()
    }

    /// What a role holds, whoever made it.
    pub fn role(&self, name: &Name) -> Option<&Permissions> {
        self.catalogue.role(name).or_else(|| self.roles.get(name))
    }

    /// Every token that is kept, by id, with those that open nothing any more.
    pub fn tokens(&self) -> impl Iterator<Item = &ApiToken> {
        self.tokens.values()
    }

    /// One of them.
    pub fn token(&self, id: &str) -> Option<&ApiToken> {
        self.tokens.get(id)
    }

    fn put(&mut self, change: Change) {
        match change {
            Change::User(user) => drop(self.users.insert(user.name.clone(), user)),
            Change::Role { name, permissions } => drop(self.roles.insert(name, permissions)),
            Change::RoleDropped(name) => drop(self.roles.remove(&name)),
            Change::Token(token) => drop(self.tokens.insert(token.id.clone(), token)),
            Change::TokenDropped(id) => drop(self.tokens.remove(&id)),
            Change::Approval(one) => drop(self.approvals.insert(one.id.clone(), one)),
            Change::ApprovalDropped(id) => drop(self.approvals.remove(&id)),
        }
    }
}
