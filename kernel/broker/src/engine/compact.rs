//! Compactions: looking at new events for the newest of each key, and carrying forward those that
//! retention is about to take.

use portique_bus::{CompactionName, Error};
use portique_event::Filter;
use portique_fault::chain;
use portique_journal::Lane;

use crate::fact::{Fact, Indexed};
use crate::state::compaction_key;
use crate::tail::Placed;

use super::Shared;
use super::commit::{Draft, bus_error, in_doubt};
use super::scan::{Found, Purpose, Search};

/// Events looked at between two facts.
const LOOK_MAX: usize = 1_000;
/// Pages a turn of the housekeeping looks at for one compaction, so that others have theirs.
const PAGES_PER_TURN: usize = 16;
/// Events carried forward in one turn: more would hold up what is published meanwhile.
const CARRY_MAX: usize = 256;

impl Shared {
    /// Makes a compaction, and returns when it holds what is kept.
    pub(super) async fn make_compaction(
        &self,
        name: &CompactionName,
        filter: &Filter,
    ) -> Result<(), Error> {
        let mut last = 0;
        let pending = self.commit(Lane::Work, |core, _| {
            last = core.last;
            let first = self.journal.first().0;
            let made = core
                .state
                .compactions()
                .decide_creation(name, filter, first)?;
            Ok(made
                .map(Fact::Compacting)
                .map(Draft::fact)
                .into_iter()
                .collect())
        });
        match pending.await? {
            Some(pending) => pending.await.map(drop).map_err(in_doubt)?,
            None => {
                let last = portique_journal::Sequence(last);
                self.journal.wait_durable(last).await.map_err(bus_error)?;
            }
        }
        loop {
            let found = self
                .core()
                .state
                .compactions()
                .find(name)
                .map(|made| (made.number, made.cursor));
            match found {
                Some((number, cursor)) if cursor <= last => {
                    self.check_open()?;
                    self.look(number).await?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// A turn of the housekeeping.
    pub(super) async fn compact(&self) -> Result<(), Error> {
        let numbers: Vec<u64> = {
            let core = self.core();
            core.state
                .compactions()
                .all()
                .map(|compaction| compaction.number)
                .collect()
        };
        for number in numbers {
            for _ in 0..PAGES_PER_TURN {
                if !self.look(number).await? {
                    break;
                }
            }
        }
        self.carry_events().await
    }

    /// Looks at the next events for one compaction; false when there are none.
    async fn look(&self, number: u64) -> Result<bool, Error> {
        let search = self
            .core()
            .state
            .compactions()
            .by_number(number)
            .map(|compaction| Search {
                filter: compaction.filter.clone(),
                from: compaction.cursor,
                limit: LOOK_MAX,
                purpose: Purpose::Index,
            });
        let Some(search) = search else {
            return Ok(false);
        };
        let from = search.from;
        let found = self.search(search).await?;
        for damage in &found.damage {
            tracing::error!(lost = ?damage.lost, what = damage.what, "damaged records are not compacted");
        }
        if found.next <= from {
            return Ok(false);
        }
        let is_more = !found.events.is_empty();
        let indexed = index(number, &found);
        if indexed.sequences.is_empty() {
            self.core().state.skip_compaction(number, found.next);
            return Ok(is_more);
        }
        let draft = Draft::fact(Fact::Indexed(indexed));
        self.commit(Lane::Drain, |_, _| Ok(vec![draft.clone()]))
            .await?;
        Ok(is_more)
    }

    /// Carries forward what is held in the oldest segment, once that is too old or one too many.
    async fn carry_events(&self) -> Result<(), Error> {
        let oldest = self.journal.oldest();
        let Some(end) = oldest.next.filter(|_| oldest.is_over) else {
            return Ok(());
        };
        let held = self
            .core()
            .state
            .compactions()
            .held_before(end.0, CARRY_MAX);
        if held.is_empty() {
            return Ok(());
        }
        let loaded = self.load(&held).await?;
        let mut last = None;
        for placed in &loaded.events {
            let draft = Draft::carried(placed);
            let carried = self.commit(Lane::Drain, |core, _| {
                let is_held = core.state.compactions().holds(placed.sequence);
                Ok(is_held.then(|| draft.clone()).into_iter().collect())
            });
            last = carried.await?.or(last);
        }
        self.let_go(&loaded.lost).await?;
        if let Some(last) = last {
            last.await.map_err(bus_error)?;
        }
        Ok(())
    }

    /// Ends the holding of events that cannot be read any more.
    async fn let_go(&self, lost: &[u64]) -> Result<(), Error> {
        if lost.is_empty() {
            return Ok(());
        }
        tracing::error!(?lost, "held events cannot be read any more and are let go");
        let gone = self.commit(Lane::Drain, |core, _| {
            let all = core.state.compactions().all();
            let gone = all.map(|compaction| Indexed {
                compaction: compaction.number,
                gone: lost.to_vec(),
                ..Indexed::default()
            });
            Ok(gone.map(Fact::Indexed).map(Draft::fact).collect())
        });
        gone.await.map(drop)
    }

    /// As [`compact`](Self::compact), for the housekeeping: what fails is tried again next time.
    pub(super) async fn try_compact(&self) {
        if let Err(error) = self.compact().await {
            let reason = chain(&error);
            tracing::warn!(reason, "compaction waits");
        }
    }
}

/// The newest event of each key among those found.
fn index(number: u64, found: &Found) -> Indexed {
    let mut indexed = Indexed {
        compaction: number,
        cursor: found.next,
        ..Indexed::default()
    };
    let keyed = |placed: &Placed| Some((compaction_key(&placed.stamped.event)?, placed.sequence));
    for ((key, sequence), size) in found
        .events
        .iter()
        .map(keyed)
        .zip(&found.sizes)
        .filter_map(|(keyed, size)| Some((keyed?, *size)))
    {
        indexed.push(key, sequence, u32::try_from(size).unwrap_or(u32::MAX));
    }
    indexed
}
