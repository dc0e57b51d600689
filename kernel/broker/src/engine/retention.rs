//! What old records are still needed for, and the release of the others.

use std::time::Duration;

use portique_bus::{CompactionName, ConsumerName};
use portique_journal::{Oldest, Sequence};

use crate::Error;

use super::{Broker, Core, Shared};

/// Records that nobody needs any more, by facts that may still be lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release {
    /// The first record that is still needed.
    before: u64,
    /// The newest of the facts.
    last: u64,
}

/// The oldest segment of the journal, and why it is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retained {
    /// Its first record; what lies before is gone.
    pub first: u64,
    /// How long ago its youngest record was written; the time it can be trimmed for age.
    pub age: Duration,
    /// Bytes of all segments.
    pub bytes: u64,
    /// The first reason found; the others come to light when it is gone.
    pub kept_by: KeptBy,
}

/// Why a segment is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptBy {
    /// It is the one that is written to.
    Writing,
    /// Retention has no limit.
    Unlimited,
    /// It is neither too old nor one too many.
    Limits,
    /// A consumer has not settled an event in it.
    Consumer {
        /// Which one; of several the one that is furthest behind.
        name: ConsumerName,
        /// The first record it needs.
        needs: u64,
    },
    /// It holds the newest event of a key, which is carried forward within seconds.
    Compaction {
        /// For which compaction.
        name: CompactionName,
        /// The first record that is needed.
        needs: u64,
    },
    /// A job that is not finished has its record in it.
    Jobs {
        /// The first record that is needed.
        needs: u64,
    },
    /// The next start of the broker would read it: the next checkpoint frees it.
    Checkpoint {
        /// The first record that is needed.
        needs: u64,
    },
    /// Nothing: it goes within seconds.
    Nothing,
}

impl Broker {
    /// The oldest segment, and why it is still there.
    pub fn retained(&self) -> Retained {
        let oldest = self.shared.journal.oldest();
        let holder = first_needed(&self.shared.core());
        Retained {
            first: oldest.first.0,
            age: oldest.age,
            bytes: oldest.bytes,
            kept_by: kept_by(&oldest, holder),
        }
    }
}

fn kept_by(oldest: &Oldest, (holder, needs): (KeptBy, u64)) -> KeptBy {
    match oldest.next {
        None => KeptBy::Writing,
        Some(_) if oldest.is_unlimited => KeptBy::Unlimited,
        Some(_) if !oldest.is_over => KeptBy::Limits,
        Some(next) if next.0 > needs => holder,
        Some(_) => KeptBy::Nothing,
    }
}

/// Lets retention have what no start and nobody else needs: an event that a consumer has not
/// settled is kept, however old it is, and one whose settlement may still be lost counts as such.
pub(super) fn release(shared: &Shared) -> Result<(), Error> {
    if !shared.journal.oldest().is_over {
        return Ok(());
    }
    let durable = shared.durable();
    // Released under the lock, so that nobody who needs more comes in between.
    let mut core = shared.core();
    let release = core.release.unwrap_or_else(|| release_now(&core));
    let is_certain = release.last <= durable;
    core.release = (!is_certain).then_some(release);
    if is_certain {
        shared.journal.trim(Sequence(release.before))?;
    }
    Ok(())
}

/// Takes back what was released, for a consumer that begins or goes on at `from`.
pub(super) fn hold(shared: &Shared, from: u64) {
    let mut core = shared.core();
    core.release = None;
    shared.journal.hold(Sequence(from));
}

fn release_now(core: &Core) -> Release {
    Release {
        before: first_needed(core).1,
        last: core.last,
    }
}

/// The first record that is needed, and for what. It takes time with the jobs that are not finished.
pub(super) fn first_needed(core: &Core) -> (KeptBy, u64) {
    let needs = core.checkpoint.needed_from;
    let checkpoint = (KeptBy::Checkpoint { needs }, needs);
    let consumers = core.state.consumers().map(|consumer| {
        let (name, needs) = (consumer.name.clone(), consumer.ack_floor() + 1);
        (KeptBy::Consumer { name, needs }, needs)
    });
    let held = core.state.compactions().first_needed();
    let held = held.map(|(needs, name)| {
        let name = name.clone();
        (KeptBy::Compaction { name, needs }, needs)
    });
    let jobs = core.jobs.machine.oldest_needed();
    let jobs = jobs.map(|needs| (KeptBy::Jobs { needs }, needs));
    let mut first = checkpoint;
    for other in consumers.chain(held).chain(jobs) {
        if other.1 < first.1 {
            first = other;
        }
    }
    first
}
