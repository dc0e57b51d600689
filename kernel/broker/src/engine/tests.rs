//! The shell on a committer that goes only when a test has it go.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_event::{Event, Subject};
use portique_journal::{Committer, Config as JournalConfig, Lane, SimulatedDisk, Step};

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
        let broker = tokio::select! {
            broker = opening => broker.unwrap(),
            () = drive(&self.committer) => panic!("the committer goes on"),
        };
        run_dry(&self.committer);
        broker
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

/// Has the committer go on beside something else.
async fn drive(committer: &Mutex<Committer>) {
    loop {
        run_dry(committer);
        tokio::task::yield_now().await;
    }
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

#[tokio::test(start_paused = true)]
async fn a_start_on_a_full_disk_ends_and_says_so() {
    let ground = Ground::open(narrow());
    ground.fill();
    let opening = Broker::open(
        Config::default(),
        ground.journal.clone(),
        ground.clock.clone(),
    );
    let refused = tokio::time::timeout(6 * PATIENCE, opening).await;
    let refused = refused.expect("it does not wait for ever").err();
    assert!(
        matches!(&refused, Some(Error::Exhausted { remedy, .. }) if remedy.contains("free space")),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_close_on_a_full_disk_gives_its_checkpoint_up() {
    let ground = Ground::open(narrow());
    let broker = ground.broker().await;
    ground.fill();
    let closing = tokio::time::timeout(6 * PATIENCE, broker.close()).await;
    closing.expect("it does not wait for ever").unwrap();
}
