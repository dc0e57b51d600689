use super::{EPOCH, check};
use crate::fact::{self, Fact};

#[test]
fn deliveries_are_settled_once() {
    check("acknowledged_not_held", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.acknowledge(event);
        history.acknowledge(event);
    });
    check("delivered_after_its_end", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.acknowledge(event);
        history.deliver(event, 1, 2);
    });
    check("attempt_does_not_follow", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.deliver(event, 1, 2);
    });
    check("delivered_nothing", |history| {
        history.consumer();
        history.deliver(2, 1, 1);
    });
    check("delivery_token_does_not_rise", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 2);
        history.deliver(event, 2, 1);
    });
    check("buried_without_letter", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.fact(Fact::Buried(fact::Buried {
            consumer: 1,
            sequence: event,
        }));
    });
    check("cursor_goes_back", |history| {
        let events = [history.event("a"), history.event("b")];
        history.consumer();
        history.deliver(events[1], 1, 1);
        history.deliver(events[1], 2, 2);
        let back = fact::Delivered {
            consumer: 1,
            cursor: events[0],
            sequences: vec![events[1]],
            attempts: vec![3],
            token: EPOCH + 3,
            ..fact::Delivered::default()
        };
        history.fact(Fact::Delivered(back));
    });
}
