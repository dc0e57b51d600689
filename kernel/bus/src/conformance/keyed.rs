use std::time::Duration;

use portique_event::Event;

use super::support::{
    ACK_WAIT, ack, check_attempts, check_idle, check_ids, event, fetch, name, options,
};
use super::{Capabilities, Harness};
use crate::{Bus, ConsumerKind, ConsumerName, ConsumerOptions, Delivery, Error};

/// A keyed consumer, unless the engine has none, which it must say.
async fn keyed(harness: &dyn Harness, claims: Capabilities) -> Option<ConsumerName> {
    let (bus, consumer) = (harness.bus(), name("keyed"));
    let options = ConsumerOptions {
        kind: ConsumerKind::Keyed,
        ..options(">")
    };
    let made = bus.consumer(&consumer, options).await;
    if claims.keyed {
        made.expect("the consumer is made");
        return Some(consumer);
    }
    assert!(matches!(made, Err(Error::Unsupported { .. })), "{made:?}");
    None
}

/// Publishes one event for each pair of id and key; an empty key is none.
async fn publish_keys(bus: &dyn Bus, pairs: &[(&str, &str)]) {
    let keyed = |(id, key): &(&str, &str)| -> Event {
        let builder = event(id, "a").into_builder();
        let builder = match *key {
            "" => builder,
            key => builder.extension("partitionkey", key),
        };
        builder.build().expect("limits are kept")
    };
    let batch = pairs.iter().map(keyed).collect();
    bus.publish(batch).await.expect("a batch");
}

/// All that may be delivered now.
async fn fetch_all(bus: &dyn Bus, consumer: &ConsumerName) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    loop {
        let more = bus.fetch(consumer, 10, Duration::ZERO).await;
        let more = more.expect("fetching works");
        if more.is_empty() {
            return deliveries;
        }
        deliveries.extend(more);
    }
}

pub(super) async fn a_key_has_one_event_in_flight(harness: &mut dyn Harness, claims: Capabilities) {
    let Some(consumer) = keyed(harness, claims).await else {
        return;
    };
    let bus = harness.bus();
    let pairs = [
        ("1", "x"),
        ("2", "x"),
        ("3", "y"),
        ("4", ""),
        ("5", ""),
        ("6", "x"),
    ];
    publish_keys(&*bus, &pairs).await;
    let first = fetch(&*bus, &consumer, 1).await;
    check_ids(&first, &["1"]);
    let rest = fetch_all(&*bus, &consumer).await;
    check_ids(&rest, &["3", "4", "5"]);
    let state = bus.consumers().await.expect("listing works").remove(0);
    assert_eq!((state.in_flight, state.parked), (4, 2));
    ack(&*bus, &consumer, &rest).await;
    check_idle(&*bus, &consumer).await;
    ack(&*bus, &consumer, &first).await;
    let second = fetch_all(&*bus, &consumer).await;
    check_ids(&second, &["2"]);
    ack(&*bus, &consumer, &second).await;
    check_ids(&fetch_all(&*bus, &consumer).await, &["6"]);
}

pub(super) async fn redelivery_keeps_the_order_of_a_key(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let Some(consumer) = keyed(harness, claims).await else {
        return;
    };
    let bus = harness.bus();
    publish_keys(&*bus, &[("1", "x"), ("2", "x"), ("3", "y"), ("4", "y")]).await;
    check_ids(&fetch_all(&*bus, &consumer).await, &["1", "3"]);
    harness.advance(ACK_WAIT).await;
    let again = fetch_all(&*bus, &consumer).await;
    check_ids(&again, &["1", "3"]);
    check_attempts(&again, &[2, 2]);
    if claims.delayed_nak {
        let given_back = bus.nak(&consumer, again[0].token, ACK_WAIT).await;
        given_back.expect("it is held");
        ack(&*bus, &consumer, &again[1..]).await;
        let other_key = fetch_all(&*bus, &consumer).await;
        check_ids(&other_key, &["4"]);
        ack(&*bus, &consumer, &other_key).await;
        harness.advance(ACK_WAIT).await;
    } else {
        ack(&*bus, &consumer, &again[1..]).await;
        ack(&*bus, &consumer, &fetch_all(&*bus, &consumer).await).await;
        harness.advance(ACK_WAIT).await;
    }
    let last = fetch_all(&*bus, &consumer).await;
    check_ids(&last, &["1"]);
    check_attempts(&last, &[3]);
    harness.advance(ACK_WAIT).await;
    let next = fetch_all(&*bus, &consumer).await;
    check_ids(&next, &["2"]);
    check_attempts(&next, &[1]);
    let state = bus.consumers().await.expect("listing works").remove(0);
    assert_eq!(state.dead, 1, "the key goes on after a dead letter");
}

pub(super) async fn a_restart_keeps_the_order_of_a_key(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    if !claims.durable {
        return;
    }
    let Some(consumer) = keyed(harness, claims).await else {
        return;
    };
    let bus = harness.bus();
    publish_keys(&*bus, &[("1", "x"), ("2", "x"), ("3", "y"), ("4", "x")]).await;
    let first = fetch_all(&*bus, &consumer).await;
    check_ids(&first, &["1", "3"]);
    ack(&*bus, &consumer, &first[1..]).await;
    drop(bus);
    harness.reopen().await;
    let bus = harness.bus();
    publish_keys(&*bus, &[("5", "x"), ("6", "z")]).await;
    check_ids(&fetch_all(&*bus, &consumer).await, &["6"]);
    harness.advance(ACK_WAIT).await;
    for id in ["1", "2", "4", "5"] {
        let next = fetch_all(&*bus, &consumer).await;
        let is_wanted = |delivery: &&Delivery| delivery.delivered.event.id().as_str() != "6";
        let next: Vec<_> = next.iter().filter(is_wanted).cloned().collect();
        check_ids(&next, &[id]);
        ack(&*bus, &consumer, &next).await;
    }
}
