//! Writing: one sample after another.

use super::bytes::{put_zigzag, signed_bytes};
use super::histogram::{self, Layout};
use super::pieces::Pieces;
use super::value::{Coded, SAME};
use super::{
    CHUNK_BYTES_MAX, CHUNK_SAMPLES_MAX, COUNT_AT, Chunk, ChunkKind, FIRST_AT, RUN_MAX, SAMPLE,
    SCALE, START, State, VALUE_CLASSES,
};
use crate::Value;

/// A step's code, its timestamp and its value.
const STEP_BYTES_MAX: usize = 1 + 8 + 8;

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
            bytes: Pieces::default(),
            state: State::new(kind, timestamp_ms),
        };
        chunk.bytes.extend(&[kind.byte(), 0, 0]);
        chunk.bytes.extend(&timestamp_ms.to_le_bytes());
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
                    let mut numbers = Vec::new();
                    histogram::put(&mut numbers, last.as_deref(), value, layout);
                    self.bytes.extend(&numbers);
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
            Some(run) if self.state.run_is_open && *run < RUN_MAX => *run += 1,
            _ => self.bytes.extend(&[0]),
        }
        self.state.run_is_open = true;
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
        if start_ms != self.state.start_ms {
            let mut escape = vec![START];
            put_zigzag(&mut escape, start_ms.wrapping_sub(self.state.start_ms));
            self.bytes.extend(&escape);
            self.state.start_ms = start_ms;
        }
        if let Some(scale) = value.and_then(|coded| coded.scale) {
            self.bytes.extend(&[SCALE + scale]);
        }
        let mut step = [0; STEP_BYTES_MAX];
        step[0] = SAMPLE + time_class * VALUE_CLASSES + class;
        let mut end = 1 + time_bytes;
        step[1..end].copy_from_slice(&change.to_le_bytes()[..time_bytes]);
        if let Some(coded) = value {
            let value = coded.bytes();
            step[end..end + coded.length()].copy_from_slice(&value[..coded.length()]);
            end += coded.length();
        }
        self.bytes.extend(&step[..end]);
        self.moved(timestamp_ms, change);
        self.state.run_is_open = false;
    }

    fn interval_change(&self, timestamp_ms: i64) -> i64 {
        let interval = timestamp_ms.wrapping_sub(self.state.timestamp_ms);
        interval.wrapping_sub(self.state.interval)
    }

    fn moved(&mut self, timestamp_ms: i64, change: i64) {
        self.state.interval = self.state.interval.wrapping_add(change);
        self.state.timestamp_ms = timestamp_ms;
        self.state.count += 1;
        self.bytes.start_mut()[COUNT_AT..FIRST_AT].copy_from_slice(&self.state.count.to_le_bytes());
    }
}
