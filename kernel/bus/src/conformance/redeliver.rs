use std::time::Duration;

use super::support::{
    ACK_WAIT, ack, check_attempts, check_idle, check_ids, create, event, fetch, filter, name,
    options, publish, read_ids, tokens,
};
use super::{Capabilities, Harness};
use crate::{ConsumerOptions, Error, Start};

pub(super) async fn unacknowledged_comes_again_in_order(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(&*bus, &consumer, options(">")).await;
    publish(&*bus, &["a", "a", "a", "a"]).await;
    let first = fetch(&*bus, &consumer, 3).await;
    ack(&*bus, &consumer, &first[1..2]).await;
    harness.advance(ACK_WAIT / 2).await;
    let fourth = fetch(&*bus, &consumer, 1).await;
    check_ids(&fourth, &["4"]);
    check_idle(&*bus, &consumer).await;
    harness.advance(ACK_WAIT / 2).await;
    let again = fetch(&*bus, &consumer, 2).await;
    check_ids(&again, &["1", "3"]);
    check_attempts(&again, &[2, 2]);
    check_idle(&*bus, &consumer).await;
    harness.advance(ACK_WAIT / 2).await;
    let again = fetch(&*bus, &consumer, 1).await;
    check_ids(&again, &["4"]);
    check_attempts(&again, &[2]);
}

pub(super) async fn a_stale_token_acknowledges_nothing(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let (consumer, other) = (name("worker"), name("other"));
    create(&*bus, &consumer, options(">")).await;
    create(&*bus, &other, options(">")).await;
    publish(&*bus, &["a", "a"]).await;
    let first = fetch(&*bus, &consumer, 2).await;
    harness.advance(ACK_WAIT).await;
    let second = fetch(&*bus, &consumer, 2).await;
    let check_stale = |result: Result<(), Error>| {
        assert!(
            matches!(result, Err(Error::StaleDelivery { .. })),
            "{result:?}"
        );
    };
    check_stale(bus.ack(&consumer, &[second[0].token, first[1].token]).await);
    check_stale(bus.ack(&other, &tokens(&second)).await);
    check_stale(bus.nak(&consumer, first[0].token, Duration::ZERO).await);
    let state = &bus.consumers().await.expect("listing works")[1];
    assert_eq!(
        (&state.name, state.in_flight),
        (&consumer, 2),
        "none was acknowledged"
    );
    ack(&*bus, &consumer, &second).await;
    check_stale(bus.ack(&consumer, &tokens(&second)).await);
}

pub(super) async fn given_back_comes_again_at_once(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(&*bus, &consumer, options(">")).await;
    publish(&*bus, &["a", "a"]).await;
    let first = fetch(&*bus, &consumer, 2).await;
    bus.nak(&consumer, first[0].token, Duration::ZERO)
        .await
        .expect("it is held");
    let again = fetch(&*bus, &consumer, 1).await;
    check_ids(&again, &["1"]);
    check_attempts(&again, &[2]);
    let stale = bus.ack(&consumer, &tokens(&first[..1])).await;
    assert!(
        matches!(stale, Err(Error::StaleDelivery { .. })),
        "given back is not held: {stale:?}"
    );
    ack(&*bus, &consumer, &[again[0].clone(), first[1].clone()]).await;
    check_idle(&*bus, &consumer).await;
}

pub(super) async fn a_delay_is_kept_or_refused(harness: &mut dyn Harness, claims: Capabilities) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(&*bus, &consumer, options(">")).await;
    publish(&*bus, &["a"]).await;
    let first = fetch(&*bus, &consumer, 1).await;
    let delayed = bus.nak(&consumer, first[0].token, ACK_WAIT * 2).await;
    if !claims.delayed_nak {
        assert!(
            matches!(delayed, Err(Error::InvalidOption { .. })),
            "{delayed:?}"
        );
        return;
    }
    delayed.expect("it is held");
    harness.advance(ACK_WAIT).await;
    check_idle(&*bus, &consumer).await;
    harness.advance(ACK_WAIT).await;
    let again = fetch(&*bus, &consumer, 1).await;
    check_attempts(&again, &[2]);
}

pub(super) async fn the_last_delivery_ends_in_a_dead_letter(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let consumer = name("worker");
    let two = ConsumerOptions {
        max_deliver: 2,
        ..options("a.>")
    };
    create(&*bus, &consumer, two).await;
    let sequences = publish(&*bus, &["a.x", "a.y"]).await;
    // The first times out twice, the second is given back twice.
    let first = fetch(&*bus, &consumer, 2).await;
    bus.nak(&consumer, first[1].token, Duration::ZERO)
        .await
        .expect("it is held");
    let again = fetch(&*bus, &consumer, 1).await;
    check_attempts(&again, &[2]);
    bus.nak(&consumer, again[0].token, Duration::ZERO)
        .await
        .expect("it is held");
    harness.advance(ACK_WAIT).await;
    let last = fetch(&*bus, &consumer, 1).await;
    check_ids(&last, &["1"]);
    check_attempts(&last, &[2]);
    assert_eq!(
        read_ids(&*bus, "dead.>", Start::First).await.len(),
        1,
        "one is not over yet"
    );
    harness.advance(ACK_WAIT).await;
    check_idle(&*bus, &consumer).await;

    let page = bus
        .read(&filter("dead.worker.>"), Start::First, 10)
        .await
        .expect("reading works");
    assert_eq!(page.events.len(), 2, "one dead letter each");
    let letters = page.events.iter().map(|delivered| &delivered.event);
    for (letter, (id, index)) in letters.zip([("2", 1), ("1", 0)]) {
        assert_eq!(letter.extension("originid"), Some(id));
        assert_eq!(letter.extension("originconsumer"), Some("worker"));
        let sequence = sequences[index].to_string();
        assert_eq!(letter.extension("originsequence"), Some(sequence.as_str()));
        assert_eq!(letter.extension("attempts"), Some("2"));
        assert_eq!(
            letter.json(),
            event(id, "a").json(),
            "the data is the origin's"
        );
    }
    assert_eq!(page.events[1].event.subject().as_str(), "dead.worker.a.x");
    let state = bus.consumers().await.expect("listing works").remove(0);
    assert_eq!((state.dead, state.in_flight), (2, 0));
    assert!(
        state.ack_floor >= sequences[1],
        "the dead hold nothing back"
    );
    let late = bus.ack(&consumer, &tokens(&last)).await;
    assert!(matches!(late, Err(Error::StaleDelivery { .. })), "{late:?}");
}
