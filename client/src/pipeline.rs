//! Many calls in flight on one stream.
//!
//! A task owns the stream. It sends what has come together since the last message as one message, so
//! that the more callers there are the larger messages get, without waiting for anybody. A stream that
//! breaks leaves its unanswered calls in doubt; the next call opens another one.

use std::collections::HashMap;

use async_trait::async_trait;
use prost::Message;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::{Status, Streaming};

use crate::backoff::Backoff;
use crate::call::{Failed, loss, reached, reason, say_waiting};
use crate::client::Line;

/// Calls without an answer on one stream: what the hub works on at once. Callers beyond it wait.
const UNANSWERED_MAX: usize = 1_024;
/// Calls that wait for the stream.
const WAITING_MAX: usize = 1_024;
/// Calls taken together into a message.
const TOGETHER_MAX: usize = 256;
/// Bytes after which a message is sent and the next begun.
const MESSAGE_BYTES: usize = 1 << 20;
/// Largest request: what the hub takes as a message, less what surrounds a call.
const REQUEST_BYTES_MAX: usize = (8 << 20) - 64;
/// Messages that wait for the connection: one on its way and one behind it.
const MESSAGES_MAX: usize = 2;

/// A kind of call that has a stream of its own.
#[async_trait]
pub(crate) trait Calls: Sized + Send + Sync + 'static {
    /// What is asked.
    type Request: Message + 'static;
    /// What is answered.
    type Reply: Send + 'static;
    /// Some calls.
    type Message: Send + 'static;
    /// Some answers.
    type Answers: Send + 'static;
    /// The port's error.
    type Error: From<Failed> + Send + 'static;

    /// A message of some calls.
    fn message(calls: Vec<(u64, Self::Request)>) -> Self::Message;

    /// The answers of a message, each with the number of its call.
    fn answers(message: Self::Answers) -> Vec<(u64, Answered<Self>)>;

    /// What a request over the limit is answered with.
    fn too_large(given: usize, max: usize) -> Self::Error;

    /// Opens the stream.
    async fn open(
        &self,
        messages: ReceiverStream<Self::Message>,
    ) -> Result<Streaming<Self::Answers>, Status>;
}

/// What a call came to.
type Answered<C> = Result<<C as Calls>::Reply, <C as Calls>::Error>;

/// A caller's request, and where its answer goes.
struct Ask<C: Calls> {
    request: C::Request,
    bytes: usize,
    answer: oneshot::Sender<Answered<C>>,
}

/// The callers' end of a stream.
pub(crate) struct Pipeline<C: Calls> {
    asks: mpsc::Sender<Ask<C>>,
}

impl<C: Calls> Pipeline<C> {
    /// Starts the task that owns the stream.
    pub(crate) fn start(calls: C, line: Line, tasks: &TaskTracker) -> Self {
        let (sender, asks) = mpsc::channel(WAITING_MAX);
        let stop = line.stop.clone();
        let owner = Owner {
            calls,
            line,
            asks,
            together: Vec::new(),
            unanswered: HashMap::new(),
            next_call: 1,
        };
        tasks.spawn(async move {
            _ = stop.run_until_cancelled(owner.run()).await;
        });
        Self { asks: sender }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn call(&self, request: C::Request) -> Result<C::Reply, C::Error> {
        let bytes = request.encoded_len();
        if bytes > REQUEST_BYTES_MAX {
            return Err(C::too_large(bytes, REQUEST_BYTES_MAX));
        }
        let (answer, answered) = oneshot::channel();
        let ask = Ask {
            request,
            bytes,
            answer,
        };
        let closed = || Failed::NotReached("the client is closed".into());
        self.asks.send(ask).await.map_err(|_| closed())?;
        match answered.await {
            Ok(answer) => answer,
            Err(_) => Err(closed().into()),
        }
    }
}

/// The task's side.
struct Owner<C: Calls> {
    calls: C,
    line: Line,
    asks: mpsc::Receiver<Ask<C>>,
    /// Taken from the callers, and not sent.
    together: Vec<Ask<C>>,
    unanswered: HashMap<u64, oneshot::Sender<Answered<C>>>,
    next_call: u64,
}

/// An open stream.
struct Open<C: Calls> {
    messages: mpsc::Sender<C::Message>,
    answers: Streaming<C::Answers>,
}

/// What happens on an open stream.
enum Event<C: Calls> {
    Asked,
    MaySend(OwnedPermit<C::Message>),
    Answered(Result<Option<C::Answers>, Status>),
    Closed,
}

impl<C: Calls> Owner<C> {
    async fn run(mut self) {
        loop {
            if self.together.is_empty() {
                let Some(ask) = self.asks.recv().await else {
                    return;
                };
                self.together.push(ask);
            }
            match self.open().await {
                Ok(open) => {
                    let lost = self.serve(open).await;
                    self.give_up(&lost);
                }
                Err(failed) => self.refuse(failed),
            }
        }
    }

    /// Opens the stream, as long as the patience lasts.
    async fn open(&mut self) -> Result<Open<C>, Status> {
        let deadline = Instant::now() + self.line.patience;
        let mut backoff = Backoff::new(self.line.seed);
        loop {
            let (messages, receiver) = mpsc::channel(MESSAGES_MAX);
            let status = match self.calls.open(ReceiverStream::new(receiver)).await {
                Ok(answers) => {
                    reached(&self.line.connection);
                    return Ok(Open { messages, answers });
                }
                Err(status) => status,
            };
            let wait = backoff.next();
            if loss(&status).is_none() || Instant::now() + wait > deadline {
                return Err(status);
            }
            say_waiting(&self.line.connection, reason(&status));
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends and hears until the stream breaks; says why it did.
    async fn serve(&mut self, mut open: Open<C>) -> String {
        loop {
            match self.event(&mut open).await {
                Event::Asked => {}
                Event::MaySend(permit) => self.send(permit),
                Event::Answered(Ok(Some(message))) => {
                    for (call, answer) in C::answers(message) {
                        if let Some(caller) = self.unanswered.remove(&call) {
                            // A caller that went away does not want it.
                            _ = caller.send(answer);
                        }
                    }
                }
                Event::Answered(Ok(None)) => return "the hub ended the stream".into(),
                Event::Answered(Err(status)) => return reason(&status),
                Event::Closed => return "the client is closed".into(),
            }
        }
    }

    async fn event(&mut self, open: &mut Open<C>) -> Event<C> {
        let room = UNANSWERED_MAX - self.unanswered.len();
        let takes = self.together.is_empty() && room > 0;
        let has = !self.together.is_empty();
        tokio::select! {
            biased;
            answered = open.answers.message() => Event::Answered(answered),
            count = self.asks.recv_many(&mut self.together, room.min(TOGETHER_MAX)), if takes => {
                if count == 0 { Event::Closed } else { Event::Asked }
            }
            permit = open.messages.clone().reserve_owned(), if has => match permit {
                Ok(permit) => Event::MaySend(permit),
                // The answers say why.
                Err(_) => Event::Answered(open.answers.message().await),
            },
        }
    }

    /// Sends as much of what has come together as a message holds.
    fn send(&mut self, permit: OwnedPermit<C::Message>) {
        let mut bytes = 0;
        let fits = self.together.iter().take_while(|ask| {
            let is_first = bytes == 0;
            bytes += ask.bytes;
            is_first || bytes <= MESSAGE_BYTES
        });
        let count = fits.count();
        let mut calls = Vec::with_capacity(count);
        for ask in self.together.drain(..count) {
            let call = self.next_call;
            self.next_call += 1;
            self.unanswered.insert(call, ask.answer);
            calls.push((call, ask.request));
        }
        permit.send(C::message(calls));
    }

    /// The stream broke: nobody knows of what was sent.
    fn give_up(&mut self, reason: &str) {
        for (_, caller) in self.unanswered.drain() {
            _ = caller.send(Err(Failed::InDoubt(reason.into()).into()));
        }
    }

    /// The stream cannot be opened: nothing of what waits was sent.
    fn refuse(&mut self, status: Status) {
        let is_lost = loss(&status).is_some();
        let refused = std::mem::take(&mut self.together);
        for ask in refused {
            let failed = if is_lost {
                Failed::NotReached(reason(&status))
            } else {
                Failed::Refused(status.clone())
            };
            _ = ask.answer.send(Err(failed.into()));
        }
    }
}
