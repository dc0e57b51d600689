use std::time::Duration;

use super::support::{event, filter};
use super::{Capabilities, Harness};
use crate::{Bus, CompactionName, Error};

fn name(text: &str) -> CompactionName {
    CompactionName::new(text).expect("the suite writes names of compactions")
}

/// Publishes one event with this key.
async fn publish_key(bus: &dyn Bus, id: &str, key: &str) {
    let event = event(id, "state.a").into_builder();
    let event = event.extension("partitionkey", key).build();
    let batch = vec![event.expect("limits are kept")];
    bus.publish(batch).await.expect("a batch");
}

pub(super) async fn a_compaction_holds_the_newest_of_each_key(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let bus = harness.bus();
    let newest = name("newest");
    for (id, key) in [("1", "x"), ("2", "y"), ("3", "x")] {
        publish_key(&*bus, id, key).await;
    }
    let keyless = vec![event("4", "state.a"), event("5", "other")];
    bus.publish(keyless).await.expect("a batch");
    let made = bus.compaction(&newest, filter("state.*")).await;
    if !claims.compaction {
        assert!(matches!(made, Err(Error::Unsupported { .. })), "{made:?}");
        return;
    }
    made.expect("the compaction is made");
    bus.compaction(&newest, filter("state.*"))
        .await
        .expect("it is there");
    let other = bus.compaction(&newest, filter("other")).await;
    assert!(
        matches!(other, Err(Error::CompactionDiffers { .. })),
        "{other:?}"
    );
    let states = bus.compactions().await.expect("listing works");
    assert_eq!((states.len(), &states[0].name), (1, &newest));
    assert_eq!((states[0].keys, states[0].refused), (2, 0));

    publish_key(&*bus, "6", "z").await;
    harness.advance(Duration::from_secs(1)).await;
    let states = bus.compactions().await.expect("listing works");
    assert_eq!(states[0].keys, 3, "what comes is held too");
    if claims.durable {
        drop(bus);
        harness.reopen().await;
        let bus = harness.bus();
        let after = bus.compactions().await.expect("listing works");
        assert_eq!(after, states, "a restart keeps it");
    }
    let bus = harness.bus();
    bus.remove_compaction(&newest).await.expect("it is there");
    let gone = bus.remove_compaction(&newest).await;
    assert!(
        matches!(gone, Err(Error::UnknownCompaction { .. })),
        "{gone:?}"
    );
    assert_eq!(bus.compactions().await.expect("listing works"), []);
}
