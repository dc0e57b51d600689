use std::sync::Arc;
use std::time::Duration;

use portique_broker::{Config, KeptBy};
use portique_bus::ConsumerName;
use portique_journal::{Retention, SimulatedDisk};

use crate::rig::{Rig, event, ids, journal_config, name, options};

fn disk() -> Arc<SimulatedDisk> {
    Arc::new(SimulatedDisk::new(1, 1 << 30))
}

/// Segments of 64 KiB, under this retention.
fn small_segments(retention: Retention) -> portique_journal::Config {
    portique_journal::Config {
        segment_bytes: 64 * 1024,
        frame_bytes_max: 32 * 1024,
        queue_bytes_max: 64 * 1024,
        retention,
        ..journal_config()
    }
}

fn held_by(rig: &Rig) -> Option<ConsumerName> {
    match rig.broker().retained().kept_by {
        KeptBy::Consumer { name, .. } => Some(name),
        _ => None,
    }
}

/// Waits for what the journal's upkeep does on its own thread.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(60), looking).await;
    seen.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn old_segments_go_once_every_consumer_is_past_them() {
    let config = Config {
        checkpoint_records: 50,
        ..Config::default()
    };
    let retention = Retention {
        bytes: Some(128 * 1024),
        age: None,
    };
    let disk = disk();
    let mut rig = Rig::open_with(disk.clone(), config, small_segments(retention)).await;
    let worker = name("slow");
    let bus = rig.bus();
    bus.consumer(&worker, options("a.slow")).await.unwrap();
    bus.publish(vec![event("first", "a.slow")]).await.unwrap();
    let held = bus.fetch(&worker, 1, Duration::ZERO).await.unwrap();
    for batch in 0..30 {
        let batch = (0..20)
            .map(|n| event(&format!("{batch}-{n}"), "a.fast"))
            .collect();
        bus.publish(batch).await.unwrap();
        rig.advance(Duration::ZERO).await;
    }
    assert_eq!(
        rig.journal().first().0,
        1,
        "what a consumer has not settled is kept"
    );
    let holder = held_by(&rig);
    assert_eq!(holder, Some(name("slow")), "who holds it is said");
    assert_eq!(ids(&*bus, "a.slow").await, ["first"]);

    bus.ack(&worker, &[held[0].token]).await.unwrap();
    assert_eq!(bus.fetch(&worker, 1, Duration::ZERO).await.unwrap(), []);
    for batch in 30..60 {
        let batch = (0..20)
            .map(|n| event(&format!("{batch}-{n}"), "a.fast"))
            .collect();
        bus.publish(batch).await.unwrap();
        bus.fetch(&worker, 1, Duration::ZERO).await.unwrap();
        rig.advance(Duration::ZERO).await;
    }
    assert!(rig.journal().first().0 > 1, "old segments are gone");
    let kept = ids(&*bus, ">").await;
    assert_eq!(kept.last().unwrap(), "59-19");
    let states = bus.consumers().await.unwrap();

    drop(bus);
    rig.kill(&disk).await;
    let bus = rig.bus();
    let after = ids(&*bus, ">").await;
    assert!(
        kept.ends_with(&after) && after.last() == kept.last(),
        "what is kept is served"
    );
    assert_eq!(bus.consumers().await.unwrap()[0].options, states[0].options);
    bus.publish(vec![event("last", "a.slow")]).await.unwrap();
    let next = bus.fetch(&worker, 10, Duration::ZERO).await.unwrap();
    assert_eq!(next.len(), 1, "the consumer goes on where it was");
}

#[tokio::test]
async fn old_segments_go_when_their_age_is_over() {
    let config = Config {
        checkpoint_records: 10,
        ..Config::default()
    };
    let retention = Retention {
        age: Some(Duration::from_secs(3_600)),
        bytes: None,
    };
    let rig = Rig::open_with(disk(), config, small_segments(retention)).await;
    let bus = rig.bus();
    assert_eq!(rig.broker().retained().kept_by, KeptBy::Writing);
    for id in 0..300 {
        bus.publish(vec![event(&id.to_string(), "a")])
            .await
            .unwrap();
    }
    rig.advance(Duration::from_secs(3_000)).await;
    rig.advance(Duration::ZERO).await;
    assert_eq!(rig.broker().retained().kept_by, KeptBy::Limits);
    assert_eq!(ids(&*bus, ">").await.len(), 300);
    rig.advance(Duration::from_secs(700)).await;
    bus.publish(vec![event("last", "a")]).await.unwrap();
    until("the old segments go", || rig.journal().first().0 > 1).await;
    until("the active one stays", || {
        rig.broker().retained().kept_by == KeptBy::Writing
    })
    .await;
    let kept = ids(&*bus, ">").await;
    assert!(
        kept.len() < 300 && kept.last().unwrap() == "last",
        "{}",
        kept.len()
    );
}

#[tokio::test]
async fn a_consumer_made_late_keeps_what_was_released_and_is_still_there() {
    let config = Config {
        checkpoint_records: 10,
        ..Config::default()
    };
    let retention = Retention {
        bytes: Some(256 * 1024),
        age: None,
    };
    let rig = Rig::open_with(disk(), config, small_segments(retention)).await;
    let bus = rig.bus();
    let fill = async |rounds: usize| {
        for round in 0..rounds {
            let batch = (0..20).map(|n| event(&format!("{round}-{n}"), "a"));
            bus.publish(batch.collect()).await.unwrap();
            rig.advance(Duration::ZERO).await;
        }
    };
    fill(100).await;
    let late = name("late");
    bus.consumer(&late, options("a")).await.unwrap();
    let held = bus.fetch(&late, 1, Duration::ZERO).await.unwrap();
    let sequence = held[0].delivered.sequence;
    fill(100).await;
    assert!(rig.journal().first().0 <= sequence.0, "it is held");
    assert_eq!(held_by(&rig), Some(late.clone()));
    rig.advance(Duration::from_secs(60)).await;
    let again = bus.fetch(&late, 1, Duration::ZERO).await.unwrap();
    assert_eq!(again[0].delivered, held[0].delivered, "it comes again");
}
