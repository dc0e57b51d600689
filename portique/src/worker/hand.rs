//! The built-in worker of payments: it holds the lease, and the hub does the work under it.
//!
//! A job's step and its end are one frame of the hub, so this process keeps nothing and settles nothing: an answer that
//! is lost is asked for again, and refused when the job is done. While the hub does not answer or takes nothing now, the
//! job stays in hand for some tries and then goes back, which costs it no attempt.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use portique_client::{Handler, Job, JobError, Trust};
use portique_jobs::{Claimed, Payload, QueueName};
use portique_payments::service::QUEUES;
use reqwest::Url;

use super::control::Hands;
use crate::cli::visitor::{below, parse_hub};
use crate::error::Error;
use crate::http::ProblemDetails;
use crate::token::Token;
use crate::visit::{Answer, Ask, HubClient};

/// The queues that this program itself has a worker for.
pub(crate) const BUILT_IN: [&str; 3] = QUEUES;
/// How long a lease holds: many times what the work takes, and as long as work waits after this worker was killed.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// Longer than the hub takes to give a request up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Tries until a job goes back: a minute at most, in which a hub is restarted.
const TRIES_MAX: u32 = 10;
/// After a try that came to nothing; twice as long after each.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest time between two tries, whatever the hub says.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Has the hub do the jobs of one queue.
pub(super) struct Hand {
    client: HubClient,
    route: Url,
    token: Token,
    hands: Hands,
}

/// What the hub makes of a job.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// It is done, or somebody else's by now.
    Over,
    /// It can never be done.
    Never(String),
    /// It cannot be done now.
    Later {
        reason: String,
        after: Option<Duration>,
    },
}

/// The built-in workers, for people.
pub(crate) fn built_in_words() -> String {
    BUILT_IN.join(", ")
}

impl Hand {
    /// A worker of `queue` at the hub that serves HTTP at `hub`, and is believed as `trust` says.
    ///
    /// # Errors
    /// [`Error::Usage`] for an address that is none, and for a queue without a built-in worker.
    pub(super) fn new(
        queue: &QueueName,
        (hub, trust): (&str, &Trust),
        token: Token,
        hands: Hands,
    ) -> Result<Self, Error> {
        let Some(step) = step(queue) else {
            let known = built_in_words();
            return Err(Error::Usage {
                message: format!("{queue} has no built-in worker: there are {known}"),
            });
        };
        let hub = parse_hub(hub)?;
        Ok(Self {
            client: HubClient::new(&hub, trust)?,
            route: below(&hub, &["api", "v1", "payments", "work", step]),
            token,
            hands,
        })
    }

    /// Asks until the job is over, or it is somebody else's turn.
    async fn work(&self, claimed: &Claimed) -> Result<Option<Payload>, JobError> {
        let mut pause = PAUSE;
        for _ in 0..TRIES_MAX {
            let (reason, after) = match self.ask(claimed).await {
                Verdict::Over => return Err(JobError::SettledElsewhere),
                Verdict::Never(reason) => return Err(JobError::Reject(reason)),
                Verdict::Later { reason, after } => (reason, after),
            };
            let wait = after.unwrap_or(pause).min(PAUSE_MAX);
            let job = claimed.lease.id;
            tracing::warn!(%job, reason, wait_s = wait.as_secs_f64(), "the hub does not do this now");
            tokio::time::sleep(wait).await;
            pause = (2 * pause).min(PAUSE_MAX);
        }
        Err(JobError::SettledElsewhere)
    }

    async fn ask(&self, claimed: &Claimed) -> Verdict {
        let mut url = self.route.clone();
        url.query_pairs_mut()
            .append_pair("job", &claimed.lease.id.to_string())
            .append_pair("token", &claimed.lease.token.to_string());
        let json = HeaderValue::from_static("application/json");
        let ask = Ask {
            method: Method::POST,
            url: &url,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, json)]),
            body: claimed.payload.body.to_vec(),
            token: Some(&self.token),
            timeout: Some(ANSWER_TIMEOUT),
        };
        match self.client.send(ask).await {
            Ok(response) => verdict(response).await,
            Err(error) => later(portique_fault::chain(&error), None),
        }
    }
}

#[async_trait]
impl Handler for Hand {
    async fn handle(&self, job: Job) -> Result<Option<Payload>, JobError> {
        let _busy = self.hands.take();
        tokio::select! {
            done = self.work(job.claimed()) => done,
            () = job.cancelled() => Err(JobError::SettledElsewhere),
            () = self.hands.dropped() => Err(JobError::SettledElsewhere),
        }
    }
}

/// What the hub is asked to do with a job of this queue.
fn step(queue: &QueueName) -> Option<&str> {
    let is_known = BUILT_IN.contains(&queue.as_str());
    queue.as_str().split('.').next_back().filter(|_| is_known)
}

async fn verdict(mut response: Answer) -> Verdict {
    let status = response.status();
    let header = response.headers().get(RETRY_AFTER);
    let seconds = header.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    let after = seconds.map(Duration::from_secs);
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    let problem: Option<ProblemDetails> = serde_json::from_slice(&body).ok();
    judge(status, problem, after)
}

fn judge(status: StatusCode, problem: Option<ProblemDetails>, after: Option<Duration>) -> Verdict {
    if status.is_success() {
        return Verdict::Over;
    }
    let Some(problem) = problem else {
        return later(format!("status {status} without a reason"), after);
    };
    match problem.code.as_str() {
        // Its lease is somebody else's, or it is done.
        "conflict" => Verdict::Over,
        "invalid_argument" => Verdict::Never(problem.detail),
        _ => later(format!("{status}: {}", problem.detail), after),
    }
}

fn later(reason: String, after: Option<Duration>) -> Verdict {
    Verdict::Later { reason, after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hand(queue: &str, hub: &str) -> Result<Hand, Error> {
        let queue = QueueName::new(queue).unwrap();
        let trust = Trust::default();
        Hand::new(
            &queue,
            (hub, &trust),
            Token::from_text("t"),
            Hands::default(),
        )
    }

    #[test]
    fn each_queue_has_a_route_and_others_have_none() {
        for (queue, path) in [
            ("payments.inject", "/api/v1/payments/work/inject"),
            ("payments.post", "/api/v1/payments/work/post"),
            ("payments.journal", "/api/v1/payments/work/journal"),
        ] {
            let hand = hand(queue, "http://127.0.0.1:8080").unwrap();
            assert_eq!(hand.route.path(), path);
        }
        assert!(hand("letters.post", "http://h").is_err());
        assert!(hand("payments.other", "http://h").is_err());
        assert!(hand("payments.post", "ftp://h").is_err());
    }

    fn said(status: u16, code: &str) -> Verdict {
        let status = StatusCode::from_u16(status).unwrap();
        let problem = serde_json::json!({"type": "t", "title": "t", "status": status.as_u16(),
            "detail": "because", "code": code});
        let problem = serde_json::from_value(problem).ok();
        judge(status, problem, Some(Duration::from_secs(7)))
    }

    #[test]
    fn only_what_can_never_be_done_is_given_up() {
        let after = Some(Duration::from_secs(7));
        assert_eq!(judge(StatusCode::OK, None, None), Verdict::Over);
        assert_eq!(said(409, "conflict"), Verdict::Over);
        let never = Verdict::Never("because".into());
        assert_eq!(said(400, "invalid_argument"), never);
        for (status, code) in [
            (409, "failed_precondition"),
            (401, "unauthenticated"),
            (429, "resource_exhausted"),
            (500, "internal"),
            (503, "unavailable"),
            (504, "deadline_exceeded"),
        ] {
            let words = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                said(status, code),
                later(format!("{words}: because"), after)
            );
        }
        let silent = judge(StatusCode::BAD_REQUEST, None, None);
        assert!(
            matches!(silent, Verdict::Later { .. }),
            "no hub said it: {silent:?}"
        );
    }
}
