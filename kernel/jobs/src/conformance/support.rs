use std::time::Duration;

use portique_clock::Timestamp;

use crate::{
    Backoff, Claim, Claimed, Completion, Enqueued, Failing, Failure, JobFilter, JobId, JobKind,
    JobView, Jobs, Label, Lease, NewJob, Payload, QueueName, QueueOptions, RetryPolicy,
    ScheduleName, Settled, WorkerName,
};

/// How long an engine may take over a network; the embedded one answers at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The lease of the suite's queues.
pub(super) const LEASE: Duration = Duration::from_secs(3);
/// What the suite's queues wait after every failure.
pub(super) const BACKOFF: Duration = Duration::from_secs(2);
/// Failures until a job of the suite's queues is dead.
pub(super) const ATTEMPTS: u32 = 3;
/// How far a clock may run between two looks at it, with a call over a network between them.
pub(super) const SLACK: Duration = Duration::from_millis(900);
/// Empty answers after which there is nothing more to come.
const EMPTY_CLAIMS_MAX: usize = 2;

pub(super) fn queue() -> QueueName {
    queue_named("work")
}

pub(super) fn queue_named(text: &str) -> QueueName {
    QueueName::new(text).expect("the suite writes queue names")
}

pub(super) fn worker(text: &str) -> WorkerName {
    WorkerName::new(text).expect("the suite writes worker names")
}

pub(super) fn label(text: &str) -> Label {
    Label::new(text).expect("the suite writes labels")
}

pub(super) fn schedule_name(text: &str) -> ScheduleName {
    ScheduleName::new(text).expect("the suite writes names of schedules")
}

pub(super) fn kind(text: &str) -> JobKind {
    JobKind::new(text).expect("the suite writes kinds of jobs")
}

pub(super) fn payload(text: &str) -> Payload {
    Payload::json(format!("{{\"job\":\"{text}\"}}"))
}

/// A plain job of the suite's queue, told apart by `text`.
pub(super) fn job(text: &str) -> NewJob {
    NewJob::new(queue(), kind("conformance"), payload(text))
}

pub(super) fn jobs_of(texts: &[&str]) -> Vec<NewJob> {
    texts.iter().map(|text| job(text)).collect()
}

/// The suite's queue: short leases, three attempts two seconds apart.
pub(super) fn options() -> QueueOptions {
    QueueOptions {
        lease: LEASE,
        retry: fixed(ATTEMPTS, BACKOFF),
        ..QueueOptions::default()
    }
}

pub(super) fn fixed(attempts: u32, wait: Duration) -> RetryPolicy {
    RetryPolicy {
        attempts,
        backoff: Backoff {
            first: wait,
            factor: 1.0,
            max: wait,
            jitter: 0.0,
        },
    }
}

pub(super) async fn define(jobs: &dyn Jobs, options: QueueOptions) {
    jobs.define_queue(&queue(), options)
        .await
        .expect("the queue is made");
}

/// Enqueues one batch of new jobs.
pub(super) async fn enqueue(jobs: &dyn Jobs, batch: Vec<NewJob>) -> Vec<JobId> {
    let count = batch.len();
    let enqueued = jobs.enqueue(batch).await.expect("the batch is enqueued");
    assert_eq!(enqueued.len(), count, "one answer per job");
    assert!(enqueued.iter().all(|job| job.is_new), "{enqueued:?}");
    enqueued.into_iter().map(|job| job.id).collect()
}

pub(super) async fn enqueue_one(jobs: &dyn Jobs, job: NewJob) -> Enqueued {
    let enqueued = jobs.enqueue(vec![job]).await.expect("the job is enqueued");
    assert_eq!(enqueued.len(), 1, "one answer per job");
    enqueued[0]
}

pub(super) fn ask(name: &str, limit: usize, wait: Duration) -> Claim {
    Claim {
        queue: queue(),
        worker: worker(name),
        limit,
        wait,
        lease: None,
    }
}

/// What there is now, up to `limit`.
pub(super) async fn claim_now(jobs: &dyn Jobs, name: &str, limit: usize) -> Vec<Claimed> {
    let claimed = jobs
        .claim(ask(name, limit, Duration::ZERO))
        .await
        .expect("claiming works");
    assert!(
        claimed.len() <= limit,
        "{} of {limit} asked for",
        claimed.len()
    );
    claimed
}

/// `count` jobs, which must come, and no more.
pub(super) async fn claim(jobs: &dyn Jobs, name: &str, count: usize) -> Vec<Claimed> {
    claim_from(jobs, ask(name, count, PATIENCE)).await
}

/// As many jobs as asked for, which must come, and no more.
pub(super) async fn claim_from(jobs: &dyn Jobs, asked: Claim) -> Vec<Claimed> {
    let count = asked.limit;
    let (mut claimed, mut empty) = (Vec::new(), 0);
    while claimed.len() < count && empty < EMPTY_CLAIMS_MAX {
        let limit = count - claimed.len();
        let more = jobs
            .claim(Claim {
                limit,
                ..asked.clone()
            })
            .await;
        let more = more.expect("claiming works");
        assert!(more.len() <= limit, "{} of {limit} asked for", more.len());
        empty += usize::from(more.is_empty());
        claimed.extend(more);
    }
    assert_eq!(claimed.len(), count, "jobs for {}", asked.worker);
    claimed
}

pub(super) async fn claim_one(jobs: &dyn Jobs, name: &str) -> Claimed {
    claim(jobs, name, 1).await.remove(0)
}

/// There is nothing to claim now.
pub(super) async fn check_idle(jobs: &dyn Jobs) {
    let claimed = claim_now(jobs, "idle", 10).await;
    assert_eq!(claimed, [], "nothing is due");
}

pub(super) fn bodies(claimed: &[Claimed]) -> Vec<String> {
    claimed
        .iter()
        .map(|claimed| text_of(&claimed.payload))
        .collect()
}

/// What `payload` was made of.
pub(super) fn text_of(payload: &Payload) -> String {
    let value: serde_json::Value =
        serde_json::from_slice(&payload.body).expect("the suite's payloads are JSON");
    value["job"].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
pub(super) fn check_bodies(claimed: &[Claimed], expected: &[&str]) {
    assert_eq!(bodies(claimed), expected, "jobs in the order they are due");
}

pub(super) fn leases(claimed: &[Claimed]) -> Vec<Lease> {
    claimed.iter().map(|claimed| claimed.lease).collect()
}

pub(super) fn done(lease: Lease) -> Completion {
    Completion {
        lease,
        result: None,
    }
}

pub(super) fn failing(lease: Lease, reason: &str) -> Failing {
    Failing {
        lease,
        reason: reason.into(),
        failure: Failure::Policy,
    }
}

/// Completes them, each of which is held.
pub(super) async fn complete(jobs: &dyn Jobs, claimed: &[Claimed]) {
    let completions = leases(claimed).into_iter().map(done).collect();
    let settled = jobs.complete(completions).await.expect("completing works");
    assert_eq!(settled, vec![Settled::Done; claimed.len()]);
}

/// Completes under one lease.
pub(super) async fn settle(jobs: &dyn Jobs, lease: Lease) -> Settled {
    one(jobs
        .complete(vec![done(lease)])
        .await
        .expect("completing works"))
}

/// Fails under one lease, by policy.
pub(super) async fn fail(jobs: &dyn Jobs, lease: Lease, reason: &str) -> Settled {
    one(jobs
        .fail(vec![failing(lease, reason)])
        .await
        .expect("failing works"))
}

/// Gives up on it, as trying again cannot help.
pub(super) async fn reject(jobs: &dyn Jobs, lease: Lease, reason: &str) {
    let failing = Failing {
        failure: Failure::Reject,
        ..failing(lease, reason)
    };
    let settled = one(jobs.fail(vec![failing]).await.expect("failing works"));
    assert_eq!(settled, Settled::Dead);
}

/// The only answer to a call about one job.
#[track_caller]
pub(super) fn one(mut settled: Vec<Settled>) -> Settled {
    assert_eq!(settled.len(), 1, "one answer per job");
    settled.remove(0)
}

pub(super) async fn view(jobs: &dyn Jobs, id: JobId) -> JobView {
    jobs.job(id).await.expect("the job is remembered")
}

pub(super) async fn check_state(jobs: &dyn Jobs, id: JobId, word: &str) {
    let view = view(jobs, id).await;
    assert_eq!(view.state.word(), word, "{view:?}");
}

/// Ids of all jobs of a state, or of every one.
pub(super) async fn ids(jobs: &dyn Jobs, state: Option<&str>) -> Vec<JobId> {
    let filter = JobFilter {
        queue: queue(),
        state: state.map(Into::into),
        after: None,
        limit: 1_000,
    };
    let page = jobs.list(filter).await.expect("listing works");
    page.jobs.iter().map(|view| view.id).collect()
}

/// `at` is `wait` after a moment between `before` and `after`.
#[track_caller]
pub(super) fn check_time(at: Timestamp, before: Timestamp, after: Timestamp, wait: Duration) {
    let (earliest, latest) = (before.plus(wait), after.plus(wait).plus(SLACK));
    assert!(
        (earliest.minus(SLACK)..=latest).contains(&at),
        "{at} is not {wait:?} after {before}"
    );
}
