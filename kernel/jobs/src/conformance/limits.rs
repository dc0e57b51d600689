use std::time::Duration;

use super::support::{
    LEASE, bodies, check_bodies, check_idle, claim, claim_one, complete, define, enqueue, fail,
    job, jobs_of, label, options, queue, view,
};
use super::{Capabilities, Harness, cases};
use crate::{JobId, Jobs, NewJob, QueueOptions, Rate, WaitReason};

cases! {
    a_queue_has_a_concurrency: |claims| claims.concurrency,
    what_is_lost_or_failed_makes_room: |claims| claims.concurrency,
    a_group_has_a_concurrency: |claims| claims.groups && claims.group_concurrency,
    a_key_has_a_concurrency: |claims| claims.key_concurrency,
    a_key_of_one_keeps_its_order: |claims| claims.key_concurrency,
    a_queue_has_a_rate: |claims| claims.rate,
    a_group_has_a_rate: |claims| claims.groups && claims.group_rate,
    a_key_has_a_rate: |claims| claims.key_rate,
}

/// Two at once, then one every two seconds.
const RATE: Rate = Rate {
    count: 2,
    per: Duration::from_secs(4),
};

fn of_group(group: &str, text: &str) -> NewJob {
    let mut job = job(text);
    job.options.group = Some(label(group));
    job
}

fn of_key(key: &str, text: &str) -> NewJob {
    let mut job = job(text);
    job.options.key = Some(label(key));
    job
}

async fn check_reason(jobs: &dyn Jobs, claims: Capabilities, id: JobId, reason: WaitReason) {
    if claims.wait_reasons {
        assert_eq!(view(jobs, id).await.waits, Some(reason));
    }
}

async fn a_queue_has_a_concurrency(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    let concurrency = Some(2);
    define(
        &*jobs,
        QueueOptions {
            concurrency,
            ..options()
        },
    )
    .await;
    let ids = enqueue(&*jobs, jobs_of(&["1", "2", "3", "4"])).await;
    let claimed = claim(&*jobs, "w", 2).await;
    check_idle(&*jobs).await;
    check_reason(&*jobs, claims, ids[2], WaitReason::QueueConcurrency).await;
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!(
        (state.counts.waiting, state.ready),
        (2, 0),
        "more workers would not help"
    );
    complete(&*jobs, &claimed[..1]).await;
    check_bodies(&claim(&*jobs, "v", 1).await, &["3"]);
    check_idle(&*jobs).await;
}

async fn what_is_lost_or_failed_makes_room(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let concurrency = Some(1);
    define(
        &*jobs,
        QueueOptions {
            concurrency,
            ..options()
        },
    )
    .await;
    enqueue(&*jobs, jobs_of(&["1", "2"])).await;
    let first = claim_one(&*jobs, "w").await;
    fail(&*jobs, first.lease, "x").await;
    check_bodies(&[claim_one(&*jobs, "w").await], &["2"]);
    check_idle(&*jobs).await;
    harness.advance(LEASE).await;
    let next = claim_one(&*jobs, "v").await;
    check_idle(&*jobs).await;
    jobs.cancel(&[next.lease.id])
        .await
        .expect("cancelling works");
    claim_one(&*jobs, "u").await;
}

async fn a_group_has_a_concurrency(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    let group_concurrency = Some(1);
    define(
        &*jobs,
        QueueOptions {
            group_concurrency,
            ..options()
        },
    )
    .await;
    let batch = vec![
        of_group("a", "a1"),
        of_group("a", "a2"),
        of_group("b", "b1"),
        of_group("b", "b2"),
    ];
    let ids = enqueue(&*jobs, batch).await;
    let claimed = claim(&*jobs, "w", 2).await;
    let mut texts = bodies(&claimed);
    texts.sort_unstable();
    assert_eq!(texts, ["a1", "b1"]);
    check_idle(&*jobs).await;
    check_reason(&*jobs, claims, ids[1], WaitReason::GroupConcurrency).await;
    let of_a = claimed.iter().find(|claimed| claimed.lease.id == ids[0]);
    complete(&*jobs, std::slice::from_ref(of_a.expect("a1 is there"))).await;
    check_bodies(&claim(&*jobs, "v", 1).await, &["a2"]);
    check_idle(&*jobs).await;
}

async fn a_key_has_a_concurrency(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    let key_concurrency = Some(2);
    define(
        &*jobs,
        QueueOptions {
            key_concurrency,
            ..options()
        },
    )
    .await;
    let batch = vec![
        of_key("k", "k1"),
        of_key("k", "k2"),
        of_key("k", "k3"),
        of_key("l", "l1"),
        job("free"),
    ];
    let ids = enqueue(&*jobs, batch).await;
    let claimed = claim(&*jobs, "w", 4).await;
    check_bodies(&claimed, &["k1", "k2", "l1", "free"]);
    assert_eq!(claimed[0].key, Some(label("k")));
    check_idle(&*jobs).await;
    check_reason(&*jobs, claims, ids[2], WaitReason::KeyConcurrency).await;
    complete(&*jobs, &claimed[2..]).await;
    check_idle(&*jobs).await;
    complete(&*jobs, &claimed[..1]).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["k3"]);
}

async fn a_key_of_one_keeps_its_order(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let key_concurrency = Some(1);
    define(
        &*jobs,
        QueueOptions {
            key_concurrency,
            ..options()
        },
    )
    .await;
    let keys = ["k", "l", "m"];
    let batch = (0..15)
        .map(|n| of_key(keys[n % 3], &format!("{n:02}")))
        .collect();
    enqueue(&*jobs, batch).await;
    let mut seen: Vec<(Option<crate::Label>, String)> = Vec::new();
    let mut held = claim(&*jobs, "w", 3).await;
    while !held.is_empty() {
        let mut of_keys: Vec<_> = held.iter().map(|claimed| claimed.key.clone()).collect();
        of_keys.dedup();
        assert_eq!(of_keys.len(), held.len(), "one of each key at a time");
        // The youngest first, so that keys get ahead of each other.
        let last = held.pop().expect("it is not empty");
        complete(&*jobs, std::slice::from_ref(&last)).await;
        seen.push((last.key.clone(), bodies(&[last]).remove(0)));
        held.extend(super::support::claim_now(&*jobs, "w", 3).await);
    }
    assert_eq!(seen.len(), 15);
    for key in keys {
        let own = seen.iter().filter(|(of, _)| *of == Some(label(key)));
        assert!(own.map(|(_, text)| text).is_sorted(), "{seen:?}");
    }
}

async fn a_queue_has_a_rate(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(
        &*jobs,
        QueueOptions {
            rate: Some(RATE),
            ..options()
        },
    )
    .await;
    let ids = enqueue(&*jobs, jobs_of(&["1", "2", "3", "4"])).await;
    complete(&*jobs, &claim(&*jobs, "w", 2).await).await;
    check_idle(&*jobs).await;
    check_reason(&*jobs, claims, ids[2], WaitReason::QueueRate).await;
    let ready = jobs.queue(&queue()).await.expect("it is there").ready;
    assert_eq!(ready, 0, "more workers would not help");
    harness.advance(RATE.per / 2).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["3"]);
    check_idle(&*jobs).await;
    harness.advance(RATE.per / 2).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["4"]);
}

async fn a_group_has_a_rate(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(
        &*jobs,
        QueueOptions {
            group_rate: Some(RATE),
            ..options()
        },
    )
    .await;
    let mut ids = enqueue(
        &*jobs,
        ["a1", "a2", "a3"].map(|text| of_group("a", text)).into(),
    )
    .await;
    ids.extend(enqueue(&*jobs, vec![of_group("b", "b1")]).await);
    let mut texts = bodies(&claim(&*jobs, "w", 3).await);
    texts.sort_unstable();
    assert_eq!(texts, ["a1", "a2", "b1"]);
    check_idle(&*jobs).await;
    check_reason(&*jobs, claims, ids[2], WaitReason::GroupRate).await;
    harness.advance(RATE.per / 2).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["a3"]);
}

async fn a_key_has_a_rate(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(
        &*jobs,
        QueueOptions {
            key_rate: Some(RATE),
            ..options()
        },
    )
    .await;
    let batch = ["k1", "k2", "k3"].map(|text| of_key("k", text));
    let ids = enqueue(&*jobs, batch.into()).await;
    enqueue(&*jobs, vec![of_key("l", "l1"), job("free")]).await;
    let claimed = claim(&*jobs, "w", 4).await;
    check_bodies(&claimed, &["k1", "k2", "l1", "free"]);
    complete(&*jobs, &claimed).await;
    check_idle(&*jobs).await;
    check_reason(&*jobs, claims, ids[2], WaitReason::KeyRate).await;
    harness.advance(RATE.per / 2).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["k3"]);
}
