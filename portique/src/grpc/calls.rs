//! Many calls on one stream: they begin in the order of the stream, those of a message together, and are
//! answered when they are done.

use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, FuturesUnordered};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::door::stopping;

/// Calls of one stream that are under way at once; further ones wait in the connection, and then
/// with their sender.
const UNDER_WAY_MAX: usize = 1_024;

/// A kind of call that comes many at a time.
pub(super) trait Calls: Send + 'static {
    /// What comes in.
    type Message: Send + 'static;
    /// One of it.
    type Call: Send + 'static;
    /// What became of one.
    type Answer: Send + 'static;
    /// What goes out.
    type Answers: Send + 'static;

    /// The calls of a message.
    fn calls(message: Self::Message) -> Vec<Self::Call>;

    /// Begins calls; whatever goes wrong is in their answers.
    fn begin(&self, calls: Vec<Self::Call>) -> BoxFuture<'static, Vec<Self::Answer>>;

    /// A message of some answers.
    fn answers(answers: Vec<Self::Answer>) -> Self::Answers;
}

/// The answers to a stream of calls, as many in a message as are ready.
pub(super) fn answer<C: Calls>(
    inbound: Streaming<C::Message>,
    calls: C,
    stop: CancellationToken,
    place: OwnedSemaphorePermit,
) -> BoxStream<'static, Result<C::Answers, Status>> {
    let line = Line {
        inbound: Some(inbound),
        calls,
        waiting: VecDeque::new(),
        under_way: FuturesUnordered::new(),
        under_way_count: 0,
        stop,
        is_stopping: false,
        _place: place,
    };
    stream::unfold(line, |mut line| async move {
        let next = line.next().await?;
        Some((next, line))
    })
    .boxed()
}

/// One stream.
struct Line<C: Calls> {
    /// None after the last call.
    inbound: Option<Streaming<C::Message>>,
    calls: C,
    /// Calls that have come and not begun.
    waiting: VecDeque<C::Call>,
    under_way: FuturesUnordered<BoxFuture<'static, Vec<C::Answer>>>,
    /// How many calls those are.
    under_way_count: usize,
    stop: CancellationToken,
    is_stopping: bool,
    _place: OwnedSemaphorePermit,
}

impl<C: Calls> Line<C> {
    /// The next message to send; none when everything is answered and nothing more comes.
    async fn next(&mut self) -> Option<Result<C::Answers, Status>> {
        loop {
            self.begin();
            if self.inbound.is_none() && self.under_way.is_empty() {
                let was_stopping = std::mem::take(&mut self.is_stopping);
                return was_stopping.then(|| Err(stopping()));
            }
            let listens = self.waiting.is_empty() && self.under_way_count < UNDER_WAY_MAX;
            tokio::select! {
                biased;
                Some(answers) = self.under_way.next() => return Some(Ok(self.ready(answers))),
                said = next_message(&mut self.inbound), if listens => match said {
                    Ok(Some(message)) => self.waiting.extend(C::calls(message)),
                    Ok(None) => self.inbound = None,
                    Err(status) => {
                        self.inbound = None;
                        return Some(Err(status));
                    }
                },
                () = self.stop.cancelled(), if self.inbound.is_some() => {
                    self.inbound = None;
                    self.waiting.clear();
                    self.is_stopping = true;
                }
            }
        }
    }

    fn begin(&mut self) {
        let room = UNDER_WAY_MAX - self.under_way_count;
        let count = self.waiting.len().min(room);
        if count > 0 {
            let calls = self.waiting.drain(..count).collect();
            self.under_way_count += count;
            self.under_way.push(self.calls.begin(calls));
        }
    }

    /// These answers, and all others that are ready.
    fn ready(&mut self, mut answers: Vec<C::Answer>) -> C::Answers {
        while let Some(Some(more)) = self.under_way.next().now_or_never() {
            answers.extend(more);
        }
        self.under_way_count -= answers.len();
        C::answers(answers)
    }
}

/// What the caller says next; never when it has said all.
async fn next_message<M>(inbound: &mut Option<Streaming<M>>) -> Result<Option<M>, Status> {
    match inbound {
        Some(inbound) => inbound.message().await,
        None => std::future::pending().await,
    }
}
