//! Reading: all samples from the first, those wanted are handed out.

use std::sync::Arc;

use super::bytes::{ByteReader, Damage};
use super::pieces::Pieces;
use super::value::{SAME, SCALE_MAX};
use super::{CHUNK_SAMPLES_MAX, Chunk, ChunkKind, RUN_MAX, SAMPLE, SCALE, START, State};
use super::{VALUE_CLASSES, histogram};
use crate::{Error, Samples};

/// Chunks of no more bytes, as most of floats are, are read without a buffer of their own.
const USUAL_BYTES_MAX: usize = 512;

/// Reads the bytes of a chunk step by step.
#[derive(Debug)]
struct Steps<'a> {
    from: ByteReader<'a>,
    state: State,
    declared: u16,
    /// Samples of the run that are still to come.
    run: u8,
}

impl<'a> Steps<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut from = ByteReader::new(bytes);
        let kind = ChunkKind::from_byte(from.u8()?)?;
        let declared = from.u16()?;
        if declared == 0 || usize::from(declared) > CHUNK_SAMPLES_MAX {
            return Err("its count is out of range");
        }
        let first_ms = from.i64()?;
        Ok(Self {
            from,
            state: State::new(kind, first_ms),
            declared,
            run: 0,
        })
    }

    /// Moves to the next sample; false at the end.
    #[inline]
    fn step(&mut self) -> Result<bool, Damage> {
        if self.run > 0 {
            self.run -= 1;
            self.state.advance(0)?;
            return Ok(true);
        }
        if self.state.count == self.declared {
            return match self.from.is_at_end() {
                true => Ok(false),
                false => Err("there is more than its samples"),
            };
        }
        loop {
            let code = self.from.u8()?;
            match code {
                0..=RUN_MAX => {
                    self.begin_run(code)?;
                    return Ok(true);
                }
                SAMPLE..START => {
                    self.sample(code - SAMPLE)?;
                    return Ok(true);
                }
                START => {
                    let change = self.from.zigzag()?;
                    self.state.start_ms = self.state.start_ms.wrapping_add(change);
                }
                _ if code - SCALE <= SCALE_MAX => self.state.value.scale = code - SCALE,
                _ => return Err("a step has an unknown code"),
            }
        }
    }

    fn begin_run(&mut self, code: u8) -> Result<(), Damage> {
        if u16::from(code) >= self.declared - self.state.count {
            return Err("a run is longer than the chunk");
        }
        if self.state.kind == ChunkKind::Histogram && self.state.histogram.is_none() {
            return Err("a run has no histogram to repeat");
        }
        self.run = code;
        self.state.advance(0)
    }

    #[inline]
    fn sample(&mut self, classes: u8) -> Result<(), Damage> {
        let bytes = match classes / VALUE_CLASSES {
            0 => 0,
            1 => 1,
            2 => 2,
            3 => 4,
            _ => 8,
        };
        let change = self.from.signed(bytes)?;
        self.state.advance(change)?;
        let class = classes % VALUE_CLASSES;
        match self.state.kind {
            ChunkKind::Float if class == SAME => {}
            ChunkKind::Float => {
                self.state.value.read(class, &mut self.from)?;
            }
            ChunkKind::Histogram => {
                let last = self.state.histogram.take();
                let next = histogram::read(&mut self.from, last.as_deref(), class)?;
                self.state.histogram = Some(Arc::new(next));
            }
        }
        Ok(())
    }

    /// Hands out the samples from `from_ms` to `to_ms`; stops after those.
    fn read(&mut self, from_ms: i64, to_ms: i64, into: &mut Samples) -> Result<(), Damage> {
        while self.step()? {
            let state = &self.state;
            if state.timestamp_ms > to_ms {
                break;
            }
            if state.timestamp_ms < from_ms {
                continue;
            }
            match &state.histogram {
                None => into.push_float(state.timestamp_ms, f64::from_bits(state.value.bits)),
                Some(histogram) => into.push_histogram(state.timestamp_ms, Arc::clone(histogram)),
            }
            if state.start_ms != 0 {
                into.set_last_start(state.start_ms);
            }
        }
        Ok(())
    }
}

/// Appends all samples of the bytes of a chunk.
pub(crate) fn read_chunk(bytes: &[u8], into: &mut Samples) -> Result<(), Damage> {
    Steps::open(bytes)?.read(i64::MIN, i64::MAX, into)
}

/// Appends the samples from `from_ms` to `to_ms`, both inclusive, of the bytes of a chunk.
pub(super) fn read_bytes(
    bytes: &[u8],
    from_ms: i64,
    to_ms: i64,
    into: &mut Samples,
) -> Result<(), Error> {
    let mut at = 0;
    let result = Steps::open(bytes).and_then(|mut steps| {
        let result = steps.read(from_ms, to_ms, into);
        at = steps.from.at();
        result
    });
    result.map_err(|reason| damaged(at, reason))
}

fn damaged(offset: usize, reason: Damage) -> Error {
    Error::DamagedChunk { offset, reason }
}

impl Chunk {
    /// A chunk from bytes that may be anything; it takes samples again.
    ///
    /// # Errors
    /// [`Error::DamagedChunk`] when the bytes are no chunk, to the last of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut steps = Steps::open(bytes).map_err(|reason| damaged(0, reason))?;
        loop {
            match steps.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(reason) => return Err(damaged(steps.from.at(), reason)),
            }
        }
        // No run is open: the last byte may be a value, and another run costs one byte.
        let mut pieces = Pieces::default();
        pieces.extend(bytes);
        Ok(Self {
            bytes: pieces,
            state: steps.state,
        })
    }

    /// Appends the samples from `from_ms` to `to_ms`, both inclusive, to the column, whose last
    /// timestamp is before them.
    ///
    /// # Errors
    /// [`Error::DamagedChunk`] when memory is not what was written to it.
    pub fn read(&self, from_ms: i64, to_ms: i64, into: &mut Samples) -> Result<(), Error> {
        if to_ms < self.first_ms() || from_ms > self.last_ms() {
            return Ok(());
        }
        if self.bytes.len() > USUAL_BYTES_MAX {
            return read_bytes(&self.bytes.to_vec(), from_ms, to_ms, into);
        }
        let mut bytes = [0; USUAL_BYTES_MAX];
        read_bytes(self.bytes.copy_to(&mut bytes), from_ms, to_ms, into)
    }
}
