//! The client's worker, on a hub that comes and goes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portique_client::{Client, Job, JobError, Worker};
use portique_jobs::{Completion, JobId, JobKind, JobState, JobView, NewJob, Payload, QueueName};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use super::rig::Rig;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn queue() -> QueueName {
    QueueName::new("mail").unwrap()
}

async fn enqueue(client: &Client, kinds: &[&str]) -> Vec<JobId> {
    let jobs = kinds.iter().map(|kind| {
        let kind = JobKind::new(*kind).unwrap();
        NewJob::new(queue(), kind, Payload::json("{}"))
    });
    let enqueued = client.jobs().enqueue(jobs.collect()).await.unwrap();
    enqueued.iter().map(|enqueued| enqueued.id).collect()
}

async fn finished(client: &Client, id: JobId) -> JobView {
    client.jobs().wait_job(id, PATIENCE).await.unwrap()
}

/// Runs a worker until the sender is used.
fn run(worker: Worker) -> (oneshot::Sender<()>, JoinSet<()>) {
    let (stop, stopped) = oneshot::channel();
    let mut running = JoinSet::new();
    running.spawn(async move {
        worker.run(async { _ = stopped.await }).await.unwrap();
    });
    (stop, running)
}

async fn end(stop: oneshot::Sender<()>, mut running: JoinSet<()>) {
    stop.send(()).unwrap();
    running.join_next().await.unwrap().unwrap();
}

async fn by_kind(job: Job) -> Result<Option<Payload>, JobError> {
    match job.claimed().kind.as_str() {
        "reject" => Err(JobError::Reject("it is no address".into())),
        "panic" => panic!("out of paper"),
        _ => Ok(Some(Payload::json("true"))),
    }
}

#[tokio::test]
async fn what_came_of_jobs_is_told() {
    let rig = Rig::open().await;
    let ids = enqueue(rig.client(), &["send", "reject", "panic"]).await;
    let worker = Worker::builder(rig.client().clone(), queue()).concurrency(2);
    let (stop, running) = run(worker.handler(by_kind).unwrap());
    let sent = finished(rig.client(), ids[0]).await;
    assert!(matches!(sent.state, JobState::Completed { .. }), "{sent:?}");
    assert_eq!(sent.result, Some(Payload::json("true")));
    let rejected = finished(rig.client(), ids[1]).await;
    assert!(
        matches!(rejected.state, JobState::Dead { .. }),
        "{rejected:?}"
    );
    let dead = rig.client().jobs().retry(&[ids[1]]).await;
    assert!(dead.is_ok());
    end(stop, running).await;
    let panicked = rig.client().jobs().job(ids[2]).await.unwrap();
    let error = panicked.last_error.unwrap_or_default();
    assert!(error.contains("out of paper"), "{error}");
}

#[tokio::test]
async fn what_is_settled_elsewhere_stays_so_and_what_is_not_goes_back() {
    let rig = Rig::open().await;
    let ids = enqueue(rig.client(), &["elsewhere", "back", "elsewhere"]).await;
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let (inside, seen) = (rig.broker().jobs(), Arc::clone(&attempts));
    let worker = Worker::builder(rig.client().clone(), queue()).handler(move |job: Job| {
        let (inside, seen) = (Arc::clone(&inside), Arc::clone(&seen));
        async move {
            let claimed = job.claimed();
            let kind = claimed.kind.as_str().to_owned();
            let is_first = {
                let mut seen = seen.lock().unwrap();
                let is_first = !seen.iter().any(|(other, _)| *other == kind);
                seen.push((kind.clone(), claimed.attempt));
                is_first
            };
            if kind == "elsewhere" || !is_first {
                let done = Completion {
                    lease: claimed.lease,
                    result: None,
                };
                inside.complete(vec![done]).await.unwrap();
            }
            Err(JobError::SettledElsewhere)
        }
    });
    let (stop, running) = run(worker.unwrap());
    for id in ids {
        let view = finished(rig.client(), id).await;
        assert!(matches!(view.state, JobState::Completed { .. }), "{view:?}");
    }
    end(stop, running).await;
    let attempts = attempts.lock().unwrap();
    let back = attempts.iter().filter(|(kind, _)| kind == "back");
    let back: Vec<_> = back.map(|(_, attempt)| *attempt).collect();
    assert_eq!(
        (attempts.len(), back),
        (4, vec![1, 1]),
        "it cost no attempt"
    );
}

#[tokio::test]
async fn many_jobs_are_each_done_once() {
    let rig = Rig::open().await;
    let ids = enqueue(rig.client(), &["send"; 500]).await;
    let done = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&done);
    let worker = Worker::builder(rig.client().clone(), queue()).concurrency(32);
    let worker = worker.handler(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(None) }
    });
    let (stop, running) = run(worker.unwrap());
    for id in ids {
        let view = finished(rig.client(), id).await;
        assert!(matches!(view.state, JobState::Completed { .. }), "{view:?}");
    }
    end(stop, running).await;
    assert_eq!(done.load(Ordering::SeqCst), 500);
}

#[tokio::test]
async fn a_worker_that_is_stopped_ends_what_it_has_begun() {
    let rig = Rig::open().await;
    let ids = enqueue(rig.client(), &["send"; 3]).await;
    let begun = Arc::new(Semaphore::new(0));
    let go_on = Arc::new(Semaphore::new(0));
    let (seen, gate) = (Arc::clone(&begun), Arc::clone(&go_on));
    let worker = Worker::builder(rig.client().clone(), queue()).concurrency(2);
    let worker = worker.handler(move |_| {
        let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
        async move {
            seen.add_permits(1);
            let _through = gate.acquire().await.unwrap();
            Ok(None)
        }
    });
    let (stop, mut running) = run(worker.unwrap());
    begun.acquire_many(2).await.unwrap().forget();
    stop.send(()).unwrap();
    go_on.add_permits(2);
    running.join_next().await.unwrap().unwrap();
    for id in &ids[..2] {
        let view = rig.client().jobs().job(*id).await.unwrap();
        assert!(matches!(view.state, JobState::Completed { .. }), "{view:?}");
    }
    let last = rig.client().jobs().job(ids[2]).await.unwrap();
    assert_eq!(last.state, JobState::Waiting);
    assert_eq!(begun.available_permits(), 0, "it took no more");
}

#[tokio::test]
async fn a_job_that_is_cancelled_is_told_to_its_handler() {
    let rig = Rig::open().await;
    let ids = enqueue(rig.client(), &["send"]).await;
    let (begun, ended) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (seen, told) = (Arc::clone(&begun), Arc::clone(&ended));
    let worker = Worker::builder(rig.client().clone(), queue()).lease(Duration::from_millis(300));
    let worker = worker.handler(move |job: Job| {
        let (seen, told) = (Arc::clone(&seen), Arc::clone(&told));
        async move {
            seen.add_permits(1);
            job.cancelled().await;
            told.add_permits(1);
            Ok(None)
        }
    });
    let (stop, running) = run(worker.unwrap());
    begun.acquire().await.unwrap().forget();
    rig.client().jobs().cancel(&ids).await.unwrap();
    ended.acquire().await.unwrap().forget();
    end(stop, running).await;
    let view = rig.client().jobs().job(ids[0]).await.unwrap();
    assert!(matches!(view.state, JobState::Cancelled { .. }), "{view:?}");
}
