//! Samples of one series that can be appended to: what the head keeps, and checkpoints carry.
//!
//! The bytes are described in `docs/formats/chunk.md`. A regular timestamp costs nothing, a value that
//! stays costs a byte for 64 samples, a decimal that moves a little costs two bytes.

mod append;
mod bytes;
mod histogram;
mod read;
mod sealed;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use crate::Histogram;
use value::ValueState;

pub use append::Refused;
pub(crate) use bytes::{ByteReader, Damage, put_varint, put_zigzag};
pub(crate) use read::read_chunk;
pub use sealed::SealedChunk;

/// A chunk has at most so many samples: a reader of a few minutes decodes few that it does not want.
pub const CHUNK_SAMPLES_MAX: usize = 120;

/// A chunk takes no sample when it has so many bytes: histograms of many buckets fill it early.
const CHUNK_BYTES_MAX: usize = 32 << 10;

/// Kind, count, first timestamp.
const HEADER_BYTES: usize = 11;

/// Codes of steps; see the format page.
const RUN_MAX: u8 = 63;
const SAMPLE: u8 = 64;
const TIMESTAMP_CLASSES: u8 = 5;
const VALUE_CLASSES: u8 = 32;
const START: u8 = SAMPLE + TIMESTAMP_CLASSES * VALUE_CLASSES;
const SCALE: u8 = START + 1;

/// What all samples of a chunk are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkKind {
    /// Floats.
    Float,
    /// Native histograms.
    Histogram,
}

impl ChunkKind {
    fn byte(self) -> u8 {
        match self {
            Self::Float => 1,
            Self::Histogram => 2,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, Damage> {
        match byte {
            1 => Ok(Self::Float),
            2 => Ok(Self::Histogram),
            _ => Err("its kind is unknown"),
        }
    }
}

/// Samples of one series and one kind, by strictly ascending timestamp; the newest end is open.
#[derive(Debug, Clone)]
pub struct Chunk {
    bytes: Vec<u8>,
    state: State,
    /// Whether the last byte is a run that can grow.
    run_is_open: bool,
}

/// What both sides know after a sample.
#[derive(Debug, Clone)]
struct State {
    kind: ChunkKind,
    count: u16,
    first_ms: i64,
    timestamp_ms: i64,
    interval: i64,
    start_ms: i64,
    value: ValueState,
    histogram: Option<Arc<Histogram>>,
}

impl State {
    fn new(kind: ChunkKind, first_ms: i64) -> Self {
        Self {
            kind,
            count: 0,
            first_ms,
            timestamp_ms: first_ms,
            interval: 0,
            start_ms: 0,
            value: ValueState::default(),
            histogram: None,
        }
    }

    /// Moves on by a change of the interval.
    #[inline]
    fn advance(&mut self, change: i64) -> Result<(), Damage> {
        self.interval = self.interval.wrapping_add(change);
        let next = self.timestamp_ms.wrapping_add(self.interval);
        let is_in_order = match self.count {
            0 => next == self.first_ms,
            _ => next > self.timestamp_ms,
        };
        if !is_in_order {
            return Err("its timestamps do not ascend");
        }
        self.timestamp_ms = next;
        self.count += 1;
        Ok(())
    }
}

impl Chunk {
    /// What its samples are.
    pub fn kind(&self) -> ChunkKind {
        self.state.kind
    }

    /// How many samples it has: 1 to [`CHUNK_SAMPLES_MAX`].
    pub fn len(&self) -> usize {
        usize::from(self.state.count)
    }

    /// Never: a chunk begins with a sample.
    pub fn is_empty(&self) -> bool {
        self.state.count == 0
    }

    /// The oldest timestamp, Unix milliseconds.
    pub fn first_ms(&self) -> i64 {
        self.state.first_ms
    }

    /// The newest timestamp, Unix milliseconds.
    pub fn last_ms(&self) -> i64 {
        self.state.timestamp_ms
    }

    /// The newest sample's float and start timestamp; of histograms the float is 0.
    pub(crate) fn last_float(&self) -> (f64, i64) {
        let value = match self.state.kind {
            ChunkKind::Float => f64::from_bits(self.state.value.bits),
            ChunkKind::Histogram => 0.0,
        };
        (value, self.state.start_ms)
    }

    /// The chunk as the format page describes it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes it keeps from the allocator.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity()
    }
}
