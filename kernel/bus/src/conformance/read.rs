use std::time::Duration;

use super::support::{PATIENCE, event, filter, publish, read_ids};
use super::{Capabilities, Harness};
use crate::{Error, Sequence, Start};

pub(super) async fn filters_select(harness: &mut dyn Harness) {
    let bus = harness.bus();
    publish(&*bus, &["a.b", "a.c", "a.b.c", "d"]).await;
    for (text, expected) in [
        (">", &["1", "2", "3", "4"][..]),
        ("a.*", &["1", "2"]),
        ("a.>", &["1", "2", "3"]),
        ("*.b", &["1"]),
        ("d", &["4"]),
        ("e.>", &[]),
    ] {
        assert_eq!(
            read_ids(&*bus, text, Start::First).await,
            expected,
            "{text}"
        );
    }
}

pub(super) async fn pages_neither_miss_nor_repeat(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let subjects = ["a.x", "b.x", "a.x", "a.x", "b.x", "a.x", "a.x"];
    publish(&*bus, &subjects).await;
    let mut ids = Vec::new();
    let mut start = Start::First;
    for _ in 0..subjects.len() {
        let page = bus
            .read(&filter("a.*"), start, 2)
            .await
            .expect("reading works");
        assert!(page.events.len() <= 2);
        start = Start::Sequence(page.next);
        if page.events.is_empty() {
            break;
        }
        ids.extend(
            page.events
                .iter()
                .map(|delivered| delivered.event.id().to_string()),
        );
    }
    assert_eq!(ids, ["1", "3", "4", "6", "7"]);
    let Start::Sequence(end) = start else {
        panic!("a page was read")
    };
    bus.publish(vec![event("8", "a.x")]).await.expect("a batch");
    assert_eq!(
        read_ids(&*bus, "a.*", Start::Sequence(end)).await,
        ["8"],
        "the end is a place"
    );
}

pub(super) async fn starts_are_kept(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let empty = bus
        .read(&filter(">"), Start::First, 1)
        .await
        .expect("reading works");
    assert_eq!(empty.events, [], "an empty bus has an empty page");
    let sequences = publish(&*bus, &["a", "a", "a"]).await;
    assert_eq!(read_ids(&*bus, ">", Start::First).await, ["1", "2", "3"]);
    assert_eq!(
        read_ids(&*bus, ">", Start::Sequence(sequences[1])).await,
        ["2", "3"]
    );
    let beyond_second = Sequence(sequences[1].0 + 1);
    assert_eq!(
        read_ids(&*bus, ">", Start::Sequence(beyond_second)).await,
        ["3"]
    );
    let new = bus
        .read(&filter(">"), Start::New, 10)
        .await
        .expect("reading works");
    assert_eq!(new.events, []);
    bus.publish(vec![event("4", "a")]).await.expect("a batch");
    assert_eq!(read_ids(&*bus, ">", Start::Sequence(new.next)).await, ["4"]);
}

pub(super) async fn a_start_by_time_is_kept_or_refused(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let bus = harness.bus();
    let before = harness.now();
    publish(&*bus, &["a"]).await;
    harness.advance(Duration::from_secs(10)).await;
    let between = harness.now();
    bus.publish(vec![event("2", "a")]).await.expect("a batch");
    harness.advance(Duration::from_secs(10)).await;
    if !claims.start_by_time {
        let refused = bus.read(&filter(">"), Start::Time(between), 10).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
        return;
    }
    assert_eq!(read_ids(&*bus, ">", Start::Time(before)).await, ["1", "2"]);
    assert_eq!(read_ids(&*bus, ">", Start::Time(between)).await, ["2"]);
    assert_eq!(
        read_ids(&*bus, ">", Start::Time(harness.now())).await,
        Vec::<String>::new()
    );
    let page = bus
        .read(&filter(">"), Start::First, 10)
        .await
        .expect("reading works");
    let accepted = page.events[1].accepted;
    assert!(
        accepted >= between && accepted <= harness.now(),
        "{accepted} is when it was taken"
    );
}

pub(super) async fn waiting_ends_with_the_event(harness: &mut dyn Harness) {
    let bus = harness.bus();
    let sequences = publish(&*bus, &["a"]).await;
    bus.wait(sequences[0]).await.expect("it is there");
    let next = Sequence(sequences[0].0 + 1);
    let waiting = tokio::time::timeout(PATIENCE, bus.wait(next));
    let publishing = async {
        tokio::task::yield_now().await;
        bus.publish(vec![event("2", "a")]).await.expect("a batch")
    };
    let (waited, published) = tokio::join!(waiting, publishing);
    waited
        .expect("waiting ends soon after the event")
        .expect("it is there");
    assert!(published[0] >= next);
}
