//! From checkpoint and log back to the head; memory is never above what the head takes.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use portique_journal::{Disk, Entry, Journal, Sequence};

use crate::chunk::Damage;
use crate::head::{Head, Last, Sample, Series};
use crate::log::{CheckpointReader, FloatsReader, LogRecord, Page, Place, RecordKind};
use crate::{Chunk, Config, Error, Samples, SealedChunk, Value};

/// More chunks of one series are damage.
const CHUNKS_MAX: usize = 1 << 24;

/// Slots are given in order, but for those of batches that were not logged: one far ahead is damage.
const SLOTS_AHEAD_MAX: usize = 1 << 20;

/// So many pages of a checkpoint, of a mebibyte each, may wait to be put into the head.
const PAGES_AHEAD: usize = 4;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) checkpoint_bytes: u64,
    pub(super) log_bytes: u64,
}

/// Fills a head from the checkpoint made after a record, if there is one, and the records that
/// follow.
pub(super) fn replay(
    config: &Config,
    disk: &Arc<dyn Disk>,
    journal: &Journal,
    found: Option<Sequence>,
    head: &mut Head,
) -> Result<Replayed, Error> {
    let checkpoint = found.unwrap_or(Sequence(0));
    let mut replayed = Replayed::default();
    let (first, last) = (journal.first(), journal.durable());
    if first > checkpoint.next() || last < checkpoint {
        return Err(Error::LogGap {
            first,
            last,
            checkpoint,
        });
    }
    if found.is_some() {
        let reader = CheckpointReader::open(Arc::clone(disk), checkpoint)?;
        replayed.checkpoint_bytes = restore(config, reader, head)?;
    }
    let entries = journal.read(checkpoint.next());
    for entry in entries.map_err(|source| Error::Log { source })? {
        let entry = entry.map_err(|source| Error::Log { source })?;
        replayed.log_bytes += entry.body.len() as u64;
        apply(config, head, &entry)?;
    }
    head.table.find_free();
    Ok(replayed)
}

/// A page of a checkpoint, read and checked.
enum Part {
    Series(Vec<(u32, Series, Last)>),
    Metadata(Vec<u8>),
    Exemplars(Vec<u8>),
    /// So many series there have to be.
    End(Vec<u8>),
}

/// A page and where it is, or why it cannot be read.
type Decoded = Result<(Part, Place), Error>;

/// Fills a head from a checkpoint: one thread reads and checks series while another puts them in their places.
fn restore(config: &Config, mut reader: CheckpointReader, head: &mut Head) -> Result<u64, Error> {
    head.newest_ms = reader.newest_ms;
    // Damage could claim four billion: what is too much here grows when it is needed.
    head.table
        .reserve((reader.slots as usize).min(config.limits.series_max));
    std::thread::scope(|scope| {
        let (sender, parts) = sync_channel(PAGES_AHEAD);
        let reading = scope.spawn(move || {
            read_pages(config, &mut reader, &sender);
            reader.bytes()
        });
        for part in parts {
            let (part, place) = part?;
            restore_part(head, part).map_err(|reason| place.damaged(reason))?;
        }
        match reading.join() {
            Ok(bytes) => Ok(bytes),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Reads pages up to the last, until one is wrong, or nobody takes them any more.
fn read_pages(config: &Config, reader: &mut CheckpointReader, parts: &SyncSender<Decoded>) {
    loop {
        let part = read_part(config, reader);
        let is_last = !matches!(&part, Ok(part) if !matches!(part, Part::End(_)));
        let decoded = part.map(|part| (part, reader.place()));
        if parts.send(decoded).is_err() || is_last {
            return;
        }
    }
}

fn read_part(config: &Config, reader: &mut CheckpointReader) -> Result<Part, Error> {
    let (page, payload) = reader.next_page()?;
    let part = match page {
        Page::Series => decode_series(config, payload).map(Part::Series),
        Page::Metadata => Ok(Part::Metadata(payload.to_vec())),
        Page::Exemplars => Ok(Part::Exemplars(payload.to_vec())),
        Page::End => Ok(Part::End(payload.to_vec())),
        Page::Begin => Err("it begins twice"),
    };
    part.map_err(|reason| reader.damaged(reason))
}

fn restore_part(head: &mut Head, part: Part) -> Result<(), Damage> {
    match part {
        Part::Series(series) => restore_series(head, series),
        Part::Metadata(payload) => replay_metadata(head, &mut LogRecord::new(&payload)),
        Part::Exemplars(payload) => replay_exemplars(head, &mut LogRecord::new(&payload)),
        Part::End(payload) if payload != (head.table.len() as u64).to_le_bytes() => {
            Err("it lacks series")
        }
        Part::End(_) => Ok(()),
    }
}

fn decode_series(config: &Config, payload: &[u8]) -> Result<Vec<(u32, Series, Last)>, Damage> {
    let mut decoded = Vec::new();
    let mut record = LogRecord::new(payload);
    while !record.is_at_end() {
        let slot = record.slot()?;
        let labels = record.labels()?;
        let class = config.retention.class_of(&labels);
        let mut series = Series::new(labels, class);
        let chunks = record.count(CHUNKS_MAX)?;
        for index in 0..chunks {
            let bytes = record.bytes()?;
            match index {
                0 if bytes.is_empty() => {}
                0 => series.open = Some(Arc::new(Chunk::from_bytes(bytes).map_err(damage)?)),
                _ => series.add_sealed(SealedChunk::from_bytes(bytes).map_err(damage)?),
            }
        }
        let last = series.find_last().map_err(damage)?;
        decoded.push((slot, series, last));
    }
    Ok(decoded)
}

fn restore_series(head: &mut Head, decoded: Vec<(u32, Series, Last)>) -> Result<(), Damage> {
    for (slot, series, last) in decoded {
        check_slot(head, slot)?;
        if head.table.series(slot).is_some() {
            return Err("a slot holds two series");
        }
        head.oldest_ms = series
            .first_ms()
            .map_or(head.oldest_ms, |first| first.min(head.oldest_ms));
        head.restore(slot, series);
        head.table.set_last(slot, last);
    }
    Ok(())
}

/// The slot of a series that is to be made.
fn slot_for(head: &Head, record: &mut LogRecord<'_>) -> Result<u32, Damage> {
    let slot = record.slot()?;
    check_slot(head, slot)?;
    Ok(slot)
}

fn check_slot(head: &Head, slot: u32) -> Result<(), Damage> {
    match slot as usize <= head.table.slots() + SLOTS_AHEAD_MAX {
        true => Ok(()),
        false => Err("a slot is out of range"),
    }
}

fn apply(config: &Config, head: &mut Head, entry: &Entry) -> Result<(), Error> {
    let kind = RecordKind::from_byte(entry.kind);
    let mut record = LogRecord::new(&entry.body);
    let applied = kind.and_then(|kind| match kind {
        RecordKind::Series => replay_series(config, head, &mut record),
        RecordKind::Floats => replay_floats(head, &entry.body),
        RecordKind::Chunks => replay_chunks(head, &mut record),
        RecordKind::Metadata => replay_metadata(head, &mut record),
        RecordKind::Exemplars => replay_exemplars(head, &mut record),
        RecordKind::Deleted => replay_deleted(head, &mut record),
    });
    applied.map_err(|reason| Error::DamagedLog {
        sequence: entry.sequence,
        reason,
    })
}

fn replay_series(
    config: &Config,
    head: &mut Head,
    record: &mut LogRecord<'_>,
) -> Result<(), Damage> {
    while !record.is_at_end() {
        let slot = slot_for(head, record)?;
        let labels = record.labels()?;
        let class = config.retention.class_of(&labels);
        head.restore(slot, Series::new(labels, class));
    }
    Ok(())
}

fn replay_floats(head: &mut Head, body: &[u8]) -> Result<(), Damage> {
    let mut floats = FloatsReader::open(body)?;
    while let Some(float) = floats.next()? {
        let last_ms = head.table.last(float.slot).timestamp_ms;
        if head.table.series(float.slot).is_none() {
            return Err("a sample is of no series");
        }
        if float.timestamp_ms > last_ms {
            head.append_float(float.slot, float.timestamp_ms, float.value, float.start_ms);
        } else {
            let sample = Sample {
                timestamp_ms: float.timestamp_ms,
                value: Value::Float(float.value),
                start_ms: float.start_ms,
            };
            head.insert(float.slot, sample).map_err(damage)?;
        }
    }
    Ok(())
}

fn replay_chunks(head: &mut Head, record: &mut LogRecord<'_>) -> Result<(), Damage> {
    let mut samples = Samples::default();
    while !record.is_at_end() {
        let slot = record.slot()?;
        if head.table.series(slot).is_none() {
            return Err("a chunk is of no series");
        }
        let chunk = SealedChunk::from_bytes(record.bytes()?).map_err(damage)?;
        samples.clear();
        chunk
            .read(i64::MIN, i64::MAX, &mut samples)
            .map_err(damage)?;
        for index in 0..samples.len() {
            let sample = Sample {
                timestamp_ms: samples.timestamps[index],
                value: samples.value(index),
                start_ms: samples.starts.get(index).copied().unwrap_or(0),
            };
            head.insert(slot, sample).map_err(damage)?;
        }
    }
    Ok(())
}

fn replay_metadata(head: &mut Head, record: &mut LogRecord<'_>) -> Result<(), Damage> {
    while !record.is_at_end() {
        let (metric, metadata) = record.metadata()?;
        head.metadata.insert(metric.into(), metadata);
    }
    Ok(())
}

fn replay_exemplars(head: &mut Head, record: &mut LogRecord<'_>) -> Result<(), Damage> {
    while !record.is_at_end() {
        let (slot, exemplar) = record.exemplar()?;
        let series = head
            .table
            .series(slot)
            .ok_or("an exemplar is of no series")?;
        let labels = series.labels.clone();
        head.exemplars.push(labels, exemplar);
    }
    Ok(())
}

fn replay_deleted(head: &mut Head, record: &mut LogRecord<'_>) -> Result<(), Damage> {
    let (first_ms, last_ms) = (record.zigzag()?, record.zigzag()?);
    while !record.is_at_end() {
        head.delete(record.slot()?, first_ms, last_ms)
            .map_err(damage)?;
    }
    Ok(())
}

fn damage(error: Error) -> Damage {
    match error {
        Error::DamagedChunk { reason, .. } => reason,
        _ => "a chunk cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use portique_clock::Timestamp;
    use proptest::prelude::*;

    use super::*;

    /// Bytes that begin as a record of this kind does.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        let tail = prop::collection::vec(any::<u8>(), 0..80);
        let begin = prop::sample::select(vec![
            vec![],
            vec![0, 0x16],
            vec![0, 4, 1, b'a', 1, b'1'],
            vec![0, 20, 1, 2, 0],
        ]);
        (begin, tail).prop_map(|(begin, tail)| [begin, tail].concat())
    }

    proptest! {
        #[test]
        fn records_that_may_be_anything_are_refused_or_read(
            records in prop::collection::vec((0..9_u8, body()), 1..8)
        ) {
            let mut head = Head::new(4);
            for (kind, body) in records {
                let entry = Entry {
                    sequence: Sequence(1),
                    time: Timestamp::EPOCH,
                    kind,
                    body: body.into(),
                };
                let applied = apply(&Config::default(), &mut head, &entry);
                let is_damage = matches!(applied, Ok(()) | Err(Error::DamagedLog { .. }));
                prop_assert!(is_damage, "{:?}", applied);
            }
        }
    }
}
