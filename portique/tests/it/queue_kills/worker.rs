//! What runs in the process of a worker, until that is killed.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use portique_client::{Client, ClientOptions, Job, JobError, Worker};
use portique_clock::{Random, Seeded};
use portique_jobs::{QueueName, WorkerName};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::QUEUE;
use super::http::{Http, is_busy};
use super::workers::{GRPC, HTTP, KIND, NAME, SEED, TOKEN};

/// Jobs of one claim, and jobs in hand of a worker that has several.
const JOBS_MAX: u64 = 20;
/// One claim in so many is given up before its answer.
const CLAIMS_PER_HANG_UP: u64 = 40;
/// One job in so many fails.
const JOBS_PER_FAILURE: u64 = 10;
/// A hub that could not answer may be able to soon.
const PAUSE: Duration = Duration::from_millis(20);

#[tokio::test]
#[ignore = "the trial of kills starts it as a process of its own"]
async fn works_until_it_is_killed() {
    let Ok(kind) = std::env::var(KIND) else {
        return;
    };
    std::thread::spawn(end_with_who_started_it);
    match kind.as_str() {
        "requests" => Requests::new().work().await,
        "client" => by_client().await,
        other => panic!("no such worker: {other}"),
    }
}

/// Nobody writes to its standard input, which ends with the trial.
fn end_with_who_started_it() {
    _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}

fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// To who started it; in one piece, so that a kill cuts no line in two.
fn say(line: &str) {
    let line = format!("{line}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// The worker of the client library, which keeps what the hub acknowledges to itself.
async fn by_client() {
    let options = ClientOptions::new(given(GRPC), given(TOKEN));
    let client = Client::connect(options).await.unwrap();
    let handle = |job: Job| async move {
        let lease = job.claimed().lease;
        if lease.token.0.is_multiple_of(JOBS_PER_FAILURE) {
            return Err(JobError::Retry("its token says so".into()));
        }
        say(&format!("handled {}", lease.id));
        Ok(None)
    };
    let worker = Worker::builder(client, QueueName::new(QUEUE).unwrap())
        .name(WorkerName::new(given(NAME)).unwrap())
        .concurrency(JOBS_MAX as usize)
        .handler(handle);
    let ended = worker.unwrap().run(std::future::pending()).await;
    panic!("nobody stopped it: {ended:?}");
}

/// A worker that makes requests of its own: claims some, settles them, says what was acknowledged.
struct Requests {
    http: Http,
    name: String,
    random: Seeded,
}

impl Requests {
    fn new() -> Self {
        Self {
            http: Http::new(&given(HTTP), &given(TOKEN)),
            name: given(NAME),
            random: Seeded::new(given(SEED).parse().unwrap()),
        }
    }

    async fn work(mut self) {
        loop {
            let jobs = self.claim().await;
            self.settle(jobs).await;
        }
    }

    async fn claim(&mut self) -> Vec<Value> {
        let limit = 1 + self.random.below(JOBS_MAX);
        let name = &self.name;
        let path = format!("/queues/{QUEUE}/claim?limit={limit}&wait_s=0.3&worker={name}");
        let claim = self.http.ask(Method::POST, &path, &Value::Null, None);
        let answer = match self.random.below(CLAIMS_PER_HANG_UP) {
            // A dropped request is a connection that is cut.
            0 => timeout(Duration::from_millis(1 + self.random.below(5)), claim)
                .await
                .ok()
                .flatten(),
            _ => claim.await,
        };
        match answer {
            Some((StatusCode::OK, Value::Array(jobs))) => return jobs,
            Some((status, answer)) => assert!(is_busy(status), "{status} {answer}"),
            None => {}
        }
        sleep(PAUSE).await;
        Vec::new()
    }

    /// Fails some and completes the others, and repeats that until it is answered.
    async fn settle(&mut self, jobs: Vec<Value>) {
        let (failing, done): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|job| json!({ "id": job["id"], "token": job["token"] }))
            .partition(|_| self.random.below(JOBS_PER_FAILURE) == 0);
        self.until_answered("/jobs/fail", failing).await;
        for lease in &done {
            assert!(lease["token"].is_string(), "tokens are text: {lease}");
        }
        let settled = self.until_answered("/jobs/complete", done.clone()).await;
        for (lease, settled) in done.iter().zip(settled) {
            assert_eq!(lease["id"], settled["id"]);
            if settled["outcome"] == "done" {
                let token = lease["token"].as_str().unwrap();
                say(&format!("completed {} {token}", lease["id"]));
            }
        }
    }

    async fn until_answered(&self, path: &str, leases: Vec<Value>) -> Vec<Value> {
        if leases.is_empty() {
            return leases;
        }
        let leases = Value::Array(leases);
        loop {
            match self.http.ask(Method::POST, path, &leases, None).await {
                Some((StatusCode::OK, Value::Array(settled))) => return settled,
                Some((status, answer)) => assert!(is_busy(status), "{status} {answer}"),
                None => {}
            }
            sleep(PAUSE).await;
        }
    }
}
