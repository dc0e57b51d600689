//! Where answers are decoded: so many at once, in rooms that are used again.

use std::sync::{Arc, Mutex, PoisonError};

use portique_series::Batch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers decoded at once: each takes a core, and a few times its size in memory.
const DECODES_MAX: usize = 2;
/// Bytes of answers in memory at once, in KiB: eight of the largest, thousands of the usual ones.
const BODIES_KIB_MAX: usize = 256 * 1024;
/// Samples that a batch may have had for its room to be kept.
const KEPT_SAMPLES_MAX: usize = 100_000;

pub(super) struct Workshop {
    decodes: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    rooms: Mutex<Vec<Room>>,
}

/// What the target said, and what it becomes.
#[derive(Default)]
pub(super) struct Room {
    pub(super) answer: Batch,
    pub(super) out: Batch,
}

impl Default for Workshop {
    fn default() -> Self {
        Self {
            decodes: Arc::new(Semaphore::new(DECODES_MAX)),
            bodies: Arc::new(Semaphore::new(BODIES_KIB_MAX)),
            rooms: Mutex::new(Vec::new()),
        }
    }
}

impl Workshop {
    /// A place to decode in; waits until one is free.
    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        let place = self.decodes.clone().acquire_owned().await;
        place.expect("nobody closes the places")
    }

    /// Room in memory for so many more bytes of an answer; none when there is none now.
    pub(super) fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).ok()?;
        self.bodies.clone().try_acquire_many_owned(kib).ok()
    }

    pub(super) fn lend(&self) -> Room {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, mut room: Room) {
        if room.answer.samples() > KEPT_SAMPLES_MAX {
            return;
        }
        room.answer.clear();
        room.out.clear();
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() < DECODES_MAX {
            rooms.push(room);
        }
    }
}
