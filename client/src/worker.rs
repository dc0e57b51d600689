//! A worker: takes jobs of one queue, does some at a time, and says what became of them.
//!
//! One task owns the stream and all that is known of the jobs in hand; each job runs in a task of its
//! own. What the hub has not answered is kept and said again on the next stream, so that a broken
//! connection costs nothing but time: leases outlive it.

mod desk;
mod handler;
mod session;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use portique_fault as fault;
use portique_jobs::{QueueName, WorkerName};
use tokio::time::Instant;
use tonic::{Code, Status};

use desk::Desk;
pub use handler::{Handler, Job, JobError};
use session::{Course, Session};

use crate::backoff::Backoff;
use crate::call::{reached, reason, say_waiting};
use crate::{Client, Error, status};

/// Jobs at a time when nobody says.
const CONCURRENCY: usize = 1;
/// Most jobs at a time: what the hub gives one stream.
const CONCURRENCY_MAX: usize = 8_192;
/// How long jobs may take to end once the worker is asked to stop, when nobody says.
const DRAIN: Duration = Duration::from_secs(30);

/// A worker in the making.
pub struct WorkerBuilder {
    client: Client,
    queue: QueueName,
    name: Option<WorkerName>,
    concurrency: usize,
    lease: Option<Duration>,
    drain: Duration,
}

/// A worker that [runs](Self::run) until it is told to stop.
pub struct Worker {
    client: Client,
    options: Options,
    handler: Arc<dyn Handler>,
}

/// How a worker works.
struct Options {
    queue: QueueName,
    name: WorkerName,
    concurrency: usize,
    lease: Option<Duration>,
    drain: Duration,
}

impl Worker {
    /// A worker for `queue`: one job at a time, with a name of its own.
    pub fn builder(client: Client, queue: QueueName) -> WorkerBuilder {
        WorkerBuilder {
            client,
            queue,
            name: None,
            concurrency: CONCURRENCY,
            lease: None,
            drain: DRAIN,
        }
    }
}

impl WorkerBuilder {
    /// The name of this process, the same for all its workers; drawn by lot when nobody says.
    #[must_use]
    pub fn name(mut self, name: WorkerName) -> Self {
        self.name = Some(name);
        self
    }

    /// Jobs at a time: 1 to 8,192; one by default.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs;
        self
    }

    /// How long leases hold without a heartbeat, instead of the queue's time: 100 ms to 24 h. The
    /// worker sends one three times as often.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// How long jobs may take to end once the worker is asked to stop: 30 s by default. What is left
    /// then is cancelled and released.
    #[must_use]
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// The worker, which does each job with `handler`: a function of a [`Job`] that gives a result or
    /// a [`JobError`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when the concurrency is out of range.
    pub fn handler(self, handler: impl Handler) -> Result<Worker, Error> {
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            return Err(Error::InvalidOption {
                name: "concurrency",
                problem: format!("{}: write 1 to {CONCURRENCY_MAX}", self.concurrency),
            });
        }
        let name = self
            .name
            .unwrap_or_else(|| drawn(self.client.shared.seed()));
        Ok(Worker {
            client: self.client,
            options: Options {
                queue: self.queue,
                name,
                concurrency: self.concurrency,
                lease: self.lease,
                drain: self.drain,
            },
            handler: Arc::new(handler),
        })
    }
}

fn drawn(lot: u64) -> WorkerName {
    WorkerName::new(format!("worker-{lot:016x}")).expect("hexadecimal digits are of a name")
}

impl Worker {
    /// Works until `stop` is ready; then takes no more, ends what it has begun, and says goodbye.
    ///
    /// A hub that is not there is waited for, however long it takes.
    ///
    /// # Errors
    /// [`Error::WorkerRefused`] when the hub will not take this worker however often it asks.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let Self {
            client,
            options,
            handler,
        } = self;
        let mut stop = std::pin::pin!(stop);
        let mut drain_end = None;
        let mut desk = Desk::new(handler, options.concurrency);
        let mut backoff = Backoff::new(client.shared.seed());
        loop {
            let status = match Session::open(&client, &options, &desk, drain_end.is_none()).await {
                Ok(session) => {
                    reached(&client.shared.connection);
                    backoff.reset();
                    let course = Course {
                        stop: stop.as_mut(),
                        drain_end: &mut drain_end,
                        drain: options.drain,
                    };
                    match session.run(&mut desk, course).await {
                        Ok(()) => return Ok(()),
                        Err(status) => status,
                    }
                }
                Err(status) => status,
            };
            refuse(&status)?;
            say_waiting(&client.shared.connection, reason(&status));
            let wait = status::retry_after(&status).unwrap_or_else(|| backoff.next());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.as_mut(), if drain_end.is_none() => {
                    drain_end = Some(Instant::now() + options.drain);
                }
            }
            let is_over = drain_end.is_some_and(|end| end <= Instant::now());
            if drain_end.is_some() && (is_over || desk.is_clear()) {
                return Ok(());
            }
        }
    }
}

/// # Errors
/// [`Error::WorkerRefused`] when asking again cannot help.
fn refuse(status: &Status) -> Result<(), Error> {
    let code = match status.code() {
        Code::InvalidArgument => fault::Code::InvalidArgument,
        Code::Unauthenticated => fault::Code::Unauthenticated,
        Code::PermissionDenied => fault::Code::PermissionDenied,
        Code::Unimplemented => fault::Code::FailedPrecondition,
        // A queue may be made, and all else is mended, while the worker waits.
        _ => return Ok(()),
    };
    Err(Error::WorkerRefused {
        code,
        message: status.message().into(),
    })
}
