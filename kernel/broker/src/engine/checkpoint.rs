//! Writing down what the facts came to, so that a start is short and retention may have the rest.

use std::time::Duration;

use bytes::Bytes;
use portique_journal::Lane;

use crate::Error;
use crate::fact::{Checkpoint, CheckpointPart, Fact, Section};

use super::commit::Draft;
use super::{Core, Shared};

/// How many times its own size is written between two checkpoints of a large state, so that they
/// are a fraction of what goes to the disk.
const WRITTEN_PER_CHECKPOINT: u64 = 4;

/// The newest durable checkpoint.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Checkpointed {
    /// The first record that a start from it reads.
    pub(super) needed_from: u64,
    /// Its own last record.
    pub(super) last: u64,
    /// Monotonic time at which it was durable.
    pub(super) at: Duration,
    /// What it holds.
    pub(super) bytes: u64,
    /// Bytes written before it in this life of the broker.
    pub(super) written: u64,
}

/// The state at one moment.
struct Snapshot {
    bus: Checkpoint,
    parts: Vec<(Section, Bytes)>,
}

pub(super) fn is_due(shared: &Shared) -> bool {
    let core = shared.core();
    let newest = &core.checkpoint;
    let records = core.last.saturating_sub(newest.last);
    let written = core.written.saturating_sub(newest.written);
    let age = shared.clock.monotonic().saturating_sub(newest.at);
    let is_many = records >= shared.config.checkpoint_records.max(1)
        && written >= newest.bytes.saturating_mul(WRITTEN_PER_CHECKPOINT);
    is_many || (records > 0 && age >= shared.config.checkpoint_interval)
}

/// Makes a checkpoint durable. The state is taken under the lock at one moment; its parts are written
/// one by one between other records, and the last record makes them count.
pub(super) async fn write(shared: &Shared) -> Result<(), Error> {
    let Snapshot { mut bus, parts } = snapshot(shared);
    let bytes = parts.iter().map(|(_, body)| body.len() as u64).sum();
    for (index, (section, body)) in (0..).zip(parts) {
        let part = CheckpointPart {
            stands_for: bus.stands_for,
            index,
            body,
            section: section.into(),
        };
        let sequence = submit(shared, Fact::CheckpointPart(part)).await?;
        bus.parts = index + 1;
        if index == 0 {
            bus.parts_from = sequence;
        }
    }
    let needed_from = bus.stands_for + 1;
    let last = submit(shared, Fact::Checkpoint(bus)).await?;
    let mut core = shared.core();
    core.checkpoint = Checkpointed {
        needed_from,
        last,
        at: shared.clock.monotonic(),
        bytes,
        written: core.written,
    };
    Ok(())
}

fn snapshot(shared: &Shared) -> Snapshot {
    let core = shared.core();
    let mut bus = core.state.checkpoint();
    core.state.note_idle(&mut bus, shared.clock.monotonic());
    bus.stands_for = core.last;
    let jobs = core.jobs.machine.checkpoint().into_iter();
    let jobs = jobs.map(|part| (Section::Jobs, part));
    let compactions = core.state.compactions().checkpoint().into_iter();
    let compactions = compactions.map(|piece| (Section::Compactions, piece));
    let remembered = core.remembered.checkpoint().into_iter();
    let remembered = remembered.map(|part| (Section::Transactions, part));
    Snapshot {
        bus,
        parts: jobs.chain(compactions).chain(remembered).collect(),
    }
}

/// Waits until it is durable, so that a large checkpoint leaves room in the journal's queue.
async fn submit(shared: &Shared, fact: Fact) -> Result<u64, Error> {
    let draft = Draft::fact(fact);
    let decide = |_: &Core, _| Ok(vec![draft.clone()]);
    let pending = shared.submit(Lane::Drain, decide, Error::Journal).await?;
    let pending = pending.expect("a draft was decided");
    Ok(pending.await?.end().0)
}
