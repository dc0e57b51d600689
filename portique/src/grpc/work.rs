//! A worker's stream: credits and outcomes in, jobs and answers out.
//!
//! The session is pulled by its connection. It holds what the worker has in hand only to extend it on
//! a heartbeat and to release it on a goodbye; which leases hold is the engine's to say.

mod session;
mod settling;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use portique_client::proto::jobs::v1 as pb;
use portique_client::{jobs_status, wire};
use portique_jobs::{Error, Jobs, QueueName, WorkerName};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::door::stopping;
use session::Session;

/// How long a new stream may take to say who it is.
const HELLO_WAIT_MAX: Duration = Duration::from_secs(10);

/// Who works, and on what.
#[derive(Debug, Clone)]
struct Hello {
    queue: QueueName,
    worker: WorkerName,
    lease: Option<Duration>,
}

/// Answers a worker's stream, once it has said who it is.
pub(super) async fn serve(
    mut inbound: Streaming<pb::WorkerMessage>,
    jobs: Arc<dyn Jobs>,
    stop: CancellationToken,
    place: OwnedSemaphorePermit,
) -> Result<BoxStream<'static, Result<pb::HubMessage, Status>>, Status> {
    let first = tokio::select! {
        () = stop.cancelled() => return Err(stopping()),
        first = tokio::time::timeout(HELLO_WAIT_MAX, inbound.message()) => first,
    };
    let first = match first {
        Ok(first) => first?.unwrap_or_default(),
        Err(_) => {
            return Err(Status::deadline_exceeded(
                "no hello within 10 s: send it first",
            ));
        }
    };
    let hello = hello(&first).map_err(|error| jobs_status(&error))?;
    let mut session = Session::new(inbound, jobs, hello, stop, place);
    session.take(first)?;
    let messages = stream::unfold(session, |mut session| async move {
        let next = session.next().await?;
        Some((next, session))
    });
    Ok(messages.boxed())
}

fn hello(first: &pb::WorkerMessage) -> Result<Hello, Error> {
    let hello = first.hello.as_ref().ok_or_else(|| Error::InvalidOption {
        name: "worker",
        problem: "not said: begin the stream with a hello".into(),
    })?;
    Ok(Hello {
        queue: QueueName::new(hello.queue.as_str())?,
        worker: WorkerName::new(hello.worker.as_str())?,
        lease: hello.lease_ns.map(wire::duration),
    })
}
