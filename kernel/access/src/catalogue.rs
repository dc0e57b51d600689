use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::permission::{ADMIN, OWN as OWN_ACCESS, READ};
use crate::{Error, Name, Permission, Permissions};

/// Most permissions that a hub declares.
const PERMISSIONS_MAX: usize = 256;
/// What each hub has, whatever its systems.
const OWN: [(&str, Grade, &str); 3] = [
    (
        OWN_ACCESS,
        Grade::Viewer,
        "see, make and revoke one's own tokens; see approvals that concern one, and answer them",
    ),
    (
        READ,
        Grade::Administrator,
        "see people, roles, tokens and the audit journal",
    ),
    (
        ADMIN,
        Grade::Administrator,
        "change people, roles and the tokens of others",
    ),
];

/// The built-in role with the fewest rights that holds a permission; those above hold it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Looks.
    Viewer,
    /// Works.
    Operator,
    /// Decides who does.
    Administrator,
}

impl Grade {
    /// All of them, from the least.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Administrator];

    /// The name of the role.
    pub fn role(self) -> Name {
        let name = match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        };
        name.parse().expect("these are names")
    }
}

/// A permission that there is.
#[derive(Debug, Clone)]
pub struct Declared {
    /// What it is called.
    pub permission: Permission,
    /// Who has it of the built-in roles.
    pub least: Grade,
    /// What it allows, in a few words.
    pub about: &'static str,
}

/// What there is to be permitted in this hub, and the roles that come with it.
#[derive(Debug, Clone)]
pub struct Catalogue {
    permissions: BTreeMap<Permission, Declared>,
    roles: BTreeMap<Name, Permissions>,
}

impl Catalogue {
    /// With the built-in roles, and the permissions of the access control itself beside those declared.
    ///
    /// # Errors
    /// [`Error::Full`] for more than 256 permissions, [`Error::Exists`] for one declared twice.
    pub fn new(declared: Vec<Declared>) -> Result<Self, Error> {
        let own = OWN.map(|(permission, least, about)| {
            let permission = permission.parse().expect("these are permissions");
            Declared {
                permission,
                least,
                about,
            }
        });
        let mut permissions = BTreeMap::new();
        for one in own.into_iter().chain(declared) {
            let name = one.permission.to_string();
            if permissions.insert(one.permission.clone(), one).is_some() {
                let kind = "permission";
                return Err(Error::Exists { kind, name });
            }
        }
        if permissions.len() > PERMISSIONS_MAX {
            let (kind, limit) = ("permissions", PERMISSIONS_MAX);
            return Err(Error::Full { kind, limit });
        }
        let holds = |grade: Grade| {
            let held = permissions.values().filter(|one| one.least <= grade);
            (
                grade.role(),
                held.map(|one| one.permission.clone()).collect(),
            )
        };
        let roles = Grade::ALL.map(holds).into();
        Ok(Self { permissions, roles })
    }

    /// With another role, such as one of a system.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a permission that is not declared, [`Error::Exists`] for a name that is taken.
    pub fn with_role(mut self, name: Name, permissions: Permissions) -> Result<Self, Error> {
        self.check(&permissions)?;
        if self.roles.contains_key(&name) {
            let (kind, name) = ("role", name.to_string());
            return Err(Error::Exists { kind, name });
        }
        self.roles.insert(name, permissions);
        Ok(self)
    }

    /// Every permission, by name.
    pub fn permissions(&self) -> impl Iterator<Item = &Declared> {
        self.permissions.values()
    }

    /// The roles that come with the hub, by name.
    pub fn roles(&self) -> impl Iterator<Item = (&Name, &Permissions)> {
        self.roles.iter()
    }

    /// What a role of the hub holds; none when it is not one of them.
    pub fn role(&self, name: &Name) -> Option<&Permissions> {
        self.roles.get(name)
    }

    /// Whether there is such a permission.
    pub fn has(&self, permission: &str) -> bool {
        self.permissions.contains_key(permission)
    }

    /// # Errors
    /// [`Error::Unknown`] for the first that is not declared.
    pub(crate) fn check(&self, permissions: &Permissions) -> Result<(), Error> {
        let unknown = permissions.iter().find(|one| !self.has(one.as_str()));
        match unknown {
            None => Ok(()),
            Some(one) => Err(Error::Unknown {
                kind: "permission",
                name: one.to_string(),
            }),
        }
    }
}
