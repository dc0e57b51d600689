//! Events that become jobs, or go first when they cannot.

use std::sync::Arc;
use std::time::Duration;

use portique_broker::Config;
use portique_bus::ConsumerOptions;
use portique_event::Filter;
use portique_jobs::{Binding, JobKind, JobOptions, Jobs, ScheduleName, Transaction};
use portique_journal::SimulatedDisk;

use crate::jobs::{claim, job, queue};
use crate::rig::{Rig, event, ids, journal_config, name, options};

async fn rig() -> Rig {
    let config = Config {
        unhindered: vec![Filter::new("own.>").unwrap()],
        ..Config::default()
    };
    Rig::open_with(
        Arc::new(SimulatedDisk::new(1, 1 << 30)),
        config,
        journal_config(),
    )
    .await
}

async fn bind(jobs: &dyn Jobs, filter: &str) {
    let binding = Binding {
        name: ScheduleName::new("all").unwrap(),
        filter: Filter::new(filter).unwrap(),
        queue: queue(),
        kind: JobKind::new("seen").unwrap(),
        options: JobOptions::default(),
    };
    jobs.bind(binding).await.unwrap();
}

#[tokio::test]
async fn a_queue_that_takes_nothing_does_not_stop_the_hubs_own_events() {
    let rig = rig().await;
    let (bus, jobs) = (rig.bus(), rig.broker().jobs());
    bind(&*jobs, ">").await;
    bus.publish(vec![event("1", "own.a")]).await.unwrap();
    jobs.drain(&queue()).await.unwrap();
    let other = bus.publish(vec![event("2", "other")]).await;
    assert!(other.is_err(), "an event of anybody else is not taken");
    bus.publish(vec![event("3", "own.a")]).await.unwrap();
    let transaction = Transaction {
        publish: vec![event("4", "own.a")],
        ..Transaction::default()
    };
    let transact = rig.broker().transact();
    transact.commit(transaction.clone()).await.unwrap();
    let with_a_job = Transaction {
        enqueue: vec![job("1")],
        ..transaction
    };
    let refused = transact.commit(with_a_job).await;
    assert!(refused.is_err(), "a job that is asked for is not left out");
    assert_eq!(ids(&*bus, ">").await, ["1", "3", "4"]);
    assert_eq!(claim(&*jobs, 10).await.len(), 1);
    assert_eq!(rig.broker().bus_figures().jobs_missed, 2);
}

#[tokio::test]
async fn dead_letters_become_the_jobs_they_are_bound_to() {
    let rig = rig().await;
    let (bus, jobs) = (rig.bus(), rig.broker().jobs());
    let worker = name("worker");
    let once = ConsumerOptions {
        max_deliver: 1,
        ..options("a")
    };
    bus.consumer(&worker, once).await.unwrap();
    bind(&*jobs, "dead.>").await;
    for (id, is_taken) in [("1", true), ("2", false)] {
        if !is_taken {
            jobs.drain(&queue()).await.unwrap();
        }
        bus.publish(vec![event(id, "a")]).await.unwrap();
        let given = bus.fetch(&worker, 1, Duration::ZERO).await.unwrap();
        bus.nak(&worker, given[0].token, Duration::ZERO)
            .await
            .unwrap();
    }
    let claimed = claim(&*jobs, 10).await;
    assert_eq!(claimed.len(), 1);
    let letter: serde_json::Value = serde_json::from_slice(&claimed[0].payload.body).unwrap();
    assert_eq!(letter["subject"], "dead.worker.a");
    let letters = ids(&*bus, "dead.>").await;
    assert_eq!(letters.len(), 2, "a full queue keeps no letter back");
    assert_eq!(rig.broker().bus_figures().jobs_missed, 1);
}
