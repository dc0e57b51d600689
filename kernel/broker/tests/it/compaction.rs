//! What is left of each key when retention has taken the rest.

use std::sync::Arc;
use std::time::Duration;

use portique_broker::history::audit;
use portique_broker::{Config, KeptBy};
use portique_bus::{Bus, CompactionName, ConsumerOptions, Start};
use portique_event::{Event, Subject};
use portique_journal::{Retention, SimulatedDisk};

use crate::rig::{Rig, event, ids, journal_config, name, options};

/// A broker that keeps about two segments of 64 KiB.
async fn small(disk: &SimulatedDisk) -> Rig {
    let config = Config {
        checkpoint_records: 20,
        tail_bytes_max: 10_000,
        ..Config::default()
    };
    let journal_config = portique_journal::Config {
        segment_bytes: 64 * 1024,
        frame_bytes_max: 32 * 1024,
        queue_bytes_max: 64 * 1024,
        retention: Retention {
            bytes: Some(128 * 1024),
            age: None,
        },
        ..journal_config()
    };
    Rig::open_with(Arc::new(disk.clone()), config, journal_config).await
}

fn keyed(id: &str, key: &str) -> Event {
    let subject = Subject::new("state.a").unwrap();
    Event::builder(id, "/rig", "rig.state", subject)
        .extension("partitionkey", key)
        .json(id)
        .build()
        .unwrap()
}

/// Publishes what nobody holds until the journal has dropped everything up to `sequence`; consumers
/// are there all the time, and are given nothing by it.
async fn turn_over(rig: &Rig, sequence: u64) {
    for round in 0..2_000 {
        if rig.journal().first().0 > sequence {
            return;
        }
        let filler = (0..20).map(|n| event(&format!("{round}-{n}"), "filler"));
        rig.bus().publish(filler.collect()).await.unwrap();
        for state in rig.bus().consumers().await.unwrap() {
            let given = rig
                .bus()
                .fetch(&state.name, 1, Duration::ZERO)
                .await
                .unwrap();
            assert_eq!(given, [], "{} had it", state.name);
        }
        rig.advance(Duration::ZERO).await;
    }
    panic!(
        "{:?} holds {:?}",
        rig.broker().retained(),
        rig.journal().first()
    );
}

/// What is readable while retention takes nothing: who pages on while it does may see an event where
/// it was and where it was carried to.
async fn ids_at_rest(rig: &Rig, filter: &str) -> Vec<String> {
    for _ in 0..1_000 {
        let first = rig.journal().first();
        let seen = ids(&*rig.bus(), filter).await;
        if rig.journal().first() == first {
            return seen;
        }
    }
    panic!("retention does not come to rest");
}

async fn fetched(rig: &Rig, consumer: &str) -> Vec<String> {
    let fetched = rig
        .bus()
        .fetch(&name(consumer), 100, Duration::ZERO)
        .await
        .unwrap();
    let tokens: Vec<_> = fetched.iter().map(|delivery| delivery.token).collect();
    rig.bus().ack(&name(consumer), &tokens).await.unwrap();
    let events = fetched.iter().map(|delivery| &delivery.delivered.event);
    events.map(|event| event.id().to_string()).collect()
}

async fn consumer(rig: &Rig, consumer: &str, start: Start) {
    let options = ConsumerOptions {
        start,
        ..options("state.*")
    };
    rig.bus().consumer(&name(consumer), options).await.unwrap();
}

#[tokio::test]
async fn the_newest_of_each_key_outlives_retention_and_comes_once() {
    let disk = SimulatedDisk::new(1, 1 << 30);
    let mut rig = small(&disk).await;
    let newest = CompactionName::new("newest").unwrap();
    let filter = options("state.*").filter;
    rig.bus().compaction(&newest, filter.clone()).await.unwrap();
    consumer(&rig, "early", Start::First).await;
    for (id, key) in [("x1", "x"), ("y1", "y"), ("x2", "x")] {
        rig.bus().publish(vec![keyed(id, key)]).await.unwrap();
    }
    let unkeyed = rig
        .bus()
        .publish(vec![event("plain", "state.a")])
        .await
        .unwrap();
    assert_eq!(fetched(&rig, "early").await, ["x1", "y1", "x2", "plain"]);
    consumer(&rig, "new", Start::New).await;

    for round in 0..3 {
        let last = rig
            .bus()
            .publish(vec![event("mark", "filler")])
            .await
            .unwrap();
        let until = if round == 0 { unkeyed[0].0 } else { last[0].0 };
        turn_over(&rig, until).await;
        let kept = ids(&*rig.bus(), "state.*").await;
        assert_eq!(kept, ["y1", "x2"], "round {round}: each key once, in order");
        assert_eq!(fetched(&rig, "early").await, [""; 0], "it had them");
        assert_eq!(fetched(&rig, "new").await, [""; 0], "they were not new");
        let late = format!("late-{round}");
        consumer(&rig, &late, Start::First).await;
        assert_eq!(fetched(&rig, &late).await, ["y1", "x2"], "round {round}");
        rig.bus().remove_consumer(&name(&late)).await.unwrap();
        match round {
            0 => rig.kill(&disk.clone()).await,
            _ => rig.restart().await,
        }
        let states = rig.bus().compactions().await.unwrap();
        assert_eq!(states[0].keys, 2);
    }
    rig.bus().publish(vec![keyed("y2", "y")]).await.unwrap();
    rig.advance(Duration::ZERO).await;
    assert_eq!(fetched(&rig, "early").await, ["y2"]);
    rig.bus().remove_compaction(&newest).await.unwrap();
    let end = rig
        .bus()
        .publish(vec![event("end", "filler")])
        .await
        .unwrap();
    assert_eq!(fetched(&rig, "new").await, ["y2"]);
    turn_over(&rig, end[0].0).await;
    assert_eq!(
        ids(&*rig.bus(), "state.*").await,
        [""; 0],
        "nothing holds them"
    );
    assert_ne!(rig.broker().retained().kept_by, KeptBy::Unlimited);
}

#[tokio::test]
async fn what_is_carried_is_hidden_while_its_original_is_there() {
    let disk = SimulatedDisk::new(1, 1 << 30);
    let rig = small(&disk).await;
    let newest = CompactionName::new("newest").unwrap();
    let filter = options("state.*").filter;
    let bus: Arc<dyn Bus> = rig.bus();
    bus.compaction(&newest, filter).await.unwrap();
    let origin = bus.publish(vec![keyed("x1", "x")]).await.unwrap();
    // One that has not settled its event keeps the original where it is.
    consumer(&rig, "slow", Start::First).await;
    let held = bus.fetch(&name("slow"), 1, Duration::ZERO).await.unwrap();
    for round in 0..60 {
        let filler = (0..20).map(|n| event(&format!("{round}-{n}"), "filler"));
        bus.publish(filler.collect()).await.unwrap();
        rig.advance(Duration::ZERO).await;
    }
    assert!(rig.journal().first().0 <= origin[0].0);
    assert_eq!(ids(&*bus, "state.*").await, ["x1"], "it is seen once");
    consumer(&rig, "late", Start::First).await;
    assert_eq!(fetched(&rig, "late").await, ["x1"], "it is given once");
    bus.ack(&name("slow"), &[held[0].token]).await.unwrap();
    turn_over(&rig, origin[0].0).await;
    assert_eq!(ids_at_rest(&rig, "state.*").await, ["x1"]);
    for consumer in ["slow", "late"] {
        assert_eq!(fetched(&rig, consumer).await, [""; 0], "{consumer} had it");
    }
    consumer(&rig, "later", Start::First).await;
    assert_eq!(fetched(&rig, "later").await, ["x1"]);
    let kept = rig.journal().read(rig.journal().first()).unwrap();
    let found = audit(kept, None).unwrap();
    assert!(found.is_clean(), "{:?}", found.violations);
}
