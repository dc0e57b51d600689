//! What reading old events costs, and whom.

use std::sync::Arc;
use std::time::Duration;

use portique_broker::Config;
use portique_bus::{Bus, Start};
use portique_clock::Clock;
use portique_event::{Data, Event, Subject};
use portique_journal::SimulatedDisk;

use crate::jobs::jobs_of;
use crate::rig::{Rig, event, ids, journal_config, name, options};

const MIB: usize = 1024 * 1024;

fn large(id: usize) -> Event {
    let subject = Subject::new("large").unwrap();
    Event::builder(id.to_string(), "/rig", "rig.large", subject)
        .data(Data::Binary(vec![7; MIB / 8]))
        .build()
        .unwrap()
}

/// Reads everything from the first event on, and says how many there were.
async fn replay(bus: Arc<dyn Bus>) -> usize {
    let (filter, mut start, mut count) = (options("large").filter, Start::First, 0);
    loop {
        let page = bus.read(&filter, start, 1_000).await.unwrap();
        if page.events.is_empty() {
            return count;
        }
        count += page.events.len();
        start = Start::Sequence(page.next);
    }
}

#[tokio::test]
async fn replays_share_one_budget_and_consumers_do_not_pay() {
    let config = Config {
        tail_bytes_max: MIB / 4,
        replay_bytes_per_second: 2 * MIB as u64,
        ..Config::default()
    };
    let disk = Arc::new(SimulatedDisk::new(1, 1 << 30));
    let rig = Rig::open_with(disk, config, journal_config()).await;
    let (bus, worker) = (rig.bus(), name("worker"));
    bus.consumer(&worker, options("large")).await.unwrap();
    for id in 0..64 {
        bus.publish(vec![large(id)]).await.unwrap();
    }
    // From here on a wait ends when nothing else is left to do.
    tokio::time::pause();
    let mut replays = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let _ = replays.spawn(replay(bus.clone()));
    }
    // Two replays of 8 MiB at 2 MiB a second take 8 s; the first second and the last piece are lent.
    let start = rig.clock.monotonic();
    let mut ended = None;
    for _ in 0..100 {
        let waited = tokio::time::timeout(Duration::from_secs(60), replays.join_next()).await;
        if let Ok(Some(count)) = waited {
            assert_eq!(count.unwrap(), 64);
            if replays.is_empty() {
                ended = Some(rig.clock.monotonic() - start);
                break;
            }
            continue;
        }
        let before = rig.broker().bus_figures().replayed_bytes;
        assert!(
            before < 16 * MIB as u64,
            "a clock that stands still lets nobody read on"
        );
        rig.clock.advance(Duration::from_millis(250));
    }
    let took = ended.expect("it ends");
    let fair = Duration::from_secs(4)..=Duration::from_secs(8);
    assert!(fair.contains(&took), "{took:?}");

    // The budget is spent, and the clock stands still: who consumes does not notice.
    let mut delivered = 0;
    while delivered < 64 {
        let fetched = bus.fetch(&worker, 1_000, Duration::ZERO).await.unwrap();
        assert!(!fetched.is_empty(), "{delivered} delivered");
        delivered += fetched.len();
    }
    let mut next = Start::First;
    for _ in 0..64 {
        let page = bus.read_back(&options("large").filter, next, 1).await;
        next = Start::Sequence(page.unwrap().next);
    }
    assert_eq!(
        next,
        Start::Sequence(bus.publish(vec![large(64)]).await.unwrap()[0])
    );
    let tail = bus.publish(vec![event("new", "a")]).await.unwrap();
    let page = bus
        .read(&options("a").filter, Start::Sequence(tail[0]), 1)
        .await;
    assert_eq!(page.unwrap().events.len(), 1, "nor does who reads the tail");
}

#[tokio::test]
async fn the_bus_counts_what_it_does() {
    let rig = Rig::open(Arc::new(SimulatedDisk::new(1, 1 << 30))).await;
    let (bus, worker) = (rig.bus(), name("worker"));
    bus.consumer(&worker, options("a")).await.unwrap();
    let events = ["1", "2", "3"].map(|id| event(id, "a"));
    bus.publish(events.to_vec()).await.unwrap();
    let held = bus.fetch(&worker, 2, Duration::ZERO).await.unwrap();
    bus.ack(&worker, &[held[0].token]).await.unwrap();
    rig.advance(Duration::from_secs(10)).await;
    bus.nak(&worker, held[1].token, Duration::ZERO)
        .await
        .unwrap();
    bus.fetch(&worker, 1, Duration::ZERO).await.unwrap();
    let figures = rig.broker().bus_figures();
    assert_eq!((figures.published, figures.delivered), (3, 3));
    assert_eq!(
        (figures.redelivered, figures.acked, figures.dead),
        (1, 1, 0)
    );
    let consumer = &figures.consumers[0];
    assert_eq!((consumer.lag, consumer.in_flight), (1, 1));
    assert_eq!(consumer.oldest_unacked, Some(Duration::from_secs(10)));
    assert_eq!(
        (consumer.delivered, consumer.redelivered, consumer.acked),
        (3, 1, 1)
    );
}

#[tokio::test]
async fn reading_finds_events_between_thousands_of_jobs() {
    let config = Config {
        tail_bytes_max: 1_000,
        ..Config::default()
    };
    let disk = Arc::new(SimulatedDisk::new(1, 1 << 30));
    let mut rig = Rig::open_with(disk, config, journal_config()).await;
    let mut expected = Vec::new();
    for number in 0..4 {
        let id = number.to_string();
        rig.bus().publish(vec![event(&id, "few")]).await.unwrap();
        expected.push(id);
        // Stretches of 4,096 records without an event between.
        for _ in 0..3 {
            rig.broker().jobs().enqueue(jobs_of(5_000)).await.unwrap();
        }
    }
    for _ in 0..2 {
        assert_eq!(ids(&*rig.bus(), "few").await, expected);
        assert_eq!(ids(&*rig.bus(), ">").await, expected);
        // With the map of a checkpoint, and at another place of the tail.
        rig.restart().await;
    }
}
