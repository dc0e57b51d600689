use std::time::Duration;

use portique_event::{Event, Filter, Subject};

use crate::{Bus, ConsumerName, ConsumerOptions, Delivery, DeliveryToken, Sequence, Start};

/// How long an engine may take over a network; the embedded one answers at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The `ack_wait` of the suite's consumers.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(5);
/// Empty answers after which there is nothing more to come.
const EMPTY_FETCHES_MAX: usize = 3;

pub(super) fn filter(text: &str) -> Filter {
    Filter::new(text).expect("the suite writes filters")
}

pub(super) fn name(text: &str) -> ConsumerName {
    ConsumerName::new(text).expect("the suite writes consumer names")
}

pub(super) fn event(id: &str, subject: &str) -> Event {
    let subject = Subject::new(subject).expect("the suite writes subjects");
    Event::builder(id, "/conformance", "conformance.case", subject)
        .json(serde_json::json!({ "id": id }))
        .build()
        .expect("the suite keeps the limits of events")
}

/// A consumer of `filter` with three deliveries of five seconds, ten in flight.
pub(super) fn options(text: &str) -> ConsumerOptions {
    ConsumerOptions {
        ack_wait: ACK_WAIT,
        max_deliver: 3,
        max_in_flight: 10,
        ..ConsumerOptions::new(filter(text))
    }
}

/// Publishes one event per subject, with ids counting from 1, one batch each.
pub(super) async fn publish(bus: &dyn Bus, subjects: &[&str]) -> Vec<Sequence> {
    let mut sequences = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        let batch = vec![event(&(index + 1).to_string(), subject)];
        sequences.extend(bus.publish(batch).await.expect("the batch is published"));
    }
    sequences
}

pub(super) async fn create(bus: &dyn Bus, consumer: &ConsumerName, options: ConsumerOptions) {
    bus.consumer(consumer, options)
        .await
        .expect("the consumer is made");
}

/// `count` deliveries, which must come, and no more.
pub(super) async fn fetch(bus: &dyn Bus, consumer: &ConsumerName, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    let mut empty = 0;
    while deliveries.len() < count && empty < EMPTY_FETCHES_MAX {
        let left = count - deliveries.len();
        let more = bus
            .fetch(consumer, left, PATIENCE)
            .await
            .expect("fetching works");
        assert!(
            more.len() <= left,
            "{} deliveries when {left} were asked for",
            more.len()
        );
        empty += usize::from(more.is_empty());
        deliveries.extend(more);
    }
    assert_eq!(deliveries.len(), count, "deliveries to {consumer}");
    deliveries
}

#[track_caller]
pub(super) fn check_ids(deliveries: &[Delivery], expected: &[&str]) {
    let ids: Vec<_> = deliveries
        .iter()
        .map(|d| d.delivered.event.id().as_str())
        .collect();
    assert_eq!(ids, expected, "events in the order of their sequences");
}

#[track_caller]
pub(super) fn check_attempts(deliveries: &[Delivery], expected: &[u32]) {
    let attempts: Vec<_> = deliveries.iter().map(|delivery| delivery.attempt).collect();
    assert_eq!(attempts, expected, "attempts");
}

/// There is nothing to deliver now.
pub(super) async fn check_idle(bus: &dyn Bus, consumer: &ConsumerName) {
    let deliveries = bus
        .fetch(consumer, 10, Duration::ZERO)
        .await
        .expect("fetching works");
    assert_eq!(deliveries, [], "nothing is due for {consumer}");
}

pub(super) fn tokens(deliveries: &[Delivery]) -> Vec<DeliveryToken> {
    deliveries.iter().map(|delivery| delivery.token).collect()
}

pub(super) async fn ack(bus: &dyn Bus, consumer: &ConsumerName, deliveries: &[Delivery]) {
    bus.ack(consumer, &tokens(deliveries))
        .await
        .expect("the deliveries are held");
}

/// Ids of everything that passes the filter, from the first on.
pub(super) async fn read_ids(bus: &dyn Bus, text: &str, start: Start) -> Vec<String> {
    let page = bus
        .read(&filter(text), start, 1_000)
        .await
        .expect("reading works");
    page.events
        .iter()
        .map(|delivered| delivered.event.id().to_string())
        .collect()
}
