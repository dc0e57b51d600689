use super::support::{
    ACK_WAIT, ack, check_attempts, check_idle, check_ids, create, event, fetch, filter, name,
    options, publish, read_ids,
};
use super::{Capabilities, Harness};
use crate::Start;

pub(super) async fn a_restart_loses_nothing(harness: &mut dyn Harness, claims: Capabilities) {
    let bus = harness.bus();
    let consumer = name("worker");
    create(&*bus, &consumer, options(">")).await;
    let sequences = publish(&*bus, &["a", "a", "a"]).await;
    let before = bus
        .read(&filter(">"), Start::First, 10)
        .await
        .expect("reading works");
    let deliveries = fetch(&*bus, &consumer, 2).await;
    ack(&*bus, &consumer, &deliveries[..1]).await;
    drop(bus);

    harness.reopen().await;
    let bus = harness.bus();
    if !claims.durable {
        assert_eq!(
            read_ids(&*bus, ">", Start::First).await,
            Vec::<String>::new()
        );
        assert_eq!(bus.consumers().await.expect("listing works"), []);
        return;
    }
    let after = bus
        .read(&filter(">"), Start::First, 10)
        .await
        .expect("reading works");
    assert_eq!(
        after.events, before.events,
        "events, sequences and times are the same"
    );
    let states = bus.consumers().await.expect("listing works");
    assert_eq!(states.len(), 1);
    assert_eq!(
        (&states[0].name, &states[0].options),
        (&consumer, &options(">"))
    );
    assert!(
        states[0].ack_floor >= sequences[0],
        "what was acknowledged is"
    );

    check_ids(&fetch(&*bus, &consumer, 1).await, &["3"]);
    harness.advance(ACK_WAIT).await;
    let again = fetch(&*bus, &consumer, 2).await;
    check_ids(&again, &["2", "3"]);
    check_attempts(&again, &[2, 2]);
    ack(&*bus, &consumer, &again).await;
    let more = bus.publish(vec![event("4", "a")]).await.expect("a batch");
    assert!(more[0] > sequences[2], "sequences go on rising");
    check_ids(&fetch(&*bus, &consumer, 1).await, &["4"]);
    check_idle(&*bus, &consumer).await;
}
