use std::time::Duration;

use super::support::{
    BACKOFF, LEASE, bodies, check_bodies, check_idle, check_state, claim, claim_now, claim_one,
    complete, define, enqueue, fail, jobs_of, one, options, queue, reject, settle, view,
};
use super::{Capabilities, Harness, cases};
use crate::{Extension, Settled};

cases! {
    a_restart_loses_nothing: |_| true,
    a_worker_outlives_a_restart: |claims| claims.durable,
    attempts_are_counted_across_restarts: |claims| claims.durable,
}

async fn a_restart_loses_nothing(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let texts = [
        "done",
        "dead",
        "failed",
        "cancelled",
        "waiting-1",
        "waiting-2",
    ];
    let ids = enqueue(&*jobs, jobs_of(&texts)).await;
    let claimed = claim(&*jobs, "w", 3).await;
    complete(&*jobs, &claimed[..1]).await;
    reject(&*jobs, claimed[1].lease, "beyond help").await;
    fail(&*jobs, claimed[2].lease, "try again").await;
    jobs.cancel(&ids[3..4]).await.expect("cancelling works");
    drop(jobs);

    harness.reopen(Duration::ZERO).await;
    let jobs = harness.jobs();
    if !claims.durable {
        assert_eq!(jobs.queues().await.expect("listing works"), []);
        return;
    }
    let states = [
        "completed",
        "dead",
        "failed",
        "cancelled",
        "waiting",
        "waiting",
    ];
    for (id, state) in ids.iter().zip(states) {
        check_state(&*jobs, *id, state).await;
    }
    let seen = view(&*jobs, ids[2]).await;
    assert_eq!(
        (seen.failures, seen.last_error.as_deref()),
        (1, Some("try again"))
    );
    assert_eq!(
        settle(&*jobs, claimed[0].lease).await,
        Settled::Done,
        "the same answer"
    );
    let more = enqueue(&*jobs, jobs_of(&["later"])).await;
    assert!(more[0] > ids[5], "ids go on rising");

    harness.advance(BACKOFF).await;
    let mut left = bodies(&claim(&*jobs, "w", 4).await);
    left.sort_unstable();
    assert_eq!(left, ["failed", "later", "waiting-1", "waiting-2"]);
    check_idle(&*jobs).await;
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!((state.options, state.counts.dead), (options(), 1));
}

async fn a_worker_outlives_a_restart(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1", "2"])).await;
    let claimed = claim(&*jobs, "w", 2).await;
    drop(jobs);
    harness.reopen(LEASE * 2).await;
    let jobs = harness.jobs();
    check_idle(&*jobs).await;
    let extended = jobs.extend(&[claimed[0].lease]).await;
    assert_eq!(
        extended.expect("extending works"),
        [Extension::Held],
        "its full time again"
    );
    assert_eq!(settle(&*jobs, claimed[0].lease).await, Settled::Done);
    harness.advance(LEASE).await;
    let again = claim_one(&*jobs, "v").await;
    assert_eq!((again.lease.id, again.losses), (claimed[1].lease.id, 1));
    assert!(
        again.lease.token > claimed[1].lease.token,
        "tokens go on rising"
    );
    assert_eq!(settle(&*jobs, claimed[1].lease).await, Settled::Stale);
    assert_eq!(settle(&*jobs, again.lease).await, Settled::Done);
}

async fn attempts_are_counted_across_restarts(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    drop(jobs);
    for attempt in 1..=3 {
        let jobs = harness.jobs();
        let claimed = claim_one(&*jobs, "w").await;
        assert_eq!(claimed.attempt, attempt);
        let settled = fail(&*jobs, claimed.lease, "again").await;
        assert_eq!(settled == Settled::Dead, attempt == 3, "{settled:?}");
        drop(jobs);
        harness.reopen(BACKOFF).await;
    }
    let jobs = harness.jobs();
    assert_eq!(claim_now(&*jobs, "w", 1).await, []);
    check_state(&*jobs, id, "dead").await;
    assert_eq!(
        one(jobs.retry(&[id]).await.expect("retrying works")),
        Settled::Done
    );
    drop(jobs);
    harness.reopen(Duration::ZERO).await;
    check_bodies(&claim(&*harness.jobs(), "w", 1).await, &["1"]);
}
