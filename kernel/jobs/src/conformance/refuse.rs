use std::time::Duration;

use bytes::Bytes;

use super::support::{
    LEASE, PATIENCE, ask, check_idle, claim, define, done, enqueue, fixed, ids, job, jobs_of,
    options, queue, queue_named,
};
use super::{Capabilities, Harness, cases};
use crate::{
    Claim, Completion, Error, JobId, NewJob, PAYLOAD_BYTES_MAX, Payload, QueueOptions, SETTLE_MAX,
};

cases! {
    a_bad_job_refuses_its_batch: |_| true,
    a_batch_has_a_limit: |_| true,
    the_largest_payload_fits: |_| true,
    options_of_queues_are_checked: |_| true,
    claims_are_checked: |_| true,
    settling_is_limited: |_| true,
    what_is_not_there_is_named: |_| true,
}

async fn a_bad_job_refuses_its_batch(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let with = |change: fn(&mut NewJob)| {
        let mut job = job("bad");
        change(&mut job);
        job
    };
    let bad = [
        with(|job| job.payload.body = vec![0; PAYLOAD_BYTES_MAX + 1].into()),
        with(|job| job.payload.content_type = String::new()),
        with(|job| job.payload.content_type = "text/plain\r\nx: y".into()),
        with(|job| job.options.headers = (0..33).map(|n| (n.to_string(), "x".into())).collect()),
        with(|job| drop(job.options.headers.insert("x".into(), "x".repeat(1_024)))),
        with(|job| drop(job.options.headers.insert(String::new(), "x".into()))),
    ];
    for bad in bad {
        let refused = jobs.enqueue(vec![job("good"), bad]).await;
        assert!(
            matches!(
                refused,
                Err(Error::InvalidOption { .. } | Error::PayloadTooLarge { .. })
            ),
            "{refused:?}"
        );
    }
    assert_eq!(ids(&*jobs, None).await, [], "all or none");
    check_idle(&*jobs).await;
}

async fn a_batch_has_a_limit(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let refused = jobs
        .enqueue(vec![job("many"); claims.batch_jobs_max + 1])
        .await;
    assert!(
        matches!(refused, Err(Error::BatchTooLarge { .. })),
        "{refused:?}"
    );
    assert_eq!(ids(&*jobs, None).await, []);
    enqueue(&*jobs, vec![job("many"); claims.batch_jobs_max]).await;
    let counts = jobs.queue(&queue()).await.expect("it is there").counts;
    assert_eq!(counts.waiting, claims.batch_jobs_max as u64);
}

async fn the_largest_payload_fits(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let largest = Payload {
        content_type: "application/octet-stream".into(),
        body: Bytes::from(vec![7; PAYLOAD_BYTES_MAX]),
    };
    let mut new = job("large");
    new.payload = largest.clone();
    enqueue(&*jobs, vec![new]).await;
    assert_eq!(claim(&*jobs, "w", 1).await[0].payload, largest);
}

async fn options_of_queues_are_checked(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let base = options();
    let bad = [
        QueueOptions {
            lease: Duration::from_millis(99),
            ..base.clone()
        },
        QueueOptions {
            lease: Duration::from_secs(86_401),
            ..base.clone()
        },
        QueueOptions {
            retry: fixed(0, LEASE),
            ..base.clone()
        },
        QueueOptions {
            retry: fixed(1_001, LEASE),
            ..base.clone()
        },
        QueueOptions {
            losses_max: 0,
            ..base.clone()
        },
        QueueOptions {
            concurrency: Some(0),
            ..base.clone()
        },
        QueueOptions {
            jobs_max: 0,
            ..base.clone()
        },
    ];
    for bad in bad {
        let refused = jobs.define_queue(&queue(), bad).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(
        jobs.queues().await.expect("listing works"),
        [],
        "none was made"
    );
}

async fn claims_are_checked(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let base = ask("w", 1, PATIENCE);
    let bad = [
        Claim {
            limit: 0,
            ..base.clone()
        },
        Claim {
            lease: Some(Duration::ZERO),
            ..base.clone()
        },
        Claim {
            lease: Some(Duration::from_secs(90_000)),
            ..base
        },
    ];
    for bad in bad {
        let refused = jobs.claim(bad).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
    }
    let more = jobs.claim(ask("w", usize::MAX >> 33, PATIENCE)).await;
    assert_eq!(more.expect("more than there is may be asked for").len(), 1);
}

async fn settling_is_limited(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let lease = claim(&*jobs, "w", 1).await[0].lease;
    let refused = jobs.complete(vec![done(lease); SETTLE_MAX + 1]).await;
    assert!(
        matches!(refused, Err(Error::BatchTooLarge { .. })),
        "{refused:?}"
    );
    let large = Payload {
        content_type: "application/octet-stream".into(),
        body: vec![0; PAYLOAD_BYTES_MAX + 1].into(),
    };
    let completion = Completion {
        lease,
        result: Some(large),
    };
    let refused = jobs.complete(vec![completion]).await;
    assert!(
        matches!(
            refused,
            Err(Error::PayloadTooLarge { .. } | Error::Unsupported { .. })
        ),
        "{refused:?}"
    );
    assert_eq!(
        ids(&*jobs, Some("active")).await,
        [lease.id],
        "nothing was changed"
    );
}

async fn what_is_not_there_is_named(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let nowhere = queue_named("nowhere");
    for refused in [
        jobs.queue(&nowhere).await.map(drop),
        jobs.pause(&nowhere, None).await,
        jobs.resume(&nowhere, None).await,
        jobs.drain(&nowhere).await,
        jobs.remove_queue(&nowhere).await,
    ] {
        assert!(
            matches!(refused, Err(Error::UnknownQueue { .. })),
            "{refused:?}"
        );
    }
    let nobody = JobId(u64::MAX >> 2);
    for refused in [
        jobs.job(nobody).await,
        jobs.wait_job(nobody, Duration::ZERO).await,
    ] {
        assert!(
            matches!(refused, Err(Error::UnknownJob { .. })),
            "{refused:?}"
        );
    }
}
