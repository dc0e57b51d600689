use std::collections::BTreeSet;

use portique_clock::Timestamp;

use super::command::{Change, Command, NewToken};
use super::{Book, LABEL_BYTES_MAX, ROLES_MAX, ROLES_OF_USER_MAX, TOKENS_OF_OWNER_MAX, USERS_MAX};
use crate::permission::ADMIN;
use crate::token::LIFETIME_MAX;
use crate::{
    ApiToken, Arrival, Caller, Error, Grade, Name, Origin, PasswordHash, Permissions, User, Who,
};

impl Book {
    /// What comes of a command, if this caller may give it and the state allows it.
    ///
    /// # Errors
    /// [`Error::Denied`] or [`Error::Unauthenticated`] for whoever may not, and the other variants for what
    /// cannot be.
    pub fn decide(
        &self,
        by: &Caller,
        command: Command,
        at: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        let change = match command {
            Command::CreateFirst { name, password } => {
                Change::User(self.create_first(name, password, at)?)
            }
            Command::CreateUser {
                name,
                password,
                roles,
            } => Change::User(self.create_user(by, name, password, roles, at)?),
            Command::Admit(arrival) => Change::User(self.admit(arrival, at)?),
            Command::SetRoles { name, roles } => {
                let user = self.governed(by, &name)?.clone();
                // Taken away they stay until the next sign-in; given, they would be gone with it.
                if !roles.is_subset(&user.roles) {
                    not_of_provider(&user, "their roles are its groups")?;
                }
                self.check_roles(by, &roles)?;
                Change::User(User { roles, ..user })
            }
            Command::SetDisabled { name, disabled } => {
                let user = self.governed(by, &name)?.clone();
                Change::User(User { disabled, ..user })
            }
            Command::SetPassword { name, password } => {
                Change::User(self.set_password(by, &name, password)?)
            }
            Command::CreateRole { name, permissions } => {
                self.check_role(by, &name, &permissions)?;
                Change::Role { name, permissions }
            }
            Command::DropRole { name } => self.drop_role(by, name)?,
            Command::CreateToken(new) => return self.create_token(by, new, at),
            Command::RevokeToken { id } => Change::Token(self.revoke_token(by, &id, at)?),
            Command::Approval(step) => return self.decide_approval(by, step, at),
        };
        Ok(vec![change])
    }

    fn create_first(
        &self,
        name: Name,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<User, Error> {
        if self.has_administrator() {
            return Err(Error::NotNow {
                reason: "there is an administrator already: have them create another".into(),
            });
        }
        if self.users.contains_key(&name) {
            return Err(exists("user", &name));
        }
        check_room("users", self.users.len(), USERS_MAX)?;
        Ok(User {
            name,
            origin: Origin::Password(password),
            roles: [Grade::Administrator.role()].into(),
            disabled: false,
            must_change: false,
            created_at: at,
            arrived_at: None,
        })
    }

    fn create_user(
        &self,
        by: &Caller,
        name: Name,
        password: PasswordHash,
        roles: BTreeSet<Name>,
        at: Timestamp,
    ) -> Result<User, Error> {
        by.check(ADMIN)?;
        self.check_roles(by, &roles)?;
        if self.users.contains_key(&name) {
            return Err(exists("user", &name));
        }
        check_room("users", self.users.len(), USERS_MAX)?;
        Ok(User {
            name,
            origin: Origin::Password(password),
            roles,
            disabled: false,
            must_change: true,
            created_at: at,
            arrived_at: None,
        })
    }

    /// Nobody comes in under the name of somebody else: who has it is found by what the provider calls them, and a
    /// name that is taken stays whose it is.
    fn admit(&self, arrival: Arrival, at: Timestamp) -> Result<User, Error> {
        let is_role = |name: &Name| self.role(name).is_some();
        let roles: BTreeSet<Name> = arrival.roles.into_iter().filter(is_role).collect();
        if roles.len() > ROLES_OF_USER_MAX {
            let (kind, limit) = ("roles of one user", ROLES_OF_USER_MAX);
            return Err(Error::Full { kind, limit });
        }
        if let Some(user) = self.user_of(&arrival.identity) {
            if user.disabled {
                let reason = format!("the user {} is disabled", user.name);
                return Err(Error::Denied { reason });
            }
            let user = user.clone();
            return Ok(User {
                roles,
                arrived_at: Some(at),
                ..user
            });
        }
        if self.users.contains_key(&arrival.name) {
            let reason = format!(
                "the name {} is taken here, by somebody who does not come by {} as this one: have another name given \
                 to one of the two",
                arrival.name, arrival.identity.provider
            );
            return Err(Error::Denied { reason });
        }
        check_room("users", self.users.len(), USERS_MAX)?;
        Ok(User {
            name: arrival.name,
            origin: Origin::Provider(arrival.identity),
            roles,
            disabled: false,
            must_change: false,
            created_at: at,
            arrived_at: Some(at),
        })
    }

    /// One's own password is one's own matter; that of others must be theirs to change.
    fn set_password(
        &self,
        by: &Caller,
        name: &Name,
        password: PasswordHash,
    ) -> Result<User, Error> {
        let is_own = by.who == Who::User(name.clone());
        let user = match is_own {
            true => self.users.get(name).ok_or_else(|| unknown("user", name))?,
            false => self.governed(by, name)?,
        };
        not_of_provider(user, "they have no password here")?;
        Ok(User {
            origin: Origin::Password(password),
            must_change: !is_own,
            ..user.clone()
        })
    }

    fn check_role(&self, by: &Caller, name: &Name, permissions: &Permissions) -> Result<(), Error> {
        by.check(ADMIN)?;
        self.catalogue.check(permissions)?;
        covers(by, permissions)?;
        if self.role(name).is_some() {
            return Err(exists("role", name));
        }
        check_room("roles", self.roles.len(), ROLES_MAX)
    }

    fn drop_role(&self, by: &Caller, name: Name) -> Result<Change, Error> {
        by.check(ADMIN)?;
        if self.catalogue.role(&name).is_some() {
            let reason = format!("the role {name} comes with the hub and stays");
            return Err(Error::NotNow { reason });
        }
        let held = self
            .roles
            .get(&name)
            .ok_or_else(|| unknown("role", &name))?;
        covers(by, held)?;
        if let Some(user) = self.users.values().find(|user| user.roles.contains(&name)) {
            let reason = format!(
                "the user {} has the role {name}: take it away first",
                user.name
            );
            return Err(Error::NotNow { reason });
        }
        Ok(Change::RoleDropped(name))
    }

    fn create_token(
        &self,
        by: &Caller,
        new: NewToken,
        at: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        if by.who != Who::User(new.owner.clone()) || by.must_change {
            by.check(ADMIN)?;
        }
        let owner = self
            .users
            .get(&new.owner)
            .ok_or_else(|| unknown("user", &new.owner))?;
        if owner.disabled {
            let reason = format!("the user {} is disabled", owner.name);
            return Err(Error::NotNow { reason });
        }
        not_of_provider(owner, "what they may ends with their session")?;
        check_new(&new)?;
        self.catalogue.check(&new.scopes)?;
        covers(by, &new.scopes)?;
        let held = self.held(owner.roles.iter());
        if let Some(more) = new.scopes.difference(&held).next() {
            let reason = format!(
                "{} does not hold {more}, and neither does a token of theirs",
                owner.name
            );
            return Err(Error::Denied { reason });
        }
        if self.tokens.contains_key(&new.id) || self.by_digest.contains_key(&new.digest) {
            return Err(exists("token", &new.id));
        }
        let mut changes = self.room_for_token(&owner.name, at)?;
        changes.push(Change::Token(ApiToken {
            id: new.id,
            owner: new.owner,
            label: new.label,
            digest: new.digest,
            scopes: new.scopes,
            created_at: at,
            expires_at: at.plus(new.lifetime),
            last_used_at: None,
            revoked_at: None,
        }));
        Ok(changes)
    }

    /// Forgets a token that opens nothing any more where that makes the room.
    fn room_for_token(&self, owner: &Name, at: Timestamp) -> Result<Vec<Change>, Error> {
        let own = || self.tokens.values().filter(|token| token.owner == *owner);
        let Err(full) = check_room("tokens of this user", own().count(), TOKENS_OF_OWNER_MAX)
        else {
            return Ok(Vec::new());
        };
        let ended = own().filter(|token| !token.works(at));
        let oldest = ended.min_by_key(|token| token.created_at).ok_or(full)?;
        Ok(vec![Change::TokenDropped(oldest.id.clone())])
    }

    fn revoke_token(&self, by: &Caller, id: &str, at: Timestamp) -> Result<ApiToken, Error> {
        let token = self.tokens.get(id).ok_or_else(|| unknown("token", id))?;
        let is_own = match &by.who {
            Who::User(name) => *name == token.owner,
            Who::Token { id: own, .. } => own == id,
            _ => false,
        };
        if !is_own {
            self.governed(by, &token.owner)?;
        }
        Ok(ApiToken {
            revoked_at: token.revoked_at.or(Some(at)),
            ..token.clone()
        })
    }

    /// A user whom this caller may change: administrators change nobody who holds more than they do.
    fn governed(&self, by: &Caller, name: &Name) -> Result<&User, Error> {
        by.check(ADMIN)?;
        let user = self.users.get(name).ok_or_else(|| unknown("user", name))?;
        covers(by, &self.held(user.roles.iter()))?;
        Ok(user)
    }

    fn check_roles(&self, by: &Caller, roles: &BTreeSet<Name>) -> Result<(), Error> {
        if roles.len() > ROLES_OF_USER_MAX {
            let (kind, limit) = ("roles of one user", ROLES_OF_USER_MAX);
            return Err(Error::Full { kind, limit });
        }
        for name in roles {
            let held = self.role(name).ok_or_else(|| unknown("role", name))?;
            covers(by, held)?;
        }
        Ok(())
    }

    /// What these roles hold together; a role that is gone holds nothing.
    pub(super) fn held<'a>(&self, roles: impl Iterator<Item = &'a Name>) -> Permissions {
        let held = roles.filter_map(|name| self.role(name));
        held.flatten().cloned().collect()
    }
}

/// What cannot be done to users who come by a provider.
fn not_of_provider(user: &User, because: &str) -> Result<(), Error> {
    let Some(identity) = user.identity() else {
        return Ok(());
    };
    let (name, provider) = (&user.name, &identity.provider);
    let reason = format!("{name} comes by {provider}, and {because}: change it there");
    Err(Error::NotNow { reason })
}

/// Nobody gives what they do not hold.
fn covers(by: &Caller, given: &Permissions) -> Result<(), Error> {
    match given.iter().find(|one| !by.holds(one.as_str())) {
        None => Ok(()),
        Some(one) => by.check(one.as_str()),
    }
}

fn check_new(new: &NewToken) -> Result<(), Error> {
    let invalid = |what, given: String, rule: &str| Error::Invalid {
        what,
        given,
        rule: rule.into(),
    };
    if new.label.len() > LABEL_BYTES_MAX || new.label.contains(char::is_control) {
        let given = new.label.chars().take(LABEL_BYTES_MAX).collect();
        return Err(invalid("label", given, "at most 128 bytes, in one line"));
    }
    if new.scopes.is_empty() {
        let rule = "a token without scopes opens nothing: name one permission at least";
        return Err(invalid("scopes", String::new(), rule));
    }
    if new.lifetime.is_zero() || new.lifetime > LIFETIME_MAX {
        let given = format!("{} s", new.lifetime.as_secs());
        return Err(invalid(
            "lifetime",
            given,
            "at most 366 days, and more than nothing",
        ));
    }
    Ok(())
}

fn check_room(kind: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    match count < limit {
        true => Ok(()),
        false => Err(Error::Full { kind, limit }),
    }
}

fn unknown(kind: &'static str, name: impl ToString) -> Error {
    let name: String = name.to_string().chars().take(LABEL_BYTES_MAX).collect();
    Error::Unknown { kind, name }
}

fn exists(kind: &'static str, name: impl ToString) -> Error {
    let name = name.to_string();
    Error::Exists { kind, name }
}
