//! One call, tried again where that is harmless.

use std::error::Error as _;
use std::future::Future;

use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Code, Response, Status};

use crate::backoff::Backoff;
use crate::client::{Client, Connection};
use crate::proto::{bus::v1::Refusal as BusRefusal, jobs::v1::Refusal as JobsRefusal};
use crate::{refusal, status};

/// What repeating a call does that may have been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing: it reads, or gives the same answer.
    Harmless,
    /// It may do it twice.
    Doubles,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The hub says no.
    Refused(Status),
    /// The hub was not reached: nothing was done.
    NotReached(String),
    /// It was not heard of any more: it may be done.
    InDoubt(String),
}

/// What became of a call that the hub did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It did not get there, or the hub says that it did nothing.
    NotReached,
    /// Nobody knows.
    Unknown,
}

impl Failed {
    /// The hub answered a call without saying what became of it.
    pub(crate) fn unsaid() -> Self {
        Self::InDoubt("the hub's answer says nothing".into())
    }
}

impl Client {
    /// Does `attempt` until the hub answers or the patience is over.
    pub(crate) async fn call<T, F>(
        &self,
        repeat: Repeat,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut waiting: Option<(Instant, Backoff)> = None;
        loop {
            let status = match attempt().await {
                Ok(response) => {
                    reached(&self.shared.connection);
                    return Ok(response.into_inner());
                }
                Err(status) => status,
            };
            let Some(loss) = loss(&status) else {
                reached(&self.shared.connection);
                return Err(Failed::Refused(status));
            };
            let reason = reason(&status);
            if loss == Loss::Unknown && repeat == Repeat::Doubles {
                return Err(Failed::InDoubt(reason));
            }
            let (deadline, backoff) = waiting.get_or_insert_with(|| {
                let deadline = Instant::now() + self.shared.patience;
                (deadline, Backoff::new(self.shared.seed()))
            });
            let wait = backoff.next();
            if Instant::now() + wait > *deadline {
                return Err(Failed::NotReached(reason));
            }
            say_waiting(&self.shared.connection, reason);
            tokio::time::sleep(wait).await;
        }
    }
}

/// Why an answer is of no use that does not say what the contract asks it to.
pub(crate) fn malformed(error: &dyn std::error::Error) -> String {
    format!("the hub's answer cannot be read, it may be of another version: {error}")
}

/// Whether the hub did not answer, and what that means; none when it did.
pub(crate) fn loss(status: &Status) -> Option<Loss> {
    let mut cause = status.source();
    let is_of_the_way = cause.is_some();
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return Some(Loss::NotReached);
        }
        cause = error.source();
    }
    if is_of_the_way {
        return Some(Loss::Unknown);
    }
    let is_refused = status::refusal_of::<BusRefusal>(status).is_some()
        || status::refusal_of::<JobsRefusal>(status).is_some();
    match status.code() {
        // Said before an engine was asked, such as by a hub that stops.
        Code::Unavailable if !is_refused => Some(Loss::NotReached),
        _ => None,
    }
}

/// What is known of why the hub did not answer.
pub(crate) fn reason(status: &Status) -> String {
    match status.source() {
        Some(source) => portique_fault::chain(source),
        None => status.message().into(),
    }
}

pub(crate) fn reached(connection: &watch::Sender<Connection>) {
    connection.send_if_modified(|connection| {
        if let Connection::Waiting { .. } = connection {
            tracing::info!("the hub is reached again");
        }
        let is_news = *connection != Connection::Reached;
        *connection = Connection::Reached;
        is_news
    });
}

pub(crate) fn say_waiting(connection: &watch::Sender<Connection>, reason: String) {
    connection.send_if_modified(|connection| {
        let is_news = !matches!(connection, Connection::Waiting { .. });
        if is_news {
            tracing::warn!(reason, "the hub is not reached: trying again");
            *connection = Connection::Waiting { reason };
        }
        is_news
    });
}

impl From<Failed> for portique_bus::Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(status) => refusal::bus_error(&status),
            Failed::NotReached(reason) => Self::Unavailable {
                reason: format!("the hub is not reached: {reason}"),
            },
            Failed::InDoubt(reason) => Self::InDoubt {
                reason: format!("the connection was lost: {reason}"),
            },
        }
    }
}

impl From<Failed> for portique_jobs::Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(status) => refusal::jobs_error(&status),
            Failed::NotReached(reason) => Self::Unavailable {
                reason: format!("the hub is not reached: {reason}"),
            },
            Failed::InDoubt(reason) => Self::InDoubt {
                reason: format!("the connection was lost: {reason}"),
            },
        }
    }
}
