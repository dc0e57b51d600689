use std::time::Duration;

use super::Harness;
use super::support::{
    PATIENCE, ack, check_attempts, check_idle, check_ids, create, event, fetch, name, options,
    publish,
};
use crate::{ConsumerOptions, Start};

pub(super) async fn consumers_are_independent(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let (all, some, late) = (name("all"), name("some"), name("late"));
    create(&*bus, &all, options(">")).await;
    publish(&*bus, &["a.x", "b.x", "a.y"]).await;
    create(&*bus, &some, options("a.*")).await;
    create(
        &*bus,
        &late,
        ConsumerOptions {
            start: Start::New,
            ..options(">")
        },
    )
    .await;

    let deliveries = fetch(&*bus, &all, 3).await;
    check_ids(&deliveries, &["1", "2", "3"]);
    check_attempts(&deliveries, &[1, 1, 1]);
    ack(&*bus, &all, &deliveries).await;
    check_ids(&fetch(&*bus, &some, 2).await, &["1", "3"]);
    check_idle(&*bus, &late).await;
    bus.publish(vec![event("4", "b.x")]).await.expect("a batch");
    check_ids(&fetch(&*bus, &late, 1).await, &["4"]);
    check_ids(&fetch(&*bus, &all, 1).await, &["4"]);
    check_idle(&*bus, &some).await;
}

pub(super) async fn acknowledged_is_not_delivered_again(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(&*bus, &consumer, options(">")).await;
    let sequences = publish(&*bus, &["a", "a", "a"]).await;
    let deliveries = fetch(&*bus, &consumer, 3).await;
    bus.ack(&consumer, &[])
        .await
        .expect("acknowledging nothing is nothing");
    ack(&*bus, &consumer, &deliveries[..1]).await;
    ack(&*bus, &consumer, &deliveries[2..]).await;

    let states = bus.consumers().await.expect("listing works");
    assert_eq!(states.len(), 1);
    assert_eq!(
        (&states[0].name, &states[0].options),
        (&consumer, &options(">"))
    );
    assert_eq!((states[0].in_flight, states[0].dead), (1, 0));
    let floor = states[0].ack_floor;
    assert!(
        floor >= sequences[0] && floor < sequences[1],
        "{floor} is below the one in flight"
    );

    harness.advance(Duration::from_secs(60)).await;
    check_ids(&fetch(&*bus, &consumer, 1).await, &["2"]);
    check_idle(&*bus, &consumer).await;
}

pub(super) async fn a_fetch_waits_for_the_first_event(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(&*bus, &consumer, options("a.>")).await;
    check_idle(&*bus, &consumer).await;
    let publishing = async {
        tokio::task::yield_now().await;
        bus.publish(vec![event("1", "b.x")]).await.expect("a batch");
        bus.publish(vec![event("2", "a.x")]).await.expect("a batch")
    };
    let (deliveries, _) = tokio::join!(bus.fetch(&consumer, 10, PATIENCE), publishing);
    check_ids(&deliveries.expect("fetching works"), &["2"]);
}

pub(super) async fn in_flight_is_limited(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(
        &*bus,
        &consumer,
        ConsumerOptions {
            max_in_flight: 2,
            ..options(">")
        },
    )
    .await;
    let sequences = publish(&*bus, &["a", "a", "a", "a"]).await;
    let deliveries = fetch(&*bus, &consumer, 2).await;
    check_ids(&deliveries, &["1", "2"]);
    check_idle(&*bus, &consumer).await;
    ack(&*bus, &consumer, &deliveries[1..]).await;
    let third = fetch(&*bus, &consumer, 1).await;
    check_ids(&third, &["3"]);
    check_idle(&*bus, &consumer).await;
    ack(&*bus, &consumer, &[deliveries[0].clone(), third[0].clone()]).await;
    let fourth = fetch(&*bus, &consumer, 1).await;
    check_ids(&fourth, &["4"]);
    ack(&*bus, &consumer, &fourth).await;
    let state = bus.consumers().await.expect("listing works").remove(0);
    assert_eq!(state.in_flight, 0);
    assert!(state.ack_floor >= sequences[3], "all of it is acknowledged");
}

pub(super) async fn workers_of_one_consumer_share(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(&*bus, &consumer, options(">")).await;
    let worker = || async {
        let mut ids = Vec::new();
        while ids.len() < 60 {
            let deliveries = bus
                .fetch(&consumer, 3, Duration::ZERO)
                .await
                .expect("fetching works");
            if deliveries.is_empty() {
                break;
            }
            check_attempts(&deliveries, &[1, 1, 1][..deliveries.len()]);
            ack(&*bus, &consumer, &deliveries).await;
            ids.extend(
                deliveries
                    .iter()
                    .map(|d| d.delivered.event.id().to_string()),
            );
        }
        ids
    };
    let batch = (100..160).map(|id| event(&id.to_string(), "a")).collect();
    bus.publish(batch).await.expect("a batch");
    let (first, second, third) = tokio::join!(worker(), worker(), worker());
    let mut ids = [first, second, third].concat();
    // A worker that finds the others at their limit stops early; what is left is not lost.
    ids.extend(worker().await);
    ids.sort_unstable();
    let expected: Vec<_> = (100..160).map(|id| id.to_string()).collect();
    assert_eq!(ids, expected, "each event goes to one of them");
}
