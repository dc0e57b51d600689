//! A worker's stream, message by message.

use std::time::Duration;

use portique_client::proto::jobs::v1 as pb;
use portique_client::wire;
use portique_jobs::{Claim, Extension, JobKind, JobState, NewJob, Payload, QueueName, WorkerName};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::rig::Rig;

const LEASE: Duration = Duration::from_secs(10);

/// The worker's end of a stream.
struct Stream {
    say: mpsc::Sender<pb::WorkerMessage>,
    hub: Streaming<pb::HubMessage>,
}

impl Stream {
    async fn open(rig: &Rig, credits: u32) -> Self {
        let hello = pb::WorkerMessage {
            hello: Some(pb::Hello {
                queue: "mail".into(),
                worker: "tests".into(),
                lease_ns: Some(wire::nanos(LEASE)),
            }),
            credits,
            ..pb::WorkerMessage::default()
        };
        Self::begin(rig, hello).await.unwrap()
    }

    async fn begin(rig: &Rig, first: pb::WorkerMessage) -> Result<Self, Status> {
        let (say, said) = mpsc::channel(8);
        say.send(first).await.unwrap();
        let hub = rig.raw_jobs().await.work(ReceiverStream::new(said)).await?;
        Ok(Self {
            say,
            hub: hub.into_inner(),
        })
    }

    async fn say(&self, message: pb::WorkerMessage) {
        self.say.send(message).await.unwrap();
    }

    async fn hear(&mut self) -> pb::HubMessage {
        self.hub
            .message()
            .await
            .unwrap()
            .expect("the stream goes on")
    }

    async fn job(&mut self) -> pb::Claimed {
        let mut jobs = self.hear().await.jobs;
        assert_eq!(jobs.len(), 1);
        jobs.remove(0)
    }

    async fn beat(&self) {
        let beat = pb::WorkerMessage {
            heartbeat: true,
            ..pb::WorkerMessage::default()
        };
        self.say(beat).await;
    }

    /// The answer to an extension: all that was said before it was done, too.
    async fn extend(&mut self, lease: pb::Lease) -> Extension {
        let extend = pb::WorkerMessage {
            extend: vec![lease],
            ..pb::WorkerMessage::default()
        };
        self.say(extend).await;
        let outcome = self.hear().await.outcomes.remove(0).outcome;
        let Some(pb::outcome::Outcome::Extension(extension)) = outcome else {
            panic!("{outcome:?}");
        };
        pb::Extension::try_from(extension).unwrap().into()
    }
}

fn queue() -> QueueName {
    QueueName::new("mail").unwrap()
}

async fn enqueue(rig: &Rig, count: usize) {
    let kind = JobKind::new("send").unwrap();
    let job = NewJob::new(queue(), kind, Payload::json("{}"));
    let enqueued = rig.client().jobs().enqueue(vec![job; count]).await;
    assert_eq!(enqueued.unwrap().len(), count);
}

async fn claim(rig: &Rig, limit: usize) -> usize {
    let claim = Claim {
        queue: queue(),
        worker: WorkerName::new("another").unwrap(),
        limit,
        wait: Duration::ZERO,
        lease: None,
    };
    rig.client().jobs().claim(claim).await.unwrap().len()
}

#[tokio::test]
async fn no_more_jobs_come_than_credits_were_given() {
    let rig = Rig::open().await;
    enqueue(&rig, 5).await;
    let mut stream = Stream::open(&rig, 2).await;
    let mut jobs = Vec::new();
    while jobs.len() < 2 {
        jobs.extend(stream.hear().await.jobs);
    }
    let lease = jobs[0].lease;
    assert_eq!(stream.extend(lease.unwrap()).await, Extension::Held);
    assert_eq!(claim(&rig, 10).await, 3, "the others are nobody's");
}

#[tokio::test]
async fn completions_are_answered_and_credits_bring_more() {
    let rig = Rig::open().await;
    enqueue(&rig, 2).await;
    let mut stream = Stream::open(&rig, 1).await;
    let lease = stream.job().await.lease.unwrap();
    let done = pb::WorkerMessage {
        credits: 1,
        completions: vec![pb::Completion {
            lease: Some(lease),
            result: None,
        }],
        ..pb::WorkerMessage::default()
    };
    stream.say(done).await;
    let (mut outcomes, mut jobs) = (Vec::new(), Vec::new());
    while outcomes.is_empty() || jobs.is_empty() {
        let message = stream.hear().await;
        outcomes.extend(message.outcomes);
        jobs.extend(message.jobs);
    }
    assert_eq!(outcomes[0].lease, Some(lease));
    assert_ne!(jobs[0].lease.unwrap().id, lease.id);
    let id = portique_jobs::JobId(lease.id);
    let state = rig.client().jobs().job(id).await.unwrap().state;
    assert!(matches!(state, JobState::Completed { .. }), "{state:?}");
}

#[tokio::test]
async fn connected_and_silent_loses_the_lease() {
    let rig = Rig::open().await;
    enqueue(&rig, 1).await;
    let mut stream = Stream::open(&rig, 1).await;
    let lease = stream.job().await.lease.unwrap();
    rig.advance(LEASE).await;
    assert_eq!(claim(&rig, 1).await, 1, "it is another's");
    stream.beat().await;
    let notice = stream.hear().await.notices.remove(0);
    assert_eq!(notice.lease, Some(lease));
    assert_eq!(notice.what(), pb::Extension::Lost);
}

#[tokio::test]
async fn a_heartbeat_keeps_the_leases_of_the_stream() {
    let rig = Rig::open().await;
    enqueue(&rig, 1).await;
    let mut stream = Stream::open(&rig, 1).await;
    let lease = stream.job().await.lease.unwrap();
    rig.advance(LEASE * 3 / 4).await;
    stream.beat().await;
    // Said behind the heartbeat, of a lease that nobody has.
    let none = pb::Lease { id: 999, token: 1 };
    assert_eq!(stream.extend(none).await, Extension::Lost);
    rig.advance(LEASE * 3 / 4).await;
    assert_eq!(claim(&rig, 1).await, 0);
    assert_eq!(stream.extend(lease).await, Extension::Held);
}

#[tokio::test]
async fn a_cancelled_job_is_told_after_a_heartbeat() {
    let rig = Rig::open().await;
    enqueue(&rig, 1).await;
    let mut stream = Stream::open(&rig, 1).await;
    let lease = stream.job().await.lease.unwrap();
    let id = portique_jobs::JobId(lease.id);
    rig.client().jobs().cancel(&[id]).await.unwrap();
    stream.beat().await;
    let notice = stream.hear().await.notices.remove(0);
    assert_eq!(notice.what(), pb::Extension::Cancelled);
}

#[tokio::test]
async fn a_goodbye_gives_back_what_is_unfinished() {
    let rig = Rig::open().await;
    enqueue(&rig, 1).await;
    let mut stream = Stream::open(&rig, 1).await;
    stream.job().await;
    let goodbye = pb::WorkerMessage {
        goodbye: true,
        ..pb::WorkerMessage::default()
    };
    stream.say(goodbye).await;
    while stream.hub.message().await.unwrap().is_some() {}
    assert_eq!(claim(&rig, 1).await, 1);
}

#[tokio::test]
async fn a_stream_that_breaks_leaves_the_leases_to_run_out() {
    let rig = Rig::open().await;
    enqueue(&rig, 1).await;
    let mut stream = Stream::open(&rig, 1).await;
    let lease = stream.job().await.lease.unwrap();
    drop(stream);
    let mut again = Stream::open(&rig, 0).await;
    assert_eq!(
        again.extend(lease).await,
        Extension::Held,
        "it may come back"
    );
    drop(again);
    rig.advance(LEASE).await;
    assert_eq!(claim(&rig, 1).await, 1);
}

#[tokio::test]
async fn who_does_not_say_who_it_is_is_refused() {
    let rig = Rig::open().await;
    let refused = Stream::begin(&rig, pb::WorkerMessage::default()).await;
    assert_eq!(refused.err().unwrap().code(), Code::InvalidArgument);
}
