//! `portique worker`: any program does the jobs of a queue.
//!
//! The program is started for each job: the payload is its standard input, its standard output becomes the result, and
//! its exit status says what becomes of the job. Leases, heartbeats, retries and the end in order are this process's.
//!
//! A hub starts such workers too, for its pools: then standard input is the line to it, on which the worker says how
//! it is, and whose end means that the hub is gone.

mod control;
pub(crate) mod guard;
mod program;

use std::path::PathBuf;
use std::time::Duration;

use portique_client::{Client, ClientOptions, Worker as ClientWorker};
use portique_jobs::{QueueName, WorkerName};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{DATA_DEFAULT, LogConfig, LogFormat};
use crate::data_folder::live_addresses;
use crate::error::Error;
use crate::logging;
use crate::token::{SERVICE_TOKEN_FILE, Token};
pub(crate) use control::Beat;
use control::{Control, Hands};
use program::Program;

/// What names a token: command lines can be read by everybody.
pub(crate) const TOKEN_VARIABLE: &str = "PORTIQUE_TOKEN";

/// `portique worker`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Worker {
    /// The queue whose jobs it does.
    queue: String,
    /// Jobs at a time.
    #[arg(long, value_name = "JOBS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    slots: u16,
    /// How long a program may take for a job; then it is stopped, and the attempt has failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// How long programs may take to end once the worker is told to stop.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    drain: u32,
    /// The name of this worker [default: drawn by lot].
    #[arg(long)]
    name: Option<String>,
    /// Where the hub serves gRPC [default: what hub.json in the data folder says].
    #[arg(long, value_name = "URL", env = "PORTIQUE_GRPC")]
    grpc: Option<String>,
    /// The hub's data folder, where its address and its service token are found [default: ./portique-data].
    #[arg(long, value_name = "FOLDER", env = "PORTIQUE_DATA")]
    data: Option<PathBuf>,
    /// Read the token from this file [default: the variable PORTIQUE_TOKEN].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What is logged: a level, or directives.
    #[arg(
        long,
        value_name = "FILTER",
        env = "PORTIQUE_LOG",
        default_value = "info"
    )]
    log: String,
    /// Bytes of data that this process, and each one that it starts, may hold [default: no limit].
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(MEMORY_BYTES_MIN..))]
    memory_max: Option<u64>,
    /// A hub started it, and holds the other end of standard input.
    #[arg(long, hide = true)]
    supervised: bool,
    /// The program, and what it is given.
    #[arg(required = true, last = true, value_name = "PROGRAM")]
    program: Vec<std::ffi::OsString>,
}

/// Less than that, and the worker itself has no room.
const MEMORY_BYTES_MIN: u64 = 64 << 20;

const EXAMPLES: &str = "\
The payload is the program's standard input; what it writes to standard output is the result. Exit status 0 \
completes the job, 65 makes it dead (trying again cannot help), any other fails the attempt; the last line on \
standard error is the reason. PORTIQUE_JOB, PORTIQUE_QUEUE, PORTIQUE_KIND, PORTIQUE_ATTEMPT, PORTIQUE_LEASE_TOKEN \
and TRACEPARENT tell it more.

Examples:
  portique worker thumbnails --slots 2 -- python3 thumbnail.py
  portique worker letters --timeout 20 -- sh -c 'jq -r .to | mail -s hello'";

impl Worker {
    /// Works until it is told to stop.
    pub(crate) fn run(self) -> Result<(), Error> {
        logging::init(&LogConfig {
            format: LogFormat::Text,
            filter: self.log.clone(),
        });
        if let Some(bytes) = self.memory_max {
            limit_memory(bytes)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Error::Runtime { source })?;
        runtime.block_on(self.work())
    }

    async fn work(self) -> Result<(), Error> {
        let usage = |error: &dyn std::error::Error| Error::Usage {
            message: portique_fault::chain(error),
        };
        let queue = QueueName::new(self.queue.as_str()).map_err(|error| usage(&error))?;
        let options = self.client_options()?;
        let timeout = Duration::from_secs(self.timeout.into());
        let hands = Hands::default();
        let program = Program::new(self.program, timeout, hands.clone())?;
        let control = match self.supervised {
            true => Some(Control::open(hands).map_err(|source| Error::Runtime { source })?),
            false => None,
        };
        let client = Client::connect(options)
            .await
            .map_err(|error| usage(&error))?;
        let mut worker = ClientWorker::builder(client, queue)
            .concurrency(self.slots.into())
            .drain(Duration::from_secs(self.drain.into()));
        if let Some(name) = self.name {
            worker = worker.name(WorkerName::new(name).map_err(|error| usage(&error))?);
        }
        let worker = worker.handler(program).map_err(|error| usage(&error))?;
        let working = worker.run(told_to_stop()?);
        let worked = match control {
            None => working.await,
            Some(control) => control.beside(working).await.unwrap_or(Ok(())),
        };
        worked.map_err(|error| usage(&error))
    }

    fn client_options(&self) -> Result<ClientOptions, Error> {
        let folder = self.data.clone().unwrap_or_else(|| DATA_DEFAULT.into());
        let live = live_addresses(&folder);
        let grpc = match (&self.grpc, &live) {
            (Some(url), _) => url.clone(),
            (None, Some(addresses)) => format!("http://{}", addresses.grpc),
            (None, None) => {
                let folder = folder.display();
                return Err(Error::Usage {
                    message: format!(
                        "no hub runs on {folder}: start one, or say where it serves gRPC with --grpc or \
                         PORTIQUE_GRPC"
                    ),
                });
            }
        };
        let token = match &self.token_file {
            Some(path) => Token::read(path)?,
            None => match std::env::var(TOKEN_VARIABLE).unwrap_or_default() {
                text if !text.is_empty() => Token::from_text(&text),
                // Whoever else listens there must not be shown it.
                _ if self.grpc.is_none() => Token::read(&folder.join(SERVICE_TOKEN_FILE))?,
                _ => {
                    return Err(Error::Usage {
                        message: format!(
                            "a token is needed with --grpc: name one with --token-file or {TOKEN_VARIABLE}"
                        ),
                    });
                }
            },
        };
        Ok(ClientOptions::new(grpc, token.as_str()))
    }
}

/// Holds this process, and each one that it starts, to so many bytes of data: heap, stacks and private memory, as
/// `RLIMIT_DATA` counts them.
fn limit_memory(bytes: u64) -> Result<(), Error> {
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Data, limit).map_err(|errno| Error::Usage {
        message: format!(
            "--memory-max {bytes} cannot be set: {errno}; write less, or leave it out"
        ),
    })
}

/// Ends at the first signal that asks to.
fn told_to_stop() -> Result<impl Future<Output = ()>, Error> {
    let on = |kind| signal(kind).map_err(|source| Error::Runtime { source });
    let (mut terminate, mut interrupt) =
        (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop: no more jobs are taken");
    })
}
