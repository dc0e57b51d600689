use std::collections::BTreeSet;
use std::time::Duration;

use crate::approval::{Approval, Step};
use crate::{ApiToken, Arrival, Digest, Name, PasswordHash, Permissions, User};

/// Something that somebody wants changed.
#[derive(Debug, Clone)]
pub enum Command {
    /// The first user, an administrator: for whoever holds the one-time link of a hub that has none.
    CreateFirst {
        /// Their name.
        name: Name,
        /// The hash of the password they chose.
        password: PasswordHash,
    },
    /// Another user, who changes the password at the first sign-in.
    CreateUser {
        /// Their name.
        name: Name,
        /// The hash of the password that is given to them.
        password: PasswordHash,
        /// What they are.
        roles: BTreeSet<Name>,
    },
    /// Somebody comes by a provider of identities, for the first time or as another than before. Only the hub itself
    /// gives it: what the roles are is written in its configuration.
    Admit(Arrival),
    /// What a user is.
    SetRoles {
        /// Who.
        name: Name,
        /// All of their roles from now on.
        roles: BTreeSet<Name>,
    },
    /// Whether a user can do anything.
    SetDisabled {
        /// Who.
        name: Name,
        /// Cannot.
        disabled: bool,
    },
    /// Another password. One that somebody else gives has to be changed by the user.
    SetPassword {
        /// Whose.
        name: Name,
        /// Its hash.
        password: PasswordHash,
    },
    /// A role of one's own.
    CreateRole {
        /// Its name.
        name: Name,
        /// What it holds.
        permissions: Permissions,
    },
    /// No such role any more; nobody may have it.
    DropRole {
        /// Its name.
        name: Name,
    },
    /// A token for a program.
    CreateToken(NewToken),
    /// The token opens nothing from now on.
    RevokeToken {
        /// Which.
        id: String,
    },
    /// A step of a command that two people give.
    Approval(Step),
}

/// A token that is asked for.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// An id that no token has.
    pub id: String,
    /// Whose it shall be.
    pub owner: Name,
    /// What it is for.
    pub label: String,
    /// What it is known by.
    pub digest: Digest,
    /// What it shall open.
    pub scopes: Permissions,
    /// How long; at most [`LIFETIME_MAX`](crate::LIFETIME_MAX).
    pub lifetime: Duration,
}

impl Command {
    /// What the audit journal calls it.
    pub fn action(&self) -> &'static str {
        match self {
            Self::CreateFirst { .. } => "user.create_first",
            Self::CreateUser { .. } => "user.create",
            Self::Admit(_) => "user.admit",
            Self::SetRoles { .. } => "user.roles",
            Self::SetDisabled { disabled: true, .. } => "user.disable",
            Self::SetDisabled {
                disabled: false, ..
            } => "user.enable",
            Self::SetPassword { .. } => "user.password",
            Self::CreateRole { .. } => "role.create",
            Self::DropRole { .. } => "role.drop",
            Self::CreateToken(_) => "token.create",
            Self::RevokeToken { .. } => "token.revoke",
            Self::Approval(step) => step.action(),
        }
    }

    /// What it is done to, with what shall be, and no secret.
    pub fn target(&self) -> String {
        match self {
            Self::CreateFirst { name, .. }
            | Self::SetDisabled { name, .. }
            | Self::SetPassword { name, .. } => format!("user:{name}"),
            Self::Admit(arrival) => {
                let (name, roles) = (&arrival.name, listed(arrival.roles.iter()));
                format!("user:{name} {} roles={roles}", arrival.identity)
            }
            Self::CreateUser { name, roles, .. } | Self::SetRoles { name, roles } => {
                format!("user:{name} roles={}", listed(roles.iter()))
            }
            Self::CreateRole { name, permissions } => {
                format!("role:{name} permissions={}", listed(permissions.iter()))
            }
            Self::DropRole { name } => format!("role:{name}"),
            Self::CreateToken(new) => {
                let scopes = listed(new.scopes.iter());
                format!("user:{}/token:{} scopes={scopes}", new.owner, new.id)
            }
            Self::RevokeToken { id } => format!("token:{id}"),
            Self::Approval(step) => step.target(),
        }
    }
}

/// Something that holds from now on.
#[derive(Debug, Clone)]
pub enum Change {
    /// The user is like this.
    User(User),
    /// The role is like this.
    Role {
        /// Its name.
        name: Name,
        /// What it holds.
        permissions: Permissions,
    },
    /// There is no such role.
    RoleDropped(Name),
    /// The token is like this.
    Token(ApiToken),
    /// The token, which opened nothing any more, is forgotten.
    TokenDropped(String),
    /// The approval is like this.
    Approval(Approval),
    /// The approval, which was over, is forgotten.
    ApprovalDropped(String),
}

fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.join(",")
}
