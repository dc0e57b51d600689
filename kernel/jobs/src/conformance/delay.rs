use std::time::Duration;

use super::support::{
    LEASE, check_bodies, check_idle, check_state, claim, claim_one, complete, define, enqueue, job,
    one, options, queue, settle, view,
};
use super::{Capabilities, Harness, cases};
use crate::{Extension, JobState, NewJob, Settled, WaitReason};

cases! {
    a_delayed_job_waits: |claims| claims.delays,
    delayed_jobs_come_by_their_time: |claims| claims.delays,
    a_delayed_job_may_be_made_due: |claims| claims.delays,
    delays_outlive_a_restart: |claims| claims.delays && claims.durable,
    a_job_dies_at_its_deadline: |claims| claims.deadlines,
}

fn delayed(harness: &dyn Harness, text: &str, wait: Duration) -> NewJob {
    let mut job = job(text);
    job.options.run_at = Some(harness.now().plus(wait));
    job
}

async fn a_delayed_job_waits(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let wait = Duration::from_secs(4);
    let new = delayed(harness, "1", wait);
    let due = new.options.run_at.expect("it has a time");
    let id = enqueue(&*jobs, vec![new]).await[0];
    let seen = view(&*jobs, id).await;
    let JobState::Delayed { due: shown } = seen.state else {
        panic!("{seen:?}");
    };
    assert!(
        shown.since(due) + due.since(shown) < Duration::from_millis(2),
        "{shown} is {due}"
    );
    if claims.wait_reasons {
        assert_eq!(seen.waits, Some(WaitReason::NotDue { due: shown }));
    }
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!(
        (state.counts.delayed, state.counts.waiting, state.ready),
        (1, 0, 0)
    );
    check_idle(&*jobs).await;
    harness.advance(wait).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["1"]);
}

async fn delayed_jobs_come_by_their_time(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let [late, soon, past] = [6, 3, 0].map(Duration::from_secs);
    let batch = vec![
        delayed(harness, "late", late),
        delayed(harness, "soon", soon),
        delayed(harness, "at once", past),
    ];
    enqueue(&*jobs, batch).await;
    for (text, wait) in [("at once", soon), ("soon", late - soon), ("late", soon)] {
        let claimed = claim(&*jobs, "w", 1).await;
        check_bodies(&claimed, &[text]);
        complete(&*jobs, &claimed).await;
        check_idle(&*jobs).await;
        harness.advance(wait).await;
    }
}

async fn a_delayed_job_may_be_made_due(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let hour = Duration::from_secs(3_600);
    let batch = vec![delayed(harness, "1", hour), delayed(harness, "2", hour)];
    let ids = enqueue(&*jobs, batch).await;
    check_idle(&*jobs).await;
    assert_eq!(
        one(jobs.retry(&ids[..1]).await.expect("retrying works")),
        Settled::Done
    );
    check_bodies(&[claim_one(&*jobs, "w").await], &["1"]);
    assert_eq!(
        one(jobs.cancel(&ids[1..]).await.expect("cancelling works")),
        Settled::Done
    );
    check_state(&*jobs, ids[1], "cancelled").await;
}

async fn delays_outlive_a_restart(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let wait = Duration::from_secs(5);
    let new = delayed(harness, "1", wait);
    enqueue(&*jobs, vec![new]).await;
    drop(jobs);
    harness.reopen(Duration::ZERO).await;
    check_idle(&*harness.jobs()).await;
    harness.reopen(wait).await;
    check_bodies(&claim(&*harness.jobs(), "w", 1).await, &["1"]);
}

async fn a_job_dies_at_its_deadline(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let left = LEASE / 2;
    let deadline = Some(harness.now().plus(left));
    let with_deadline = |text| {
        let mut job = job(text);
        job.options.deadline = deadline;
        job
    };
    let batch = vec![
        with_deadline("active"),
        with_deadline("waiting"),
        job("patient"),
    ];
    let ids = enqueue(&*jobs, batch).await;
    let active = claim_one(&*jobs, "w").await;
    assert!(active.deadline.is_some(), "the worker is told");
    harness.advance(left).await;
    check_state(&*jobs, ids[0], "dead").await;
    check_state(&*jobs, ids[1], "dead").await;
    assert_eq!(settle(&*jobs, active.lease).await, Settled::Stale);
    let extended = jobs.extend(&[active.lease]).await.expect("extending works");
    assert_eq!(extended, [Extension::Lost]);
    check_bodies(&[claim_one(&*jobs, "w").await], &["patient"]);
    check_idle(&*jobs).await;
}
