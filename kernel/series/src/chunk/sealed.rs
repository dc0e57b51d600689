//! Chunks that are full.

use std::sync::Arc;

use super::read::read_bytes;
use super::{Chunk, ChunkKind};
use crate::{Error, Samples};

/// A chunk that takes no more samples; a clone shares the bytes.
#[derive(Debug, Clone)]
pub struct SealedChunk {
    bytes: Arc<[u8]>,
    first_ms: i64,
    last_ms: i64,
}

impl Chunk {
    /// Gives back the room that was kept for more.
    pub fn seal(self) -> SealedChunk {
        SealedChunk {
            first_ms: self.first_ms(),
            last_ms: self.last_ms(),
            bytes: Arc::from(self.to_bytes()),
        }
    }
}

impl SealedChunk {
    /// A chunk from bytes that may be anything.
    ///
    /// # Errors
    /// [`Error::DamagedChunk`] when the bytes are no chunk, to the last of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Chunk::from_bytes(bytes).map(Chunk::seal)
    }

    /// What its samples are.
    pub fn kind(&self) -> ChunkKind {
        match self.bytes.first() {
            Some(2) => ChunkKind::Histogram,
            _ => ChunkKind::Float,
        }
    }

    /// How many samples it has.
    pub fn len(&self) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[1], self.bytes[2]]))
    }

    /// Never: a chunk begins with a sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The oldest timestamp, Unix milliseconds.
    pub fn first_ms(&self) -> i64 {
        self.first_ms
    }

    /// The newest timestamp, Unix milliseconds.
    pub fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// The chunk as the format page describes it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends the samples from `from_ms` to `to_ms`, both inclusive, to the column, whose last
    /// timestamp is before them.
    ///
    /// # Errors
    /// [`Error::DamagedChunk`] when memory is not what was written to it.
    pub fn read(&self, from_ms: i64, to_ms: i64, into: &mut Samples) -> Result<(), Error> {
        if to_ms < self.first_ms || from_ms > self.last_ms {
            return Ok(());
        }
        read_bytes(&self.bytes, from_ms, to_ms, into)
    }
}
