use super::support::{claim, claim_now, define, enqueue, jobs_of, options, queue, view};
use super::{Capabilities, Harness, cases};
use crate::WaitReason;

cases! {
    what_waits_for_a_worker_says_so: |claims| claims.wait_reasons,
    reasons_are_counted: |claims| claims.wait_reasons,
}

async fn what_waits_for_a_worker_says_so(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = enqueue(&*jobs, jobs_of(&["1", "2", "3"])).await;
    assert_eq!(
        view(&*jobs, ids[1]).await.waits,
        Some(WaitReason::NoWorkers)
    );
    claim(&*jobs, "w", 1).await;
    assert_eq!(view(&*jobs, ids[0]).await.waits, None, "it does not wait");
    assert_eq!(view(&*jobs, ids[1]).await.waits, Some(WaitReason::Turn));
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!(
        (state.counts.waiting, state.ready),
        (2, 2),
        "both would be given out"
    );
}

async fn reasons_are_counted(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    claim_now(&*jobs, "w", 1).await;
    enqueue(&*jobs, jobs_of(&["1", "2", "3"])).await;
    let waits = jobs.queue(&queue()).await.expect("it is there").waits;
    assert_eq!(waits.get("turn"), Some(&3), "{waits:?}");
    jobs.pause(&queue(), None).await.expect("pausing works");
    let waits = jobs.queue(&queue()).await.expect("it is there").waits;
    assert_eq!(waits.get("queue_paused"), Some(&3), "{waits:?}");
}
