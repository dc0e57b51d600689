//! The shell on a committer that goes only when a test has it go.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use portique_bus::{ConsumerName, ConsumerOptions, Sequence, Start};
use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_event::{Event, Filter, Subject};
use portique_jobs::{Claim, JobKind, NewJob, Payload, QueueName, WorkerName};
use portique_journal::{Committer, Config as JournalConfig, Lane, Retention, SimulatedDisk, Step};

use super::commit::Draft;
use super::*;
use crate::fact::Fact;

/// How long a test waits for what must come at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A journal on a small disk, whose committer is stepped by hand.
struct Ground {
    disk: Arc<SimulatedDisk>,
    clock: Arc<SimulatedClock>,
    journal: Journal,
    committer: Arc<Mutex<Committer>>,
}

impl Ground {
    fn open(config: JournalConfig) -> Self {
        let disk = Arc::new(SimulatedDisk::new(1, 1 << 30));
        let start = Timestamp::from_millis(1_795_000_000_000);
        let clock = Arc::new(SimulatedClock::new(start));
        let opened = Journal::open(config, disk.clone(), clock.clone(), &mut Seeded::new(7));
        let opened = opened.unwrap();
        let committer = Arc::new(Mutex::new(opened.committer));
        run_dry(&committer);
        Self {
            disk,
            clock,
            journal: opened.journal,
            committer,
        }
    }

    async fn broker(&self) -> Broker {
        let opening = Broker::open(Config::default(), self.journal.clone(), self.clock.clone());
        let broker = self.beside(opening).await.unwrap();
        run_dry(&self.committer);
        broker
    }

    /// Has the committer go on beside something.
    async fn beside<T>(&self, work: impl Future<Output = T>) -> T {
        let committer = async {
            loop {
                run_dry(&self.committer);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = committer => unreachable!("it goes on"),
        }
    }

    /// Leaves no room on the disk, and a record that waits for some.
    fn fill(&self) {
        let used: usize = self.disk.files().values().map(Vec::len).sum();
        self.disk.resize(used as u64);
        let is_taken = || {
            let filler = Draft::event(Timestamp::EPOCH, event("filler", 5_000));
            let pending = self.journal.submit(vec![filler.record()], Lane::Drain);
            run_dry(&self.committer);
            self.journal.durable() >= *pending.unwrap().sequences().end()
        };
        while is_taken() {}
    }
}

/// Has the committer do all there is to do.
fn run_dry(committer: &Mutex<Committer>) {
    let mut committer = committer.lock().unwrap();
    while committer.step() == Step::Worked {}
}

/// One segment of 256 KiB, a queue of one frame of 8 KiB.
fn narrow() -> JournalConfig {
    JournalConfig {
        segment_bytes: 256 * 1024,
        frame_bytes_max: 8 * 1024,
        queue_bytes_max: 8 * 1024,
        reserve_bytes: 0,
        ..JournalConfig::default()
    }
}

fn event(id: &str, bytes: usize) -> Event {
    Event::builder(id, "/bench", "bench.event", Subject::new("a").unwrap())
        .json("x".repeat(bytes))
        .build()
        .unwrap()
}

fn name(text: &str) -> ConsumerName {
    ConsumerName::new(text).unwrap()
}

/// One delivery of each event, ten seconds long.
fn once() -> ConsumerOptions {
    ConsumerOptions {
        ack_wait: Duration::from_secs(10),
        max_deliver: 1,
        ..ConsumerOptions::new(Filter::new("a").unwrap())
    }
}

/// A body that empties the journal's queue when the last copy of it is let go.
struct EmptiesQueue {
    body: Vec<u8>,
    committer: Arc<Mutex<Committer>>,
}

impl AsRef<[u8]> for EmptiesQueue {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for EmptiesQueue {
    fn drop(&mut self) {
        // Not when the committer itself lets it go.
        if let Ok(mut committer) = self.committer.try_lock() {
            while committer.step() == Step::Worked {}
        }
    }
}

#[tokio::test]
async fn a_queue_emptied_right_after_it_was_full_is_not_waited_for() {
    let ground = Ground::open(narrow());
    let broker = ground.broker().await;
    let shared = &broker.shared;
    let accepted = shared.clock.now();
    let draft = |_: &Core, _| Ok::<_, Infallible>(vec![Draft::event(accepted, event("1", 5_000))]);
    let refusal = |error| panic!("{error}");
    let first = shared.submit(Lane::Work, draft, refusal).await.unwrap();

    let mut attempts = 0;
    let decide = |_: &Core, _| {
        attempts += 1;
        let body = EmptiesQueue {
            body: vec![0; 5_000],
            committer: ground.committer.clone(),
        };
        let body = Bytes::from_owner(body);
        Ok::<_, Infallible>(vec![Draft::fact(Fact::Published(body))])
    };
    let second = shared.submit(Lane::Work, decide, refusal);
    let second = tokio::time::timeout(PATIENCE, second)
        .await
        .expect("nobody else will move the watermark");
    assert!(first.is_some() && second.unwrap().is_some());
    assert_eq!(attempts, 2, "the queue was full at first");
}

/// What a start says that the disk does not take.
async fn refused_start(ground: &Ground) -> Error {
    let (journal, clock) = (ground.journal.clone(), ground.clock.clone());
    let opening = Broker::open(Config::default(), journal, clock);
    let opened = tokio::time::timeout(6 * PATIENCE, opening).await;
    let opened = opened.expect("it does not wait for ever");
    opened.err().expect("its start is not durable")
}

#[tokio::test(start_paused = true)]
async fn a_start_that_does_not_become_durable_ends_and_says_so() {
    let stands_still = refused_start(&Ground::open(narrow())).await;
    assert!(
        matches!(stands_still, Error::Exhausted { .. }),
        "{stands_still:?}"
    );
    let ground = Ground::open(narrow());
    ground.fill();
    let full = refused_start(&ground).await;
    assert_eq!(full.code(), Code::ResourceExhausted, "{full:?}");
    assert!(chain(&full).contains("free space"), "{full:?}");
}

#[tokio::test(start_paused = true)]
async fn a_close_that_cannot_leave_a_checkpoint_goes_on_without() {
    for is_full in [false, true] {
        let ground = Ground::open(narrow());
        let broker = ground.broker().await;
        if is_full {
            ground.fill();
        }
        let closing = tokio::time::timeout(6 * PATIENCE, broker.close()).await;
        closing.expect("it does not wait for ever").unwrap();
    }
}

#[tokio::test]
async fn what_a_lost_acknowledgement_would_need_is_not_released() {
    let ground = Ground::open(JournalConfig {
        retention: Retention {
            bytes: Some(1),
            age: None,
        },
        ..narrow()
    });
    let broker = ground.broker().await;
    let (bus, worker) = (broker.bus(), name("worker"));
    let published = ground.beside(async {
        bus.consumer(&worker, once()).await.unwrap();
        bus.publish(vec![event("1", 1), event("2", 1)])
            .await
            .unwrap()
    });
    let published = published.await;
    let held = ground
        .beside(bus.fetch(&worker, 2, Duration::ZERO))
        .await
        .unwrap();
    ground
        .beside(checkpoint::write(&broker.shared))
        .await
        .unwrap();

    let tokens = [held[0].token];
    tokio::select! {
        biased;
        _ = bus.ack(&worker, &tokens) => panic!("the committer stands still"),
        () = std::future::ready(()) => {}
    }
    broker.tick().await.unwrap();
    let floor = ground.journal.trim_floor().0;
    assert!(
        floor <= published[0].0,
        "{floor} is beyond what a power cut brings back"
    );
    run_dry(&ground.committer);
    broker.tick().await.unwrap();
    assert_eq!(Sequence(ground.journal.trim_floor().0), published[1]);
}

#[tokio::test(start_paused = true)]
async fn housekeeping_goes_on_after_a_refusal() {
    let ground = Ground::open(narrow());
    let broker = ground.broker().await;
    let (bus, worker) = (broker.bus(), name("worker"));
    ground
        .beside(async {
            // So many that a checkpoint does not fit into a frame.
            for index in 0..100 {
                let idle = name(&format!("{index:0>64}"));
                bus.consumer(&idle, once()).await.unwrap();
            }
            bus.consumer(&worker, once()).await.unwrap();
        })
        .await;
    ground
        .clock
        .advance(broker.shared.config.checkpoint_interval);
    let refused = ground.beside(broker.tick()).await;
    assert!(matches!(refused, Err(Error::Journal(_))), "{refused:?}");
    let letters = Filter::new("dead.>").unwrap();
    let life = async {
        tokio::time::sleep(PATIENCE).await;
        ground
            .beside(bus.publish(vec![event("1", 1)]))
            .await
            .unwrap();
        ground
            .beside(bus.fetch(&worker, 1, Duration::ZERO))
            .await
            .unwrap();
        ground.clock.advance(PATIENCE);
        for _ in 0..100 {
            tokio::time::sleep(PATIENCE / 100).await;
            run_dry(&ground.committer);
            let page = bus.read(&letters, Start::First, 1).await.unwrap();
            if page.events.len() == 1 {
                return;
            }
        }
        panic!("nobody buries what is spent");
    };
    tokio::select! {
        () = broker.run() => panic!("it runs until the broker is closed"),
        () = life => {}
    }
}

fn job(body: &str) -> NewJob {
    let kind = JobKind::new("test.kind").unwrap();
    let queue = QueueName::new("work").unwrap();
    NewJob::new(queue, kind, Payload::json(body.to_owned()))
}

fn ask(limit: usize) -> Claim {
    Claim {
        queue: QueueName::new("work").unwrap(),
        worker: WorkerName::new("worker").unwrap(),
        limit,
        wait: Duration::ZERO,
        lease: None,
    }
}

#[tokio::test]
async fn a_claim_given_up_before_its_answer_costs_no_attempt() {
    let ground = Ground::open(narrow());
    let broker = ground.broker().await;
    let jobs = broker.jobs();
    let mut enqueuing = pin!(jobs.enqueue(vec![job("1"), job("2")]));
    let mut claiming = Box::pin(jobs.claim(ask(10)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(enqueuing.as_mut().poll(&mut context).is_pending());
    assert!(
        claiming.as_mut().poll(&mut context).is_pending(),
        "nothing is handed out before it is durable"
    );
    assert_eq!(jobs.queues().await.unwrap()[0].counts.active, 2);
    drop(claiming);
    assert_eq!(jobs.queues().await.unwrap()[0].counts.active, 0);
    ground.beside(enqueuing).await.unwrap();
    let claimed = ground.beside(jobs.claim(ask(10))).await.unwrap();
    let attempts: Vec<_> = claimed.iter().map(|job| job.attempt).collect();
    assert_eq!(attempts, [1, 1]);
}

#[tokio::test]
async fn leases_that_a_full_queue_does_not_take_back_are_given_back_later() {
    let ground = Ground::open(narrow());
    let broker = ground.broker().await;
    let jobs = broker.jobs();
    let mut enqueuing = pin!(jobs.enqueue(vec![job("1")]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(enqueuing.as_mut().poll(&mut context).is_pending());
    let mut claiming = Box::pin(jobs.claim(ask(10)));
    assert!(claiming.as_mut().poll(&mut context).is_pending());
    let filler = |bytes| vec![Draft::event(Timestamp::EPOCH, event("filler", bytes)).record()];
    for bytes in [2_000, 500, 100, 10, 1] {
        while let Ok(_accepted) = ground.journal.submit(filler(bytes), Lane::Work) {}
    }
    drop(claiming);
    assert_eq!(jobs.queues().await.unwrap()[0].counts.active, 1);
    run_dry(&ground.committer);
    ground.beside(broker.tick()).await.unwrap();
    assert_eq!(jobs.queues().await.unwrap()[0].counts.active, 0);
}
