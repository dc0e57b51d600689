use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::shared::{Accepted, Shared};
use crate::{Error, Lane, Sequence};

/// Records on their way to the disk: resolves when all of them are durable, or never will be.
///
/// Polling it may write a few records to a disk that answers within a fraction of a millisecond, when
/// nobody else does.
///
/// Dropping it does not take the records back.
#[derive(Debug)]
#[must_use = "records are acknowledged only when this resolves"]
pub struct Pending {
    sequences: RangeInclusive<Sequence>,
    durable: Durable,
    /// Whether the committer does not know of them.
    is_left: bool,
    /// Whether others had their turn to join them.
    gave_way: bool,
}

impl Pending {
    pub(crate) fn new(shared: Arc<Shared>, accepted: Accepted) -> Self {
        let Accepted {
            sequences,
            ticket,
            is_left,
        } = accepted;
        let durable = Durable {
            shared,
            sequence: *sequences.end(),
            ticket,
        };
        Self {
            sequences,
            durable,
            is_left,
            gave_way: false,
        }
    }

    /// Whether the next poll writes them, or sees to it.
    pub(crate) fn is_left(&self) -> bool {
        self.is_left
    }

    /// The sequences of the records, in the order in which they were given.
    pub fn sequences(&self) -> RangeInclusive<Sequence> {
        self.sequences.clone()
    }

    /// Blocks the thread until the records are durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`] or [`Error::Closed`] when that will not happen; after the former they
    /// may or may not be there when the journal is opened again.
    pub fn wait(self) -> Result<RangeInclusive<Sequence>, Error> {
        block_on(self)
    }
}

impl Future for Pending {
    type Output = Result<RangeInclusive<Sequence>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let sequences = self.sequences();
        if self.is_left && !std::mem::replace(&mut self.gave_way, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.is_left {
            self.durable.shared.write_lonely();
            // Not before: should the writer panic, the committer is told when this is dropped.
            self.is_left = false;
        }
        Pin::new(&mut self.durable)
            .poll(context)
            .map_ok(|()| sequences)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.is_left {
            self.durable.shared.tell_committer();
        }
    }
}

/// Resolves when the watermark has reached a sequence.
#[derive(Debug)]
pub(crate) struct Durable {
    shared: Arc<Shared>,
    sequence: Sequence,
    ticket: Option<u64>,
}

impl Durable {
    pub(crate) fn new(shared: Arc<Shared>, sequence: Sequence) -> Self {
        Self {
            shared,
            sequence,
            ticket: None,
        }
    }
}

impl Future for Durable {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.shared
            .poll_durable(this.sequence.0, &mut this.ticket, context.waker())
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.forget_waiter(self.sequence.0, ticket);
        }
    }
}

/// Resolves when the queue takes so many bytes, or never will.
#[derive(Debug)]
pub(crate) struct Room {
    shared: Arc<Shared>,
    lane: Lane,
    bytes: usize,
    ticket: Option<u64>,
}

impl Room {
    pub(crate) fn new(shared: Arc<Shared>, lane: Lane, bytes: usize) -> Self {
        Self {
            shared,
            lane,
            bytes,
            ticket: None,
        }
    }
}

impl Future for Room {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.shared
            .poll_room(this.lane, this.bytes, &mut this.ticket, context.waker())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.forget_room(ticket);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match Pin::new(&mut future).poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
