use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portique_clock::{Random, Seeded};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::QUEUE;
use super::hub::MortalHub;
use super::record::Record;

/// Jobs of one request.
const BATCH_MAX: u64 = 20;
/// Jobs that are acknowledged and not completed, at most: the load shall not outrun the workers.
const OPEN_MAX: usize = 2_000;
/// One claim in so many ends with the worker's death, with all that it holds.
const CLAIMS_PER_DEATH: u64 = 40;
/// One claim in so many is given up before its answer.
const CLAIMS_PER_HANG_UP: u64 = 40;
/// One job in so many fails.
const JOBS_PER_FAILURE: u64 = 10;
/// A hub that could not answer may be able to soon.
const PAUSE: Duration = Duration::from_millis(20);
/// A hub that is killed does not answer; one that lives does so well within this.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A hub that was killed is up again within this, or whoever waits asks again.
const START_TIMEOUT: Duration = Duration::from_secs(1);

/// What an enqueuer gives a key that makes it safe to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// Each request, by the header `Idempotency-Key`.
    Requests,
    /// Each job.
    Jobs,
    Nothing,
}

impl Named {
    fn job(self, request: u64, job: u64) -> Value {
        let mut new = json!({ "kind": format!("{self:?}"), "payload": [request, job] });
        if self == Self::Jobs {
            new["idempotency_key"] = json!(format!("job-{request}-{job}"));
        }
        new
    }
}

/// Everybody who talks to the hub, and what they were told.
pub(super) struct Clients {
    http: reqwest::Client,
    url: String,
    token: String,
    /// How often the hub was ready.
    up: watch::Sender<u64>,
    /// How many requests were answered.
    answers: watch::Sender<u64>,
    record: Mutex<Record>,
    no_more_jobs: CancellationToken,
    no_more_work: CancellationToken,
}

impl Clients {
    pub(super) fn new(hub: &MortalHub) -> Self {
        let token = std::fs::read_to_string(hub.data().join("service.token")).unwrap();
        let http = reqwest::Client::builder().timeout(ANSWER_TIMEOUT);
        Self {
            http: http.no_proxy().build().unwrap(),
            url: format!("http://{}/api/v1", hub.address),
            token: token.trim().to_owned(),
            up: watch::Sender::new(hub.generation),
            answers: watch::Sender::new(0),
            record: Mutex::default(),
            no_more_jobs: CancellationToken::new(),
            no_more_work: CancellationToken::new(),
        }
    }

    pub(super) fn is_up(&self, generation: u64) {
        self.up.send_replace(generation);
    }

    pub(super) fn answers(&self) -> u64 {
        *self.answers.borrow()
    }

    /// Returns once so many requests were answered.
    pub(super) async fn answered(&self, answers: u64) {
        let mut watched = self.answers.subscribe();
        let reached = watched.wait_for(|count| *count >= answers).await;
        reached.expect("the sender is here");
    }

    pub(super) fn stop_enqueuing(&self) {
        self.no_more_jobs.cancel();
    }

    pub(super) fn stop_working(&self) {
        self.no_more_work.cancel();
    }

    pub(super) fn take_record(&self) -> Record {
        std::mem::take(&mut self.record.lock().unwrap())
    }

    /// Adds jobs in batches. Two enqueuers name their requests or their jobs, and repeat what was not
    /// answered until it is; the third leaves it open what became of that.
    pub(super) async fn enqueue(self: Arc<Self>, named: Named, mut random: Seeded) {
        let mut request = 0;
        while !self.no_more_jobs.is_cancelled() {
            if self.open() > OPEN_MAX {
                self.pause().await;
                continue;
            }
            request += 1;
            let jobs = 1 + random.below(BATCH_MAX);
            let batch: Vec<Value> = (0..jobs).map(|job| named.job(request, job)).collect();
            let key = (named == Named::Requests).then(|| format!("request-{request}"));
            let is_repeated = named != Named::Nothing;
            self.add(&Value::Array(batch), key, is_repeated).await;
        }
    }

    async fn add(&self, batch: &Value, key: Option<String>, is_repeated: bool) {
        let jobs = batch.as_array().unwrap().len();
        let path = format!("/queues/{QUEUE}/jobs/batch");
        loop {
            match self.ask(Method::POST, &path, batch, key.as_deref()).await {
                Some((StatusCode::CREATED, answer)) => {
                    let answer = answer.as_array().unwrap();
                    assert_eq!(answer.len(), jobs);
                    let mut record = self.record.lock().unwrap();
                    return answer
                        .iter()
                        .for_each(|job| record.enqueued(job["id"].as_u64().unwrap()));
                }
                Some((status, answer)) => {
                    assert!(is_busy(status), "{status} {answer}");
                    self.pause().await;
                }
                None if is_repeated => {}
                None => return self.record.lock().unwrap().doubtful += jobs,
            }
        }
    }

    /// Works until there is no more, one life after the other.
    pub(super) async fn work(self: Arc<Self>, n: u64, mut random: Seeded) {
        let mut life = 0;
        while !self.no_more_work.is_cancelled() {
            life += 1;
            let name = format!("worker-{n}-{life}");
            while !self.no_more_work.is_cancelled() {
                let jobs = self.claim(&name, &mut random).await;
                if random.below(CLAIMS_PER_DEATH) == 0 {
                    break;
                }
                self.settle(jobs, &mut random).await;
            }
        }
    }

    async fn claim(&self, worker: &str, random: &mut Seeded) -> Vec<Value> {
        let limit = 1 + random.below(BATCH_MAX);
        let path = format!("/queues/{QUEUE}/claim?limit={limit}&wait_s=0.3&worker={worker}");
        let claim = self.ask(Method::POST, &path, &Value::Null, None);
        let answer = match random.below(CLAIMS_PER_HANG_UP) {
            // A dropped request is a connection that is cut.
            0 => timeout(Duration::from_millis(1 + random.below(5)), claim)
                .await
                .ok()
                .flatten(),
            _ => claim.await,
        };
        match answer {
            Some((StatusCode::OK, Value::Array(jobs))) => jobs,
            Some((status, answer)) => {
                assert!(is_busy(status), "{status} {answer}");
                self.pause().await;
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Fails some and completes the others, and repeats that until it is answered.
    async fn settle(&self, jobs: Vec<Value>, random: &mut Seeded) {
        let (failing, done): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|job| json!({ "id": job["id"], "token": job["token"] }))
            .partition(|_| random.below(JOBS_PER_FAILURE) == 0);
        self.until_answered("/jobs/fail", failing).await;
        for lease in &done {
            assert!(lease["token"].is_string(), "tokens are text: {lease}");
        }
        let settled = self.until_answered("/jobs/complete", done.clone()).await;
        let mut record = self.record.lock().unwrap();
        for (lease, settled) in done.iter().zip(settled) {
            assert_eq!(lease["id"], settled["id"]);
            if settled["outcome"] == "done" {
                let token = lease["token"].as_str().unwrap().parse().unwrap();
                record.completed(lease["id"].as_u64().unwrap(), token);
            }
        }
    }

    async fn until_answered(&self, path: &str, leases: Vec<Value>) -> Vec<Value> {
        if leases.is_empty() {
            return leases;
        }
        let leases = Value::Array(leases);
        loop {
            match self.ask(Method::POST, path, &leases, None).await {
                Some((StatusCode::OK, Value::Array(settled))) => return settled,
                Some((status, answer)) => {
                    assert!(is_busy(status), "{status} {answer}");
                    self.pause().await;
                }
                None => {}
            }
        }
    }

    /// Every job that is completed and remembered.
    pub(super) async fn completed_jobs(&self) -> BTreeSet<u64> {
        let mut jobs = BTreeSet::new();
        let mut after = 0;
        loop {
            let path = format!("/queues/{QUEUE}/jobs?state=completed&limit=1000&after={after}");
            let page = self.get(&path).await;
            let ids = page["jobs"].as_array().unwrap().iter();
            jobs.extend(ids.map(|job| job["id"].as_u64().unwrap()));
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return jobs,
            }
        }
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, &Value::Null, None).await;
        match answer {
            Some((StatusCode::OK, value)) => value,
            other => panic!("{path}: {other:?}"),
        }
    }

    pub(super) async fn put(&self, path: &str, body: &Value) {
        let answer = self.ask(Method::PUT, path, body, None).await;
        assert!(
            answer
                .as_ref()
                .is_some_and(|(status, _)| status.is_success()),
            "{answer:?}"
        );
    }

    /// One request; none when there was no answer, by then the hub is up again or was for a while.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Option<(StatusCode, Value)> {
        let seen = *self.up.borrow();
        let url = format!("{}{path}", self.url);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = async {
            let response = request.send().await.ok()?;
            let status = response.status();
            let text = response.bytes().await.ok()?;
            let value = serde_json::from_slice(&text).unwrap_or(Value::Null);
            Some((status, value))
        };
        let answer = answer.await;
        match answer {
            Some(_) => self.answers.send_modify(|count| *count += 1),
            None => self.until_up_since(seen).await,
        }
        answer
    }

    async fn until_up_since(&self, seen: u64) {
        let mut up = self.up.subscribe();
        // Only a hub that is killed starts again; one that cut a connection otherwise is up.
        let started = up.wait_for(|generation| *generation > seen);
        let _ = timeout(START_TIMEOUT, started).await;
    }

    /// Until the hub has started again, or for a moment.
    async fn pause(&self) {
        let mut up = self.up.subscribe();
        let _ = timeout(PAUSE, up.changed()).await;
    }

    fn open(&self) -> usize {
        let record = self.record.lock().unwrap();
        record.enqueued.len().saturating_sub(record.completed.len())
    }
}

/// Whether the same request may be answered later.
fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}
