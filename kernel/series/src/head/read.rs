//! A series of the head as a reader holds it.

use std::sync::Arc;

use super::{Last, Sample, Series};
use crate::{Chunk, Error, Samples, SealedChunk};

/// The chunks of a series as they were; appends after that do not show.
#[derive(Debug, Clone)]
pub(crate) struct HeadSeries {
    open: Option<Arc<Chunk>>,
    sealed: Option<Arc<Vec<SealedChunk>>>,
    late: Option<Arc<Vec<Sample>>>,
    last: Last,
}

impl HeadSeries {
    pub(crate) fn new(series: &Series, last: Last) -> Self {
        Self {
            open: series.open.clone(),
            sealed: series.sealed.clone(),
            late: series.late.clone(),
            last,
        }
    }

    /// The newest sample at or before `to_ms` when that is known without decoding.
    #[inline]
    pub(crate) fn last(&self, to_ms: i64) -> Option<Last> {
        (self.last.is_plain && self.last.timestamp_ms <= to_ms).then_some(self.last)
    }

    /// Appends the samples from `from_ms` to `to_ms`, both inclusive, sorted; what `into` holds is
    /// older than those.
    pub(crate) fn read(&self, from_ms: i64, to_ms: i64, into: &mut Samples) -> Result<(), Error> {
        let begin = into.len();
        let mut is_sorted = true;
        let mut end_ms = None;
        for chunk in self.sealed.iter().flat_map(|sealed| sealed.iter()) {
            if chunk.last_ms() >= from_ms && chunk.first_ms() <= to_ms {
                is_sorted &= end_ms < Some(chunk.first_ms());
                end_ms = Some(chunk.last_ms());
                chunk.read(from_ms, to_ms, into)?;
            }
        }
        if let Some(open) = &self.open
            && open.last_ms() >= from_ms
            && open.first_ms() <= to_ms
        {
            is_sorted &= end_ms < Some(open.first_ms());
            open.read(from_ms, to_ms, into)?;
        }
        for sample in self.late.iter().flat_map(|late| late.iter()) {
            if (from_ms..=to_ms).contains(&sample.timestamp_ms) {
                is_sorted = false;
                push(into, sample);
            }
        }
        if !is_sorted {
            sort(into, begin);
        }
        Ok(())
    }
}

fn push(into: &mut Samples, sample: &Sample) {
    match &sample.value {
        crate::Value::Float(value) => into.push_float(sample.timestamp_ms, *value),
        crate::Value::Histogram(value) => {
            into.push_histogram(sample.timestamp_ms, Arc::clone(value));
        }
    }
    into.set_last_start(sample.start_ms);
}

/// Sorts the samples from an index on; of one timestamp the one that was read last stays.
pub(crate) fn sort(samples: &mut Samples, begin: usize) {
    let tail = &samples.timestamps[begin..];
    if tail.is_sorted_by(|a, b| a < b) {
        return;
    }
    let mut order: Vec<usize> = (begin..samples.len()).collect();
    order.sort_by_key(|index| samples.timestamps[*index]);
    order.dedup_by(|next, kept| {
        let is_same = samples.timestamps[*next] == samples.timestamps[*kept];
        if is_same {
            *kept = *next;
        }
        is_same
    });
    permute(&mut samples.timestamps, begin, &order);
    permute(&mut samples.floats, begin, &order);
    if !samples.histograms.is_empty() {
        permute(&mut samples.histograms, begin, &order);
    }
    if !samples.starts.is_empty() {
        permute(&mut samples.starts, begin, &order);
    }
}

fn permute<T: Clone>(column: &mut Vec<T>, begin: usize, order: &[usize]) {
    let sorted: Vec<T> = order.iter().map(|index| column[*index].clone()).collect();
    column.truncate(begin);
    column.extend(sorted);
}
