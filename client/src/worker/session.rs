use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use portique_jobs::{Claimed, Extension, Lease, Progress, Settled};
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::Options;
use super::desk::{Desk, Ended, News, Settlement};
use crate::Client;
use crate::proto::jobs::v1 as pb;
use crate::wire;

/// Messages that wait for the connection: one on its way and one behind it.
const MESSAGES_MAX: usize = 2;
/// Bytes of results after which a message is sent and the next begun; the hub takes eight times this.
const MESSAGE_BYTES: usize = 1 << 20;
/// Time between heartbeats until a lease says how long it holds.
const BEAT: Duration = Duration::from_secs(10);
/// Heartbeats in the time of a lease: two may be lost.
const BEATS_PER_LEASE: u32 = 3;
/// How long the hub may take to answer a goodbye.
const GOODBYE_WAIT_MAX: Duration = Duration::from_secs(5);

/// One stream to the hub.
pub(super) struct Session {
    messages: mpsc::Sender<pb::WorkerMessage>,
    hub: Streaming<pb::HubMessage>,
    out: Outgoing,
    /// In hand since before this stream, so that its heartbeat does not speak for them.
    carried: Vec<Lease>,
    /// What the hub could not settle, said again with the next heartbeat.
    again: Vec<Settlement>,
    beat: Duration,
    next_beat: Instant,
}

/// Whether the worker is asked to stop, and until when it may end its jobs.
pub(super) struct Course<'a, F> {
    pub(super) stop: Pin<&'a mut F>,
    pub(super) drain_end: &'a mut Option<Instant>,
    pub(super) drain: Duration,
}

/// What has not been sent.
#[derive(Default)]
struct Outgoing {
    credits: u32,
    settlements: VecDeque<Settlement>,
    extend: Vec<Lease>,
    release: Vec<Lease>,
    progress: Vec<(Lease, Progress)>,
    heartbeat: bool,
    withdraw: bool,
    goodbye: bool,
}

/// What happens on a stream.
enum Event {
    Said(Result<Option<pb::HubMessage>, Status>),
    Of(News),
    MaySend(Option<OwnedPermit<pb::WorkerMessage>>),
    Beat,
    Stop,
    DrainOver,
}

impl Session {
    /// Opens a stream, and says again what the hub has not acknowledged.
    pub(super) async fn open(
        client: &Client,
        options: &Options,
        desk: &Desk,
        takes_more: bool,
    ) -> Result<Self, Status> {
        let (messages, receiver) = mpsc::channel(MESSAGES_MAX);
        let room = if takes_more { desk.room() } else { 0 };
        let hello = pb::WorkerMessage {
            hello: Some(pb::Hello {
                queue: options.queue.to_string(),
                worker: options.name.to_string(),
                lease_ns: options.lease.map(wire::nanos),
            }),
            credits: wire::count(room),
            ..pb::WorkerMessage::default()
        };
        messages
            .try_send(hello)
            .expect("a new channel has room for a message");
        let mut jobs = client.jobs_client();
        let hub = jobs.work(ReceiverStream::new(receiver)).await?.into_inner();
        let lease = options.lease.unwrap_or(BEAT * BEATS_PER_LEASE);
        Ok(Self {
            messages,
            hub,
            out: Outgoing {
                settlements: desk.unsettled().cloned().collect(),
                ..Outgoing::default()
            },
            carried: desk.in_hand().collect(),
            again: Vec::new(),
            beat: lease / BEATS_PER_LEASE,
            // What was carried over has waited long enough.
            next_beat: Instant::now(),
        })
    }

    /// Works until the goodbye is answered.
    ///
    /// # Errors
    /// Why the stream broke.
    pub(super) async fn run<F: Future<Output = ()>>(
        mut self,
        desk: &mut Desk,
        mut course: Course<'_, F>,
    ) -> Result<(), Status> {
        loop {
            if course.drain_end.is_some() && desk.is_clear() && self.out.is_empty() {
                return self.leave().await;
            }
            match self.event(desk, &mut course).await {
                Event::Said(Ok(Some(message))) => {
                    self.hear(message, desk, course.drain_end.is_none())?;
                }
                Event::Said(Ok(None)) => return Err(Status::unavailable("the hub hung up")),
                Event::Said(Err(status)) => return Err(status),
                Event::Of(News::Progress(lease, progress)) => {
                    self.out.progress.push((lease, progress));
                }
                Event::Of(News::Ended(ended)) => {
                    self.ended(ended, course.drain_end.is_none());
                    while let Some(ended) = desk.try_ended() {
                        self.ended(ended, course.drain_end.is_none());
                    }
                }
                Event::MaySend(Some(permit)) => _ = permit.send(self.out.next_message()),
                // What the hub says last tells why.
                Event::MaySend(None) => return Err(self.last_word().await),
                Event::Beat => self.beat(desk),
                Event::Stop => {
                    *course.drain_end = Some(Instant::now() + course.drain);
                    self.out.credits = 0;
                    self.out.withdraw = true;
                }
                Event::DrainOver => {
                    tracing::warn!("giving up jobs that did not end in time");
                    desk.abandon();
                    return self.leave().await;
                }
            }
        }
    }

    async fn event<F: Future<Output = ()>>(
        &mut self,
        desk: &mut Desk,
        course: &mut Course<'_, F>,
    ) -> Event {
        let has_news = !self.out.is_empty();
        let drain_end = course.drain_end.unwrap_or(self.next_beat);
        tokio::select! {
            said = self.hub.message() => Event::Said(said),
            news = desk.news() => Event::Of(news),
            permit = self.messages.clone().reserve_owned(), if has_news => {
                Event::MaySend(permit.ok())
            }
            () = sleep_until(self.next_beat) => Event::Beat,
            () = course.stop.as_mut(), if course.drain_end.is_none() => Event::Stop,
            () = sleep_until(drain_end), if course.drain_end.is_some() => Event::DrainOver,
        }
    }

    fn hear(
        &mut self,
        message: pb::HubMessage,
        desk: &mut Desk,
        takes_more: bool,
    ) -> Result<(), Status> {
        for claimed in message.jobs {
            let claimed = Claimed::try_from(claimed).map_err(|error| {
                Status::internal(format!("the hub's job cannot be read: {error}"))
            })?;
            if !takes_more {
                self.out.release.push(claimed.lease);
                continue;
            }
            let beat = claimed.lease_time / BEATS_PER_LEASE;
            if beat < self.beat {
                self.beat = beat;
                self.next_beat = self.next_beat.min(Instant::now() + beat);
            }
            desk.begin(claimed);
        }
        for outcome in message.outcomes {
            self.outcome(outcome, desk);
        }
        for notice in message.notices {
            if let Some(lease) = notice.lease {
                let (lease, what) = (Lease::from(lease), notice.what());
                tracing::warn!(id = %lease.id, ?what, "a job is not this worker's any more");
                desk.lose(lease);
            }
        }
        Ok(())
    }

    fn outcome(&mut self, outcome: pb::Outcome, desk: &mut Desk) {
        use pb::outcome::Outcome;
        let Some(lease) = outcome.lease.map(Lease::from) else {
            return;
        };
        match outcome.outcome {
            Some(Outcome::Settled(settled)) => {
                let settled = Settled::from(settled);
                if desk.settled(lease).is_some() && settled == Settled::Stale {
                    tracing::warn!(id = %lease.id, "what a job came to does not count: it was lost");
                }
            }
            Some(Outcome::Extension(extension)) => {
                let extension = pb::Extension::try_from(extension).unwrap_or_default();
                if Extension::from(extension) != Extension::Held {
                    desk.lose(lease);
                }
            }
            Some(Outcome::Failed(failure)) => self.failed(lease, failure, desk),
            None => {}
        }
    }

    /// The hub could not settle a job now, or will not as it was said.
    fn failed(&mut self, lease: Lease, failure: pb::Failure, desk: &mut Desk) {
        let Some(settlement) = desk.settled(lease) else {
            return;
        };
        if let Some(millis) = failure.retry_after_ms {
            desk.keep(lease, settlement.clone());
            self.again.push(settlement);
            let soon = Instant::now() + Duration::from_millis(millis);
            self.next_beat = self.next_beat.min(soon);
            return;
        }
        tracing::warn!(id = %lease.id, problem = failure.message, "the hub refuses a settlement");
        if let Settlement::Done(_) = settlement {
            let reason = format!("its completion was refused: {}", failure.message);
            self.out.settlements.push_back(desk.fail(lease, &reason));
        }
    }

    fn ended(&mut self, ended: Ended, takes_more: bool) {
        match ended {
            Ended::Settled(settlement) => self.out.settlements.push_back(settlement),
            // The hub holds it for this stream until it hears of it, and says that it is lost otherwise.
            Ended::GivenBack(lease) => self.out.release.push(lease),
            Ended::Cancelled => {}
        }
        self.out.credits += u32::from(takes_more);
    }

    fn beat(&mut self, desk: &Desk) {
        let in_hand: Vec<Lease> = desk.in_hand().collect();
        self.carried.retain(|lease| in_hand.contains(lease));
        self.out.extend.clone_from(&self.carried);
        self.out.heartbeat = !in_hand.is_empty();
        self.out.settlements.extend(self.again.drain(..));
        self.next_beat = Instant::now() + self.beat;
    }

    /// Says goodbye, and waits until the hub has let go.
    async fn leave(mut self) -> Result<(), Status> {
        self.out.goodbye = true;
        let leaving = async {
            while !self.out.is_empty() {
                let message = self.out.next_message();
                if self.messages.send(message).await.is_err() {
                    break;
                }
            }
            drop(self.messages);
            while self.hub.message().await?.is_some() {}
            Ok(())
        };
        match tokio::time::timeout(GOODBYE_WAIT_MAX, leaving).await {
            Ok(left) => left,
            Err(_) => {
                tracing::warn!("the hub does not answer the goodbye: its leases run out");
                Ok(())
            }
        }
    }

    async fn last_word(&mut self) -> Status {
        match self.hub.message().await {
            Err(status) => status,
            Ok(_) => Status::unavailable("the connection was lost"),
        }
    }
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        let has_flag = self.heartbeat || self.withdraw || self.goodbye;
        self.credits == 0
            && !has_flag
            && self.settlements.is_empty()
            && self.extend.is_empty()
            && self.release.is_empty()
            && self.progress.is_empty()
    }

    /// As much as one message holds.
    fn next_message(&mut self) -> pb::WorkerMessage {
        let mut message = pb::WorkerMessage {
            credits: std::mem::take(&mut self.credits),
            extend: wire::each(std::mem::take(&mut self.extend)),
            heartbeat: std::mem::take(&mut self.heartbeat),
            withdraw: std::mem::take(&mut self.withdraw),
            ..pb::WorkerMessage::default()
        };
        if !self.release.is_empty() {
            message.release = Some(pb::ReleaseRequest {
                leases: wire::each(std::mem::take(&mut self.release)),
                delay_ns: 0,
            });
        }
        let progress = std::mem::take(&mut self.progress).into_iter();
        let progress = progress.map(|(lease, progress)| pb::ProgressRequest {
            lease: Some(lease.into()),
            share: progress.share,
            note: progress.note,
        });
        message.progress.extend(progress);
        let mut bytes = 0;
        while bytes < MESSAGE_BYTES
            && let Some(settlement) = self.settlements.pop_front()
        {
            match settlement {
                Settlement::Done(completion) => {
                    let result = completion.result.as_ref();
                    bytes += result.map_or(0, |result| result.body.len());
                    message.completions.push(completion.into());
                }
                Settlement::Failed(failing) => {
                    bytes += failing.reason.len();
                    message.failings.push(failing.into());
                }
            }
        }
        message.goodbye = self.settlements.is_empty() && std::mem::take(&mut self.goodbye);
        message
    }
}
