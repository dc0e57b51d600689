use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;

use super::binding::binding;
use super::support::{
    check_idle, claim, claim_one, define, enqueue, fixed, ids, job, jobs_of, label, options,
    payload, queue, reject, schedule_name,
};
use super::{Capabilities, Harness};
use crate::{
    Completion, Dependency, Error, JobId, JobOptions, Jobs, Lease, MissedTicks, Overlap, Progress,
    QueueOptions, Rate, Schedule, Unique, UniqueMode,
};

/// What an engine does not claim it refuses by name, and changes nothing.
pub(super) async fn what_is_not_claimed_is_refused(
    harness: &mut dyn Harness,
    claims: Capabilities,
) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    refuse_job_options(&*jobs, claims, harness.now()).await;
    refuse_queue_options(&*jobs, claims).await;
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!(state.options, options(), "nothing was changed");
    assert_eq!(ids(&*jobs, None).await, [], "nothing was enqueued");
    refuse_definitions(&*jobs, claims).await;
    refuse_calls(&*jobs, claims).await;
    assert_eq!(
        harness.transact().is_some(),
        claims.transactions,
        "transactions"
    );
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(what: &str, refused: &Result<T, Error>) {
    assert!(
        matches!(refused, Err(Error::Unsupported { .. })),
        "{what} is not claimed: {refused:?}"
    );
}

async fn refuse_job_options(jobs: &dyn Jobs, claims: Capabilities, now: Timestamp) {
    let hour = Duration::from_secs(3_600);
    let with = |ask: &dyn Fn(&mut JobOptions)| {
        let mut asked = JobOptions::default();
        ask(&mut asked);
        asked
    };
    let unique = |mode: UniqueMode| {
        with(&|job| {
            let key = "u".into();
            job.unique = Some(Unique { key, mode });
        })
    };
    let first = vec![Dependency::Job(JobId(1))];
    let probes = [
        (claims.priorities, with(&|job| job.priority = 1)),
        (
            claims.delays,
            with(&|job| job.run_at = Some(now.plus(hour))),
        ),
        (
            claims.deadlines,
            with(&|job| job.deadline = Some(now.plus(hour))),
        ),
        (claims.groups, with(&|job| job.group = Some(label("g")))),
        (
            claims.job_retry,
            with(&|job| job.retry = Some(fixed(1, hour))),
        ),
        (
            claims.idempotency,
            with(&|job| job.idempotency_key = Some("i".into())),
        ),
        (
            claims.unique_until_finished,
            unique(UniqueMode::UntilFinished),
        ),
        (
            claims.unique_until_claimed,
            unique(UniqueMode::UntilClaimed),
        ),
        (claims.unique_replace, unique(UniqueMode::Replace)),
        (claims.unique_for, unique(UniqueMode::For(hour))),
        (claims.results, with(&|job| job.result_ttl = Some(hour))),
        (claims.dependencies, with(&|job| job.after = first.clone())),
    ];
    for (_, options) in probes.into_iter().filter(|(is_claimed, _)| !is_claimed) {
        let what = format!("{options:?}");
        let mut new = job("x");
        new.options = options;
        check_refused(&what, &jobs.enqueue(vec![job("bystander"), new]).await);
    }
}

async fn refuse_queue_options(jobs: &dyn Jobs, claims: Capabilities) {
    let rate = Some(Rate {
        count: 1,
        per: Duration::from_secs(1),
    });
    let weights = BTreeMap::from([(label("g"), 2)]);
    let ageing = Some(Duration::from_secs(1));
    let probes = [
        (
            claims.ageing,
            QueueOptions {
                ageing,
                ..options()
            },
        ),
        (
            claims.weights,
            QueueOptions {
                weights,
                ..options()
            },
        ),
        (
            claims.concurrency,
            QueueOptions {
                concurrency: Some(1),
                ..options()
            },
        ),
        (
            claims.group_concurrency,
            QueueOptions {
                group_concurrency: Some(1),
                ..options()
            },
        ),
        (
            claims.key_concurrency,
            QueueOptions {
                key_concurrency: Some(1),
                ..options()
            },
        ),
        (claims.rate, QueueOptions { rate, ..options() }),
        (
            claims.group_rate,
            QueueOptions {
                group_rate: rate,
                ..options()
            },
        ),
        (
            claims.key_rate,
            QueueOptions {
                key_rate: rate,
                ..options()
            },
        ),
        (
            claims.jobs_max,
            QueueOptions {
                jobs_max: 1,
                ..options()
            },
        ),
    ];
    for (_, options) in probes.into_iter().filter(|(is_claimed, _)| !is_claimed) {
        let what = format!("{options:?}");
        check_refused(&what, &jobs.define_queue(&queue(), options).await);
    }
}

async fn refuse_definitions(jobs: &dyn Jobs, claims: Capabilities) {
    if !claims.schedules {
        let schedule = Schedule {
            name: schedule_name("s"),
            cron: "0 0 * * *".into(),
            zone: "UTC".into(),
            job: job("x"),
            missed: MissedTicks::Last,
            overlap: Overlap::Queue,
            is_paused: false,
        };
        check_refused("a schedule", &jobs.define_schedule(schedule).await);
    }
    if !claims.bindings {
        check_refused("a binding", &jobs.bind(binding("a.>")).await);
    }
    if !claims.groups {
        let group = label("g");
        check_refused("pausing a group", &jobs.pause(&queue(), Some(&group)).await);
    }
}

async fn refuse_calls(jobs: &dyn Jobs, claims: Capabilities) {
    enqueue(jobs, jobs_of(&["1"])).await;
    let lease = claim_one(jobs, "w").await.lease;
    if !claims.results {
        let completion = Completion {
            lease,
            result: Some(payload("x")),
        };
        check_refused("a result", &jobs.complete(vec![completion]).await);
    }
    if !claims.progress {
        let progress = Progress {
            share: 0.5,
            note: String::new(),
        };
        check_refused("progress", &jobs.progress(lease, progress).await);
    }
    if !claims.delays {
        let released = jobs.release(&[lease], Duration::from_secs(1)).await;
        check_refused("a release with a delay", &released);
    }
    if !claims.dead_edit {
        refuse_edit(jobs, lease).await;
    }
    check_idle(jobs).await;
}

async fn refuse_edit(jobs: &dyn Jobs, lease: Lease) {
    reject(jobs, lease, "x").await;
    check_refused("an edit", &jobs.edit_dead(lease.id, payload("y")).await);
    jobs.retry(&[lease.id]).await.expect("retrying works");
    let claimed = claim(jobs, "w", 1).await;
    assert_eq!(claimed[0].payload, payload("1"), "nothing was changed");
}
