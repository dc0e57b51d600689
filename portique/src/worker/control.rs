//! The line between a worker and the hub that started it.
//!
//! It is a socket in the place of standard input. The worker writes a line of JSON when something changes and once a
//! second: jobs in hand, jobs ended so far, and the process groups of its programs, so that the hub can end those of
//! a worker that was killed. The hub writes nothing; when its end is closed it is gone, and so are the leases' worth.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often it says how it is when nothing changes.
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// How long programs may take to end once the hub is gone: what `program` gives them, and a moment more.
const LAST_MOMENTS: Duration = Duration::from_secs(6);

/// What a worker says of itself: one line of JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beat {
    /// Jobs in hand.
    pub(crate) leased: u32,
    /// Jobs ended so far.
    pub(crate) finished: u64,
    /// Process groups of the programs that run.
    pub(crate) groups: BTreeSet<u32>,
}

/// What is in hand; whoever works and whoever tells the hub share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Hands(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    beat: Mutex<Beat>,
    changed: Notify,
    /// The hub is gone.
    dropped: CancellationToken,
}

/// A job in hand, until it is dropped.
pub(super) struct Busy(Hands);

/// A program that runs, until it is dropped.
pub(super) struct Held(Hands, Option<u32>);

impl Hands {
    /// A job is begun.
    pub(super) fn take(&self) -> Busy {
        self.change(|beat| beat.leased += 1);
        Busy(self.clone())
    }

    /// A program runs, in a process group of its own.
    pub(super) fn hold(&self, group: Option<u32>) -> Held {
        if let Some(group) = group {
            self.change(|beat| _ = beat.groups.insert(group));
        }
        Held(self.clone(), group)
    }

    /// Ends when nobody wants the results any more.
    pub(super) async fn dropped(&self) {
        self.0.dropped.cancelled().await;
    }

    fn change(&self, how: impl FnOnce(&mut Beat)) {
        how(&mut self.beat());
        self.0.changed.notify_one();
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.0.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|beat| {
            beat.leased -= 1;
            beat.finished += 1;
        });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(group) = self.1 {
            self.0.change(|beat| _ = beat.groups.remove(&group));
        }
    }
}

/// The line to the hub.
pub(super) struct Control {
    hands: Hands,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
}

impl Control {
    /// Takes standard input as the line.
    ///
    /// # Errors
    /// When it is no socket.
    pub(super) fn open(hands: Hands) -> io::Result<Self> {
        let owned = io::stdin().as_fd().try_clone_to_owned()?;
        let socket = std::os::unix::net::UnixStream::from(owned);
        socket.peer_addr()?;
        socket.set_nonblocking(true)?;
        let (from, to) = UnixStream::from_std(socket)?.into_split();
        Ok(Self { hands, from, to })
    }

    /// Works, and tells the hub of it; none when the hub was gone first, after the programs have ended.
    pub(super) async fn beside<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let Self { hands, from, to } = self;
        let mut work = std::pin::pin!(work);
        tokio::select! {
            done = &mut work => return Some(done),
            () = gone(from) => {}
            () = tell(&hands, to) => {}
        }
        tracing::warn!("the hub that started this worker is gone: ending");
        hands.0.dropped.cancel();
        let idle = async {
            while hands.beat().leased > 0 {
                hands.0.changed.notified().await;
            }
        };
        tokio::select! {
            _ = work => {}
            () = idle => {}
            () = tokio::time::sleep(LAST_MOMENTS) => {}
        }
        None
    }
}

/// Ends when the other end is closed.
async fn gone(mut from: OwnedReadHalf) {
    let mut nothing = [0_u8; 64];
    while matches!(from.read(&mut nothing).await, Ok(1..)) {}
}

/// Says how the worker is, until nobody listens.
async fn tell(hands: &Hands, mut to: OwnedWriteHalf) {
    let mut beats = tokio::time::interval(BEAT_EVERY);
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            () = hands.0.changed.notified() => {}
        }
        let beat = hands.beat().clone();
        let mut line = serde_json::to_vec(&beat).expect("numbers can be written");
        line.push(b'\n');
        if to.write_all(&line).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, BufReader};

    use super::*;

    fn line(hands: &Hands) -> (Control, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (from, to) = theirs.into_split();
        let hands = hands.clone();
        (Control { hands, from, to }, ours)
    }

    #[tokio::test]
    async fn the_hub_hears_what_is_in_hand() {
        let hands = Hands::default();
        let (control, hub) = line(&hands);
        let busy = hands.take();
        let held = hands.hold(Some(7));
        let mut lines = BufReader::new(hub).lines();
        let read = async {
            let beat = async |lines: &mut tokio::io::Lines<_>| {
                let line = lines.next_line().await.unwrap().unwrap();
                serde_json::from_str::<Beat>(&line).unwrap()
            };
            let first = beat(&mut lines).await;
            assert_eq!((first.leased, first.finished), (1, 0));
            assert_eq!(first.groups, BTreeSet::from([7]));
            drop(held);
            drop(busy);
            loop {
                let last = beat(&mut lines).await;
                if last.leased == 0 {
                    assert_eq!((last.finished, last.groups.len()), (1, 0));
                    return;
                }
            }
        };
        assert_eq!(control.beside(read).await, Some(()));
    }

    #[tokio::test]
    async fn a_hub_that_is_gone_ends_the_work() {
        let hands = Hands::default();
        let (control, hub) = line(&hands);
        let busy = hands.take();
        let job = async {
            hands.dropped().await;
            drop(busy);
            std::future::pending::<()>().await;
        };
        drop(hub);
        assert_eq!(control.beside(job).await, None);
        assert_eq!(hands.beat().finished, 1);
    }
}
