//! The newest samples of all series, in memory.

mod exemplars;
mod order;
mod read;
mod series;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

pub(crate) use exemplars::ExemplarRing;
pub(crate) use read::{HeadSeries, sort};
pub(crate) use series::{Last, Sample, Series, partition};
pub(crate) use table::Table;

use crate::index::Index;
use crate::{Error, Histogram, Matcher, Metadata, Value};
use order::Order;

/// The time that one block covers, and no chunk reaches over its ends: 2 h.
pub(crate) const PARTITION_MS: i64 = 2 * 60 * 60 * 1000;

/// Older than every sample.
pub(crate) const NEVER_MS: i64 = i64::MIN;

/// Everything that the log says.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) table: Table,
    pub(crate) index: Index,
    order: Order,
    pub(crate) metadata: BTreeMap<Box<str>, Metadata>,
    pub(crate) exemplars: ExemplarRing,
    /// The newest timestamp ever taken; [`NEVER_MS`] before the first.
    pub(crate) newest_ms: i64,
    /// Not after the oldest sample.
    pub(crate) oldest_ms: i64,
}

impl Head {
    pub(crate) fn new(exemplars_max: usize) -> Self {
        Self {
            table: Table::default(),
            index: Index::default(),
            order: Order::default(),
            metadata: BTreeMap::new(),
            exemplars: ExemplarRing::new(exemplars_max),
            newest_ms: NEVER_MS,
            oldest_ms: i64::MAX,
        }
    }
}

impl Head {
    /// Makes a series that is new.
    pub(crate) fn create(&mut self, series: Series) -> u32 {
        let labels = series.labels.clone();
        let slot = self.table.add(series);
        self.index.insert(slot, &labels);
        self.order.added(slot);
        slot
    }

    /// Makes a series in the slot that the log gives it. What had the slot before has left the head, and so has a
    /// series of these labels in another slot: its samples are in blocks.
    pub(crate) fn restore(&mut self, slot: u32, series: Series) {
        self.remove(slot);
        if let Some(before) = self.table.find(series.labels.packed()) {
            self.remove(before);
        }
        let labels = series.labels.clone();
        self.table.put(slot, series);
        self.index.insert(slot, &labels);
        self.order.added(slot);
    }

    /// Forgets a series.
    pub(crate) fn remove(&mut self, slot: u32) {
        if let Some(series) = self.table.remove(slot) {
            self.index.remove(slot, &series.labels);
            self.order.removed(slot);
        }
    }

    /// Appends a float newer than all samples of its series.
    #[inline]
    pub(crate) fn append_float(&mut self, slot: u32, timestamp_ms: i64, value: f64, start_ms: i64) {
        if let Some(series) = self.table.series_mut(slot) {
            series.append_float(timestamp_ms, value, start_ms);
            self.newest_ms = self.newest_ms.max(timestamp_ms);
            self.oldest_ms = self.oldest_ms.min(timestamp_ms);
            self.table.set_last(
                slot,
                Last {
                    timestamp_ms,
                    value,
                    is_plain: start_ms == 0,
                },
            );
        }
    }

    /// Appends a histogram newer than all samples of its series.
    pub(crate) fn append_histogram(
        &mut self,
        slot: u32,
        timestamp_ms: i64,
        histogram: &Arc<Histogram>,
        start_ms: i64,
    ) {
        if let Some(series) = self.table.series_mut(slot) {
            series.append_histogram(timestamp_ms, histogram, start_ms);
            self.newest_ms = self.newest_ms.max(timestamp_ms);
            self.oldest_ms = self.oldest_ms.min(timestamp_ms);
            self.table.set_last(
                slot,
                Last {
                    timestamp_ms,
                    value: 0.0,
                    is_plain: false,
                },
            );
        }
    }

    /// Takes a sample wherever it belongs in time; one that is there already stays as it is.
    ///
    /// # Errors
    /// When memory is damaged.
    pub(crate) fn insert(&mut self, slot: u32, sample: Sample) -> Result<(), Error> {
        if sample.timestamp_ms > self.table.last(slot).timestamp_ms {
            match &sample.value {
                Value::Float(value) => {
                    self.append_float(slot, sample.timestamp_ms, *value, sample.start_ms);
                }
                Value::Histogram(value) => {
                    self.append_histogram(slot, sample.timestamp_ms, value, sample.start_ms);
                }
            }
            return Ok(());
        }
        if let Some(series) = self.table.series_mut(slot)
            && series.value_at(sample.timestamp_ms)?.is_none()
        {
            self.insert_late(slot, sample);
        }
        Ok(())
    }

    /// Takes a sample older than the newest of its series, where none is at its time.
    pub(crate) fn insert_late(&mut self, slot: u32, sample: Sample) {
        if let Some(series) = self.table.series_mut(slot) {
            self.oldest_ms = self.oldest_ms.min(sample.timestamp_ms);
            series.insert_late(sample);
        }
    }

    /// Leaves out samples of a series, which goes with its last; says how many there were.
    ///
    /// # Errors
    /// When memory is damaged.
    pub(crate) fn delete(
        &mut self,
        slot: u32,
        first_ms: i64,
        last_ms: i64,
    ) -> Result<usize, Error> {
        let Some(series) = self.table.series_mut(slot) else {
            return Ok(0);
        };
        let deleted = series.delete(first_ms, last_ms)?;
        let (is_empty, last) = (series.is_empty(), series.find_last()?);
        let labels = series.labels.clone();
        self.exemplars.delete(&labels, first_ms, last_ms);
        if is_empty {
            self.remove(slot);
        } else if deleted > 0 {
            self.table.set_last(slot, last);
        }
        Ok(deleted)
    }

    /// The value of a series at a time, if there is a sample.
    ///
    /// # Errors
    /// When memory is damaged.
    pub(crate) fn value_at(&self, slot: u32, timestamp_ms: i64) -> Result<Option<Value>, Error> {
        let last = self.table.last(slot);
        if last.is_plain && last.timestamp_ms == timestamp_ms {
            return Ok(Some(Value::Float(last.value)));
        }
        let series = self.table.series(slot);
        series.map_or(Ok(None), |series| series.value_at(timestamp_ms))
    }

    /// The series that match.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        let labels = |slot| Some(&self.table.series(slot)?.labels);
        self.index.select(matchers, labels)
    }

    /// The slots sorted by the labels of their series.
    pub(crate) fn sort(&self, slots: &RoaringBitmap) -> Vec<u32> {
        self.order.sort(slots, &self.table)
    }

    /// Sorts in the series that came since the last time, so that no query has to.
    pub(crate) fn sort_known(&self) {
        self.order.update(&self.table);
    }

    /// Whether a series has, or may have, a sample in a range.
    pub(crate) fn may_have(&self, slot: u32, from_ms: i64, to_ms: i64) -> bool {
        let last_ms = self.table.last(slot).timestamp_ms;
        let first_ms = || self.table.series(slot).and_then(Series::first_ms);
        last_ms >= from_ms && (last_ms <= to_ms || first_ms().is_some_and(|first| first <= to_ms))
    }
}
