use std::time::Duration;

use super::support::{check_ids, create, fetch, filter, name, options, publish};
use super::{Capabilities, Harness};
use crate::{ConsumerKind, ConsumerOptions, DeliveryToken, Error, Start};

pub(super) async fn consumers_are_as_they_were_made(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let bus = harness.bus();
    let consumer = name("worker");
    let base = options("a.>");
    create(&*bus, &consumer, base.clone()).await;
    create(&*bus, &consumer, base.clone()).await;
    let mut others = vec![
        ConsumerOptions {
            filter: filter("b.>"),
            ..base.clone()
        },
        ConsumerOptions {
            start: Start::New,
            ..base.clone()
        },
        ConsumerOptions {
            ack_wait: base.ack_wait * 2,
            ..base.clone()
        },
        ConsumerOptions {
            max_deliver: base.max_deliver + 1,
            ..base.clone()
        },
        ConsumerOptions {
            max_in_flight: base.max_in_flight + 1,
            ..base.clone()
        },
    ];
    if claims.keyed {
        others.push(ConsumerOptions {
            kind: ConsumerKind::Keyed,
            ..base.clone()
        });
    }
    if claims.inactive_after {
        others.push(ConsumerOptions {
            inactive_after: Some(Duration::from_secs(60)),
            ..base.clone()
        });
    }
    for other in others {
        let refused = bus.consumer(&consumer, other.clone()).await;
        assert!(
            matches!(refused, Err(Error::ConsumerDiffers { .. })),
            "{other:?}: {refused:?}"
        );
    }
    let states = bus.consumers().await.expect("listing works");
    assert_eq!(
        (states.len(), &states[0].options),
        (1, &base),
        "it is as it was"
    );

    publish(&*bus, &["a.x"]).await;
    fetch(&*bus, &consumer, 1).await;
    bus.remove_consumer(&consumer).await.expect("it exists");
    assert_eq!(bus.consumers().await.expect("listing works"), []);
    create(&*bus, &consumer, options(">")).await;
    check_ids(&fetch(&*bus, &consumer, 1).await, &["1"]);
}

pub(super) async fn bad_input_is_refused(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let (consumer, nobody) = (name("worker"), name("nobody"));
    let base = options(">");
    let out_of_range = [
        ConsumerOptions {
            ack_wait: Duration::ZERO,
            ..base.clone()
        },
        ConsumerOptions {
            ack_wait: Duration::MAX,
            ..base.clone()
        },
        ConsumerOptions {
            max_deliver: 0,
            ..base.clone()
        },
        ConsumerOptions {
            max_in_flight: 0,
            ..base.clone()
        },
        ConsumerOptions {
            inactive_after: Some(Duration::ZERO),
            ..base.clone()
        },
    ];
    for options in out_of_range {
        let refused = bus.consumer(&consumer, options.clone()).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{options:?}: {refused:?}"
        );
    }
    assert_eq!(
        bus.consumers().await.expect("listing works"),
        [],
        "none was made"
    );

    create(&*bus, &consumer, base).await;
    let no_limit = bus.read(&filter(">"), Start::First, 0).await;
    assert!(
        matches!(no_limit, Err(Error::InvalidOption { .. })),
        "{no_limit:?}"
    );
    let no_limit = bus.fetch(&consumer, 0, Duration::ZERO).await;
    assert!(
        matches!(no_limit, Err(Error::InvalidOption { .. })),
        "{no_limit:?}"
    );
    let token = DeliveryToken(u64::MAX);
    let unknown = bus.ack(&consumer, &[token]).await;
    assert!(
        matches!(unknown, Err(Error::StaleDelivery { .. })),
        "{unknown:?}"
    );
    for refused in [
        bus.fetch(&nobody, 1, Duration::ZERO).await.map(drop),
        bus.ack(&nobody, &[token]).await,
        bus.nak(&nobody, token, Duration::ZERO).await,
        bus.remove_consumer(&nobody).await,
    ] {
        assert!(
            matches!(refused, Err(Error::UnknownConsumer { .. })),
            "{refused:?}"
        );
    }
}
