//! The head in one file, so that a start reads little of the log.

use std::sync::Arc;

use portique_journal::{Journal, Sequence};

use super::append::unavailable;
use super::wait::block_on;
use super::{Checkpointed, Store};
use crate::chunk::put_varint;
use crate::head::Series;
use crate::log::{
    CheckpointWriter, Page, discard_checkpoint, put_bytes, put_exemplar, put_metadata, put_series,
};
use crate::{Error, Exemplar, Labels, Metadata};

/// The head as it was after a record.
struct Copy {
    after: Sequence,
    logged_bytes: u64,
    newest_ms: i64,
    slots: u32,
    series: Vec<(u32, Series)>,
    metadata: Vec<(Box<str>, Metadata)>,
    exemplars: Vec<(Labels, Exemplar)>,
}

impl Store {
    /// Whether the log has grown enough since the last checkpoint.
    pub(super) fn checkpoint_is_due(&self) -> bool {
        let state = self.read_state();
        let last = state.checkpoint;
        let logged_bytes = state.logged_bytes - last.logged_bytes;
        // A checkpoint costs what it writes: half its size of log for each keeps that within bounds.
        logged_bytes >= self.config.checkpoint_bytes.max(last.bytes / 2)
    }

    /// Writes a checkpoint and lets the log before it go; appends and queries go on meanwhile. Only one at a time.
    pub(super) fn write_checkpoint(&self) -> Result<(), Error> {
        let copy = self.copy_head();
        let journal = self.journal();
        self.write_copy(copy, &journal)
    }

    /// Writes all that is in the head as what is known after the last record of another log, which
    /// takes nothing yet.
    pub(super) fn write_checkpoint_for(
        &self,
        journal: &Journal,
        after: Sequence,
    ) -> Result<(), Error> {
        let copy = Copy {
            after,
            ..self.copy_head()
        };
        self.write_copy(copy, journal)
    }

    fn write_copy(&self, copy: Copy, journal: &Journal) -> Result<(), Error> {
        let written = self.try_write_copy(copy, journal);
        if written.is_err() {
            // What was begun would take room that may be what is lacking.
            discard_checkpoint(&*self.disk);
        }
        written
    }

    fn try_write_copy(&self, copy: Copy, journal: &Journal) -> Result<(), Error> {
        let disk = Arc::clone(&self.disk);
        let mut writer = CheckpointWriter::begin(disk, copy.after, copy.newest_ms, copy.slots)?;
        let exemplars = copy.exemplar_slots();
        let count = copy.series.len() as u64;
        // What is written is let go of: whoever appends to a series that is held copies its chunk first.
        for (slot, series) in copy.series {
            writer.entry(Page::Series, |into| put_entry(into, slot, series))?;
        }
        for (metric, metadata) in &copy.metadata {
            writer.entry(Page::Metadata, |into| put_metadata(into, metric, metadata))?;
        }
        for (slot, exemplar) in &exemplars {
            writer.entry(Page::Exemplars, |into| put_exemplar(into, *slot, exemplar))?;
        }
        // The log must not end before the checkpoint: its next records would count as contained.
        if journal.durable() < copy.after {
            block_on(journal.wait_durable(copy.after)).map_err(unavailable)?;
        }
        let bytes = writer.finish(count)?;
        self.write_state().checkpoint = Checkpointed {
            bytes,
            logged_bytes: copy.logged_bytes,
        };
        journal.trim(copy.after.next()).map_err(unavailable)
    }

    fn copy_head(&self) -> Copy {
        let state = self.read_state();
        let head = &state.head;
        let metadata = head.metadata.iter();
        Copy {
            after: state.sequence,
            logged_bytes: state.logged_bytes,
            newest_ms: head.newest_ms,
            slots: head.table.slots() as u32,
            series: head
                .table
                .iter()
                .map(|(slot, series)| (slot, series.clone()))
                .collect(),
            metadata: metadata
                .map(|(name, data)| (name.clone(), data.clone()))
                .collect(),
            exemplars: head.exemplars.iter().cloned().collect(),
        }
    }
}

impl Copy {
    /// The exemplars of series that are still there.
    fn exemplar_slots(&self) -> Vec<(u32, Exemplar)> {
        let mut slots: hashbrown::HashMap<&Labels, u32> = hashbrown::HashMap::new();
        if !self.exemplars.is_empty() {
            slots.extend(
                self.series
                    .iter()
                    .map(|(slot, series)| (&series.labels, *slot)),
            );
        }
        let exemplars = self.exemplars.iter();
        let with_slots = exemplars
            .filter_map(|(labels, exemplar)| Some((*slots.get(labels)?, exemplar.clone())));
        with_slots.collect()
    }
}

fn put_entry(into: &mut Vec<u8>, slot: u32, mut series: Series) {
    put_series(into, slot, series.labels.packed());
    series.seal_late();
    let sealed = series.sealed.iter().flat_map(|sealed| sealed.iter());
    let count = 1 + series.sealed.as_ref().map_or(0, |sealed| sealed.len());
    put_varint(into, count as u64);
    let open = series.open.as_ref().map(|open| open.to_bytes());
    put_bytes(into, &open.unwrap_or_default());
    for chunk in sealed {
        put_bytes(into, chunk.as_bytes());
    }
}
