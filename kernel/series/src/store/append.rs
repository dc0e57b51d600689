//! Taking batches.

use std::sync::Arc;

use portique_journal::{Lane, Pending, Record};

use super::plan::{Rules, Taken};
use super::{State, Store};
use crate::config::millis;
use crate::head::{Head, NEVER_MS, Sample};
use crate::log::{RecordKind, put_exemplar, put_metadata};
use crate::{Appended, Batch, Error, Labels, Metadata, Sink};

/// A help text of more bytes is cut: it is one sentence.
const HELP_BYTES_MAX: usize = 4096;

/// Metadata and exemplars of one batch go into records of this size.
const RECORD_BYTES: usize = 128 << 10;

/// A batch that was taken and is on its way to the disk.
#[derive(Debug)]
#[must_use = "it is durable only when waited for"]
pub struct Submitted {
    appended: Appended,
    pending: Option<Pending>,
}

impl Submitted {
    /// What was taken, which may not be durable yet.
    pub fn appended(&self) -> &Appended {
        &self.appended
    }

    /// For whoever stands before the store and took something out.
    pub(crate) fn appended_mut(&mut self) -> &mut Appended {
        &mut self.appended
    }

    /// Blocks the thread until what was taken is durable.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the log stopped: what was taken may or may not be there after the next start.
    pub fn wait(self) -> Result<Appended, Error> {
        if let Some(pending) = self.pending {
            pending.wait().map_err(unavailable)?;
        }
        Ok(self.appended)
    }

    /// Resolves when what was taken is durable.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    ///
    /// # Cancel safety
    /// Dropped, it takes nothing back.
    pub async fn durable(self) -> Result<Appended, Error> {
        if let Some(pending) = self.pending {
            pending.await.map_err(unavailable)?;
        }
        Ok(self.appended)
    }
}

impl Sink for Store {
    fn submit(&self, batch: &Batch) -> Result<Submitted, Error> {
        let now_ms = self.clock.now().as_millis();
        let ahead = self.config.ahead_max.map(millis);
        let mut submitted = Submitted {
            appended: Appended::default(),
            pending: None,
        };
        let state = &mut *self.write_state();
        let blocks = Arc::clone(&state.blocks);
        let rules = Rules {
            config: &self.config,
            newest_allowed_ms: ahead.map_or(i64::MAX, |ahead| now_ms.saturating_add(ahead)),
            flushed_ms: blocks
                .iter()
                .map(|block| block.last_ms)
                .max()
                .unwrap_or(NEVER_MS),
            blocks: &blocks,
        };
        let taken = self.take(state, batch, rules, &mut submitted);
        state.count(&submitted.appended);
        taken?;
        Ok(submitted)
    }
}

impl Store {
    /// Takes a batch and returns when it is durable. Samples that are refused do not keep the others out.
    ///
    /// # Errors
    /// [`Error::Unavailable`], with the time after which to send the same batch again: a part of it may have been
    /// taken, which is no harm, as equal samples are taken once.
    pub fn append(&self, batch: &Batch) -> Result<Appended, Error> {
        self.submit(batch)?.wait()
    }

    fn take(
        &self,
        state: &mut State,
        batch: &Batch,
        rules: Rules<'_>,
        submitted: &mut Submitted,
    ) -> Result<(), Error> {
        state.plan.begin();
        while !state.plan.is_done(batch) {
            let appended = &mut submitted.appended;
            let created = state.plan.plan(batch, &mut state.head, rules, appended);
            let records = std::mem::take(&mut state.plan.records);
            let logged = created.and_then(|()| self.log(state, records));
            match logged {
                Ok(pending) => submitted.pending = pending.or(submitted.pending.take()),
                Err(error) => {
                    for slot in &state.plan.created {
                        state.head.remove(*slot);
                    }
                    return Err(error);
                }
            }
            submitted.appended.created += state.plan.created.len();
            for taken in &state.plan.taken {
                apply(&mut state.head, batch, *taken);
            }
        }
        self.take_metadata(state, batch, submitted)?;
        self.take_exemplars(state, batch, submitted)
    }

    /// Gives records to the journal; the head must be changed accordingly at once.
    pub(super) fn log(
        &self,
        state: &mut State,
        records: Vec<Record>,
    ) -> Result<Option<Pending>, Error> {
        if records.is_empty() {
            return Ok(None);
        }
        let bytes: usize = records.iter().map(|record| record.body.len()).sum();
        let pending = state
            .journal
            .submit(records, Lane::Work)
            .map_err(unavailable)?;
        state.sequence = *pending.sequences().end();
        state.logged_bytes += bytes as u64;
        Ok(Some(pending))
    }

    fn take_metadata(
        &self,
        state: &mut State,
        batch: &Batch,
        submitted: &mut Submitted,
    ) -> Result<(), Error> {
        let mut bodies = Bodies::default();
        let mut news: Vec<(&str, Metadata)> = Vec::new();
        let mut room = self
            .config
            .limits
            .series_max
            .saturating_sub(state.head.metadata.len());
        for (metric, metadata) in batch.all_metadata() {
            let known = state.head.metadata.get(metric);
            let is_new = known.is_none();
            if metric.len() > self.config.limits.label_bytes_max || (is_new && room == 0) {
                continue;
            }
            let metadata = cut(metadata);
            if known != Some(&metadata) {
                room -= usize::from(is_new);
                put_metadata(bodies.open(), metric, &metadata);
                news.push((metric, metadata));
            }
        }
        for record in bodies.into_records(RecordKind::Metadata) {
            let pending = self.log(state, vec![record])?;
            submitted.pending = pending.or(submitted.pending.take());
        }
        for (metric, metadata) in news {
            state.head.metadata.insert(metric.into(), metadata);
        }
        Ok(())
    }

    fn take_exemplars(
        &self,
        state: &mut State,
        batch: &Batch,
        submitted: &mut Submitted,
    ) -> Result<(), Error> {
        let mut bodies = Bodies::default();
        let mut news: Vec<(Labels, &crate::Exemplar)> = Vec::new();
        for (series, exemplar) in batch.exemplars() {
            let slot = state.head.table.find(batch.at(series).packed());
            let Some(slot) = slot else {
                continue;
            };
            let Some(labels) = state.head.table.series(slot).map(|s| s.labels.clone()) else {
                continue;
            };
            let is_short = exemplar.labels.packed_bytes() <= self.config.limits.label_bytes_max;
            if is_short && !state.head.exemplars.has(&labels, exemplar) {
                put_exemplar(bodies.open(), slot, exemplar);
                news.push((labels, exemplar));
            }
        }
        for record in bodies.into_records(RecordKind::Exemplars) {
            let pending = self.log(state, vec![record])?;
            submitted.pending = pending.or(submitted.pending.take());
        }
        submitted.appended.exemplars = news.len();
        for (labels, exemplar) in news {
            state.head.exemplars.push(labels, exemplar.clone());
        }
        Ok(())
    }
}

impl State {
    fn count(&mut self, appended: &Appended) {
        self.counts.samples += appended.samples as u64;
        self.counts.out_of_order += appended.out_of_order as u64;
        self.counts.created += appended.created as u64;
        for (count, refused) in self.counts.refused.iter_mut().zip(appended.refused_counts) {
            *count += refused as u64;
        }
    }
}

pub(super) fn unavailable(source: portique_journal::Error) -> Error {
    Error::Unavailable { source }
}

#[inline]
fn apply(head: &mut Head, batch: &Batch, taken: Taken) {
    let (series, index) = (batch.at(taken.series as usize), taken.sample as usize);
    let (timestamp_ms, start_ms) = (series.timestamps()[index], series.start(index));
    if taken.is_late {
        let value = series.value(index);
        head.insert_late(
            taken.slot,
            Sample {
                timestamp_ms,
                value,
                start_ms,
            },
        );
        return;
    }
    match series.histogram(index) {
        None => head.append_float(taken.slot, timestamp_ms, series.floats()[index], start_ms),
        Some(histogram) => head.append_histogram(taken.slot, timestamp_ms, histogram, start_ms),
    }
}

fn cut(metadata: &Metadata) -> Metadata {
    let cut = |text: &str| {
        let end = text.floor_char_boundary(HELP_BYTES_MAX.min(text.len()));
        text[..end].to_owned()
    };
    Metadata {
        kind: metadata.kind,
        help: cut(&metadata.help),
        unit: cut(&metadata.unit),
    }
}

/// Bodies of records of one kind, the last of them open.
#[derive(Default)]
struct Bodies {
    bodies: Vec<Vec<u8>>,
}

impl Bodies {
    fn open(&mut self) -> &mut Vec<u8> {
        let is_full = self
            .bodies
            .last()
            .is_none_or(|body| body.len() >= RECORD_BYTES);
        if is_full {
            self.bodies.push(Vec::new());
        }
        self.bodies
            .last_mut()
            .expect("one was pushed if there was none")
    }

    fn into_records(self, kind: RecordKind) -> Vec<Record> {
        let record = |body: Vec<u8>| Record {
            kind: kind as u8,
            body: body.into(),
        };
        self.bodies.into_iter().map(record).collect()
    }
}
