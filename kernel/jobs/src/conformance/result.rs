use std::time::Duration;

use super::support::{
    LEASE, PATIENCE, check_state, claim, claim_one, define, enqueue, job, jobs_of, one, options,
    payload, settle, view,
};
use super::{Capabilities, Harness, cases};
use crate::{
    Claimed, Completion, Error, JobId, JobView, Jobs, Payload, Progress, QueueOptions, Settled,
};

cases! {
    waiting_ends_with_the_job: |_| true,
    finished_jobs_are_forgotten: |_| true,
    the_oldest_finished_go_first: |_| true,
    a_result_is_remembered: |claims| claims.results,
    results_have_a_time_and_a_budget: |claims| claims.results,
    progress_is_shown: |claims| claims.progress,
}

async fn complete_with(jobs: &dyn Jobs, claimed: &Claimed, result: Payload) {
    let completion = Completion {
        lease: claimed.lease,
        result: Some(result),
    };
    let settled = jobs.complete(vec![completion]).await;
    assert_eq!(one(settled.expect("completing works")), Settled::Done);
}

async fn waiting_ends_with_the_job(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let now = jobs
        .wait_job(id, Duration::ZERO)
        .await
        .expect("it is there");
    assert_eq!(
        now.state.word(),
        "waiting",
        "as it stands when the wait is over"
    );
    let working = async {
        tokio::task::yield_now().await;
        let claimed = claim_one(&*jobs, "w").await;
        assert_eq!(settle(&*jobs, claimed.lease).await, Settled::Done);
    };
    let (seen, ()) = tokio::join!(jobs.wait_job(id, PATIENCE), working);
    assert_eq!(seen.expect("it is remembered").state.word(), "completed");
    let seen = jobs.wait_job(id, PATIENCE).await.expect("it is remembered");
    assert_eq!(seen.state.word(), "completed", "at once");
}

/// The job is forgotten, or at least what came of it.
fn check_forgotten(seen: &Result<JobView, Error>) {
    assert!(matches!(seen, Err(Error::UnknownJob { .. })), "{seen:?}");
}

async fn finished_jobs_are_forgotten(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let result_ttl = Duration::from_secs(4);
    define(
        &*jobs,
        QueueOptions {
            result_ttl,
            ..options()
        },
    )
    .await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let claimed = claim_one(&*jobs, "w").await;
    assert_eq!(settle(&*jobs, claimed.lease).await, Settled::Done);
    check_state(&*jobs, id, "completed").await;
    harness.advance(result_ttl + LEASE).await;
    check_forgotten(&jobs.job(id).await);
    let settled = settle(&*jobs, claimed.lease).await;
    assert!(
        matches!(settled, Settled::Unknown | Settled::Stale),
        "{settled:?}"
    );
}

async fn the_oldest_finished_go_first(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(
        &*jobs,
        QueueOptions {
            finished_max: 2,
            ..options()
        },
    )
    .await;
    let ids = enqueue(&*jobs, jobs_of(&["1", "2", "3"])).await;
    for claimed in claim(&*jobs, "w", 3).await {
        assert_eq!(settle(&*jobs, claimed.lease).await, Settled::Done);
    }
    check_forgotten(&jobs.job(ids[0]).await);
    check_state(&*jobs, ids[1], "completed").await;
    check_state(&*jobs, ids[2], "completed").await;
}

async fn a_result_is_remembered(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let claimed = claim_one(&*jobs, "w").await;
    assert_eq!(view(&*jobs, id).await.result, None);
    complete_with(&*jobs, &claimed, payload("outcome")).await;
    assert_eq!(view(&*jobs, id).await.result, Some(payload("outcome")));
    complete_with(&*jobs, &claimed, payload("another")).await;
    assert_eq!(
        view(&*jobs, id).await.result,
        Some(payload("outcome")),
        "the first counts"
    );
    if claims.durable {
        harness.reopen(Duration::ZERO).await;
        let seen = view(&*harness.jobs(), id).await;
        assert_eq!(seen.result, Some(payload("outcome")));
    }
}

async fn results_have_a_time_and_a_budget(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let options = QueueOptions {
        result_bytes_max: 3_000,
        ..options()
    };
    define(&*jobs, options).await;
    let mut brief = job("brief");
    brief.options.result_ttl = Some(Duration::from_secs(2));
    let mut ids = enqueue(&*jobs, jobs_of(&["1", "2"])).await;
    ids.extend(enqueue(&*jobs, vec![brief]).await);
    let large = Payload::json("1".repeat(2_000));
    let claimed = claim(&*jobs, "w", 3).await;
    complete_with(&*jobs, &claimed[0], large.clone()).await;
    complete_with(&*jobs, &claimed[1], large.clone()).await;
    complete_with(&*jobs, &claimed[2], payload("brief")).await;
    assert_eq!(result(&*jobs, ids[0]).await, None, "the oldest goes first");
    assert_eq!(result(&*jobs, ids[1]).await, Some(large.clone()));
    assert_eq!(result(&*jobs, ids[2]).await, Some(payload("brief")));
    harness.advance(Duration::from_secs(3)).await;
    assert_eq!(result(&*jobs, ids[1]).await, Some(large));
    assert_eq!(result(&*jobs, ids[2]).await, None, "its own time is over");
}

/// What is remembered of a finished job, which may be forgotten with its result.
async fn result(jobs: &dyn Jobs, id: JobId) -> Option<Payload> {
    match jobs.job(id).await {
        Ok(view) => view.result,
        Err(Error::UnknownJob { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

async fn progress_is_shown(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let first = claim_one(&*jobs, "w").await;
    assert_eq!(view(&*jobs, id).await.progress, None);
    let progress = |share, note: &str| Progress {
        share,
        note: note.into(),
    };
    for (share, note) in [(0.25, "page 1 of 4"), (0.5, "page 2 of 4")] {
        let said = progress(share, note);
        jobs.progress(first.lease, said.clone())
            .await
            .expect("it is held");
        assert_eq!(
            view(&*jobs, id).await.progress,
            Some(said),
            "the last one counts"
        );
    }
    for wrong in [
        progress(-0.1, ""),
        progress(1.1, ""),
        progress(f64::NAN, ""),
        progress(0.5, &"x".repeat(1_025)),
    ] {
        let refused = jobs.progress(first.lease, wrong).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
    }
    harness.advance(LEASE).await;
    let second = claim_one(&*jobs, "v").await;
    assert_eq!(
        view(&*jobs, id).await.progress,
        None,
        "another attempt begins anew"
    );
    let refused = jobs.progress(first.lease, progress(1.0, "")).await;
    assert!(
        matches!(refused, Err(Error::StaleLease { .. })),
        "{refused:?}"
    );
    assert_eq!(settle(&*jobs, second.lease).await, Settled::Done);
}
