use std::time::Duration;

use super::support::{
    check_bodies, check_idle, claim, complete, define, enqueue_one, job, options,
};
use super::{Capabilities, Harness, cases};
use crate::{Dependency, Jobs, NewJob, OnDeadChild, Unique, UniqueMode};

cases! {
    one_until_it_is_finished: |claims| claims.unique_until_finished,
    one_until_it_is_claimed: |claims| claims.unique_until_claimed,
    the_later_takes_the_place: |claims| claims.unique_replace,
    the_last_of_a_batch_takes_the_place: |claims| claims.unique_replace && claims.dependencies,
    the_later_moves_the_time: |claims| claims.unique_replace && claims.delays,
    one_for_a_time: |claims| claims.unique_for,
    uniqueness_outlives_a_restart: |claims| claims.unique_until_finished && claims.durable,
}

fn unique(text: &str, mode: UniqueMode) -> NewJob {
    let mut job = job(text);
    job.options.unique = Some(Unique {
        key: "report".into(),
        mode,
    });
    job
}

async fn is_new(jobs: &dyn Jobs, text: &str, mode: UniqueMode) -> bool {
    enqueue_one(jobs, unique(text, mode)).await.is_new
}

async fn one_until_it_is_finished(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let mode = UniqueMode::UntilFinished;
    let first = enqueue_one(&*jobs, unique("1", mode)).await;
    let second = enqueue_one(&*jobs, unique("2", mode)).await;
    assert_eq!(
        (first.is_new, second.is_new, second.id),
        (true, false, first.id)
    );
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["1"]);
    assert!(!is_new(&*jobs, "3", mode).await, "it is being worked on");
    check_idle(&*jobs).await;
    complete(&*jobs, &claimed).await;
    assert!(is_new(&*jobs, "4", mode).await);
    check_bodies(&claim(&*jobs, "w", 1).await, &["4"]);
}

async fn one_until_it_is_claimed(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let mode = UniqueMode::UntilClaimed;
    assert!(is_new(&*jobs, "1", mode).await);
    assert!(!is_new(&*jobs, "2", mode).await);
    let first = claim(&*jobs, "w", 1).await;
    assert!(
        is_new(&*jobs, "3", mode).await,
        "the first is no longer waiting"
    );
    assert!(!is_new(&*jobs, "4", mode).await);
    let second = claim(&*jobs, "v", 1).await;
    check_bodies(&[first, second].concat(), &["1", "3"]);
    check_idle(&*jobs).await;
}

async fn the_later_takes_the_place(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let mode = UniqueMode::Replace;
    enqueue_one(&*jobs, unique("1", mode)).await;
    enqueue_one(&*jobs, unique("2", mode)).await;
    let last = enqueue_one(&*jobs, unique("3", mode)).await;
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["3"]);
    assert_eq!(claimed[0].lease.id, last.id);
    check_idle(&*jobs).await;
    assert!(
        is_new(&*jobs, "4", mode).await,
        "the one before is being worked on"
    );
    complete(&*jobs, &claimed).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["4"]);
}

async fn the_last_of_a_batch_takes_the_place(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let mode = UniqueMode::Replace;
    let child = enqueue_one(&*jobs, job("child")).await;
    jobs.cancel(&[child.id]).await.expect("cancelling works");
    let holder = enqueue_one(&*jobs, unique("1", mode)).await;
    let mut doomed = unique("2", mode);
    doomed.options.after = vec![Dependency::Job(child.id)];
    doomed.options.on_dead_child = OnDeadChild::Die;
    let batch = vec![doomed, unique("3", mode)];
    let answers = jobs.enqueue(batch).await.expect("the batch is enqueued");
    assert!(answers.iter().all(|job| job.id == holder.id && !job.is_new));
    check_bodies(&claim(&*jobs, "w", 1).await, &["3"]);
}

async fn the_later_moves_the_time(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let wait = Duration::from_secs(4);
    for text in ["1", "2"] {
        let mut job = unique(text, UniqueMode::Replace);
        job.options.run_at = Some(harness.now().plus(wait));
        enqueue_one(&*jobs, job).await;
        harness.advance(wait * 3 / 4).await;
        check_idle(&*jobs).await;
    }
    harness.advance(wait / 4).await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["2"]);
    check_idle(&*jobs).await;
}

async fn one_for_a_time(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let time = Duration::from_secs(5);
    let mode = UniqueMode::For(time);
    assert!(is_new(&*jobs, "1", mode).await);
    let claimed = claim(&*jobs, "w", 1).await;
    assert!(!is_new(&*jobs, "2", mode).await);
    complete(&*jobs, &claimed).await;
    assert!(!is_new(&*jobs, "3", mode).await, "also when it is done");
    check_idle(&*jobs).await;
    harness.advance(time).await;
    assert!(is_new(&*jobs, "4", mode).await);
    check_bodies(&claim(&*jobs, "w", 1).await, &["4"]);
}

async fn uniqueness_outlives_a_restart(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let mode = UniqueMode::UntilFinished;
    let first = enqueue_one(&*jobs, unique("1", mode)).await;
    drop(jobs);
    harness.reopen(Duration::ZERO).await;
    let jobs = harness.jobs();
    let second = enqueue_one(&*jobs, unique("2", mode)).await;
    assert_eq!((second.id, second.is_new), (first.id, false));
}
