use super::support::{
    BACKOFF, LEASE, check_bodies, check_idle, check_state, claim, claim_one, complete, define,
    enqueue, fail, job, jobs_of, one, options, queue, queue_named, settle, view,
};
use super::{Capabilities, Harness, cases};
use crate::{Error, Extension, JobId, QueueOptions, Settled, WaitReason};

cases! {
    a_paused_queue_gives_nothing: |_| true,
    a_draining_queue_takes_nothing: |_| true,
    cancelled_jobs_are_not_done: |_| true,
    retrying_a_failed_job_makes_it_due: |_| true,
    queues_are_as_defined: |_| true,
    only_an_empty_queue_goes: |_| true,
    a_full_queue_refuses: |claims| claims.jobs_max,
}

async fn a_paused_queue_gives_nothing(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let active = claim_one(&*jobs, "w").await;
    jobs.pause(&queue(), None).await.expect("pausing works");
    let id = enqueue(&*jobs, jobs_of(&["2"])).await[0];
    check_idle(&*jobs).await;
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert!(state.is_paused);
    assert_eq!(
        (state.counts.waiting, state.ready),
        (1, 0),
        "it waits, no worker would get it"
    );
    if claims.wait_reasons {
        assert_eq!(view(&*jobs, id).await.waits, Some(WaitReason::QueuePaused));
    }
    complete(&*jobs, &[active]).await;

    let resuming = async {
        tokio::task::yield_now().await;
        jobs.resume(&queue(), None).await.expect("resuming works");
    };
    let (claimed, ()) = tokio::join!(claim(&*jobs, "w", 1), resuming);
    check_bodies(&claimed, &["2"]);
    assert!(!jobs.queue(&queue()).await.expect("it is there").is_paused);
}

async fn a_draining_queue_takes_nothing(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    jobs.drain(&queue()).await.expect("draining works");
    assert!(jobs.queue(&queue()).await.expect("it is there").is_draining);
    let refused = jobs.enqueue(jobs_of(&["2"])).await;
    assert!(
        matches!(refused, Err(Error::Draining { .. })),
        "{refused:?}"
    );
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["1"]);
    complete(&*jobs, &claimed).await;
    jobs.resume(&queue(), None).await.expect("resuming works");
    enqueue(&*jobs, jobs_of(&["3"])).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["3"]);
}

async fn cancelled_jobs_are_not_done(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = enqueue(&*jobs, jobs_of(&["done", "active", "waiting", "last"])).await;
    let claimed = claim(&*jobs, "w", 2).await;
    complete(&*jobs, &claimed[..1]).await;
    let nobody = JobId(u64::MAX >> 2);
    let asked = [ids[2], nobody, ids[1], ids[0]];
    let settled = jobs.cancel(&asked).await.expect("cancelling works");
    let expected = [
        Settled::Done,
        Settled::Unknown,
        Settled::Done,
        Settled::Refused("completed"),
    ];
    assert_eq!(settled, expected);

    let lease = claimed[1].lease;
    let extended = jobs.extend(&[lease]).await.expect("extending works");
    assert_eq!(extended, [Extension::Cancelled], "its worker hears of it");
    assert_eq!(settle(&*jobs, lease).await, Settled::Stale);
    check_state(&*jobs, ids[1], "cancelled").await;
    check_state(&*jobs, ids[2], "cancelled").await;
    check_bodies(&[claim_one(&*jobs, "v").await], &["last"]);
    harness.advance(LEASE / 2).await;
    check_idle(&*jobs).await;
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!((state.totals.cancelled, state.totals.completed), (2, 1));
}

async fn retrying_a_failed_job_makes_it_due(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let first = claim_one(&*jobs, "w").await;
    fail(&*jobs, first.lease, "x").await;
    check_idle(&*jobs).await;
    let settled = jobs.retry(&[id]).await.expect("retrying works");
    assert_eq!(one(settled), Settled::Done);
    let second = claim_one(&*jobs, "w").await;
    assert_eq!((second.lease.id, second.failures), (id, 1));
    let settled = one(jobs.retry(&[id]).await.expect("retrying works"));
    assert_eq!(settled, Settled::Refused("active"));
    complete(&*jobs, &[second]).await;
    harness.advance(BACKOFF).await;
    check_idle(&*jobs).await;
}

async fn queues_are_as_defined(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    let (first, second) = (queue_named("b.first"), queue_named("a_second"));
    jobs.define_queue(&first, options())
        .await
        .expect("it is made");
    jobs.define_queue(&second, options())
        .await
        .expect("it is made");
    let changed = QueueOptions {
        losses_max: 7,
        ..options()
    };
    jobs.define_queue(&first, changed.clone())
        .await
        .expect("it is changed");
    let queues = jobs.queues().await.expect("listing works");
    let names: Vec<_> = queues.iter().map(|queue| &queue.name).collect();
    assert_eq!(names, [&second, &first], "by name");
    assert_eq!(
        (&queues[0].options, &queues[1].options),
        (&options(), &changed)
    );
    if claims.durable {
        harness.reopen(std::time::Duration::ZERO).await;
        let state = harness.jobs().queue(&first).await.expect("it is there");
        assert_eq!(state.options, changed);
    }
}

async fn only_an_empty_queue_goes(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let refused = jobs.remove_queue(&queue()).await;
    assert!(
        matches!(refused, Err(Error::QueueNotEmpty { jobs: 1, .. })),
        "{refused:?}"
    );
    let claimed = claim(&*jobs, "w", 1).await;
    let refused = jobs.remove_queue(&queue()).await;
    assert!(
        matches!(refused, Err(Error::QueueNotEmpty { .. })),
        "{refused:?}"
    );
    complete(&*jobs, &claimed).await;
    jobs.remove_queue(&queue()).await.expect("it is empty");
    let gone = jobs.queue(&queue()).await;
    assert!(matches!(gone, Err(Error::UnknownQueue { .. })), "{gone:?}");
    assert_eq!(jobs.queues().await.expect("listing works"), []);
}

async fn a_full_queue_refuses(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(
        &*jobs,
        QueueOptions {
            jobs_max: 2,
            ..options()
        },
    )
    .await;
    let refused = jobs.enqueue(jobs_of(&["1", "2", "3"])).await;
    assert!(
        matches!(refused, Err(Error::QueueFull { max: 2, .. })),
        "{refused:?}"
    );
    enqueue(&*jobs, jobs_of(&["4", "5"])).await;
    let refused = jobs.enqueue(vec![job("6")]).await;
    assert!(
        matches!(refused, Err(Error::QueueFull { .. })),
        "{refused:?}"
    );
    let claimed = claim_one(&*jobs, "w").await;
    check_bodies(std::slice::from_ref(&claimed), &["4"]);
    complete(&*jobs, &[claimed]).await;
    enqueue(&*jobs, jobs_of(&["7"])).await;
    check_bodies(&claim(&*jobs, "w", 2).await, &["5", "7"]);
}
