//! Finding events: in the tail where it reaches, else in the journal, on a thread that may block.

mod cold;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use portique_bus::{Error, Start};
use portique_event::Filter;
use portique_journal::Sequence;

use crate::fact::Carriage;
use crate::tail::Placed;

use super::Shared;

use cold::{first_accepted, load_journal, search_journal};

/// Events looked at in the tail before the lock is given back: about a quarter of a millisecond.
const TAIL_SCAN_MAX: usize = 4_096;
/// Bytes of events in one answer: a few frames of the journal, and a bound on what a reader costs.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

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
    /// As a replay, and whoever reads is not ready before: nothing is paid.
    ReadBack,
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
            Purpose::Replay | Purpose::ReadBack => previous < first,
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
            let in_tail = self.search_tail(&mut search, durable);
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
            Purpose::ReadBack | Purpose::Deliver { .. } | Purpose::Index => {
                reading.await.map(|(found, _)| found)
            }
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
            let stored = blocking(move || load_journal(&journal, &missing)).await?;
            found.extend(stored.events);
            loaded.damage = stored.damage;
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

    /// Leaps to the first record that may be an event, and looks in the tail from there on; none when that
    /// does not reach so far back.
    fn search_tail(&self, search: &mut Search, durable: u64) -> Option<Found> {
        let first = self.journal.first().0;
        let core = self.core();
        search.from = core.state.event_map().next(search.from).min(durable + 1);
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
