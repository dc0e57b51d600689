use std::time::Duration;

use super::support::{
    check_bodies, check_idle, claim, complete, define, enqueue, enqueue_one, ids, job, kind,
    options, payload, queue_named,
};
use super::{Capabilities, Harness, cases};
use crate::{Enqueued, Error, NewJob};

cases! {
    the_same_request_gives_the_same_job: |claims| claims.idempotency,
    another_payload_is_a_conflict: |claims| claims.idempotency,
    keys_outlive_a_restart: |claims| claims.idempotency && claims.durable,
    keys_are_checked: |claims| claims.idempotency,
}

fn keyed(key: &str, text: &str) -> NewJob {
    let mut job = job(text);
    job.options.idempotency_key = Some(key.into());
    job
}

async fn the_same_request_gives_the_same_job(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let first = enqueue_one(&*jobs, keyed("order-1", "1")).await;
    assert!(first.is_new);
    let again = Enqueued {
        is_new: false,
        ..first
    };
    assert_eq!(enqueue_one(&*jobs, keyed("order-1", "1")).await, again);
    let batch = vec![
        job("2"),
        keyed("order-1", "1"),
        keyed("order-3", "3"),
        keyed("order-3", "3"),
    ];
    let mixed = jobs.enqueue(batch).await.expect("they agree");
    let are_new: Vec<_> = mixed.iter().map(|job| job.is_new).collect();
    assert_eq!(are_new, [true, false, true, false]);
    assert_eq!((mixed[1], mixed[3].id), (again, mixed[2].id));

    let mut elsewhere = keyed("order-1", "1");
    elsewhere.queue = queue_named("elsewhere");
    assert!(
        enqueue_one(&*jobs, elsewhere).await.is_new,
        "keys are a queue's own"
    );

    let claimed = claim(&*jobs, "w", 3).await;
    check_bodies(&claimed, &["1", "2", "3"]);
    complete(&*jobs, &claimed).await;
    assert_eq!(
        enqueue_one(&*jobs, keyed("order-1", "1")).await,
        again,
        "also when it is done"
    );
    check_idle(&*jobs).await;
}

async fn another_payload_is_a_conflict(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let first = enqueue_one(&*jobs, keyed("order-1", "1")).await;
    for other in [
        keyed("order-1", "2"),
        NewJob {
            kind: kind("other"),
            ..keyed("order-1", "3")
        },
    ] {
        let refused = jobs.enqueue(vec![job("bystander"), other]).await;
        let Err(Error::KeyConflict { key, existing }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((key.as_str(), existing), ("order-1", Some(first.id)));
    }
    let refused = jobs
        .enqueue(vec![keyed("order-9", "a"), keyed("order-9", "b")])
        .await;
    assert!(
        matches!(refused, Err(Error::KeyConflict { .. })),
        "{refused:?}"
    );
    assert_eq!(ids(&*jobs, None).await, [first.id], "all or none");
    assert!(
        enqueue_one(&*jobs, keyed("order-9", "c")).await.is_new,
        "its key was not used"
    );
}

async fn keys_outlive_a_restart(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let first = enqueue_one(&*jobs, keyed("order-1", "1")).await;
    let claimed = claim(&*jobs, "w", 1).await;
    complete(&*jobs, &claimed).await;
    drop(jobs);
    harness.reopen(Duration::from_secs(1)).await;
    let jobs = harness.jobs();
    let again = enqueue_one(&*jobs, keyed("order-1", "1")).await;
    assert_eq!((again.id, again.is_new), (first.id, false));
    let refused = jobs.enqueue(vec![keyed("order-1", "2")]).await;
    assert!(
        matches!(refused, Err(Error::KeyConflict { .. })),
        "{refused:?}"
    );
    check_idle(&*jobs).await;
}

async fn keys_are_checked(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    for key in [String::new(), "x".repeat(257)] {
        let refused = jobs.enqueue(vec![keyed(&key, "1")]).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
    }
    let longest = NewJob {
        payload: payload("1"),
        ..keyed(&"x".repeat(256), "1")
    };
    enqueue(&*jobs, vec![longest]).await;
}
