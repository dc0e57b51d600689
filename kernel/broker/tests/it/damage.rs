//! Damage under an open broker.

use std::sync::Arc;
use std::time::Duration;

use portique_broker::Config;
use portique_bus::{ConsumerOptions, Delivery, Error, Start};
use portique_journal::SimulatedDisk;

use crate::rig::{Rig, event, journal_config, name, options};

const SEGMENT: &str = "00000000000000000001.segment";

/// A broker whose tail holds next to nothing.
async fn forgetful(disk: &SimulatedDisk) -> Rig {
    let config = Config {
        tail_bytes_max: 1,
        ..Config::default()
    };
    Rig::open_with(Arc::new(disk.clone()), config, journal_config()).await
}

/// Spoils the frame that holds this text, and says where.
fn spoil(disk: &SimulatedDisk, text: &str) {
    let files = disk.files();
    let at = files[SEGMENT]
        .windows(text.len())
        .position(|bytes| bytes == text.as_bytes());
    disk.flip(SEGMENT, at.expect("it is on the disk"), 1);
}

fn found(deliveries: &[Delivery]) -> Vec<String> {
    let events = deliveries.iter().map(|delivery| &delivery.delivered.event);
    events.map(|event| event.id().to_string()).collect()
}

#[tokio::test]
async fn a_damaged_event_is_never_served_and_blocks_nobody() {
    let disk = SimulatedDisk::new(1, 1 << 30);
    let rig = forgetful(&disk).await;
    let (bus, worker) = (rig.bus(), name("worker"));
    let ack_wait = Duration::from_secs(5);
    let patient = ConsumerOptions {
        ack_wait,
        ..options("a")
    };
    bus.consumer(&worker, patient).await.unwrap();
    let mut sequences = Vec::new();
    for id in ["first-x", "second-x", "third-x", "fourth-x", "fifth-x"] {
        sequences.extend(bus.publish(vec![event(id, "a")]).await.unwrap());
    }
    let held = bus.fetch(&worker, 2, Duration::ZERO).await.unwrap();
    assert_eq!(found(&held), ["first-x", "second-x"]);
    spoil(&disk, "second-x");
    spoil(&disk, "fourth-x");

    let rest = bus.fetch(&worker, 10, Duration::ZERO).await.unwrap();
    assert_eq!(
        found(&rest),
        ["third-x", "fifth-x"],
        "it goes on behind the damage"
    );
    rig.advance(ack_wait).await;
    let again = bus.fetch(&worker, 10, Duration::ZERO).await.unwrap();
    let again = [again, bus.fetch(&worker, 10, Duration::ZERO).await.unwrap()].concat();
    assert_eq!(found(&again), ["first-x", "third-x", "fifth-x"]);
    let tokens: Vec<_> = again.iter().map(|delivery| delivery.token).collect();
    bus.ack(&worker, &tokens).await.unwrap();
    let figures = rig.broker().bus_figures();
    let consumer = &figures.consumers[0];
    assert_eq!((consumer.dead, consumer.in_flight, consumer.lag), (1, 0, 0));
    assert!(figures.damaged >= 2, "{} damaged", figures.damaged);

    let first = bus
        .read(&options("a").filter, Start::First, 10)
        .await
        .unwrap();
    assert_eq!(first.events.len(), 1, "a page ends before the damage");
    let refused = bus
        .read(&options("a").filter, Start::Sequence(first.next), 10)
        .await;
    let next = sequences[2].0;
    let is_told = |error: &Error| error.to_string().contains(&format!("read on from {next}"));
    assert!(
        matches!(&refused, Err(error @ Error::Damaged { .. }) if is_told(error)),
        "{refused:?}"
    );
    let on = bus
        .read(&options("a").filter, Start::Sequence(sequences[2]), 1)
        .await;
    assert_eq!(on.unwrap().events[0].event.id().as_str(), "third-x");
}

#[tokio::test]
async fn what_is_spent_and_damaged_is_buried_without_a_letter() {
    let disk = SimulatedDisk::new(1, 1 << 30);
    let rig = forgetful(&disk).await;
    let (bus, worker) = (rig.bus(), name("worker"));
    let once = ConsumerOptions {
        max_deliver: 1,
        ..options("a")
    };
    bus.consumer(&worker, once).await.unwrap();
    bus.publish(vec![event("only-x", "a")]).await.unwrap();
    let held = bus.fetch(&worker, 1, Duration::ZERO).await.unwrap();
    let second = bus.publish(vec![event("2", "b")]).await.unwrap();
    spoil(&disk, "only-x");
    bus.nak(&worker, held[0].token, Duration::ZERO)
        .await
        .unwrap();
    let state = bus.consumers().await.unwrap().remove(0);
    assert_eq!((state.dead, state.in_flight), (1, 0));
    let page = bus
        .read(&options("b").filter, Start::Sequence(second[0]), 1)
        .await;
    assert_eq!(page.unwrap().events.len(), 1, "the bus goes on");
}
