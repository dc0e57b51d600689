use std::time::Duration;

use super::support::{
    ACK_WAIT, ack, check_attempts, check_idle, check_ids, create, event, fetch, name, options,
    publish, tokens,
};
use super::{Capabilities, Harness};
use crate::{ConsumerOptions, DeliveryToken, Error, Start};

pub(super) async fn an_extended_delivery_has_its_time_again(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let (bus, consumer) = (harness.bus(), name("worker"));
    create(&*bus, &consumer, options(">")).await;
    publish(&*bus, &["a", "a"]).await;
    let held = fetch(&*bus, &consumer, 2).await;
    harness.advance(ACK_WAIT - Duration::from_secs(1)).await;
    let extended = bus.extend(&consumer, &tokens(&held[..1])).await;
    if !claims.extend {
        let is_said = matches!(extended, Err(Error::Unsupported { .. }));
        assert!(is_said, "{extended:?}");
        return;
    }
    extended.expect("it is held");
    let stale = [held[1].token, DeliveryToken(u64::MAX)];
    let refused = bus.extend(&consumer, &stale).await;
    assert!(
        matches!(refused, Err(Error::StaleDelivery { .. })),
        "{refused:?}"
    );
    harness.advance(Duration::from_secs(1)).await;
    let again = fetch(&*bus, &consumer, 1).await;
    check_ids(&again, &["2"]);
    check_idle(&*bus, &consumer).await;
    harness.advance(ACK_WAIT - Duration::from_secs(1)).await;
    let again = fetch(&*bus, &consumer, 1).await;
    check_ids(&again, &["1"]);
    check_attempts(&again, &[2]);
}

pub(super) async fn a_consumer_that_is_moved_goes_on_there(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let (bus, consumer) = (harness.bus(), name("worker"));
    create(&*bus, &consumer, options("a")).await;
    let sequences = publish(&*bus, &["a", "b", "a", "a"]).await;
    let held = fetch(&*bus, &consumer, 3).await;
    ack(&*bus, &consumer, &held[..2]).await;
    let moved = bus.seek(&consumer, Start::Sequence(sequences[2])).await;
    if !claims.seek {
        assert!(matches!(moved, Err(Error::Unsupported { .. })), "{moved:?}");
        return;
    }
    moved.expect("it is moved");
    let stale = bus.ack(&consumer, &tokens(&held[2..])).await;
    assert!(
        matches!(stale, Err(Error::StaleDelivery { .. })),
        "{stale:?}"
    );
    let again = fetch(&*bus, &consumer, 2).await;
    check_ids(&again, &["3", "4"]);
    check_attempts(&again, &[1, 1]);
    bus.seek(&consumer, Start::First)
        .await
        .expect("it is moved");
    check_ids(&fetch(&*bus, &consumer, 3).await, &["1", "3", "4"]);
    bus.seek(&consumer, Start::New).await.expect("it is moved");
    check_idle(&*bus, &consumer).await;
    bus.publish(vec![event("5", "a")]).await.expect("a batch");
    check_ids(&fetch(&*bus, &consumer, 1).await, &["5"]);
    let nobody = bus.seek(&name("nobody"), Start::First).await;
    let is_said = matches!(nobody, Err(Error::UnknownConsumer { .. }));
    assert!(is_said, "{nobody:?}");
}

pub(super) async fn a_restart_keeps_where_a_consumer_was_moved(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    if !claims.durable || !claims.seek {
        return;
    }
    let consumer = name("worker");
    let bus = harness.bus();
    create(&*bus, &consumer, options(">")).await;
    let sequences = publish(&*bus, &["a", "a", "a"]).await;
    ack(&*bus, &consumer, &fetch(&*bus, &consumer, 3).await).await;
    let second = Start::Sequence(sequences[1]);
    bus.seek(&consumer, second).await.expect("it is moved");
    drop(bus);
    harness.reopen().await;
    let bus = harness.bus();
    check_ids(&fetch(&*bus, &consumer, 2).await, &["2", "3"]);
}

pub(super) async fn what_was_acknowledged_is_read_again(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let (bus, consumer) = (harness.bus(), name("worker"));
    create(&*bus, &consumer, options(">")).await;
    publish(&*bus, &["a", "a"]).await;
    ack(&*bus, &consumer, &fetch(&*bus, &consumer, 2).await).await;
    let page = bus.read(&options(">").filter, Start::First, 10).await;
    let ids = page.expect("reading works").events.len();
    assert_eq!(ids, if claims.replay { 2 } else { 0 }, "events kept");
}

pub(super) async fn a_consumer_nobody_fetches_for_goes(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let bus = harness.bus();
    let (used, unused, lasting) = (name("used"), name("unused"), name("lasting"));
    let passing = ConsumerOptions {
        inactive_after: Some(2 * ACK_WAIT),
        ..options(">")
    };
    let made = bus.consumer(&used, passing.clone()).await;
    if !claims.inactive_after {
        assert!(matches!(made, Err(Error::Unsupported { .. })), "{made:?}");
        return;
    }
    made.expect("the consumer is made");
    create(&*bus, &unused, passing.clone()).await;
    create(&*bus, &lasting, options(">")).await;
    publish(&*bus, &["a"]).await;
    for consumer in [&used, &unused] {
        check_ids(&fetch(&*bus, consumer, 1).await, &["1"]);
    }
    harness.advance(ACK_WAIT).await;
    fetch(&*bus, &used, 1).await;
    harness.advance(ACK_WAIT).await;
    let left = bus.consumers().await.expect("listing works");
    let left: Vec<_> = left.iter().map(|state| state.name.clone()).collect();
    assert_eq!(left, [lasting.clone(), used.clone()], "by name");
    let gone = bus.fetch(&unused, 1, Duration::ZERO).await;
    let is_said = matches!(gone, Err(Error::UnknownConsumer { .. }));
    assert!(is_said, "{gone:?}");
    // Fetching keeps a consumer also when there is nothing to fetch.
    ack(&*bus, &used, &fetch(&*bus, &used, 1).await).await;
    harness.advance(ACK_WAIT).await;
    check_idle(&*bus, &used).await;
    harness.advance(ACK_WAIT).await;
    check_idle(&*bus, &used).await;
    create(&*bus, &unused, passing).await;
    check_ids(&fetch(&*bus, &unused, 1).await, &["1"]);
}
