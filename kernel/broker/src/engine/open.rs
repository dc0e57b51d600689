//! How a broker starts: the journal is replayed off the async threads, what it left becomes the core
//! that every handle shares, and a record of the start makes the new epoch durable before anybody is
//! let in. A start that cannot be written is refused with what to do about it, and not waited for.
//! It opens no journal and spawns no task of its own: both are the caller's.

mod replay;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portique_clock::{Clock, Timestamp};
use portique_jobs::Now;
use portique_journal::{Journal, Lane, State as JournalState};
use tokio::sync::Notify;

use crate::fact::{Fact, Opened};
use crate::tail::Tail;
use crate::{Config, Error};

use super::commit::Draft;
use super::jobs::{JobsCore, JobsShared};
use super::replays::Replays;
use super::{Broker, Core, Shared};
use replay::{Replayed, replay};

/// Longest wait for the first record of a start: a disk that takes none for this long is full or
/// stands still, and whoever started the hub should hear of it.
const START_WAIT_MAX: Duration = Duration::from_secs(10);

/// Builds the broker that `journal` describes, and makes its start durable.
///
/// # Errors
/// What is wrong with the journal; [`Error::Exhausted`] when the disk takes no record in time.
pub(super) async fn open(
    config: Config,
    journal: Journal,
    clock: Arc<dyn Clock>,
) -> Result<Broker, Error> {
    let now = Now {
        wall: clock.now(),
        monotonic: clock.monotonic(),
    };
    let replayed = {
        let journal = journal.clone();
        tokio::task::spawn_blocking(move || replay(&journal, now)).await
    };
    let Replayed {
        state,
        machine,
        remembered,
        last,
        checkpoint,
    } = match replayed {
        Ok(replayed) => replayed?,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => return Err(Error::Closed),
    };
    let tail = Tail::new(config.tail_bytes_max, last, state.last_event());
    let epoch = state.epoch() + 1;
    let jobs = JobsCore::new(
        machine,
        config.job_tail_bytes_max,
        seed(&journal, epoch, now.wall),
    );
    let core = Core {
        state,
        tail,
        jobs,
        remembered,
        last,
        written: 0,
        checkpoint,
        damaged: 0,
        jobs_missed: 0,
        release: None,
    };
    let replays = Replays::new(config.replay_bytes_per_second);
    let shared = Shared {
        config,
        journal,
        clock,
        core: Mutex::new(core),
        changed: Notify::new(),
        jobs: JobsShared::default(),
        replays,
        closed: AtomicBool::new(false),
    };
    write_start(&shared, epoch).await?;
    Ok(Broker {
        shared: Arc::new(shared),
    })
}

/// What the jitter of retries begins with: another number in every start of every journal.
fn seed(journal: &Journal, epoch: u64, now: Timestamp) -> u64 {
    let id = journal.id().0;
    let id = id
        .iter()
        .fold(0, |sum: u64, byte| sum.rotate_left(8) ^ u64::from(*byte));
    id ^ epoch.rotate_left(32) ^ now.as_nanos().unsigned_abs()
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
