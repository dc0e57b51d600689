//! Records that nobody else's wait beside: who submitted them writes them itself, as waking the
//! committer and being woken by it takes as long as the disk.
//!
//! The committer is not told of such records at first. Whoever waits for them gives way once, so
//! that others on the same thread may join; then it writes them when nobody else does, and tells
//! the committer in every other case, also when it goes away. Only a disk that answers fast is
//! written to this way: who waits may be a thread that others wait for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, TryLockError, Weak};
use std::time::Duration;

use super::{Inner, Shared};
use crate::Step;
use crate::write::Writer;

/// A disk that takes longer on average is too slow for a thread that does other things too.
const FAST_MAX: Duration = Duration::from_micros(300);
/// Who submits more at a time, or has just done so, has more to do meanwhile.
const BYTES_MAX: usize = 4 * 1024;
/// The average is over about so many writes: a single slow one does not end it, a stall does.
const AVERAGED: u64 = 16;

#[derive(Default)]
pub(super) struct Lonely {
    /// None where somebody else drives the committer.
    writer: OnceLock<Weak<Mutex<Writer>>>,
    /// How long the last writes took on average, in nanoseconds.
    average: AtomicU64,
}

impl Shared {
    /// From now on, who waits may write.
    pub(crate) fn share_writer(&self, writer: Weak<Mutex<Writer>>) {
        // A committer runs once, so nobody has said otherwise.
        let _ = self.lonely.writer.set(writer);
    }

    /// Whether who submits records now should write them.
    pub(super) fn is_lonely(&self, inner: &Inner, bytes: usize) -> bool {
        let is_quiet = inner.queue.is_empty() && !inner.is_writing && !inner.work_signal;
        let is_small = bytes.max(inner.taken_bytes) <= BYTES_MAX;
        is_quiet && is_small && self.lonely.writer.get().is_some() && self.is_fast()
    }

    /// Writes what is queued, or has the committer do so.
    pub(crate) fn write_lonely(&self) {
        let is_still_small = {
            let inner = self.lock();
            !inner.work_signal && inner.queued_bytes <= BYTES_MAX
        };
        let writer = self.lonely.writer.get().filter(|_| is_still_small);
        let writer = writer.and_then(Weak::upgrade);
        let stepped = writer.and_then(|writer| match writer.try_lock() {
            Ok(mut writer) if !writer.is_near_end() => Some(writer.step()),
            Ok(_) | Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => None,
        });
        // It has to know of a frame that the next one, or the end, must still vouch for.
        let needs_nobody = stepped == Some(Step::Worked) && {
            let inner = self.lock();
            inner.keeps_time && inner.queue.is_empty() && !inner.closing
        };
        if !needs_nobody {
            self.tell_committer();
        }
    }

    /// Wakes the committer.
    pub(crate) fn tell_committer(&self) {
        self.lock().work_signal = true;
        self.work.notify_one();
    }

    /// Takes in how long the disk took; called by the writer alone.
    pub(crate) fn note_write(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let average = self.lonely.average.load(Ordering::Relaxed);
        let average = average - average / AVERAGED + took / AVERAGED;
        self.lonely.average.store(average, Ordering::Relaxed);
    }

    fn is_fast(&self) -> bool {
        Duration::from_nanos(self.lonely.average.load(Ordering::Relaxed)) <= FAST_MAX
    }
}
