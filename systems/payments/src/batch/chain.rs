use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::PostedBatch;

/// What proves a batch and all before it: SHA-256, written in hexadecimal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of a batch, with the hash of the one before in it. What is derived from its columns does not count.
    pub(super) fn of(batch: &PostedBatch) -> Self {
        let mut digest = Sha256::new();
        digest.update(batch.previous.0);
        digest.update(batch.number.to_le_bytes());
        digest.update(batch.at_ns.to_le_bytes());
        let columns = &batch.columns;
        for text in [
            &columns.ids,
            &columns.keys,
            &columns.references,
            &columns.ofs,
            &columns.accounts,
            &columns.currencies,
            &columns.numbers,
            &batch.verdicts,
            &batch.reasons,
        ] {
            // Its length counts, so that no two texts side by side are another two.
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        }
        Self(digest.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("{text:?} is no hash: write 64 hexadecimal digits");
        let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut hash = [0; 32];
        for (index, byte) in hash.iter_mut().enumerate().take(usize::from(is_hex) * 32) {
            let digits = &text[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| refuse())?;
        }
        is_hex.then_some(Self(hash)).ok_or_else(refuse)
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}
