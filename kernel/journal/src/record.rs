use std::fmt;

use bytes::Bytes;
use portique_clock::Timestamp;

/// The place of a record in its journal: 1 for the first, then without gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The first record of every journal.
    pub const FIRST: Self = Self(1);

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a caller appends: bytes the journal does not look into, and a tag to tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The caller's own meaning.
    pub kind: u8,
    /// At most [`RECORD_BYTES_MAX`](crate::RECORD_BYTES_MAX) and what one frame holds; may be
    /// empty.
    pub body: Bytes,
}

/// A durable record, as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub sequence: Sequence,
    /// When its frame was written; never before that of an earlier sequence, even when the wall
    /// clock went back.
    pub time: Timestamp,
    /// As appended.
    pub kind: u8,
    /// As appended.
    pub body: Bytes,
}

/// Which records are still accepted when the disk is nearly full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// New work: refused then.
    Work,
    /// What finishes or deletes work: accepted, from the reserve.
    Drain,
}

/// The identity of a journal: drawn at random when its folder is first opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
