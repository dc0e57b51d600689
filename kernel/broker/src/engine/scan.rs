//! Finding events: in the tail where it reaches, else in the journal, on a thread that may block.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use portique_bus::{Error, Start};
use portique_clock::Timestamp;
use portique_event::Filter;
use portique_fault::chain;
use portique_journal::{Entry, Error as JournalError, Journal, Reader, Sequence};

use crate::fact::{Carriage, DecodeError, PUBLISHED, Published, is_event};
use crate::tail::{Placed, Stamped};

use super::Shared;
use super::commit::bus_error;

/// Events looked at in the tail before the lock is given back: about a quarter of a millisecond.
const TAIL_SCAN_MAX: usize = 4_096;
/// Records looked at in the journal before the thread is given back: some tens of milliseconds.
const JOURNAL_SCAN_MAX: u64 = 65_536;
/// Bytes looked at in the journal before the thread is given back: some milliseconds, and what a
/// replay pays for at once.
const JOURNAL_SCAN_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Bytes of events in one answer: a few frames of the journal, and a bound on what a reader costs.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Records a reader passes over rather than looking its place up anew.
const SEEK_MAX: u64 = 1_000;

/// An event with the bytes of its record.
type SizedEvent = (Placed, usize);

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub(super) filter: Filter,
    /// Where to begin.
    pub(super) from: u64,
    /// Most events to find; at least 1.
    pub(super) limit: usize,
    pub(super) purpose: Purpose,
}

/// What is looked for events for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read them once more: what is damaged is refused, and what comes from the disk is paid for
    /// from the budget of replays.
    Replay,
    /// To deliver them: what is damaged is passed over, so that it blocks nobody for ever.
    Deliver {
        /// The record that made or moved the consumer.
        made: u64,
        /// Where it began then.
        start: u64,
    },
    /// To find the newest of each key: as when delivering, without what was carried forward.
    Index,
}

impl Search {
    /// Whether an event with this carriage is shown: one that was carried forward only to who could
    /// not see it in its place before. `first` is the first record kept.
    fn admits(&self, sequence: u64, carriage: Option<Carriage>, first: u64) -> bool {
        let Some(Carriage { previous, .. }) = carriage else {
            return true;
        };
        match self.purpose {
            Purpose::Replay => previous < first,
            Purpose::Deliver { made, start } => sequence < made && start > previous,
            Purpose::Index => false,
        }
    }
}

/// Records that are damaged on disk and were passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) lost: RangeInclusive<u64>,
    /// The file, the place in it, and what does not fit.
    pub(super) what: String,
}

/// What was found, and where to look on.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) events: Vec<Placed>,
    /// Bytes of their records.
    pub(super) sizes: Vec<usize>,
    pub(super) next: u64,
    pub(super) damage: Vec<Damage>,
    /// Bytes that came from the journal for it.
    read_bytes: u64,
}

impl Found {
    /// With what was found so far, to look on at the first record kept.
    fn skip_to(mut self, first: Sequence) -> Self {
        self.next = self.next.max(first.0);
        self
    }
}

/// Events asked for one by one.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) events: Vec<Placed>,
    /// Those that retention took or that are damaged.
    pub(super) lost: Vec<u64>,
    pub(super) damage: Vec<Damage>,
}

impl Shared {
    /// Durable events from `search.from` on, at least one of them unless the end was reached.
    pub(super) async fn search(&self, mut search: Search) -> Result<Found, Error> {
        search.from = search.from.max(self.journal.first().0);
        let mut damage = Vec::new();
        loop {
            let durable = self.durable();
            if search.from > durable {
                return Ok(Found {
                    next: search.from,
                    damage,
                    ..Found::default()
                });
            }
            let in_tail = self.search_tail(&search, durable);
            let mut found = match in_tail {
                Some(found) => found,
                None => self.search_cold(&search).await?,
            };
            damage.append(&mut found.damage);
            if !found.events.is_empty() {
                return Ok(Found { damage, ..found });
            }
            search.from = found.next;
        }
    }

    async fn search_cold(&self, search: &Search) -> Result<Found, Error> {
        let purpose = search.purpose;
        let (journal, search) = (self.journal.clone(), search.clone());
        let reading = async {
            let found = blocking(move || search_journal(&journal, &search)).await?;
            let bytes = found.read_bytes;
            Ok((found, bytes))
        };
        match purpose {
            Purpose::Replay => self.replays.pay(self.clock.as_ref(), reading).await,
            Purpose::Deliver { .. } | Purpose::Index => reading.await.map(|(found, _)| found),
        }
    }

    /// These events, in order, as many as fit into one answer; and those that are not kept.
    pub(super) async fn load(&self, sequences: &[u64]) -> Result<Loaded, Error> {
        let mut loaded = Loaded::default();
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        {
            let core = self.core();
            for sequence in sequences {
                match core.tail.find(*sequence) {
                    Some(sized) => drop(found.insert(*sequence, Some(sized.clone()))),
                    None => missing.push(*sequence),
                }
            }
        }
        if !missing.is_empty() {
            let journal = self.journal.clone();
            let (stored, damage) = blocking(move || load_journal(&journal, &missing)).await?;
            found.extend(stored);
            loaded.damage = damage;
        }
        let mut bytes = 0;
        for sequence in sequences {
            match found.remove(sequence) {
                Some(Some((placed, size))) if bytes <= PAGE_BYTES_MAX => {
                    bytes += size;
                    loaded.events.push(placed);
                }
                Some(None) => loaded.lost.push(*sequence),
                Some(Some(_)) | None => break,
            }
        }
        Ok(loaded)
    }

    /// The sequence at which reading from `start` begins.
    pub(super) async fn resolve(&self, start: Start) -> Result<u64, Error> {
        match start {
            Start::First => Ok(self.journal.first().0),
            Start::New => Ok(self.durable() + 1),
            Start::Sequence(sequence) => Ok(sequence.0.max(1)),
            Start::Time(time) => {
                let journal = self.journal.clone();
                blocking(move || first_accepted(&journal, time)).await
            }
        }
    }

    fn search_tail(&self, search: &Search, durable: u64) -> Option<Found> {
        let first = self.journal.first().0;
        let core = self.core();
        if !core.tail.covers(search.from) {
            return None;
        }
        let mut found = Found {
            next: durable + 1,
            ..Found::default()
        };
        let mut bytes = 0;
        for (looked_at, (placed, size)) in core.tail.from(search.from).enumerate() {
            let is_enough = found.events.len() == search.limit || bytes > PAGE_BYTES_MAX;
            if placed.sequence > durable {
                break;
            }
            if is_enough || looked_at == TAIL_SCAN_MAX {
                found.next = placed.sequence;
                break;
            }
            let stamped = &placed.stamped;
            if search.filter.matches(stamped.event.subject())
                && search.admits(placed.sequence, stamped.carriage, first)
            {
                bytes += size;
                found.events.push(placed.clone());
                found.sizes.push(*size);
            }
        }
        Some(found)
    }
}

/// What retention takes while it is looked at is passed over: the search goes on with what is kept.
fn search_journal(journal: &Journal, search: &Search) -> Result<Found, Error> {
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
                if search.purpose == Purpose::Replay {
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
        let is_enough = entry.sequence.0 - from.0 >= JOURNAL_SCAN_MAX;
        if is_enough || found.read_bytes >= JOURNAL_SCAN_BYTES_MAX {
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

/// Events by sequence with their bytes, as many as fit into one answer; none where one is no longer
/// kept, or damaged.
fn load_journal(
    journal: &Journal,
    sequences: &[u64],
) -> Result<(BTreeMap<u64, Option<SizedEvent>>, Vec<Damage>), Error> {
    let mut loaded = BTreeMap::new();
    let mut damage = Vec::new();
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
            Err(JournalError::Trimmed { .. }) => drop(loaded.insert(sequence.0, None)),
            Err(error) => return Err(bus_error(error)),
            Ok(Sought::NotYet) => {}
            Ok(Sought::Damaged(lost)) => {
                damage.extend(lost);
                loaded.insert(sequence.0, None);
            }
            Ok(Sought::Entry(entry)) => {
                let size = entry.body.len();
                bytes += size;
                loaded.insert(sequence.0, Some((place(sequence, parse(entry)?)?, size)));
            }
        }
    }
    Ok((loaded, damage))
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
fn first_accepted(journal: &Journal, time: Timestamp) -> Result<u64, Error> {
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

/// Runs what waits for the disk away from the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::Unavailable {
            reason: "the hub is stopping".into(),
        }),
    }
}
