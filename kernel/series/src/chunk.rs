//! Samples of one series that can be appended to: what the head keeps, and checkpoints carry.
//!
//! The bytes are described in `docs/formats/chunk.md`. A regular timestamp costs nothing, a value that
//! stays costs a byte for 64 samples, a decimal that moves a little costs two bytes.

mod append;
mod bytes;
mod histogram;
mod pieces;
mod read;
mod sealed;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use crate::Histogram;
use pieces::Pieces;
use value::ValueState;

pub use append::Refused;
pub(crate) use bytes::{ByteReader, Damage, put_varint, put_zigzag};
pub(crate) use read::read_chunk;
pub use sealed::SealedChunk;

/// A chunk has at most so many samples: a reader of a few minutes decodes few that it does not want.
pub const CHUNK_SAMPLES_MAX: usize = 120;

/// A chunk takes no sample when it has so many bytes: histograms of many buckets fill it early.
const CHUNK_BYTES_MAX: usize = 32 << 10;

/// A chunk begins with its kind, its count and its first timestamp: where the last two are.
const COUNT_AT: usize = 1;
const FIRST_AT: usize = 3;

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
    bytes: Pieces,
    state: State,
}

/// A head has an open chunk for each of its series: with the two counts of its `Arc`, and without what stands in
/// `bytes` anyway, a chunk is a block of 112 bytes to the allocator. The next size is 128.
const _: () = assert!(size_of::<Chunk>() + 2 * size_of::<usize>() <= 112);

/// What both sides know after a sample.
#[derive(Debug, Clone)]
struct State {
    kind: ChunkKind,
    /// Whether the last byte is a run that can grow; the writer's alone.
    run_is_open: bool,
    count: u16,
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
            run_is_open: false,
            count: 0,
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
            // It begins with the first.
            0 => next == self.timestamp_ms,
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
        let first = self.bytes.start()[FIRST_AT..].first_chunk();
        i64::from_le_bytes(*first.expect("a chunk begins with a header"))
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
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.to_vec()
    }

    /// Bytes it keeps from the allocator.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.heap_bytes()
    }
}
