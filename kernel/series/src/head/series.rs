//! One series of the head.

use std::sync::Arc;

use super::{NEVER_MS, PARTITION_MS};
use crate::{Chunk, ChunkKind, Error, Histogram, Labels, Refused, Samples, SealedChunk, Value};

/// So many late samples wait, sorted, before they become a chunk: an insertion moves few of them.
const LATE_MAX: usize = 32;

/// A sample on its way in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) timestamp_ms: i64,
    pub(crate) value: Value,
    /// 0 when it is not known.
    pub(crate) start_ms: i64,
}

/// The newest sample of a series, kept apart so that most instant queries decode nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Last {
    pub(crate) timestamp_ms: i64,
    /// 0 for a histogram.
    pub(crate) value: f64,
    /// Whether the value is all there is to know: no histogram, no start.
    pub(crate) is_plain: bool,
}

impl Default for Last {
    fn default() -> Self {
        Self {
            timestamp_ms: NEVER_MS,
            value: 0.0,
            is_plain: false,
        }
    }
}

/// A series and its chunks. A reader shares them; whoever appends then, copies first.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Which list of retention it is on.
    pub(crate) class: u8,
    pub(crate) open: Option<Arc<Chunk>>,
    /// In the order they were closed; they may overlap.
    pub(crate) sealed: Option<Arc<Vec<SealedChunk>>>,
    /// Sorted by timestamp; all are before the newest sample.
    pub(crate) late: Option<Arc<Vec<Sample>>>,
}

impl Series {
    pub(crate) fn new(labels: Labels, class: u8) -> Self {
        Self {
            labels,
            class,
            open: None,
            sealed: None,
            late: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_none() && self.sealed.is_none() && self.late.is_none()
    }

    /// Appends a float that is newer than every other sample.
    #[inline]
    pub(crate) fn append_float(&mut self, timestamp_ms: i64, value: f64, start_ms: i64) {
        if let Some(open) = &mut self.open
            && partition(open.first_ms()) == partition(timestamp_ms)
            && Arc::make_mut(open)
                .append_float(timestamp_ms, value, start_ms)
                .is_ok()
        {
            return;
        }
        self.begin_chunk(timestamp_ms, &Value::Float(value), start_ms);
    }

    /// Appends a histogram that is newer than every other sample.
    pub(crate) fn append_histogram(
        &mut self,
        timestamp_ms: i64,
        histogram: &Arc<Histogram>,
        start_ms: i64,
    ) {
        let value = Value::Histogram(Arc::clone(histogram));
        if let Some(open) = &mut self.open
            && partition(open.first_ms()) == partition(timestamp_ms)
            && Arc::make_mut(open)
                .append(timestamp_ms, &value, start_ms)
                .is_ok()
        {
            return;
        }
        self.begin_chunk(timestamp_ms, &value, start_ms);
    }

    /// Takes a sample that is older than the newest.
    pub(crate) fn insert_late(&mut self, sample: Sample) {
        let late = Arc::make_mut(self.late.get_or_insert_default());
        let at = late.partition_point(|other| other.timestamp_ms < sample.timestamp_ms);
        late.insert(at, sample);
        if late.len() >= LATE_MAX {
            self.seal_late();
        }
    }

    /// Makes chunks of the late samples.
    pub(crate) fn seal_late(&mut self) {
        let Some(late) = self.late.take() else {
            return;
        };
        let chunks = chunks_of(late.iter().map(|s| (s.timestamp_ms, &s.value, s.start_ms)));
        for chunk in chunks {
            self.add_sealed(chunk.seal());
        }
    }

    /// Closes the chunk that is open.
    pub(crate) fn seal_open(&mut self) {
        if let Some(open) = self.open.take() {
            self.add_sealed(Arc::unwrap_or_clone(open).seal());
        }
    }

    pub(crate) fn add_sealed(&mut self, chunk: SealedChunk) {
        Arc::make_mut(self.sealed.get_or_insert_default()).push(chunk);
    }

    /// Keeps some of the closed chunks.
    pub(crate) fn retain_sealed(&mut self, is_kept: impl FnMut(&SealedChunk) -> bool) {
        if let Some(sealed) = &mut self.sealed {
            let sealed = Arc::make_mut(sealed);
            sealed.retain(is_kept);
            sealed.shrink_to_fit();
            if sealed.is_empty() {
                self.sealed = None;
            }
        }
    }

    /// The partitions in which it has samples, some perhaps more than once.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = i64> {
        let open = self.open.iter().map(|open| open.first_ms());
        let sealed = self.sealed.iter().flat_map(|sealed| sealed.iter());
        let late = self.late.iter().flat_map(|late| late.iter());
        open.chain(sealed.map(SealedChunk::first_ms))
            .chain(late.map(|sample| sample.timestamp_ms))
            .map(partition)
    }

    /// The value at a time, if there is a sample.
    pub(crate) fn value_at(&self, timestamp_ms: i64) -> Result<Option<Value>, Error> {
        let late = self.late.iter().flat_map(|late| late.iter());
        for sample in late {
            if sample.timestamp_ms == timestamp_ms {
                return Ok(Some(sample.value.clone()));
            }
        }
        let mut found = Samples::default();
        if let Some(open) = &self.open {
            open.read(timestamp_ms, timestamp_ms, &mut found)?;
        }
        for chunk in self.sealed.iter().flat_map(|sealed| sealed.iter()) {
            if found.is_empty() {
                chunk.read(timestamp_ms, timestamp_ms, &mut found)?;
            }
        }
        Ok((!found.is_empty()).then(|| found.value(0)))
    }

    /// The oldest timestamp; `None` when there is no sample.
    pub(crate) fn first_ms(&self) -> Option<i64> {
        let open = self.open.iter().map(|open| open.first_ms());
        let sealed = self.sealed.iter().flat_map(|sealed| sealed.iter());
        let late = self.late.iter().filter_map(|late| late.first());
        open.chain(sealed.map(SealedChunk::first_ms))
            .chain(late.map(|sample| sample.timestamp_ms))
            .min()
    }

    /// The newest sample, found by reading where the open chunk does not tell.
    pub(crate) fn find_last(&self) -> Result<Last, Error> {
        // What is open is newer than all that is closed or late.
        if let Some(open) = &self.open {
            let (value, start_ms) = open.last_float();
            return Ok(Last {
                timestamp_ms: open.last_ms(),
                value,
                is_plain: start_ms == 0 && open.kind() == ChunkKind::Float,
            });
        }
        let sealed = self.sealed.iter().flat_map(|sealed| sealed.iter());
        let late = self.late.iter().filter_map(|late| late.last());
        let newest = sealed
            .map(SealedChunk::last_ms)
            .chain(late.map(|sample| sample.timestamp_ms))
            .max();
        let Some(timestamp_ms) = newest else {
            return Ok(Last::default());
        };
        let mut found = Samples::default();
        let from = super::HeadSeries::new(self, Last::default());
        from.read(timestamp_ms, timestamp_ms, &mut found)?;
        Ok(Last {
            timestamp_ms,
            value: found.floats.first().copied().unwrap_or_default(),
            is_plain: found.histograms.is_empty() && found.starts.is_empty(),
        })
    }

    /// Leaves out the samples from `first_ms` to `last_ms`, and says how many there were.
    pub(crate) fn delete(&mut self, first_ms: i64, last_ms: i64) -> Result<usize, Error> {
        let mut all = Samples::default();
        super::HeadSeries::new(self, Last::default()).read(i64::MIN, i64::MAX, &mut all)?;
        let is_kept = |timestamp_ms: &i64| !(first_ms..=last_ms).contains(timestamp_ms);
        let kept = all.timestamps.iter().filter(|t| is_kept(t)).count();
        let deleted = all.len() - kept;
        if deleted == 0 {
            return Ok(0);
        }
        *self = Self::new(self.labels.clone(), self.class);
        let values: Vec<Value> = (0..all.len()).map(|index| all.value(index)).collect();
        let samples = (0..all.len()).filter(|index| is_kept(&all.timestamps[*index]));
        let start = |index: usize| all.starts.get(index).copied().unwrap_or(0);
        let mut chunks =
            chunks_of(samples.map(|index| (all.timestamps[index], &values[index], start(index))));
        self.open = chunks.pop().map(Arc::new);
        if !chunks.is_empty() {
            self.sealed = Some(Arc::new(chunks.into_iter().map(Chunk::seal).collect()));
        }
        Ok(deleted)
    }

    fn begin_chunk(&mut self, timestamp_ms: i64, value: &Value, start_ms: i64) {
        let begun = Chunk::begin(timestamp_ms, value, start_ms);
        // Who appends has checked the histogram against the same limits; what is over them anyway
        // must not take the store down.
        if let Ok(chunk) = begun {
            self.seal_open();
            self.open = Some(Arc::new(chunk));
        }
    }
}

/// The two hours of a timestamp.
pub(crate) fn partition(timestamp_ms: i64) -> i64 {
    timestamp_ms.div_euclid(PARTITION_MS)
}

/// Chunks of samples that ascend, none over the end of a partition.
fn chunks_of<'a>(samples: impl Iterator<Item = (i64, &'a Value, i64)>) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for (timestamp_ms, value, start_ms) in samples {
        let open = chunks.last_mut();
        let open = open.filter(|open| partition(open.first_ms()) == partition(timestamp_ms));
        let appended = open.map_or(Err(Refused::Full), |open| {
            open.append(timestamp_ms, value, start_ms)
        });
        if appended.is_err() {
            chunks.extend(Chunk::begin(timestamp_ms, value, start_ms));
        }
    }
    chunks
}
