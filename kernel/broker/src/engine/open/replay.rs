//! What a start makes of the journal: the newest checkpoint, and the facts it does not stand for.

use bytes::Bytes;
use portique_jobs::{Fact as JobsFact, Machine, Now};
use portique_journal::{Entry, Journal, Sequence};
use prost::Message;

use crate::Error;
use crate::engine::Checkpointed;
use crate::engine::transact::Remembered;
use crate::error::RecordError;
use crate::fact::{
    CHECKPOINT, CHECKPOINT_PART, Checkpoint, CheckpointPart, DecodeError, Fact, Section,
};
use crate::state::State;

/// Records of the first look for a checkpoint: a broker that was closed left one at the very end.
const LOOK_BACK: u64 = 1_024;
/// How much further back each look goes than the one before.
const LOOK_BACK_GROWTH: u64 = 4;

/// What replay came to.
pub(super) struct Replayed {
    pub(super) state: State,
    pub(super) machine: Machine,
    pub(super) remembered: Remembered,
    pub(super) last: u64,
    pub(super) checkpoint: Checkpointed,
}

/// A checkpoint and where it is.
struct Found {
    sequence: u64,
    checkpoint: Checkpoint,
}

/// Applies what came after the newest checkpoint, or everything where there is none.
pub(super) fn replay(journal: &Journal, now: Now) -> Result<Replayed, Error> {
    let mut replayed = match find_checkpoint(journal)? {
        Some(found) => restore(journal, found, now)?,
        None if journal.first() == Sequence::FIRST => Replayed {
            state: State::default(),
            machine: Machine::new(),
            remembered: Remembered::default(),
            last: 0,
            checkpoint: Checkpointed::default(),
        },
        None => {
            let first = journal.first();
            return Err(Error::NoCheckpoint { first });
        }
    };
    for entry in journal.read(Sequence(replayed.last + 1))? {
        let entry = entry?;
        let sequence = entry.sequence;
        replayed
            .take_in(entry, now)
            .map_err(|source| refuse(sequence, source))?;
    }
    Ok(replayed)
}

impl Replayed {
    fn take_in(&mut self, entry: Entry, now: Now) -> Result<(), DecodeError> {
        self.last = entry.sequence.0;
        match entry.kind {
            CHECKPOINT_PART => {}
            kind if JobsFact::is_kind(kind) => {
                let fact = JobsFact::decode(kind, entry.body)?;
                self.machine.apply(self.last, &fact, now);
            }
            kind => {
                let fact = Fact::decode(kind, entry.body)?;
                self.state.apply(self.last, &fact, now.monotonic);
                match fact {
                    Fact::Opened(opened) => self.machine.open(opened.epoch),
                    Fact::Transacted(transacted) => {
                        self.remembered.apply(self.last, &transacted);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The newest checkpoint, looked for further and further back.
fn find_checkpoint(journal: &Journal) -> Result<Option<Found>, Error> {
    let first = journal.first();
    let end = journal.durable().next();
    let (mut until, mut distance) = (end, LOOK_BACK);
    loop {
        let from = Sequence(end.0.saturating_sub(distance)).max(first);
        let found = newest_between(journal, from, until)?;
        if found.is_some() || from == first {
            return Ok(found);
        }
        until = from;
        distance = distance.saturating_mul(LOOK_BACK_GROWTH);
    }
}

fn newest_between(
    journal: &Journal,
    from: Sequence,
    until: Sequence,
) -> Result<Option<Found>, Error> {
    let mut newest = None;
    for entry in journal.read(from)? {
        let entry = entry?;
        if entry.sequence >= until {
            break;
        }
        if entry.kind == CHECKPOINT {
            newest = Some((entry.sequence, entry.body));
        }
    }
    let Some((sequence, body)) = newest else {
        return Ok(None);
    };
    let checkpoint = Checkpoint::decode(body).map_err(|error| refuse(sequence, error.into()))?;
    Ok(Some(Found {
        sequence: sequence.0,
        checkpoint,
    }))
}

fn restore(journal: &Journal, found: Found, now: Now) -> Result<Replayed, Error> {
    let Found {
        sequence,
        checkpoint,
    } = found;
    let broken = |source| refuse(Sequence(sequence), source);
    let parts = read_parts(journal, sequence, &checkpoint)?;
    let mut state = State::restore(&checkpoint, now.monotonic).map_err(broken)?;
    let compactions = state.restore_compactions(&bodies(&parts, Section::Compactions));
    compactions.map_err(broken)?;
    let remembered = Remembered::restore(&bodies(&parts, Section::Transactions));
    let remembered = remembered.map_err(broken)?;
    let machine = restore_machine(&parts, state.epoch(), now).map_err(broken)?;
    // An old one stands for everything before it, and is needed itself.
    let (last, needed_from) = match checkpoint.stands_for {
        0 => (sequence, sequence),
        stands_for => (stands_for, stands_for + 1),
    };
    let checkpoint = Checkpointed {
        needed_from,
        last: sequence,
        at: now.monotonic,
        bytes: parts.iter().map(|part| part.body.len() as u64).sum(),
        written: 0,
    };
    Ok(Replayed {
        state,
        machine,
        remembered,
        last,
        checkpoint,
    })
}

/// The parts of a checkpoint, which stand somewhere between the one it names and itself.
fn read_parts(
    journal: &Journal,
    sequence: u64,
    checkpoint: &Checkpoint,
) -> Result<Vec<CheckpointPart>, Error> {
    let mut parts = Vec::new();
    if checkpoint.parts == 0 {
        return Ok(parts);
    }
    for entry in journal.read(Sequence(checkpoint.parts_from))? {
        let entry = entry?;
        if entry.sequence.0 >= sequence {
            break;
        }
        if entry.kind != CHECKPOINT_PART {
            continue;
        }
        let part = CheckpointPart::decode(entry.body);
        let part = part.map_err(|error| refuse(entry.sequence, error.into()))?;
        if part.stands_for == checkpoint.stands_for {
            parts.push(part);
        }
    }
    let is_whole = parts.len() == checkpoint.parts as usize
        && (0..).zip(&parts).all(|(index, part)| part.index == index);
    if is_whole {
        return Ok(parts);
    }
    let source = DecodeError::Shape("parts of the checkpoint are missing");
    Err(refuse(Sequence(sequence), source))
}

fn restore_machine(parts: &[CheckpointPart], epoch: u64, now: Now) -> Result<Machine, DecodeError> {
    let mut machine = Machine::restore(&bodies(parts, Section::Jobs), now)?;
    machine.open(epoch);
    Ok(machine)
}

fn bodies(parts: &[CheckpointPart], section: Section) -> Vec<Bytes> {
    parts
        .iter()
        .filter(|part| part.section() == section)
        .map(|part| part.body.clone())
        .collect()
}

fn refuse(sequence: Sequence, source: DecodeError) -> Error {
    Error::Record {
        sequence,
        source: RecordError::from(source),
    }
}
