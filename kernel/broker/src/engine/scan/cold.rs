//! Finding events in the journal; it blocks on the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_bus::Error;
use portique_clock::Timestamp;
use portique_fault::chain;
use portique_journal::{Entry, Error as JournalError, Journal, Reader, Sequence};

use crate::engine::commit::bus_error;
use crate::fact::{DecodeError, PUBLISHED, Published, is_event};
use crate::tail::{Placed, Stamped};

use super::{Damage, Found, PAGE_BYTES_MAX, Purpose, Search, SizedEvent};

/// Records looked at before the thread is given back: some tens of milliseconds.
const SCAN_MAX: u64 = 65_536;
/// Bytes looked at before the thread is given back: some milliseconds, and what a replay pays for at
/// once.
const SCAN_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Records a reader passes over rather than looking its place up anew.
const SEEK_MAX: u64 = 1_000;

/// Events asked for one by one.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// By sequence; none where one is no longer kept, or damaged.
    pub(super) events: BTreeMap<u64, Option<SizedEvent>>,
    pub(super) damage: Vec<Damage>,
}

/// What retention takes while it is looked at is passed over: the search goes on with what is kept.
pub(super) fn search_journal(journal: &Journal, search: &Search) -> Result<Found, Error> {
    let mut found = Found {
        next: search.from,
        ..Found::default()
    };
    let mut bytes = 0;
    let from = Sequence(search.from).max(journal.first());
    let mut reader = match journal.read(from) {
        Err(JournalError::Trimmed { first, .. }) => return Ok(found.skip_to(first)),
        reader => reader.map_err(bus_error)?,
    };
    while let Some(entry) = reader.next() {
        let entry = match entry {
            Err(JournalError::Trimmed { first, .. }) => return Ok(found.skip_to(first)),
            Err(error @ JournalError::Corrupt { .. }) => {
                let passed = pass_damage(&mut reader, &error).map_err(bus_error)?;
                let Some(damage) = passed else {
                    continue;
                };
                if matches!(search.purpose, Purpose::Replay | Purpose::ReadBack) {
                    return if found.events.is_empty() {
                        Err(damage.refusal(error))
                    } else {
                        Ok(found)
                    };
                }
                found.next = damage.lost.end() + 1;
                found.damage.push(damage);
                continue;
            }
            entry => entry.map_err(bus_error)?,
        };
        let is_enough = entry.sequence.0 - from.0 >= SCAN_MAX;
        if is_enough || found.read_bytes >= SCAN_BYTES_MAX {
            break;
        }
        found.next = entry.sequence.0 + 1;
        found.read_bytes += entry.body.len() as u64;
        if !is_event(entry.kind) {
            continue;
        }
        let (sequence, size) = (entry.sequence, entry.body.len());
        let event = parse(entry)?;
        if !search.admits(sequence.0, event.carriage(), journal.first().0) {
            continue;
        }
        if !search.filter.matches(
            &event
                .subject()
                .map_err(|error| unreadable(sequence, &error))?,
        ) {
            continue;
        }
        found.events.push(place(sequence, event)?);
        found.sizes.push(size);
        bytes += size;
        if found.events.len() == search.limit || bytes > PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(found)
}

/// These events with their bytes, as many as fit into one answer.
pub(super) fn load_journal(journal: &Journal, sequences: &[u64]) -> Result<Stored, Error> {
    let mut stored = Stored::default();
    let mut bytes = 0;
    let mut reader: Option<Reader> = None;
    for sequence in sequences.iter().map(|sequence| Sequence(*sequence)) {
        if bytes > PAGE_BYTES_MAX {
            break;
        }
        let sought = loop {
            match read_one(journal, &mut reader, sequence) {
                // A reader on its way here was where retention took something; each time around
                // retention has taken more, so this ends.
                Err(JournalError::Trimmed { first, .. }) if sequence >= first => {}
                sought => break sought,
            }
        };
        match sought {
            Err(JournalError::Trimmed { .. }) => drop(stored.events.insert(sequence.0, None)),
            Err(error) => return Err(bus_error(error)),
            Ok(Sought::NotYet) => {}
            Ok(Sought::Damaged(lost)) => {
                stored.damage.extend(lost);
                stored.events.insert(sequence.0, None);
            }
            Ok(Sought::Entry(entry)) => {
                let size = entry.body.len();
                bytes += size;
                stored
                    .events
                    .insert(sequence.0, Some((place(sequence, parse(entry)?)?, size)));
            }
        }
    }
    Ok(stored)
}

/// Has a reader go on behind damage; none when nothing that was asked for is lost.
fn pass_damage(reader: &mut Reader, error: &JournalError) -> Result<Option<Damage>, JournalError> {
    let lost = reader.pass_damage()?;
    Ok(lost.map(|lost| Damage {
        lost: lost.start().0..=lost.end().0,
        what: chain(error),
    }))
}

impl Damage {
    /// The error of who is not to pass over it.
    fn refusal(&self, error: JournalError) -> Error {
        let (first, last) = (self.lost.start(), self.lost.end());
        match bus_error(error) {
            Error::Damaged {
                path,
                offset,
                problem,
            } => Error::Damaged {
                path,
                offset,
                problem: format!(
                    "{problem}; records {first} to {last} cannot be read, read on from {}",
                    last + 1
                ),
            },
            other => other,
        }
    }
}

/// What became of one record.
enum Sought {
    Entry(Entry),
    NotYet,
    /// It is damaged, with what was found out about it.
    Damaged(Option<Damage>),
}

/// One record, with the reader of the one before where that is near.
fn read_one(
    journal: &Journal,
    reader: &mut Option<Reader>,
    sequence: Sequence,
) -> Result<Sought, JournalError> {
    let is_near = |reader: &Reader| {
        sequence >= reader.sequence() && sequence.0 - reader.sequence().0 <= SEEK_MAX
    };
    let mut at = match reader.take().filter(is_near) {
        Some(reader) => reader,
        None => journal.read(sequence)?,
    };
    let mut damage = None;
    while at.sequence() <= sequence {
        match at.next() {
            None => return Ok(Sought::NotYet),
            Some(Ok(entry)) if entry.sequence == sequence => {
                *reader = Some(at);
                return Ok(Sought::Entry(entry));
            }
            Some(Ok(_)) => {}
            Some(Err(error @ JournalError::Corrupt { .. })) => {
                let passed = pass_damage(&mut at, &error)?;
                damage = passed.filter(|damage| damage.lost.contains(&sequence.0));
            }
            Some(Err(error)) => return Err(error),
        }
    }
    *reader = Some(at);
    Ok(Sought::Damaged(damage))
}

/// The journal knows when a frame was written, which is at or after its events were accepted.
pub(super) fn first_accepted(journal: &Journal, time: Timestamp) -> Result<u64, Error> {
    loop {
        match find_accepted(journal, time) {
            // Retention took where it was looking: what is kept now begins later.
            Err(JournalError::Trimmed { .. }) => {}
            Err(error) => return Err(bus_error(error)),
            Ok(found) => return found,
        }
    }
}

fn find_accepted(journal: &Journal, time: Timestamp) -> Result<Result<u64, Error>, JournalError> {
    let from = journal.sequence_at(time)?;
    let mut next = from.0;
    for entry in journal.read(from)? {
        let entry = entry?;
        let sequence = entry.sequence.0;
        next = sequence + 1;
        if entry.kind != PUBLISHED {
            continue;
        }
        match parse(entry) {
            Ok(event) if event.accepted() >= time => return Ok(Ok(sequence)),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(next))
}

fn parse(entry: Entry) -> Result<Published, Error> {
    Published::parse(entry.body).map_err(|error| unreadable(entry.sequence, &error))
}

fn place(sequence: Sequence, published: Published) -> Result<Placed, Error> {
    let (accepted, carriage) = (published.accepted(), published.carriage());
    let event = published
        .into_event()
        .map_err(|error| unreadable(sequence, &error))?;
    Ok(Placed {
        sequence: sequence.0,
        stamped: Arc::new(Stamped {
            accepted,
            event,
            carriage,
        }),
    })
}

fn unreadable(sequence: Sequence, error: &DecodeError) -> Error {
    let reason = format!(
        "record {sequence} of the journal is no event: {}",
        chain(error)
    );
    Error::Unavailable { reason }
}
