use std::sync::Arc;
use std::time::Duration;

use portique_bus::{Bus, ConsumerName, ConsumerOptions, Delivery, Start};
use portique_event::Filter;

use super::binding::event;
use super::support::{
    LEASE, PATIENCE, check_bodies, check_idle, check_state, claim, claim_one, define, done,
    enqueue, ids, job, jobs_of, options, settle,
};
use super::{Capabilities, Harness, cases};
use crate::{Completion, Cursor, Error, Settled, Transact, Transaction};

cases! {
    a_transaction_makes_all_changes: |claims| claims.transactions,
    a_refused_transaction_makes_none: |claims| claims.transactions,
    the_same_transaction_is_made_once: |claims| claims.transactions && claims.idempotency,
    a_cursor_moves_with_the_rest: |claims| claims.transactions,
}

fn ports(harness: &dyn Harness) -> (Arc<dyn Bus>, Arc<dyn Transact>) {
    let ports = harness.bus().zip(harness.transact());
    ports.expect("a harness that claims transactions has both")
}

fn consumer() -> ConsumerName {
    ConsumerName::new("suite").expect("the suite writes consumer names")
}

/// A consumer of `in.>` that is given its first event.
async fn held(bus: &dyn Bus) -> Delivery {
    let filter = Filter::new("in.>").expect("the suite writes filters");
    bus.consumer(&consumer(), ConsumerOptions::new(filter))
        .await
        .expect("it is made");
    bus.publish(vec![event("in", "in.a")])
        .await
        .expect("it is published");
    let mut deliveries = bus
        .fetch(&consumer(), 1, PATIENCE)
        .await
        .expect("fetching works");
    assert_eq!(deliveries.len(), 1);
    deliveries.remove(0)
}

/// How many events of `out.>` there are.
async fn published(bus: &dyn Bus) -> usize {
    let filter = Filter::new("out.>").expect("the suite writes filters");
    let page = bus
        .read(&filter, Start::First, 100)
        .await
        .expect("reading works");
    page.events.len()
}

async fn in_flight(bus: &dyn Bus) -> u64 {
    let states = bus.consumers().await.expect("listing works");
    states.iter().map(|state| state.in_flight).sum()
}

async fn a_transaction_makes_all_changes(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let (bus, transact) = ports(harness);
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let lease = claim_one(&*jobs, "w").await.lease;
    let delivery = held(&*bus).await;
    let committed = transact
        .commit(Transaction {
            publish: vec![event("1", "out.a"), event("2", "out.b")],
            enqueue: jobs_of(&["2", "3"]),
            complete: vec![done(lease)],
            acknowledge: vec![(consumer(), vec![delivery.token])],
            ..Transaction::default()
        })
        .await
        .expect("it is committed");
    assert_eq!((committed.sequences.len(), committed.jobs.len()), (2, 2));
    assert!(committed.sequences[0] < committed.sequences[1]);
    assert_eq!(published(&*bus).await, 2);
    assert_eq!(in_flight(&*bus).await, 0);
    check_state(&*jobs, id, "completed").await;
    let claimed = claim(&*jobs, "w", 2).await;
    check_bodies(&claimed, &["2", "3"]);
    assert_eq!(claimed[1].lease.id, committed.jobs[1].id);
    let nothing = transact.commit(Transaction::default()).await;
    assert_eq!(
        nothing.expect("nothing is nothing"),
        crate::Committed::default()
    );
}

async fn a_refused_transaction_makes_none(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let (bus, transact) = ports(harness);
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["lost", "held"])).await;
    let lost = claim_one(&*jobs, "slow").await.lease;
    harness.advance(LEASE).await;
    let held_jobs = [claim_one(&*jobs, "v").await, claim_one(&*jobs, "u").await];
    let good = held_jobs.iter().find(|claimed| claimed.lease.id != lost.id);
    let good = good.expect("the other one").lease;
    let delivery = held(&*bus).await;
    let whole = |complete: Vec<Completion>, tokens| Transaction {
        publish: vec![event("1", "out.a")],
        enqueue: jobs_of(&["new"]),
        complete,
        acknowledge: vec![(consumer(), tokens)],
        ..Transaction::default()
    };
    let before = ids(&*jobs, None).await;

    let stale = whole(vec![done(good), done(lost)], vec![delivery.token]);
    let refused = transact.commit(stale).await;
    assert!(
        matches!(refused, Err(Error::StaleLease { .. })),
        "{refused:?}"
    );
    let mut unknown = delivery.token;
    unknown.0 += 1_000;
    let refused = transact
        .commit(whole(vec![done(good)], vec![delivery.token, unknown]))
        .await;
    assert!(matches!(refused, Err(Error::Bus(_))), "{refused:?}");
    let mut bad = whole(vec![done(good)], vec![delivery.token]);
    bad.enqueue[0].payload.content_type = String::new();
    let refused = transact.commit(bad).await;
    assert!(
        matches!(refused, Err(Error::InvalidOption { .. })),
        "{refused:?}"
    );

    assert_eq!((published(&*bus).await, in_flight(&*bus).await), (0, 1));
    assert_eq!(ids(&*jobs, None).await, before);
    check_idle(&*jobs).await;
    assert_eq!(
        settle(&*jobs, good).await,
        Settled::Done,
        "it was still held"
    );
    bus.ack(&consumer(), &[delivery.token])
        .await
        .expect("it was still held");
}

async fn the_same_transaction_is_made_once(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    let (bus, transact) = ports(harness);
    define(&*jobs, options()).await;
    let transaction = Transaction {
        idempotency_key: Some("once".into()),
        publish: vec![event("1", "out.a")],
        enqueue: jobs_of(&["1"]),
        ..Transaction::default()
    };
    let first = transact
        .commit(transaction.clone())
        .await
        .expect("it is committed");
    let again = transact
        .commit(transaction.clone())
        .await
        .expect("it was committed");
    assert_eq!(again.sequences, first.sequences);
    assert_eq!(again.jobs[0].id, first.jobs[0].id);
    drop((jobs, bus, transact));
    if claims.durable {
        harness.reopen(Duration::ZERO).await;
    }
    let (jobs, (bus, transact)) = (harness.jobs(), ports(harness));
    if claims.durable {
        let again = transact
            .commit(transaction.clone())
            .await
            .expect("it was committed");
        assert_eq!(again.sequences, first.sequences);
        let other = Transaction {
            enqueue: jobs_of(&["2"]),
            ..transaction
        };
        let refused = transact.commit(other).await;
        assert!(
            matches!(refused, Err(Error::KeyConflict { .. })),
            "{refused:?}"
        );
        assert_eq!(published(&*bus).await, 1);
        check_bodies(&claim(&*jobs, "w", 1).await, &["1"]);
        check_idle(&*jobs).await;
    }
}

async fn a_cursor_moves_with_the_rest(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let (bus, transact) = ports(harness);
    define(&*jobs, options()).await;
    let delivery = held(&*bus).await;
    bus.ack(&consumer(), &[delivery.token])
        .await
        .expect("it is held");
    let seek = |enqueue| Transaction {
        enqueue,
        seek: vec![Cursor {
            consumer: consumer(),
            next: delivery.delivered.sequence,
        }],
        ..Transaction::default()
    };
    let mut bad = job("bad");
    bad.payload.content_type = String::new();
    let refused = transact.commit(seek(vec![bad])).await;
    assert!(refused.is_err(), "{refused:?}");
    let none = bus.fetch(&consumer(), 1, Duration::ZERO).await;
    assert_eq!(none.expect("fetching works"), [], "it was not moved");
    transact
        .commit(seek(jobs_of(&["1"])))
        .await
        .expect("it is committed");
    let again = bus
        .fetch(&consumer(), 1, PATIENCE)
        .await
        .expect("fetching works");
    assert_eq!(
        again[0].delivered, delivery.delivered,
        "it begins there again"
    );
    check_bodies(&claim(&*jobs, "w", 1).await, &["1"]);
}
