use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portique_clock::Clock;
use portique_journal::{Entry, Journal, Lane, Sequence, State as JournalState};
use tokio::sync::Notify;

use crate::error::RecordError;
use crate::fact::{CHECKPOINT, DecodeError, Fact, Opened};
use crate::state::State;
use crate::tail::Tail;
use crate::{Config, Error};

use super::commit::Draft;
use super::{Broker, Core, Shared};

/// Longest wait for the first record of a start: a disk that takes none for this long is full or
/// stands still, and whoever started the hub should hear of it.
const START_WAIT_MAX: Duration = Duration::from_secs(10);
/// How much further back each attempt to find a checkpoint goes than the one before.
const LOOK_BACK_GROWTH: u64 = 4;

/// What replay came to.
struct Replayed {
    state: State,
    last: u64,
    checkpoint: u64,
}

pub(super) async fn open(
    config: Config,
    journal: Journal,
    clock: Arc<dyn Clock>,
) -> Result<Broker, Error> {
    let look_back = config.checkpoint_records.max(1).saturating_mul(2);
    let now = clock.monotonic();
    let replayed = {
        let journal = journal.clone();
        tokio::task::spawn_blocking(move || replay(&journal, look_back, now)).await
    };
    let Replayed {
        state,
        last,
        checkpoint,
    } = match replayed {
        Ok(replayed) => replayed?,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => return Err(Error::Closed),
    };
    let tail = Tail::new(config.tail_bytes_max, last, state.last_event());
    let epoch = state.epoch() + 1;
    let core = Core {
        state,
        tail,
        last,
        checkpoint,
        checkpointed: now,
        release: None,
    };
    let shared = Shared {
        config,
        journal,
        clock,
        core: Mutex::new(core),
        changed: Notify::new(),
        closed: AtomicBool::new(false),
    };
    write_start(&shared, epoch).await?;
    Ok(Broker {
        shared: Arc::new(shared),
    })
}

/// Makes the start durable, or says why it cannot be.
async fn write_start(shared: &Shared, epoch: u64) -> Result<(), Error> {
    let draft = |_: &Core, _| Ok(vec![Draft::fact(Fact::Opened(Opened { epoch }))]);
    let written = async {
        if let Some(pending) = shared.submit(Lane::Drain, draft, Error::Journal).await? {
            pending.await?;
        }
        Ok(())
    };
    tokio::time::timeout(START_WAIT_MAX, written)
        .await
        .unwrap_or_else(|_| {
            let remedy = match shared.journal.state() {
                JournalState::DrainOnly { free_bytes, .. } => {
                    format!("free space on the disk, {free_bytes} bytes are left")
                }
                _ => "see whether the disk is full or has failed".into(),
            };
            let waited = START_WAIT_MAX;
            Err(Error::Exhausted { waited, remedy })
        })
}

/// Finds the newest checkpoint, looking back further and further, and applies what came after it.
fn replay(journal: &Journal, look_back: u64, now: Duration) -> Result<Replayed, Error> {
    let (first, end) = (journal.first(), journal.durable().next());
    let mut distance = look_back;
    loop {
        let from = Sequence(end.0.saturating_sub(distance)).max(first);
        if let Some(replayed) = replay_from(journal, from, now)? {
            return Ok(replayed);
        }
        if from == first {
            return Err(Error::NoCheckpoint { first });
        }
        distance = distance.saturating_mul(LOOK_BACK_GROWTH);
    }
}

/// The state at the end; none when what lies before `from` is needed to know it.
fn replay_from(
    journal: &Journal,
    from: Sequence,
    now: Duration,
) -> Result<Option<Replayed>, Error> {
    let mut state = (from == Sequence::FIRST).then(State::default);
    let (mut last, mut checkpoint) = (from.0 - 1, 0);
    for entry in journal.read(from)? {
        let entry = entry?;
        last = entry.sequence.0;
        let refuse = |source| Error::Record {
            sequence: Sequence(last),
            source: RecordError::from(source),
        };
        if entry.kind == CHECKPOINT {
            checkpoint = last;
        }
        take_in(&mut state, entry, now).map_err(refuse)?;
    }
    Ok(state.map(|state| Replayed {
        state,
        last,
        checkpoint,
    }))
}

fn take_in(state: &mut Option<State>, entry: Entry, now: Duration) -> Result<(), DecodeError> {
    let Some(state) = state else {
        if entry.kind == CHECKPOINT
            && let Fact::Checkpoint(checkpoint) = Fact::decode(entry.kind, entry.body)?
        {
            *state = Some(State::restore(&checkpoint, now)?);
        }
        return Ok(());
    };
    let sequence = entry.sequence.0;
    state.apply(sequence, &Fact::decode(entry.kind, entry.body)?, now);
    Ok(())
}
