//! Transactions: all or nothing, whenever the power goes.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use portique_broker::{Broker, Config};
use portique_clock::{Random, Seeded, SimulatedClock, Timestamp};
use portique_event::Filter;
use portique_jobs::{
    Binding, Completion, Error, JobKind, JobOptions, QueueName, ScheduleName, Transaction,
};
use portique_journal::{Committer, Journal, SimulatedDisk, SimulatedFaults, Step};

use crate::jobs::{bodies, claim, job, queue};
use crate::rig::{Rig, event, ids, journal_config, name, options};

const SEEDS: u64 = 30;
const ROUNDS: usize = 5;

fn disk() -> Arc<SimulatedDisk> {
    Arc::new(SimulatedDisk::new(1, 1 << 30))
}

fn transaction(id: &str) -> Transaction {
    Transaction {
        idempotency_key: Some(id.to_owned()),
        publish: vec![event(id, "a.b")],
        enqueue: vec![job(id)],
        ..Transaction::default()
    }
}

#[tokio::test]
async fn a_key_gives_the_same_answer_for_a_day_and_across_a_kill() {
    let disk = disk();
    let mut rig = Rig::open(disk.clone()).await;
    let first = rig
        .broker()
        .transact()
        .commit(transaction("1"))
        .await
        .unwrap();
    assert_eq!((first.sequences.len(), first.jobs.len()), (1, 1));
    rig.broker()
        .transact()
        .commit(transaction("2"))
        .await
        .unwrap();
    rig.kill(&disk).await;
    let transact = rig.broker().transact();
    assert_eq!(transact.commit(transaction("1")).await.unwrap(), first);
    let other = Transaction {
        enqueue: vec![job("another")],
        ..transaction("1")
    };
    let refused = transact.commit(other.clone()).await;
    assert!(
        matches!(refused, Err(Error::KeyConflict { .. })),
        "{refused:?}"
    );
    rig.restart().await;
    assert_eq!(
        rig.broker()
            .transact()
            .commit(transaction("1"))
            .await
            .unwrap(),
        first
    );
    assert_eq!(ids(&*rig.bus(), ">").await, ["1", "2"]);
    rig.advance(Duration::from_secs(24 * 60 * 60)).await;
    let again = rig.broker().transact().commit(other).await.unwrap();
    assert_ne!(
        again.sequences, first.sequences,
        "a day later the key is free"
    );
}

#[tokio::test]
async fn one_refusal_refuses_everything() {
    let rig = Rig::open(disk()).await;
    let (bus, jobs) = (rig.bus(), rig.broker().jobs());
    let worker = name("worker");
    bus.consumer(&worker, options(">")).await.unwrap();
    bus.publish(vec![event("0", "a")]).await.unwrap();
    jobs.enqueue(vec![job("0")]).await.unwrap();
    let delivery = bus
        .fetch(&worker, 1, Duration::ZERO)
        .await
        .unwrap()
        .remove(0);
    let held = claim(&*jobs, 1).await.remove(0);
    let whole = Transaction {
        complete: vec![Completion {
            lease: held.lease,
            result: None,
        }],
        acknowledge: vec![(worker.clone(), vec![delivery.token])],
        ..transaction("1")
    };
    let mut stale = whole.clone();
    stale.complete[0].lease.token.0 += 1;
    let transact = rig.broker().transact();
    let refused = transact.commit(stale).await;
    assert!(
        matches!(refused, Err(Error::StaleLease { .. })),
        "{refused:?}"
    );
    let mut stale = whole.clone();
    stale.acknowledge[0].1[0].0 += 1;
    let refused = transact.commit(stale).await;
    assert!(matches!(refused, Err(Error::Bus(_))), "{refused:?}");
    assert_eq!(ids(&*bus, ">").await, ["0"]);
    assert!(claim(&*jobs, 1).await.is_empty());

    transact.commit(whole).await.unwrap();
    assert_eq!(ids(&*bus, ">").await, ["0", "1"]);
    assert_eq!(bodies(&claim(&*jobs, 2).await), ["1"]);
    let states = bus.consumers().await.unwrap();
    assert_eq!(states[0].in_flight, 0);
}

#[tokio::test]
async fn an_event_and_its_job_are_one_frame() {
    let disk = disk();
    let mut rig = Rig::open(disk.clone()).await;
    let bound = Binding {
        name: ScheduleName::new("orders").unwrap(),
        filter: Filter::new("orders.>").unwrap(),
        queue: QueueName::new("work").unwrap(),
        kind: JobKind::new("order").unwrap(),
        options: JobOptions::default(),
    };
    rig.broker().jobs().bind(bound).await.unwrap();
    rig.bus()
        .publish(vec![event("1", "orders.new"), event("2", "other")])
        .await
        .unwrap();
    rig.kill(&disk).await;
    let jobs = rig.broker().jobs();
    let claimed = claim(&*jobs, 10).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        claimed[0].payload.content_type,
        "application/cloudevents+json"
    );
    let body: serde_json::Value = serde_json::from_slice(&claimed[0].payload.body).unwrap();
    assert_eq!(
        (&body["id"], &body["data"]["id"]),
        (&"1".into(), &"1".into())
    );

    jobs.drain(&queue()).await.unwrap();
    let refused = rig.bus().publish(vec![event("3", "orders.new")]).await;
    assert!(refused.is_err(), "an event without its job is not taken");
    assert_eq!(ids(&*rig.bus(), ">").await, ["1", "2"]);
    jobs.unbind(&ScheduleName::new("orders").unwrap())
        .await
        .unwrap();
    rig.bus()
        .publish(vec![event("3", "orders.new")])
        .await
        .unwrap();
}

/// What the world was told, and what it asked for without an answer.
#[derive(Default)]
struct Ledger {
    next: u64,
    answered: BTreeSet<String>,
    doubtful: Option<String>,
}

struct World {
    seed: u64,
    random: Seeded,
    disk: Arc<SimulatedDisk>,
    clock: Arc<SimulatedClock>,
    ledger: Ledger,
}

impl World {
    async fn live(&mut self, steps: u64) {
        let opened = Journal::open(
            journal_config(),
            self.disk.clone(),
            self.clock.clone(),
            &mut self.random,
        );
        let Ok(opened) = opened else {
            assert!(self.disk.has_failed(), "seed {}", self.seed);
            return;
        };
        let config = Config {
            checkpoint_records: 20,
            ..Config::default()
        };
        let clock = self.clock.clone();
        let serve = async {
            let broker = Broker::open(config, opened.journal, clock).await;
            let Ok(broker) = broker else {
                return assert!(self.disk.has_failed(), "seed {}", self.seed);
            };
            self.check(&broker).await;
            let power_cut_after = Some(self.random.below(120));
            self.disk.arrange(SimulatedFaults {
                power_cut_after,
                error_after: None,
            });
            for _ in 0..steps {
                if !self.step(&broker).await {
                    return assert!(self.disk.has_failed(), "seed {}", self.seed);
                }
            }
        };
        tokio::select! {
            biased;
            () = serve => {}
            () = commit(opened.committer) => {}
        }
    }

    /// False when the engine has failed.
    async fn step(&mut self, broker: &Broker) -> bool {
        // What was doubtful is asked for again, under the same key.
        let id = self.ledger.doubtful.take().unwrap_or_else(|| {
            self.ledger.next += 1;
            self.ledger.next.to_string()
        });
        match broker.transact().commit(transaction(&id)).await {
            Ok(committed) => {
                assert_eq!((committed.sequences.len(), committed.jobs.len()), (1, 1));
                self.ledger.answered.insert(id);
            }
            Err(_) => {
                self.ledger.doubtful = Some(id);
                return false;
            }
        }
        self.random.below(4) > 0 || broker.tick().await.is_ok()
    }

    async fn check(&self, broker: &Broker) {
        let mut events = BTreeMap::<_, u32>::new();
        for id in ids(&*broker.bus(), ">").await {
            *events.entry(id).or_default() += 1;
        }
        let jobs = broker.jobs();
        let claimed = claim(&*jobs, 1_000).await;
        let mut queued = BTreeMap::<_, u32>::new();
        for body in bodies(&claimed) {
            *queued.entry(body).or_default() += 1;
        }
        let leases: Vec<_> = claimed.iter().map(|job| job.lease).collect();
        let _ = jobs.release(&leases, Duration::ZERO).await;
        assert_eq!(
            events, queued,
            "seed {}: one came without the other",
            self.seed
        );
        assert!(
            events.values().all(|count| *count == 1),
            "seed {}: {events:?}",
            self.seed
        );
        let lost: Vec<_> = self
            .ledger
            .answered
            .iter()
            .filter(|id| !events.contains_key(*id))
            .collect();
        assert!(lost.is_empty(), "seed {}: {lost:?}", self.seed);
    }
}

async fn commit(mut committer: Committer) {
    loop {
        match committer.step() {
            Step::Worked => {}
            Step::Idle(_) => tokio::task::yield_now().await,
            Step::Done => break,
        }
    }
    pending().await
}

#[tokio::test]
async fn transactions_are_whole_or_absent_across_power_cuts() {
    for seed in 0..SEEDS {
        let clock = SimulatedClock::new(Timestamp::from_millis(1_795_000_000_000));
        let mut world = World {
            seed,
            random: Seeded::new(seed),
            disk: Arc::new(SimulatedDisk::new(seed, 1 << 30)),
            clock: Arc::new(clock),
            ledger: Ledger::default(),
        };
        for _ in 0..ROUNDS {
            world.live(40).await;
            world.disk.arrange(SimulatedFaults::default());
            world.disk.restart_after_power_cut();
        }
        world.live(0).await;
        assert!(world.ledger.answered.len() > 1, "seed {seed}");
    }
}
