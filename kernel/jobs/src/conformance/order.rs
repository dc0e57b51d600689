use std::time::Duration;

use super::support::{
    check_bodies, check_idle, check_state, claim, claim_one, define, enqueue, job, jobs_of,
    options, queue,
};
use super::{Capabilities, Harness, cases};
use crate::{NewJob, QueueOptions};

cases! {
    a_higher_priority_goes_first: |claims| claims.priorities,
    what_waits_ages: |claims| claims.ageing,
    without_ageing_priority_is_strict: |claims| claims.ageing,
}

fn urgent(text: &str, priority: i16) -> NewJob {
    let mut job = job(text);
    job.options.priority = priority;
    job
}

async fn a_higher_priority_goes_first(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = enqueue(
        &*jobs,
        vec![
            urgent("later", -5),
            job("plain-1"),
            urgent("soon-1", 7),
            job("plain-2"),
            urgent("now", 30_000),
            urgent("soon-2", 7),
        ],
    )
    .await;
    check_state(&*jobs, ids[1], "waiting").await;
    check_state(&*jobs, ids[2], "prioritized").await;
    let counts = jobs.queue(&queue()).await.expect("it is there").counts;
    assert_eq!((counts.waiting, counts.prioritized), (2, 4));
    let expected = ["now", "soon-1", "soon-2", "plain-1", "plain-2", "later"];
    check_bodies(&claim(&*jobs, "w", 6).await, &expected);
    check_idle(&*jobs).await;
}

async fn what_waits_ages(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let ageing = Some(Duration::from_secs(1));
    define(
        &*jobs,
        QueueOptions {
            ageing,
            ..options()
        },
    )
    .await;
    enqueue(&*jobs, vec![job("plain"), urgent("old", 1)]).await;
    harness.advance(Duration::from_secs(5)).await;
    enqueue(&*jobs, vec![urgent("young", 3), urgent("urgent", 30)]).await;
    let claimed = claim(&*jobs, "w", 4).await;
    check_bodies(&claimed, &["urgent", "old", "plain", "young"]);
}

async fn without_ageing_priority_is_strict(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(
        &*jobs,
        QueueOptions {
            ageing: None,
            ..options()
        },
    )
    .await;
    enqueue(&*jobs, jobs_of(&["plain"])).await;
    harness.advance(Duration::from_secs(5)).await;
    enqueue(&*jobs, vec![urgent("a step up", 1)]).await;
    check_bodies(&[claim_one(&*jobs, "w").await], &["a step up"]);
    check_bodies(&[claim_one(&*jobs, "w").await], &["plain"]);
}
