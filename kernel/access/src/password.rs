use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{Error, Name, hex};

/// Shortest password, as NIST SP 800-63B and OWASP's ASVS have it for people without a second factor at least.
pub(crate) const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password: a whole sentence, and no load on the hash.
pub(crate) const PASSWORD_BYTES_MAX: usize = 256;
/// A salt that no other password has.
const SALT_BYTES: usize = 16;
/// Length of the hash.
const HASH_BYTES: usize = 32;
/// Most memory that a stored hash may ask for: what is read from a disk is not trusted with the machine.
const MEMORY_KIB_MAX: u32 = 1 << 20;
/// Most passes, likewise.
const PASSES_MAX: u32 = 16;

/// What one guess of a password costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// How often the memory is gone over.
    pub passes: u32,
}

impl Cost {
    /// OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self {
        memory_kib: 19_456,
        passes: 2,
    };
}

/// An argon2id hash (RFC 9106) of a password, with its salt and cost.
#[derive(Clone, Serialize, Deserialize)]
pub struct PasswordHash {
    cost: Cost,
    #[serde(with = "hex")]
    salt: [u8; SALT_BYTES],
    #[serde(with = "hex")]
    hash: [u8; HASH_BYTES],
}

impl PasswordHash {
    /// Of a password, with a salt of its own. Takes tens of milliseconds and 19 MiB: not for async threads.
    ///
    /// # Errors
    /// [`Error::NoRandomness`].
    pub fn new(password: &str, cost: Cost) -> Result<Self, Error> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| Error::NoRandomness)?;
        let hash = derive(password, &salt, cost).ok_or_else(|| Error::Invalid {
            what: "password",
            given: String::new(),
            rule: "it cannot be hashed at this cost".into(),
        })?;
        Ok(Self { cost, salt, hash })
    }

    /// Of no password at all: to be asked, at the same cost, for a name that nobody has.
    ///
    /// # Errors
    /// [`Error::NoRandomness`].
    pub(crate) fn nobodys(cost: Cost) -> Result<Self, Error> {
        let (mut salt, mut hash) = ([0; SALT_BYTES], [0; HASH_BYTES]);
        getrandom::fill(&mut salt).map_err(|_| Error::NoRandomness)?;
        getrandom::fill(&mut hash).map_err(|_| Error::NoRandomness)?;
        Ok(Self { cost, salt, hash })
    }

    /// Whether both were made of the same password at the same time: each hash has a salt of its own.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.salt == other.salt
    }

    /// Whether this is the password. Takes as long for a near miss as for a far one.
    pub fn is(&self, password: &str) -> bool {
        let derived = derive(password, &self.salt, self.cost).unwrap_or_default();
        // A hash of zeros is what nothing derives to.
        let is_derived = derived != [0; HASH_BYTES];
        bool::from(derived.ct_eq(&self.hash)) && is_derived
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// # Errors
/// [`Error::Invalid`] for a password that is too short, too long, or says the name.
pub(crate) fn check(name: &Name, password: &str) -> Result<(), Error> {
    let rule = if password.chars().count() < PASSWORD_CHARS_MIN {
        format!(
            "a password has {PASSWORD_CHARS_MIN} characters at least; a sentence is easy to keep"
        )
    } else if password.len() > PASSWORD_BYTES_MAX {
        format!("a password has {PASSWORD_BYTES_MAX} bytes at most")
    } else if name.as_str().len() > 2 && password.to_lowercase().contains(name.as_str()) {
        "a password does not contain the name".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Invalid {
        what: "password",
        given: String::new(),
        rule,
    })
}

/// None for a cost that argon2 does not know or that nobody should have to pay.
fn derive(password: &str, salt: &[u8], cost: Cost) -> Option<[u8; HASH_BYTES]> {
    if cost.memory_kib > MEMORY_KIB_MAX || cost.passes > PASSES_MAX {
        return None;
    }
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(HASH_BYTES)).ok()?;
    let mut hash = [0; HASH_BYTES];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let derived = argon2.hash_password_into(password.as_bytes(), salt, &mut hash);
    derived.ok().map(|()| hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation's own vector: `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1`.
    #[test]
    fn the_hash_is_that_of_the_reference() {
        let cost = Cost {
            memory_kib: 65_536,
            passes: 2,
        };
        let hash = derive("password", b"somesalt", cost).unwrap();
        assert_eq!(
            hex::encode(&hash),
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
        );
    }

    #[test]
    fn only_the_password_is_the_password() {
        let cost = Cost {
            memory_kib: 8,
            passes: 1,
        };
        let hash = PasswordHash::new("correct horse battery", cost).unwrap();
        let kept = serde_json::to_string(&hash).unwrap();
        assert!(!kept.contains("horse") && !format!("{hash:?}").contains("salt"));
        let read: PasswordHash = serde_json::from_str(&kept).unwrap();
        assert!(read.is("correct horse battery"));
        for wrong in ["", "correct horse batter", "Correct horse battery"] {
            assert!(!read.is(wrong), "{wrong}");
        }
        let twin = PasswordHash::new("correct horse battery", cost).unwrap();
        assert_ne!(twin.hash, hash.hash, "two people, one password, two hashes");
    }

    #[test]
    fn a_stored_cost_out_of_bounds_opens_nothing() {
        for (memory_kib, passes) in [(u32::MAX, 1), (8, u32::MAX), (0, 0)] {
            let hash = PasswordHash {
                cost: Cost { memory_kib, passes },
                salt: [0; SALT_BYTES],
                hash: [0; HASH_BYTES],
            };
            assert!(!hash.is(""));
        }
    }

    #[test]
    fn weak_passwords_are_refused_without_being_repeated() {
        let name: Name = "alice".parse().unwrap();
        check(&name, "twelve chars").unwrap();
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        for wrong in ["", "eleven char", "this is Alice's own", &long] {
            let error = check(&name, wrong).unwrap_err().to_string();
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
    }
}
