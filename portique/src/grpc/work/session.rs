use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use portique_client::proto::jobs::v1 as pb;
use portique_client::{jobs_status, wire};
use portique_fault::{Fault, Retry};
use portique_jobs::{CLAIM_MAX, Claim, Claimed, Error, JobId, Jobs, Lease, LeaseToken};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::Hello;
use super::settling::{Answer, begin};
use crate::grpc::door::stopping;

/// Open credits that count, and unfinished jobs of one stream: as many as one worker can want.
const HELD_MAX: usize = 8_192;
/// Changes that are under way at once for one stream; further messages wait in the connection.
const SETTLING_MAX: usize = 64;
/// Longest wait of one claim; the next one follows at once.
const CLAIM_WAIT: Duration = Duration::from_secs(60);
/// Bytes of payloads after which a message ends and the next begins.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// One worker's stream.
pub(super) struct Session {
    /// None when the worker has said all.
    inbound: Option<Streaming<pb::WorkerMessage>>,
    jobs: Arc<dyn Jobs>,
    hello: Hello,
    /// Jobs that the worker takes beyond those it has.
    credits: usize,
    /// What the worker has in hand and has not settled.
    held: BTreeMap<JobId, LeaseToken>,
    /// Claimed jobs that did not fit into a message yet.
    outbox: VecDeque<Claimed>,
    claim: Option<BoxFuture<'static, Result<Vec<Claimed>, Error>>>,
    settling: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// The worker said goodbye: what it holds goes back.
    is_leaving: bool,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// What happens to a session.
enum Event {
    Settled(Answer),
    Claimed(Result<Vec<Claimed>, Error>),
    Said(Result<Option<pb::WorkerMessage>, Status>),
    Stop,
}

impl Session {
    pub(super) fn new(
        inbound: Streaming<pb::WorkerMessage>,
        jobs: Arc<dyn Jobs>,
        hello: Hello,
        stop: CancellationToken,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            inbound: Some(inbound),
            jobs,
            hello,
            credits: 0,
            held: BTreeMap::new(),
            outbox: VecDeque::new(),
            claim: None,
            settling: FuturesUnordered::new(),
            is_leaving: false,
            stop,
            _place: place,
        }
    }

    /// The next message to the worker; none at the end.
    pub(super) async fn next(&mut self) -> Option<Result<pb::HubMessage, Status>> {
        loop {
            if !self.outbox.is_empty() {
                return Some(Ok(self.post()));
            }
            self.begin_claim(None);
            self.begin_release();
            if self.inbound.is_none() && self.settling.is_empty() {
                return None;
            }
            match self.handle_next().await {
                Ok(None) => {}
                Ok(Some(message)) => return Some(Ok(message)),
                Err(status) => {
                    self.end();
                    return Some(Err(status));
                }
            }
        }
    }

    /// Does what the worker says.
    ///
    /// # Errors
    /// Invalid argument for what cannot be right.
    pub(super) fn take(&mut self, message: pb::WorkerMessage) -> Result<(), Status> {
        let credits = usize::try_from(message.credits).unwrap_or(HELD_MAX);
        self.credits = self.credits.saturating_add(credits).min(HELD_MAX);
        if message.withdraw || message.goodbye {
            // What a dropped claim had found goes back by itself.
            self.claim = None;
            self.credits = 0;
        }
        if message.goodbye {
            self.is_leaving = true;
            self.inbound = None;
        }
        let begun = begin(&self.jobs, message, &mut self.held);
        let begun = begun.map_err(|error| jobs_status(&error))?;
        self.settling.extend(begun);
        Ok(())
    }

    async fn handle_next(&mut self) -> Result<Option<pb::HubMessage>, Status> {
        match self.event().await {
            Event::Settled(answer) => {
                let mut message = pb::HubMessage::default();
                self.answer(answer, &mut message);
                while let Some(Some(answer)) = self.settling.next().now_or_never() {
                    self.answer(answer, &mut message);
                }
                let is_empty = message.outcomes.is_empty() && message.notices.is_empty();
                Ok((!is_empty).then_some(message))
            }
            Event::Claimed(claimed) => self.claimed(claimed).map(|()| None),
            Event::Said(Ok(Some(message))) => self.take(message).map(|()| None),
            Event::Said(Ok(None)) => {
                self.inbound = None;
                self.claim = None;
                Ok(None)
            }
            Event::Said(Err(status)) => Err(status),
            Event::Stop => Err(stopping()),
        }
    }

    async fn event(&mut self) -> Event {
        let listens = self.settling.len() < SETTLING_MAX;
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Event::Stop,
            Some(answer) = self.settling.next() => Event::Settled(answer),
            claimed = ended(&mut self.claim) => {
                self.claim = None;
                Event::Claimed(claimed)
            }
            said = next_message(&mut self.inbound), if listens => Event::Said(said),
        }
    }

    /// Asks for work, when the worker has room and nothing was asked yet.
    fn begin_claim(&mut self, delay: Option<Duration>) {
        let room = HELD_MAX.saturating_sub(self.held.len() + self.outbox.len());
        let limit = self.credits.min(room).min(CLAIM_MAX);
        if limit == 0 || self.claim.is_some() || self.inbound.is_none() {
            return;
        }
        let claim = Claim {
            queue: self.hello.queue.clone(),
            worker: self.hello.worker.clone(),
            limit,
            wait: CLAIM_WAIT,
            lease: self.hello.lease,
        };
        let jobs = Arc::clone(&self.jobs);
        let claiming = async move {
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            jobs.claim(claim).await
        };
        self.claim = Some(claiming.boxed());
    }

    fn claimed(&mut self, claimed: Result<Vec<Claimed>, Error>) -> Result<(), Status> {
        match claimed {
            Ok(claimed) => {
                self.credits = self.credits.saturating_sub(claimed.len());
                self.outbox.extend(claimed);
                Ok(())
            }
            Err(error) => {
                let Retry::After(delay) = error.retry() else {
                    return Err(jobs_status(&error));
                };
                tracing::debug!(%error, "claiming again for a worker");
                self.begin_claim(Some(delay));
                Ok(())
            }
        }
    }

    /// As many of the claimed jobs as fit into a message.
    fn post(&mut self) -> pb::HubMessage {
        let mut message = pb::HubMessage::default();
        let mut bytes = 0;
        while let Some(claimed) = self.outbox.pop_front() {
            bytes += claimed.payload.body.len();
            if bytes > MESSAGE_BYTES_MAX && !message.jobs.is_empty() {
                self.outbox.push_front(claimed);
                break;
            }
            self.held.insert(claimed.lease.id, claimed.lease.token);
            message.jobs.push(claimed.into());
        }
        message
    }

    /// After a goodbye, once all that was asked is answered.
    fn begin_release(&mut self) {
        if !self.is_leaving || !self.settling.is_empty() || self.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let leases = held.into_iter().map(|(id, token)| Lease { id, token });
        let release = pb::WorkerMessage {
            release: Some(pb::ReleaseRequest {
                leases: wire::each(leases.collect()),
                delay_ns: 0,
            }),
            ..pb::WorkerMessage::default()
        };
        let begun = begin(&self.jobs, release, &mut self.held);
        self.settling.extend(begun.into_iter().flatten());
    }

    fn answer(&mut self, answer: Answer, message: &mut pb::HubMessage) {
        for lease in answer.unchanged {
            self.held.insert(lease.id, lease.token);
        }
        message.outcomes.extend(answer.outcomes);
        for (lease, what) in answer.gone {
            // One that was settled meanwhile is no news.
            if self.held.get(&lease.id) == Some(&lease.token) {
                self.held.remove(&lease.id);
                message.notices.push(pb::Notice {
                    lease: Some(lease.into()),
                    what: pb::Extension::from(what).into(),
                });
            }
        }
    }

    fn end(&mut self) {
        self.inbound = None;
        self.claim = None;
        self.is_leaving = false;
        self.settling.clear();
        self.outbox.clear();
    }
}

/// What the worker says next; never when it has said all.
async fn next_message(
    inbound: &mut Option<Streaming<pb::WorkerMessage>>,
) -> Result<Option<pb::WorkerMessage>, Status> {
    match inbound {
        Some(inbound) => inbound.message().await,
        None => std::future::pending().await,
    }
}

/// What a claim comes to; never when there is none.
async fn ended<T>(claim: &mut Option<BoxFuture<'static, T>>) -> T {
    match claim {
        Some(claim) => claim.await,
        None => std::future::pending().await,
    }
}
