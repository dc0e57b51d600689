use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::support::{
    LEASE, PATIENCE, SLACK, ask, bodies, check_bodies, check_idle, check_state, check_time, claim,
    claim_from, claim_now, claim_one, complete, define, enqueue, job, jobs_of, kind, one, options,
    queue, settle,
};
use super::{Capabilities, Harness, cases};
use crate::{Claim, JobId, NewJob, Payload, Settled};

cases! {
    jobs_come_as_enqueued: |_| true,
    first_in_first_out: |_| true,
    a_queue_that_is_not_there_is_made: |_| true,
    a_claim_waits_for_the_first_job: |_| true,
    a_claim_waits_for_a_queue_that_is_not_there: |_| true,
    a_claim_given_up_takes_nothing: |_| true,
    workers_share: |_| true,
    completed_is_done: |_| true,
    given_back_costs_no_attempt: |_| true,
    a_lease_may_have_its_own_time: |_| true,
}

async fn jobs_come_as_enqueued(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let before = harness.now();
    let payload = Payload {
        content_type: "application/octet-stream".into(),
        body: Bytes::from_static(&[0, 1, 254, 255]),
    };
    let mut new = NewJob::new(queue(), kind("resize-image.v2"), payload.clone());
    let headers = BTreeMap::from([
        (
            "traceparent".to_owned(),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        ),
        ("tenant".to_owned(), "Zürich".to_owned()),
    ]);
    new.options.headers = headers.clone();
    let ids = enqueue(&*jobs, vec![new, job("2")]).await;
    assert!(ids[0] >= JobId(1) && ids[0] < ids[1], "ids rise: {ids:?}");
    assert_eq!(
        jobs.enqueue(Vec::new()).await.expect("nothing is enqueued"),
        []
    );

    let claimed = claim(&*jobs, "w", 2).await;
    let first = &claimed[0];
    assert_eq!(first.lease.id, ids[0]);
    assert_eq!(
        (&first.queue, first.kind.as_str()),
        (&queue(), "resize-image.v2")
    );
    assert_eq!((&first.payload, &first.headers), (&payload, &headers));
    assert_eq!((first.attempt, first.failures, first.losses), (1, 0, 0));
    assert_eq!(first.lease_time, LEASE);
    assert_eq!(
        (&first.group, &first.key, first.deadline),
        (&None, &None, None)
    );
    assert_eq!(first.after, []);
    let (earliest, latest) = (before.minus(SLACK), harness.now().plus(SLACK));
    assert!(
        (earliest..=latest).contains(&first.enqueued),
        "{}",
        first.enqueued
    );
    check_bodies(&claimed[1..], &["2"]);
}

async fn first_in_first_out(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    enqueue(&*jobs, jobs_of(&["2", "3", "4"])).await;
    enqueue(&*jobs, jobs_of(&["5"])).await;
    check_bodies(&claim(&*jobs, "w", 2).await, &["1", "2"]);
    enqueue(&*jobs, jobs_of(&["6"])).await;
    check_bodies(&claim(&*jobs, "v", 3).await, &["3", "4", "5"]);
    check_bodies(&claim(&*jobs, "w", 1).await, &["6"]);
    check_idle(&*jobs).await;
}

async fn a_queue_that_is_not_there_is_made(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    assert_eq!(jobs.queues().await.expect("listing works"), []);
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let queues = jobs.queues().await.expect("listing works");
    assert_eq!(queues.len(), 1);
    assert_eq!((&queues[0].name, queues[0].counts.waiting), (&queue(), 1));
    check_bodies(&claim(&*jobs, "w", 1).await, &["1"]);
}

async fn a_claim_waits_for_the_first_job(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let enqueuing = async {
        tokio::task::yield_now().await;
        enqueue(&*jobs, jobs_of(&["1"])).await;
    };
    let (claimed, ()) = tokio::join!(claim(&*jobs, "w", 1), enqueuing);
    check_bodies(&claimed, &["1"]);
}

async fn a_claim_waits_for_a_queue_that_is_not_there(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    check_idle(&*jobs).await;
    let wait = Duration::from_millis(50);
    let asked = Instant::now();
    let nothing = jobs.claim(ask("w", 1, wait)).await;
    assert_eq!(nothing.expect("it is no error"), []);
    assert!(asked.elapsed() >= wait, "it may be made in the meantime");
    assert_eq!(jobs.queues().await.expect("listing works"), []);
    let enqueuing = async {
        tokio::task::yield_now().await;
        enqueue(&*jobs, jobs_of(&["1"])).await;
    };
    let (claimed, ()) = tokio::join!(claim(&*jobs, "w", 1), enqueuing);
    check_bodies(&claimed, &["1"]);
}

async fn a_claim_given_up_takes_nothing(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let patient = jobs.claim(ask("gone", 1, PATIENCE));
    let given_up = tokio::time::timeout(Duration::from_millis(200), patient).await;
    assert!(
        given_up.is_err(),
        "nothing was there to claim: {given_up:?}"
    );
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let claimed = claim(&*jobs, "w", 1).await;
    assert_eq!((claimed[0].attempt, claimed[0].losses), (1, 0));
}

async fn workers_share(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let texts: Vec<String> = (100..160).map(|number| number.to_string()).collect();
    let batch = texts.iter().map(|text| job(text)).collect();
    enqueue(&*jobs, batch).await;
    let work = |name: &'static str| {
        let jobs = jobs.clone();
        async move {
            let mut seen = Vec::new();
            while seen.len() < 60 {
                let claimed = claim_now(&*jobs, name, 3).await;
                if claimed.is_empty() {
                    break;
                }
                complete(&*jobs, &claimed).await;
                seen.extend(bodies(&claimed));
            }
            seen
        }
    };
    let (first, second, third) = tokio::join!(work("a"), work("b"), work("c"));
    let mut seen = [first, second, third].concat();
    // A worker that finds nothing for a moment stops early; what is left is not lost.
    seen.extend(work("d").await);
    seen.sort_unstable();
    assert_eq!(seen, texts, "each job goes to one of them");
}

async fn completed_is_done(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    check_state(&*jobs, id, "waiting").await;
    let claimed = claim_one(&*jobs, "w").await;
    check_state(&*jobs, id, "active").await;
    assert_eq!(settle(&*jobs, claimed.lease).await, Settled::Done);
    check_state(&*jobs, id, "completed").await;
    assert_eq!(
        settle(&*jobs, claimed.lease).await,
        Settled::Done,
        "the same answer"
    );
    harness.advance(LEASE * 2).await;
    check_idle(&*jobs).await;
    let state = jobs.queue(&queue()).await.expect("the queue is there");
    assert_eq!(
        (state.totals.enqueued, state.totals.completed),
        (1, 1),
        "counted once"
    );
    assert_eq!(
        (
            state.counts.active,
            state.counts.waiting,
            state.counts.finished
        ),
        (0, 0, 1)
    );
}

async fn given_back_costs_no_attempt(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let first = claim_one(&*jobs, "w").await;
    let settled = jobs.release(&[first.lease], Duration::ZERO).await;
    assert_eq!(settled.expect("releasing works"), [Settled::Done]);
    let second = claim_one(&*jobs, "v").await;
    assert_eq!((second.attempt, second.failures, second.losses), (1, 0, 0));
    assert!(second.lease.token > first.lease.token, "tokens rise");
    assert_eq!(settle(&*jobs, first.lease).await, Settled::Stale);
    if claims.delays {
        let delay = Duration::from_secs(2);
        let before = harness.now();
        let settled = jobs.release(&[second.lease], delay).await;
        match one(settled.expect("releasing works")) {
            Settled::Retrying { at } => check_time(at, before, harness.now(), delay),
            other => panic!("it says when it is due: {other:?}"),
        }
        check_idle(&*jobs).await;
        harness.advance(delay).await;
        let third = claim_one(&*jobs, "w").await;
        assert_eq!(third.attempt, 1);
        assert_eq!(settle(&*jobs, third.lease).await, Settled::Done);
    }
}

async fn a_lease_may_have_its_own_time(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let long = LEASE * 3;
    let asked = Claim {
        lease: Some(long),
        ..ask("w", 1, PATIENCE)
    };
    let claimed = claim_from(&*jobs, asked).await.remove(0);
    assert_eq!(claimed.lease_time, long);
    harness.advance(LEASE * 2).await;
    check_idle(&*jobs).await;
    assert_eq!(settle(&*jobs, claimed.lease).await, Settled::Done);
}
