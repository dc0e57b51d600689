//! What a pool sees of a real queue, and what is kept of its decisions.

use std::time::Duration;

use portique_clock::{Clock, Timestamp};
use portique_fleet::{Autoscaler, Backlog, Decision, Observation, Policy, Workforce};
use portique_jobs::{
    Claim, Claimed, Completion, Failing, Failure, JobKind, NewJob, Payload, QueueName, WorkerName,
};

use super::facts::{FleetFact, What};
use super::history::History;
use super::observe::{Observer, claimable};
use crate::monitor::ground::Ground;

const AHEAD: Duration = Duration::from_secs(2);

fn queue() -> QueueName {
    QueueName::new("work").unwrap()
}

fn job(run_at: Option<Timestamp>) -> NewJob {
    let payload = Payload::json("1");
    let mut job = NewJob::new(queue(), JobKind::new("do").unwrap(), payload);
    job.options.run_at = run_at;
    job
}

fn observer(ground: &Ground) -> Observer {
    let prior = Duration::from_secs(7);
    Observer::new(ground.jobs(), ground.clock.clone(), queue(), prior)
}

async fn claim(ground: &Ground, worker: &str) -> Vec<Claimed> {
    let worker = WorkerName::new(worker).unwrap();
    let claim = Claim {
        queue: queue(),
        worker,
        limit: 1,
        wait: Duration::ZERO,
        lease: None,
    };
    ground.jobs().claim(claim).await.unwrap()
}

#[tokio::test]
async fn a_queue_that_nobody_made_is_empty() {
    let ground = Ground::open().await;
    let seen = observer(&ground).look(AHEAD).await.unwrap();
    assert_eq!(seen, Backlog::default());
    ground.close().await;
}

#[tokio::test]
async fn what_waits_is_due_or_is_in_work_is_told_apart() {
    let ground = Ground::open().await;
    let mut observer = observer(&ground);
    let now = ground.clock.now();
    let later = [1, 60].map(|seconds| Some(now.plus(Duration::from_secs(seconds))));
    let jobs = [None, None, None].into_iter().chain(later).map(job);
    ground.jobs().enqueue(jobs.collect()).await.unwrap();
    let claimed = claim(&ground, "w").await;
    ground.clock.advance(Duration::from_millis(500));
    let seen = observer.look(AHEAD).await.unwrap();
    assert_eq!((seen.ready, seen.leased, seen.due_soon), (2, 1, 1));
    assert_eq!((seen.arrived, seen.finished), (3, 0));
    assert_eq!(seen.oldest, Some(Duration::from_millis(500)));
    let due = seen.next_due.unwrap().since(ground.clock.now());
    assert_eq!(due, Duration::from_millis(500));

    ground.clock.advance(Duration::from_millis(1_500));
    let done = claimed.iter().map(|job| Completion {
        lease: job.lease,
        result: None,
    });
    ground.jobs().complete(done.collect()).await.unwrap();
    let seen = observer.look(AHEAD).await.unwrap();
    assert_eq!((seen.arrived, seen.finished), (3, 1));
    assert_eq!(seen.busy, Duration::from_secs(2));

    let claimed = claim(&ground, "w").await;
    let failed = claimed.iter().map(|job| Failing {
        lease: job.lease,
        reason: "no".into(),
        failure: Failure::Reject,
    });
    ground.jobs().fail(failed.collect()).await.unwrap();
    let seen = observer.look(AHEAD).await.unwrap();
    assert_eq!((seen.ready, seen.finished), (2, 2));
    assert_eq!(
        seen.busy,
        Duration::from_secs(4),
        "as long as those that went well"
    );

    ground.jobs().pause(&queue(), None).await.unwrap();
    let seen = observer.look(AHEAD).await.unwrap();
    assert_eq!(
        (seen.ready, seen.oldest),
        (0, None),
        "a paused queue needs nobody"
    );
    ground.close().await;
}

#[tokio::test]
async fn jobs_that_were_lost_need_a_worker_too() {
    let ground = Ground::open().await;
    let jobs = ground.jobs();
    jobs.enqueue(vec![job(None)]).await.unwrap();
    let mut state = jobs.queue(&queue()).await.unwrap();
    let mut with = |ready, word, waits| {
        state.ready = ready;
        state.waits = [(word, waits)].into();
        claimable(&state)
    };
    // Suspects are told apart while there are workers; without any, all jobs lack one.
    assert_eq!(with(0, "suspect", 1), 1);
    assert_eq!(with(2, "suspect", 1), 3);
    assert_eq!(with(0, "no_workers", 1), 1);
    assert_eq!(with(2, "no_workers", 3), 3);
    assert_eq!(with(0, "queue_paused", 5), 0);
    ground.close().await;
}

fn decided(ground: &Ground, autoscaler: &mut Autoscaler, ready: u64) -> Decision {
    autoscaler.observe(&Observation {
        at: ground.clock.now(),
        backlog: Some(Backlog {
            ready,
            arrived: ready,
            ..Backlog::default()
        }),
        workforce: Workforce::default(),
        room: 100,
    })
}

#[tokio::test]
async fn decisions_are_found_by_time_also_those_that_are_on_the_bus_only() {
    let mut ground = Ground::open().await;
    let ports = ground.ports.clone();
    let open = || History::open(ports.records.clone(), ports.bus.clone());
    let history = open().await.unwrap();
    let mut autoscaler = Autoscaler::new(Policy::default()).unwrap();
    let mut decisions = Vec::new();
    for ready in [1, 10, 40] {
        ground.clock.advance(Duration::from_mins(1));
        let decision = decided(&ground, &mut autoscaler, ready);
        let fact = FleetFact {
            pool: "work".into(),
            at: decision.at,
            what: What::Decided(Box::new(decision.clone())),
        };
        let clock = ground.clock.clone();
        let event = fact.event(&*clock, &mut ground.ports.random);
        let sequences = ports.bus.publish(vec![event]).await.unwrap();
        if ready != 40 {
            let added = sequences
                .iter()
                .map(|sequence| ("work", *sequence, &decision));
            history.add(added).await;
        }
        decisions.push(decision);
    }
    assert_eq!(
        history.last("work").await.unwrap().as_ref(),
        Some(&decisions[1])
    );
    // The hub was killed before the records had the last one.
    let history = open().await.unwrap();
    assert_eq!(
        history.last("work").await.unwrap().as_ref(),
        Some(&decisions[2])
    );
    let then = decisions[1].at.plus(Duration::from_secs(30));
    let found = history.decisions("work", Some(then), 10).await.unwrap();
    let sentences: Vec<&str> = found.iter().map(|found| found.sentence.as_str()).collect();
    let expected = [decisions[1].to_string(), decisions[0].to_string()];
    assert_eq!(sentences, expected);
    assert!(history.last("other").await.unwrap().is_none());
    ground.close().await;
}
