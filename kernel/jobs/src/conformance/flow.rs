use std::time::Duration;

use super::support::{
    check_bodies, check_idle, check_state, claim, claim_one, complete, define, enqueue, ids, job,
    jobs_of, options, reject, view,
};
use super::{Capabilities, Harness, cases};
use crate::{Dependency, Error, JobId, JobState, NewJob, OnDeadChild, Settled, WaitReason};

cases! {
    a_parent_waits_for_its_children: |claims| claims.dependencies,
    a_child_may_be_done_already: |claims| claims.dependencies,
    a_dead_child_holds_its_parent: |claims| claims.dependencies,
    a_dead_child_may_be_ignored: |claims| claims.dependencies,
    a_dead_child_may_take_its_parent_along: |claims| claims.dependencies,
    a_parent_that_is_retried_waits_for_the_others_only: |claims| claims.dependencies,
    what_is_cancelled_together_is_cancelled: |claims| claims.dependencies,
    only_known_jobs_are_waited_for: |claims| claims.dependencies,
    flows_outlive_a_restart: |claims| claims.dependencies && claims.durable,
}

fn parent(text: &str, after: &[Dependency], on_dead_child: OnDeadChild) -> NewJob {
    let mut job = job(text);
    job.options.after = after.to_vec();
    job.options.on_dead_child = on_dead_child;
    job
}

async fn a_parent_waits_for_its_children(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let after = [Dependency::InBatch(0), Dependency::InBatch(1)];
    let batch = vec![job("a"), job("b"), parent("p", &after, OnDeadChild::Wait)];
    let ids = enqueue(&*jobs, batch).await;
    let seen = view(&*jobs, ids[2]).await;
    assert_eq!(seen.state, JobState::Blocked { left: 2 });
    if claims.wait_reasons {
        assert_eq!(seen.waits, Some(WaitReason::Children { left: 2 }));
    }
    let claimed = claim(&*jobs, "w", 2).await;
    check_bodies(&claimed, &["a", "b"]);
    check_idle(&*jobs).await;
    complete(&*jobs, &claimed[1..]).await;
    assert_eq!(
        view(&*jobs, ids[2]).await.state,
        JobState::Blocked { left: 1 }
    );
    check_idle(&*jobs).await;
    complete(&*jobs, &claimed[..1]).await;
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["p"]);
    assert_eq!(claimed[0].after, ids[..2], "whose results it may ask for");
    complete(&*jobs, &claimed).await;
}

async fn a_child_may_be_done_already(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let children = enqueue(&*jobs, jobs_of(&["a", "b"])).await;
    let claimed = claim_one(&*jobs, "w").await;
    complete(&*jobs, &[claimed]).await;
    let after = [children[0], children[1]].map(Dependency::Job);
    let ids = enqueue(&*jobs, vec![parent("p", &after, OnDeadChild::Wait)]).await;
    assert_eq!(
        view(&*jobs, ids[0]).await.state,
        JobState::Blocked { left: 1 }
    );
    let claimed = claim_one(&*jobs, "w").await;
    complete(&*jobs, &[claimed]).await;
    let ids = enqueue(&*jobs, vec![parent("q", &after, OnDeadChild::Wait)]).await;
    check_state(&*jobs, ids[0], "waiting").await;
    check_bodies(&claim(&*jobs, "w", 2).await, &["p", "q"]);
}

async fn a_dead_child_holds_its_parent(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let after = [Dependency::InBatch(0)];
    let batch = vec![job("a"), parent("p", &after, OnDeadChild::Wait)];
    let ids = enqueue(&*jobs, batch).await;
    let claimed = claim_one(&*jobs, "w").await;
    reject(&*jobs, claimed.lease, "x").await;
    check_state(&*jobs, ids[1], "blocked").await;
    check_idle(&*jobs).await;
    jobs.retry(&ids[..1]).await.expect("retrying works");
    let claimed = claim(&*jobs, "w", 1).await;
    complete(&*jobs, &claimed).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["p"]);
}

async fn a_dead_child_may_be_ignored(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let after = [Dependency::InBatch(0), Dependency::InBatch(1)];
    let batch = vec![job("a"), job("b"), parent("p", &after, OnDeadChild::Ignore)];
    let ids = enqueue(&*jobs, batch).await;
    let claimed = claim_one(&*jobs, "w").await;
    reject(&*jobs, claimed.lease, "x").await;
    check_state(&*jobs, ids[2], "blocked").await;
    jobs.cancel(&ids[1..2]).await.expect("cancelling works");
    check_bodies(&claim(&*jobs, "w", 1).await, &["p"]);
}

async fn a_dead_child_may_take_its_parent_along(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let batch = vec![
        job("a"),
        parent("p", &[Dependency::InBatch(0)], OnDeadChild::Die),
        parent("g", &[Dependency::InBatch(1)], OnDeadChild::Die),
        job("b"),
        parent("q", &[Dependency::InBatch(3)], OnDeadChild::Die),
    ];
    let all = enqueue(&*jobs, batch).await;
    let claimed = claim_one(&*jobs, "w").await;
    reject(&*jobs, claimed.lease, "x").await;
    jobs.cancel(&all[3..4]).await.expect("cancelling works");
    harness.advance(Duration::from_millis(100)).await;
    let dead = ids(&*jobs, Some("dead")).await;
    assert_eq!(dead, [all[0], all[1], all[2], all[4]], "and so on up");
    check_idle(&*jobs).await;
}

async fn a_parent_that_is_retried_waits_for_the_others_only(
    harness: &mut dyn Harness,
    _: Capabilities,
) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let after = [Dependency::InBatch(0), Dependency::InBatch(1)];
    let batch = vec![job("a"), job("b"), parent("p", &after, OnDeadChild::Die)];
    let all = enqueue(&*jobs, batch).await;
    let claimed = claim_one(&*jobs, "w").await;
    reject(&*jobs, claimed.lease, "x").await;
    check_state(&*jobs, all[2], "dead").await;
    jobs.retry(&all[2..]).await.expect("retrying works");
    check_state(&*jobs, all[2], "blocked").await;
    let dropped = jobs.drop_dead(&all[..1]).await.expect("dropping works");
    assert_eq!(dropped, [Settled::Done]);
    check_state(&*jobs, all[2], "blocked").await;
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["b"]);
    complete(&*jobs, &claimed).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["p"]);
}

async fn what_is_cancelled_together_is_cancelled(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let after = [Dependency::InBatch(0)];
    let batch = vec![job("a"), parent("p", &after, OnDeadChild::Die)];
    let all = enqueue(&*jobs, batch).await;
    let settled = jobs.cancel(&all).await.expect("cancelling works");
    assert_eq!(settled, [Settled::Done, Settled::Done]);
    assert_eq!(ids(&*jobs, Some("cancelled")).await, all, "as was answered");
}

async fn only_known_jobs_are_waited_for(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let nobody = [Dependency::Job(JobId(u64::MAX >> 2))];
    let refused = jobs
        .enqueue(vec![job("a"), parent("p", &nobody, OnDeadChild::Wait)])
        .await;
    assert!(
        matches!(refused, Err(Error::UnknownJob { .. })),
        "{refused:?}"
    );
    for place in [1, 2] {
        let later = [Dependency::InBatch(place)];
        let batch = vec![job("a"), parent("p", &later, OnDeadChild::Wait), job("b")];
        let refused = jobs.enqueue(batch).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(ids(&*jobs, None).await, [], "all or none");
}

async fn flows_outlive_a_restart(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let after = [Dependency::InBatch(0), Dependency::InBatch(1)];
    let batch = vec![job("a"), job("b"), parent("p", &after, OnDeadChild::Wait)];
    enqueue(&*jobs, batch).await;
    let claimed = claim_one(&*jobs, "w").await;
    complete(&*jobs, &[claimed]).await;
    drop(jobs);
    harness.reopen(Duration::ZERO).await;
    let jobs = harness.jobs();
    let claimed = claim_one(&*jobs, "w").await;
    check_idle(&*jobs).await;
    complete(&*jobs, &[claimed]).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["p"]);
}
