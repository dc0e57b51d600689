use portique_event::{Data, Event, Subject};

use super::support::{event, filter, read_ids};
use super::{Capabilities, Harness};
use crate::{Error, Sequence, Start};

pub(super) async fn events_come_back_as_published(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let base = |id: &str| {
        let subject = Subject::new("conformance.full").expect("a subject");
        Event::builder(id, "/conformance", "conformance.full", subject)
            .time(harness.now())
            .extension("partitionkey", "p")
    };
    let schema = "https://portique.example/full.json";
    let events = vec![
        base("1")
            .json(serde_json::json!({"m_s": 0.1}))
            .schema(schema)
            .build(),
        base("2")
            .data(Data::Text("a,b\n1,2".into()))
            .content_type("text/csv")
            .build(),
        base("3").data(Data::Binary(vec![0, 1, 254, 255])).build(),
        base("4").build(),
    ];
    let events: Vec<Event> = events
        .into_iter()
        .map(|e| e.expect("limits are kept"))
        .collect();
    let mut sequences = bus.publish(events[..3].to_vec()).await.expect("a batch");
    sequences.extend(
        bus.publish(events[3..].to_vec())
            .await
            .expect("another batch"),
    );
    assert_eq!(sequences.len(), 4, "one sequence per event");
    assert!(
        sequences.is_sorted_by(|a, b| a < b) && sequences[0] >= Sequence(1),
        "{sequences:?}"
    );
    assert_eq!(bus.publish(Vec::new()).await.expect("an empty batch"), []);

    let page = bus
        .read(&filter(">"), Start::First, 10)
        .await
        .expect("reading works");
    let found: Vec<_> = page
        .events
        .iter()
        .map(|delivered| delivered.sequence)
        .collect();
    assert_eq!(found, sequences, "what publish said is what read says");
    let found: Vec<_> = page
        .events
        .into_iter()
        .map(|delivered| delivered.event)
        .collect();
    assert_eq!(found, events);
}

pub(super) async fn publishers_keep_their_order(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let publisher = |letter: &'static str| {
        let bus = bus.clone();
        async move {
            for number in 10..30 {
                let batch = vec![
                    event(&format!("{letter}{number}-1"), "conformance.a"),
                    event(&format!("{letter}{number}-2"), "conformance.a"),
                ];
                let sequences = bus.publish(batch).await.expect("a batch");
                assert!(sequences[0] < sequences[1]);
            }
        }
    };
    tokio::join!(publisher("a"), publisher("b"), publisher("c"));
    let ids = read_ids(&*bus, ">", Start::First).await;
    assert_eq!(ids.len(), 120, "nothing is lost, nothing is doubled");
    for letter in ["a", "b", "c"] {
        let own: Vec<_> = ids.iter().filter(|id| id.starts_with(letter)).collect();
        assert!(own.len() == 40 && own.is_sorted(), "{own:?}");
    }
}

pub(super) async fn a_refused_batch_leaves_nothing(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let bus = harness.bus();
    let batch = vec![event("1", "conformance.a"); claims.batch_events_max + 1];
    let refused = bus.publish(batch).await;
    assert!(
        matches!(refused, Err(Error::BatchTooLarge { .. })),
        "{refused:?}"
    );
    assert_eq!(
        read_ids(&*bus, ">", Start::First).await,
        Vec::<String>::new()
    );
    let batch = vec![event("1", "conformance.a"); claims.batch_events_max];
    let sequences = bus.publish(batch).await.expect("a batch at the limit");
    assert_eq!(sequences.len(), claims.batch_events_max);
}

pub(super) async fn batches_together_are_each_by_itself(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let bus = harness.bus();
    let batches = vec![
        vec![event("1", "a"), event("2", "a")],
        Vec::new(),
        vec![event("too many", "a"); claims.batch_events_max + 1],
        vec![event("3", "b")],
    ];
    let published = bus.publish_each(batches).await;
    let [first, empty, refused, last] = published.as_slice() else {
        panic!("a result for each batch: {published:?}");
    };
    let too_large = matches!(refused, Err(Error::BatchTooLarge { .. }));
    assert!(too_large, "{refused:?}");
    assert_eq!(empty.as_deref().expect("an empty batch"), []);
    let (first, last) = (first.as_deref(), last.as_deref());
    let sequences = [first.expect("a batch"), last.expect("a batch")].concat();
    assert_eq!(sequences.len(), 3, "one sequence per event");
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    let page = bus.read(&filter(">"), Start::First, 10).await;
    let events = page.expect("reading works").events;
    let found: Vec<_> = events.iter().map(|delivered| delivered.sequence).collect();
    assert_eq!(found, sequences, "what was said is where they are");
    assert_eq!(read_ids(&*bus, ">", Start::First).await, ["1", "2", "3"]);
}

pub(super) async fn reserved_events_are_events(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let plain = bus.publish(vec![event("1", "a")]).await.expect("a batch");
    let batch = vec![event("2", "a"), event("3", "b")];
    let reserved = bus.publish_reserved(batch).await.expect("a batch");
    assert_eq!(reserved.len(), 2, "one sequence per event");
    let sequences = [plain, reserved].concat();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    let none = bus.publish_reserved(Vec::new()).await;
    assert_eq!(none.expect("an empty batch"), []);
    assert_eq!(read_ids(&*bus, ">", Start::First).await, ["1", "2", "3"]);
}
