use std::time::Duration;

use super::support::{
    ATTEMPTS, BACKOFF, LEASE, check_idle, check_state, check_time, claim_one, define, enqueue,
    fail, failing, fixed, ids, job, jobs_of, one, options, queue, reject, settle, view,
};
use super::{Capabilities, Harness, cases};
use crate::{
    Backoff, DeadFilter, Failing, Failure, JobState, Jobs, QueueOptions, REASON_BYTES_MAX,
    RetryPolicy, Settled, WaitReason,
};

cases! {
    a_failed_job_is_tried_again_later: |_| true,
    attempts_end_in_death: |_| true,
    losses_are_counted_apart: |_| true,
    backoff_grows_up_to_its_limit: |_| true,
    jitter_only_shortens: |_| true,
    a_rejected_job_is_dead_at_once: |_| true,
    a_worker_may_say_when: |_| true,
    a_long_reason_is_cut: |_| true,
    a_job_may_have_its_own_policy: |claims| claims.job_retry,
}

async fn a_failed_job_is_tried_again_later(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let first = claim_one(&*jobs, "w").await;
    let before = harness.now();
    let settled = fail(&*jobs, first.lease, "the printer is on fire").await;
    let Settled::Retrying { at } = settled else {
        panic!("it has attempts left: {settled:?}");
    };
    check_time(at, before, harness.now(), BACKOFF);
    let seen = view(&*jobs, id).await;
    assert_eq!(seen.state, JobState::Failed { due: at });
    assert_eq!(seen.last_error.as_deref(), Some("the printer is on fire"));
    if claims.wait_reasons {
        assert_eq!(seen.waits, Some(WaitReason::Backoff { due: at }));
    }
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!((state.counts.failed, state.totals.failures), (1, 1));
    check_idle(&*jobs).await;

    harness.advance(BACKOFF).await;
    let second = claim_one(&*jobs, "v").await;
    assert_eq!((second.attempt, second.failures, second.losses), (2, 1, 0));
    assert_eq!(fail(&*jobs, first.lease, "late").await, Settled::Stale);
    assert_eq!(settle(&*jobs, second.lease).await, Settled::Done);
}

async fn attempts_end_in_death(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    for attempt in 1..=ATTEMPTS {
        let claimed = claim_one(&*jobs, "w").await;
        assert_eq!((claimed.attempt, claimed.failures), (attempt, attempt - 1));
        let settled = fail(&*jobs, claimed.lease, &format!("failure {attempt}")).await;
        assert_eq!(settled == Settled::Dead, attempt == ATTEMPTS, "{settled:?}");
        harness.advance(BACKOFF).await;
    }
    check_idle(&*jobs).await;
    let seen = view(&*jobs, id).await;
    assert_eq!((seen.state.word(), seen.failures), ("dead", ATTEMPTS));
    let letters = dead(&*jobs).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].id, letters[0].failures), (id, ATTEMPTS));
    assert!(
        letters[0].reason.contains("failure 3"),
        "{}",
        letters[0].reason
    );
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!((state.counts.dead, state.totals.dead), (1, 1));
}

async fn dead(jobs: &dyn Jobs) -> Vec<crate::DeadLetter> {
    let filter = DeadFilter {
        queue: Some(queue()),
        after: None,
        limit: 100,
    };
    jobs.dead(filter).await.expect("reading the dead works")
}

async fn losses_are_counted_apart(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let options = QueueOptions {
        retry: fixed(1, BACKOFF),
        losses_max: 2,
        ..options()
    };
    define(&*jobs, options).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    claim_one(&*jobs, "w1").await;
    harness.advance(LEASE).await;
    let second = claim_one(&*jobs, "w2").await;
    assert_eq!(
        (second.failures, second.losses),
        (0, 1),
        "a loss is no failure"
    );
    harness.advance(LEASE).await;
    check_idle(&*jobs).await;
    let seen = view(&*jobs, id).await;
    assert_eq!(
        (seen.state.word(), seen.failures, seen.losses),
        ("dead", 0, 2)
    );
    assert_eq!(settle(&*jobs, second.lease).await, Settled::Stale);
    assert_eq!(dead(&*jobs).await[0].losses, 2);

    let id = enqueue(&*jobs, jobs_of(&["2"])).await[0];
    claim_one(&*jobs, "w3").await;
    harness.advance(LEASE).await;
    let again = claim_one(&*jobs, "w4").await;
    assert_eq!(
        fail(&*jobs, again.lease, "once").await,
        Settled::Dead,
        "a failure is no loss"
    );
    check_state(&*jobs, id, "dead").await;
}

async fn backoff_grows_up_to_its_limit(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let backoff = Backoff {
        first: Duration::from_secs(1),
        factor: 3.0,
        max: Duration::from_secs(5),
        jitter: 0.0,
    };
    let retry = RetryPolicy {
        attempts: 5,
        backoff,
    };
    define(&*jobs, QueueOptions { retry, ..options() }).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    for wait in [1, 3, 5].map(Duration::from_secs) {
        let claimed = claim_one(&*jobs, "w").await;
        let before = harness.now();
        let settled = fail(&*jobs, claimed.lease, "again").await;
        let Settled::Retrying { at } = settled else {
            panic!("it has attempts left: {settled:?}");
        };
        check_time(at, before, harness.now(), wait);
        harness.advance(wait).await;
    }
}

async fn jitter_only_shortens(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let wait = Duration::from_secs(1_000);
    let mut retry = fixed(2, wait);
    retry.backoff.jitter = 0.5;
    define(&*jobs, QueueOptions { retry, ..options() }).await;
    enqueue(&*jobs, (0..8).map(|n| job(&n.to_string())).collect()).await;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let claimed = claim_one(&*jobs, "w").await;
        let before = harness.now();
        let settled = fail(&*jobs, claimed.lease, "again").await;
        let Settled::Retrying { at } = settled else {
            panic!("it has attempts left: {settled:?}");
        };
        let waited = at.since(before);
        assert!((wait / 2..=wait + BACKOFF).contains(&waited), "{waited:?}");
        waits.push(waited.as_secs() / 10);
    }
    waits.dedup();
    assert!(
        waits.len() > 1,
        "they do not all come back together: {waits:?}"
    );
}

async fn a_rejected_job_is_dead_at_once(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let claimed = claim_one(&*jobs, "w").await;
    reject(&*jobs, claimed.lease, "no such account").await;
    assert_eq!(ids(&*jobs, Some("dead")).await, [id]);
    let seen = view(&*jobs, id).await;
    let JobState::Dead { reason, .. } = &seen.state else {
        panic!("{seen:?}");
    };
    assert!(reason.contains("no such account"), "{reason}");
    harness.advance(BACKOFF * 2).await;
    check_idle(&*jobs).await;
}

async fn a_worker_may_say_when(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let retry = fixed(2, BACKOFF);
    define(&*jobs, QueueOptions { retry, ..options() }).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let wait = BACKOFF * 3;
    let after = |lease| Failing {
        failure: Failure::After(wait),
        ..failing(lease, "the peer asks for patience")
    };
    let claimed = claim_one(&*jobs, "w").await;
    let before = harness.now();
    let settled = one(jobs
        .fail(vec![after(claimed.lease)])
        .await
        .expect("failing works"));
    let Settled::Retrying { at } = settled else {
        panic!("it has an attempt left: {settled:?}");
    };
    check_time(at, before, harness.now(), wait);
    harness.advance(BACKOFF).await;
    check_idle(&*jobs).await;
    harness.advance(wait).await;
    let claimed = claim_one(&*jobs, "w").await;
    let settled = one(jobs
        .fail(vec![after(claimed.lease)])
        .await
        .expect("failing works"));
    assert_eq!(settled, Settled::Dead, "the policy leaves no attempt");
}

async fn a_long_reason_is_cut(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let claimed = claim_one(&*jobs, "w").await;
    // Characters of three bytes, so that a cut may fall within one.
    fail(&*jobs, claimed.lease, &"€".repeat(REASON_BYTES_MAX)).await;
    let reason = view(&*jobs, id).await.last_error.expect("it failed");
    let whole = REASON_BYTES_MAX - 3;
    assert!(
        (whole..=REASON_BYTES_MAX).contains(&reason.len()),
        "{}",
        reason.len()
    );
}

async fn a_job_may_have_its_own_policy(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let mut once = job("once");
    once.options.retry = Some(fixed(1, BACKOFF));
    enqueue(&*jobs, vec![once, job("thrice")]).await;
    let first = claim_one(&*jobs, "w").await;
    assert_eq!(fail(&*jobs, first.lease, "x").await, Settled::Dead);
    let second = claim_one(&*jobs, "w").await;
    let settled = fail(&*jobs, second.lease, "x").await;
    assert!(matches!(settled, Settled::Retrying { .. }), "{settled:?}");
}
