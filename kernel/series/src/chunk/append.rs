//! Writing: one sample after another.

use super::bytes::{put_zigzag, signed_bytes};
use super::histogram::{self, Layout};
use super::value::{Coded, SAME};
use super::{
    CHUNK_BYTES_MAX, CHUNK_SAMPLES_MAX, Chunk, ChunkKind, HEADER_BYTES, RUN_MAX, SAMPLE, SCALE,
    START, State, VALUE_CLASSES,
};
use crate::Value;

/// Room a chunk's bytes are given, step by step: a constant series never needs more than the first,
/// and no step wastes more than half.
const SIZE_CLASSES: [usize; 11] = [32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1408];

/// A change of the start and of the scale: both are rare.
const ESCAPES_BYTES_MAX: usize = 12;

/// Why a chunk does not take a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It has as many samples or bytes as it may: begin another.
    Full,
    /// It holds floats and this is a histogram, or the other way round: begin another.
    OtherKind,
    /// The timestamp is not after the last.
    NotAfter,
    /// The histogram has more buckets, spans or bounds than any chunk takes.
    TooLarge,
}

impl Chunk {
    /// A chunk that begins with a sample; the start timestamp is 0 when it is not known.
    ///
    /// # Errors
    /// [`Refused::TooLarge`] for a histogram over the limits of the format.
    pub fn begin(timestamp_ms: i64, value: &Value, start_ms: i64) -> Result<Self, Refused> {
        let kind = match value {
            Value::Float(_) => ChunkKind::Float,
            Value::Histogram(_) => ChunkKind::Histogram,
        };
        let mut chunk = Self {
            bytes: Vec::new(),
            state: State::new(kind, timestamp_ms),
            run_is_open: false,
        };
        chunk.reserve(HEADER_BYTES);
        chunk.bytes.extend_from_slice(&[kind.byte(), 0, 0]);
        chunk.bytes.extend_from_slice(&timestamp_ms.to_le_bytes());
        chunk.append(timestamp_ms, value, start_ms)?;
        Ok(chunk)
    }

    /// Appends a sample; nothing changes when it is refused.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn append(
        &mut self,
        timestamp_ms: i64,
        value: &Value,
        start_ms: i64,
    ) -> Result<(), Refused> {
        match value {
            Value::Float(value) => self.append_float(timestamp_ms, *value, start_ms),
            Value::Histogram(value) => {
                self.check(ChunkKind::Histogram, timestamp_ms)?;
                if !histogram::is_within_limits(value) {
                    return Err(Refused::TooLarge);
                }
                let last = self.state.histogram.take();
                let layout = Layout::compare(last.as_deref(), value);
                let is_same = layout == Layout::Same
                    && last
                        .as_deref()
                        .is_some_and(|l| histogram::is_same(l, value));
                if !self.grow_run(timestamp_ms, start_ms, is_same) {
                    let class = histogram::class(value, layout);
                    self.put_step(timestamp_ms, start_ms, class, None);
                    histogram::put(&mut self.bytes, last.as_deref(), value, layout);
                }
                self.state.histogram = Some(std::sync::Arc::clone(value));
                Ok(())
            }
        }
    }

    /// [`append`](Self::append) without the wrapping, for the busiest path.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn append_float(
        &mut self,
        timestamp_ms: i64,
        value: f64,
        start_ms: i64,
    ) -> Result<(), Refused> {
        self.check(ChunkKind::Float, timestamp_ms)?;
        let coded = self.state.value.code(value, true);
        if !self.grow_run(timestamp_ms, start_ms, coded.class == SAME) {
            self.put_step(timestamp_ms, start_ms, coded.class, Some(coded));
        }
        Ok(())
    }

    fn check(&self, kind: ChunkKind, timestamp_ms: i64) -> Result<(), Refused> {
        if self.state.kind != kind {
            return Err(Refused::OtherKind);
        }
        if self.state.count > 0 && timestamp_ms <= self.state.timestamp_ms {
            return Err(Refused::NotAfter);
        }
        if self.len() >= CHUNK_SAMPLES_MAX || self.bytes.len() >= CHUNK_BYTES_MAX {
            return Err(Refused::Full);
        }
        Ok(())
    }

    /// Takes a sample into the run at the end, or a new run, if nothing about it is new.
    fn grow_run(&mut self, timestamp_ms: i64, start_ms: i64, value_is_same: bool) -> bool {
        let change = self.interval_change(timestamp_ms);
        let is_run = value_is_same && change == 0 && start_ms == self.state.start_ms;
        if !is_run {
            return false;
        }
        self.moved(timestamp_ms, change);
        match self.bytes.last_mut() {
            Some(run) if self.run_is_open && *run < RUN_MAX => *run += 1,
            _ => {
                self.reserve(1);
                self.bytes.push(0);
            }
        }
        self.run_is_open = true;
        true
    }

    fn put_step(&mut self, timestamp_ms: i64, start_ms: i64, class: u8, value: Option<Coded>) {
        let change = self.interval_change(timestamp_ms);
        let (time_class, time_bytes) = match signed_bytes(change) {
            _ if change == 0 => (0, 0),
            1 => (1, 1),
            2 => (2, 2),
            3 | 4 => (3, 4),
            _ => (4, 8),
        };
        let scale = value.and_then(|coded| coded.scale);
        let escapes = match scale.is_some() || start_ms != self.state.start_ms {
            true => ESCAPES_BYTES_MAX,
            false => 0,
        };
        self.reserve(escapes + 1 + time_bytes + value.map_or(0, |coded| coded.length()));
        if start_ms != self.state.start_ms {
            self.bytes.push(START);
            let change = start_ms.wrapping_sub(self.state.start_ms);
            put_zigzag(&mut self.bytes, change);
            self.state.start_ms = start_ms;
        }
        if let Some(scale) = scale {
            self.bytes.push(SCALE + scale);
        }
        self.bytes.push(SAMPLE + time_class * VALUE_CLASSES + class);
        self.bytes
            .extend_from_slice(&change.to_le_bytes()[..time_bytes]);
        if let Some(coded) = value {
            coded.put(&mut self.bytes);
        }
        self.moved(timestamp_ms, change);
        self.run_is_open = false;
    }

    fn interval_change(&self, timestamp_ms: i64) -> i64 {
        let interval = timestamp_ms.wrapping_sub(self.state.timestamp_ms);
        interval.wrapping_sub(self.state.interval)
    }

    fn moved(&mut self, timestamp_ms: i64, change: i64) {
        self.state.interval = self.state.interval.wrapping_add(change);
        self.state.timestamp_ms = timestamp_ms;
        self.state.count += 1;
        self.bytes[1..3].copy_from_slice(&self.state.count.to_le_bytes());
    }

    /// Makes room for so many bytes more, in size classes.
    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed <= self.bytes.capacity() {
            return;
        }
        let class = SIZE_CLASSES.iter().find(|class| **class >= needed);
        let room = class.copied().unwrap_or(needed + needed / 2);
        self.bytes.reserve_exact(room - self.bytes.len());
    }
}
