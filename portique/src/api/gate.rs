//! How much may be under way at once, so that who finishes work is always let in.

use std::sync::Arc;
use std::time::Duration;

use portique_fault::{Code, Retry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::{Refusal, Reply};

/// Bytes of batches held in memory at once, in KiB: a few of the largest, many of the usual ones.
const BATCHES_KIB_MAX: usize = 64 * 1024;
/// A batch is worked off, and a place comes free, in a moment.
const RETRY_WHEN_FULL: Duration = Duration::from_secs(1);

/// Permits for what holds memory or a connection for long.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    waiting_max: usize,
    waiting: Arc<Semaphore>,
    batches: Arc<Semaphore>,
}

impl Gate {
    /// So many long polls and streams at once: whoever completes a job or adds one finds a place.
    pub(super) fn new(waiting_max: usize) -> Self {
        Self {
            waiting_max,
            waiting: Arc::new(Semaphore::new(waiting_max)),
            batches: Arc::new(Semaphore::new(BATCHES_KIB_MAX)),
        }
    }

    /// A place for a request that waits for something to happen.
    ///
    /// # Errors
    /// Resource exhausted, with a time to come back.
    pub(super) fn wait(&self) -> Reply<OwnedSemaphorePermit> {
        self.waiting.clone().try_acquire_owned().map_err(|_| {
            full(format!(
                "{} requests wait already, which leaves the other connections to \
                 whoever has something to say: ask without waiting, or from fewer connections",
                self.waiting_max
            ))
        })
    }

    /// Room for a batch of this many bytes.
    ///
    /// # Errors
    /// Resource exhausted, with a time to come back.
    pub(super) fn batch(&self, bytes: usize) -> Reply<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        self.batches
            .clone()
            .try_acquire_many_owned(kib)
            .map_err(|_| {
                full(format!(
                    "batches of {BATCHES_KIB_MAX} KiB are being taken in already: send this one later"
                ))
            })
    }
}

fn full(message: String) -> Refusal {
    Refusal::new(Code::ResourceExhausted, message).retry_after(Retry::After(RETRY_WHEN_FULL))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITING_MAX: usize = 3;

    #[test]
    fn a_place_is_free_again_when_its_holder_is_gone() {
        let gate = Gate::new(WAITING_MAX);
        let mut places: Vec<_> = (0..WAITING_MAX).map(|_| gate.wait().unwrap()).collect();
        assert!(gate.wait().is_err());
        places.pop();
        drop(gate.wait().unwrap());
    }

    #[test]
    fn batches_share_one_budget() {
        let gate = Gate::new(WAITING_MAX);
        let half = BATCHES_KIB_MAX * 1024 / 2;
        let _one = gate.batch(half).unwrap();
        let two = gate.batch(half).unwrap();
        assert!(gate.batch(1).is_err());
        drop(two);
        drop(gate.batch(1).unwrap());
    }
}
