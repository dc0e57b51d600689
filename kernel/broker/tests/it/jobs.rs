//! What is true of jobs on a disk: restarts, kills, backlogs that left memory.

use std::sync::Arc;
use std::time::Duration;

use portique_broker::Config;
use portique_jobs::{
    Claim, Claimed, Completion, Failing, Failure, JobKind, JobOptions, Jobs, Lease, NewJob,
    Payload, QueueName, QueueOptions, Rate, Settled, WorkerName,
};
use portique_journal::SimulatedDisk;

use crate::rig::{Rig, journal_config};

const SECOND: Duration = Duration::from_secs(1);

fn disk() -> Arc<SimulatedDisk> {
    Arc::new(SimulatedDisk::new(1, 1 << 30))
}

pub(crate) fn queue() -> QueueName {
    QueueName::new("work").unwrap()
}

pub(crate) fn job(body: &str) -> NewJob {
    let kind = JobKind::new("test.kind").unwrap();
    NewJob::new(queue(), kind, Payload::json(body.to_owned()))
}

pub(crate) fn jobs_of(count: usize) -> Vec<NewJob> {
    (0..count).map(|number| job(&number.to_string())).collect()
}

pub(crate) fn ask(limit: usize, wait: Duration) -> Claim {
    Claim {
        queue: queue(),
        worker: WorkerName::new("worker").unwrap(),
        limit,
        wait,
        lease: None,
    }
}

pub(crate) async fn claim(jobs: &dyn Jobs, limit: usize) -> Vec<Claimed> {
    jobs.claim(ask(limit, Duration::ZERO)).await.unwrap()
}

pub(crate) fn bodies(claimed: &[Claimed]) -> Vec<String> {
    let text = |job: &Claimed| String::from_utf8(job.payload.body.to_vec()).unwrap();
    claimed.iter().map(text).collect()
}

pub(crate) async fn complete(
    jobs: &dyn Jobs,
    leases: impl IntoIterator<Item = Lease>,
) -> Vec<Settled> {
    let completions = leases.into_iter().map(|lease| Completion {
        lease,
        result: None,
    });
    jobs.complete(completions.collect()).await.unwrap()
}

fn failing(lease: Lease, failure: Failure) -> Failing {
    Failing {
        lease,
        reason: "no route".into(),
        failure,
    }
}

async fn jobs_outlive(is_clean: bool) {
    let disk = disk();
    let mut rig = Rig::open(disk.clone()).await;
    let jobs = rig.broker().jobs();
    let enqueued = jobs.enqueue(jobs_of(5)).await.unwrap();
    let held = claim(&*jobs, 3).await;
    assert_eq!(bodies(&held), ["0", "1", "2"]);
    assert_eq!(complete(&*jobs, [held[0].lease]).await, [Settled::Done]);
    let failed = jobs.fail(vec![failing(held[1].lease, Failure::After(SECOND))]);
    assert!(matches!(
        failed.await.unwrap()[..],
        [Settled::Retrying { .. }]
    ));

    drop(jobs);
    if is_clean {
        rig.restart().await;
    } else {
        rig.kill(&disk).await;
    }
    let jobs = rig.broker().jobs();
    assert_eq!(
        bodies(&claim(&*jobs, 10).await),
        ["3", "4"],
        "the rest is held or waits"
    );
    assert_eq!(
        complete(&*jobs, [held[2].lease]).await,
        [Settled::Done],
        "a worker outlives the restart of the hub"
    );
    assert_eq!(complete(&*jobs, [held[1].lease]).await, [Settled::Stale]);
    rig.advance(SECOND).await;
    let again = claim(&*jobs, 10).await;
    assert_eq!(bodies(&again), ["1"]);
    assert_eq!((again[0].attempt, again[0].failures), (2, 1));
    assert!(again[0].lease.token > held[1].lease.token);
    assert_eq!(again[0].lease.id, enqueued[1].id);
}

#[tokio::test]
async fn jobs_outlive_a_clean_restart() {
    jobs_outlive(true).await;
}

#[tokio::test]
async fn jobs_outlive_a_kill() {
    jobs_outlive(false).await;
}

#[tokio::test]
async fn a_lost_lease_stays_lost_across_a_restart() {
    let disk = disk();
    let mut rig = Rig::open(disk.clone()).await;
    let jobs = rig.broker().jobs();
    jobs.enqueue(jobs_of(1)).await.unwrap();
    let held = claim(&*jobs, 1).await;
    rig.advance(held[0].lease_time).await;
    assert_eq!(complete(&*jobs, [held[0].lease]).await, [Settled::Stale]);
    rig.kill(&disk).await;
    let jobs = rig.broker().jobs();
    let again = claim(&*jobs, 1).await;
    assert_eq!((again[0].attempt, again[0].losses), (2, 1));
    assert_eq!(complete(&*jobs, [held[0].lease]).await, [Settled::Stale]);
    assert_eq!(complete(&*jobs, [again[0].lease]).await, [Settled::Done]);
}

#[tokio::test]
async fn a_backlog_is_read_from_the_journal_after_a_restart() {
    const COUNT: usize = 3_000;
    let config = Config {
        checkpoint_records: 500,
        job_tail_bytes_max: 10_000,
        ..Config::default()
    };
    let disk = disk();
    let mut rig = Rig::open_with(disk.clone(), config, journal_config()).await;
    let jobs = rig.broker().jobs();
    for batch in jobs_of(COUNT).chunks(100) {
        jobs.enqueue(batch.to_vec()).await.unwrap();
        rig.advance(Duration::ZERO).await;
    }
    rig.kill(&disk).await;
    let jobs = rig.broker().jobs();
    let mut seen = Vec::new();
    while seen.len() < COUNT {
        let claimed = claim(&*jobs, 70).await;
        assert!(!claimed.is_empty(), "{} of {COUNT}", seen.len());
        complete(&*jobs, claimed.iter().map(|job| job.lease)).await;
        seen.extend(bodies(&claimed));
        if seen.len() == COUNT / 2 {
            rig.restart().await;
        }
    }
    let expected: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    assert_eq!(seen, expected, "each once, first in, first out");
}

#[tokio::test]
async fn a_waiting_claim_is_woken_by_new_work_and_by_time() {
    let rig = Rig::open(disk()).await;
    let jobs = rig.broker().jobs();
    let waiting = jobs.claim(ask(10, Duration::from_secs(30)));
    let producing = async { jobs.enqueue(jobs_of(3)).await.unwrap() };
    let (claimed, _) = tokio::join!(waiting, producing);
    assert_eq!(claimed.unwrap().len(), 3);

    let mut delayed = job("later");
    delayed.options = JobOptions {
        run_at: Some(rig.now().plus(SECOND)),
        ..JobOptions::default()
    };
    jobs.enqueue(vec![delayed]).await.unwrap();
    let waiting = jobs.claim(ask(10, Duration::from_secs(30)));
    let (claimed, ()) = tokio::join!(waiting, rig.advance(SECOND));
    assert_eq!(bodies(&claimed.unwrap()), ["later"]);
}

#[tokio::test]
async fn waiting_claims_are_woken_as_the_rate_lets_jobs_go() {
    let rig = Rig::open(disk()).await;
    let jobs = rig.broker().jobs();
    let options = QueueOptions {
        rate: Some(Rate {
            count: 1,
            per: SECOND,
        }),
        ..QueueOptions::default()
    };
    jobs.define_queue(&queue(), options).await.unwrap();
    jobs.enqueue(jobs_of(3)).await.unwrap();
    assert_eq!(claim(&*jobs, 10).await.len(), 1);
    let wait = || jobs.claim(ask(10, Duration::from_secs(30)));
    let time = async {
        loop {
            rig.advance(SECOND).await;
            tokio::task::yield_now().await;
        }
    };
    let both = async { tokio::join!(wait(), wait()) };
    let (first, second) = tokio::select! {
        both = both => both,
        () = time => unreachable!("time goes on"),
    };
    let mut seen = [bodies(&first.unwrap()), bodies(&second.unwrap())];
    seen.sort();
    assert_eq!(seen, [["1"], ["2"]]);
}

/// More than a claim's limit of bytes, in jobs that are still in memory or are read again.
async fn check_bytes_of_a_claim(job_tail_bytes_max: usize) {
    let config = Config {
        job_tail_bytes_max,
        ..Config::default()
    };
    let rig = Rig::open_with(disk(), config, journal_config()).await;
    let jobs = rig.broker().jobs();
    for _ in 0..10 {
        let body = "x".repeat(800 * 1024);
        jobs.enqueue(vec![job(&body)]).await.unwrap();
    }
    let mut given = 0;
    while given < 10 {
        let claimed = claim(&*jobs, 10).await;
        let bytes: usize = claimed.iter().map(|job| job.payload.body.len()).sum();
        assert!((1..=4 << 20).contains(&bytes), "{bytes} bytes in one claim");
        assert!(claimed.iter().all(|job| job.attempt == 1));
        given += claimed.len();
    }
    assert_eq!(given, 10);
    assert_eq!(claim(&*jobs, 1).await, []);
}

#[tokio::test]
async fn a_claim_is_bounded_in_bytes_and_what_is_left_costs_no_attempt() {
    check_bytes_of_a_claim(Config::default().job_tail_bytes_max).await;
    check_bytes_of_a_claim(0).await;
}
