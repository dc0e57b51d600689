//! What replays may read from the disk: one budget for all of them, so that they leave the disk to
//! those who publish and consume.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portique_clock::Clock;

/// How far replays may run ahead of their budget: a short one is not slowed at all.
const AHEAD_MAX: Duration = Duration::from_secs(1);

/// The budget of all replays together.
#[derive(Debug)]
pub(super) struct Replays {
    bytes_per_second: u64,
    /// One replay reads at a time, in the order they asked.
    turn: tokio::sync::Mutex<()>,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    /// Monotonic time at which what was read is paid off.
    paid_off: Duration,
    total: u64,
}

impl Replays {
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second: bytes_per_second.max(1),
            turn: tokio::sync::Mutex::default(),
            spent: Mutex::default(),
        }
    }

    /// Reads when it is a replay's turn and the budget allows; `read` says how many bytes it took.
    pub(super) async fn pay<T, E>(
        &self,
        clock: &dyn Clock,
        read: impl Future<Output = Result<(T, u64), E>>,
    ) -> Result<T, E> {
        let _turn = self.turn.lock().await;
        loop {
            let ahead = self.ahead(clock.monotonic());
            if ahead <= AHEAD_MAX {
                break;
            }
            tokio::time::sleep(ahead - AHEAD_MAX).await;
        }
        let (done, bytes) = read.await?;
        self.charge(bytes, clock.monotonic());
        Ok(done)
    }

    /// Bytes read so far.
    pub(super) fn total(&self) -> u64 {
        self.spent().total
    }

    fn ahead(&self, now: Duration) -> Duration {
        self.spent().paid_off.saturating_sub(now)
    }

    fn charge(&self, bytes: u64, now: Duration) {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut spent = self.spent();
        spent.paid_off = spent.paid_off.max(now).saturating_add(cost);
        spent.total += bytes;
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
