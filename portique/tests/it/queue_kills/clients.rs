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
use super::http::{Http, is_busy};
use super::hub::MortalHub;
use super::record::Record;

/// Jobs of one request.
const BATCH_MAX: u64 = 20;
/// Jobs that are acknowledged and not completed, at most: the load shall not outrun the workers.
const OPEN_MAX: usize = 2_000;
/// A hub that could not answer may be able to soon.
const PAUSE: Duration = Duration::from_millis(20);
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
        let mut new = json!({
            "kind": format!("{self:?}"),
            "payload": { "name": format!("{request}-{job}") },
        });
        if self == Self::Jobs {
            new["idempotency_key"] = json!(format!("job-{request}-{job}"));
        }
        new
    }
}

/// Everybody who talks to the hub from here, and what they and the workers were told.
pub(super) struct Clients {
    http: Http,
    /// How often the hub was ready.
    up: watch::Sender<u64>,
    /// How many requests were answered.
    answers: watch::Sender<u64>,
    record: Mutex<Record>,
    no_more_jobs: CancellationToken,
}

impl Clients {
    pub(super) fn new(hub: &MortalHub) -> Self {
        Self {
            http: Http::new(&hub.http(), &hub.token()),
            up: watch::Sender::new(hub.generation),
            answers: watch::Sender::new(0),
            record: Mutex::default(),
            no_more_jobs: CancellationToken::new(),
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

    /// What a worker says: `completed ID TOKEN` when that was acknowledged to it, `handled ID`
    /// when it has done its part. What else its process prints is nobody's business.
    pub(super) fn hear(&self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u64>().unwrap();
        let mut record = self.record.lock().unwrap();
        match words[..] {
            ["completed", id, token] => record.completed(number(id), number(token)),
            ["handled", id] => record.handled(number(id)),
            _ => return,
        }
        self.answers.send_modify(|count| *count += 1);
    }

    pub(super) fn take_record(&self) -> Record {
        std::mem::take(&mut self.record.lock().unwrap())
    }

    /// Adds jobs in batches. Two enqueuers name their requests or their jobs, and repeat what was
    /// not answered until it is; the third leaves it open what became of that.
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
        let answer = self.http.ask(method, path, body, key).await;
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
        record.enqueued.len().saturating_sub(record.done())
    }
}
