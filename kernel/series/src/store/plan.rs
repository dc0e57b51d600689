//! What of a batch is taken: decided before anything is logged, so that replay never has to refuse.

mod admit;
mod judge;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use portique_journal::Record;

use crate::batch::BatchSeries;
use crate::head::{Head, Sample, Series};
use crate::log::{FloatsWriter, LoggedFloat, RecordKind, put_chunk, put_series};
use crate::{Appended, Batch, Chunk, Error, METRIC_NAME, Refusal, RefusalKind, Value};
use admit::{Blame, admit};
pub(super) use judge::Rules;
use judge::{Judge, Verdict};

/// A record is closed at this size: with the largest histogram behind it, it is below what the journal takes.
const RECORD_BYTES: usize = 128 << 10;

/// Metrics of which refused new series are counted by name; those of others are counted together.
const REFUSED_METRICS_MAX: usize = 100;
/// The name under which those of others are counted, which no metric has.
const OTHER_METRICS: &str = "";

/// A part of a batch, ready to be logged and then applied.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) taken: Vec<Taken>,
    /// Slots of series made for this part; they go again when it cannot be logged.
    pub(super) created: Vec<u32>,
    pub(super) records: Vec<Record>,
    /// Where the next part begins: series and sample of the batch.
    next: (usize, usize),
    series: Vec<u8>,
    floats: FloatsWriter,
    chunks: Vec<u8>,
    run: Option<(u32, Chunk)>,
    /// For each slot the part that last had it.
    marks: Vec<u32>,
    part: u32,
    bytes: usize,
    bytes_max: usize,
    blame: Option<Blame>,
    /// Samples of new series that no limit left room for, by metric.
    pub(super) refused_metrics: BTreeMap<String, u64>,
}

/// A sample of the batch that is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub(super) slot: u32,
    pub(super) series: u32,
    pub(super) sample: u32,
    pub(super) is_late: bool,
}

impl Plan {
    /// A plan whose parts fit a frame of the journal.
    pub(super) fn new(frame_bytes_max: usize) -> Self {
        Self {
            bytes_max: frame_bytes_max / 4,
            ..Self::default()
        }
    }

    /// Begins a batch.
    pub(super) fn begin(&mut self) {
        self.next = (0, 0);
        self.blame = None;
    }

    /// Whether all of the batch was planned.
    pub(super) fn is_done(&self, batch: &Batch) -> bool {
        self.next.0 >= batch.len()
    }

    /// Plans the next part: no series comes twice in it.
    pub(super) fn plan(
        &mut self,
        batch: &Batch,
        head: &mut Head,
        rules: Rules<'_>,
        appended: &mut Appended,
    ) -> Result<(), Error> {
        self.begin_part(batch);
        while self.next.0 < batch.len() && self.bytes() < self.bytes_max {
            let series = batch.at(self.next.0);
            if let Some(slot) = self.slot(&series, head, rules, appended)
                && (!self.mark(slot) || !self.plan_series(&series, slot, head, rules, appended)?)
            {
                break;
            }
            self.next = (self.next.0 + 1, 0);
        }
        self.end_part();
        Ok(())
    }

    fn begin_part(&mut self, batch: &Batch) {
        self.taken.clear();
        self.created.clear();
        self.records.clear();
        self.series.clear();
        self.bytes = 0;
        self.floats.begin(batch.has_starts());
        self.part = self.part.wrapping_add(1);
        if self.part == 0 {
            self.marks.fill(0);
            self.part = 1;
        }
    }

    fn bytes(&self) -> usize {
        self.bytes + self.series.len() + self.floats.len() + self.chunks.len()
    }

    /// False when the part has had the series already.
    #[inline]
    fn mark(&mut self, slot: u32) -> bool {
        let slot = slot as usize;
        if self.marks.len() <= slot {
            self.marks.resize(slot + 1, 0);
        }
        std::mem::replace(&mut self.marks[slot], self.part) != self.part
    }

    #[inline]
    fn slot(
        &mut self,
        series: &BatchSeries<'_>,
        head: &mut Head,
        rules: Rules<'_>,
        appended: &mut Appended,
    ) -> Option<u32> {
        if let Some(slot) = head.table.find(series.packed()) {
            return Some(slot);
        }
        let first_ms = *series.timestamps().first()?;
        if let Err(reason) = admit(series, head, rules.config, &mut self.blame) {
            let samples = series.timestamps().len();
            if reason.kind() == RefusalKind::TooManySeries {
                self.count_refused(series, samples as u64);
            }
            let refusal = Refusal {
                series: self.next.0,
                timestamp_ms: first_ms,
                reason,
            };
            appended.refuse(refusal, samples);
            return None;
        }
        // A series of which nothing can be taken is not made.
        let refused = |index| Some((index, rules.refuse(series, index)?));
        let samples = series.timestamps().len();
        if (0..samples).all(|index| refused(index).is_some()) {
            for (index, reason) in (0..samples).filter_map(refused) {
                let refusal = Refusal {
                    series: self.next.0,
                    timestamp_ms: series.timestamps()[index],
                    reason,
                };
                appended.refuse(refusal, 1);
            }
            return None;
        }
        let labels = series.to_labels();
        let class = rules.config.retention.class_of(&labels);
        let slot = head.create(Series::new(labels, class));
        self.created.push(slot);
        if self.series.len() + series.packed().len() >= RECORD_BYTES {
            self.close_series();
        }
        put_series(&mut self.series, slot, series.packed());
        Some(slot)
    }

    fn count_refused(&mut self, series: &BatchSeries<'_>, samples: u64) {
        let name = series.labels().find(|(name, _)| *name == METRIC_NAME);
        let metric = name.map_or(OTHER_METRICS, |(_, metric)| metric);
        if let Some(count) = self.refused_metrics.get_mut(metric) {
            *count += samples;
            return;
        }
        let metric = match self.refused_metrics.len() < REFUSED_METRICS_MAX {
            true => metric,
            false => OTHER_METRICS,
        };
        *self.refused_metrics.entry(metric.to_owned()).or_default() += samples;
    }

    /// False when the rest of the series belongs to the next part.
    #[inline]
    fn plan_series(
        &mut self,
        series: &BatchSeries<'_>,
        slot: u32,
        head: &Head,
        rules: Rules<'_>,
        appended: &mut Appended,
    ) -> Result<bool, Error> {
        let begin = self.taken.len();
        let mut judge = Judge::new(series, slot, head, rules);
        for index in self.next.1..series.timestamps().len() {
            let timestamp_ms = series.timestamps()[index];
            let verdict = match self.bytes() >= self.bytes_max {
                true => Verdict::NextPart,
                false => judge.judge(index, &self.taken[begin..])?,
            };
            match verdict {
                Verdict::Newer => self.take(series, slot, index, false),
                Verdict::Late => {
                    appended.out_of_order += 1;
                    self.take(series, slot, index, true);
                }
                Verdict::Known => {}
                Verdict::Refused(reason) => {
                    let refusal = Refusal {
                        series: self.next.0,
                        timestamp_ms,
                        reason,
                    };
                    appended.refuse(refusal, 1);
                    continue;
                }
                Verdict::NextPart => {
                    self.next.1 = index;
                    return Ok(false);
                }
            }
            appended.samples += 1;
        }
        Ok(true)
    }

    #[inline]
    fn take(&mut self, series: &BatchSeries<'_>, slot: u32, index: usize, is_late: bool) {
        self.taken.push(Taken {
            slot,
            series: self.next.0 as u32,
            sample: index as u32,
            is_late,
        });
        let (timestamp_ms, start_ms) = (series.timestamps()[index], series.start(index));
        if let Some(histogram) = series.histogram(index) {
            let value = Value::Histogram(Arc::clone(histogram));
            self.log_histogram(
                slot,
                &Sample {
                    timestamp_ms,
                    value,
                    start_ms,
                },
            );
            return;
        }
        self.floats.push(LoggedFloat {
            slot,
            timestamp_ms,
            value: series.floats()[index],
            start_ms,
        });
        if self.floats.len() >= RECORD_BYTES {
            self.close_floats();
        }
    }

    fn log_histogram(&mut self, slot: u32, sample: &Sample) {
        if let Some((run_slot, run)) = &mut self.run
            && *run_slot == slot
            && run
                .append(sample.timestamp_ms, &sample.value, sample.start_ms)
                .is_ok()
        {
            return;
        }
        self.close_run();
        let begun = Chunk::begin(sample.timestamp_ms, &sample.value, sample.start_ms);
        self.run = begun.ok().map(|chunk| (slot, chunk));
    }

    fn close_run(&mut self) {
        if let Some((slot, chunk)) = self.run.take() {
            put_chunk(&mut self.chunks, slot, &chunk.to_bytes());
            if self.chunks.len() >= RECORD_BYTES {
                self.close_chunks();
            }
        }
    }

    fn close_series(&mut self) {
        if !self.series.is_empty() {
            let body = Bytes::copy_from_slice(&self.series);
            self.series.clear();
            self.record(RecordKind::Series, body);
        }
    }

    fn close_floats(&mut self) {
        if !self.floats.is_empty() {
            let body = Bytes::copy_from_slice(self.floats.as_bytes());
            self.floats.restart();
            self.record(RecordKind::Floats, body);
        }
    }

    fn close_chunks(&mut self) {
        if !self.chunks.is_empty() {
            let body = Bytes::copy_from_slice(&self.chunks);
            self.chunks.clear();
            self.record(RecordKind::Chunks, body);
        }
    }

    fn end_part(&mut self) {
        self.close_run();
        self.close_series();
        self.close_floats();
        self.close_chunks();
        // Samples follow the series they belong to, however the records were filled.
        self.records.sort_by_key(|record| record.kind);
    }

    fn record(&mut self, kind: RecordKind, body: Bytes) {
        self.bytes += body.len();
        self.records.push(Record {
            kind: kind as u8,
            body,
        });
    }
}
