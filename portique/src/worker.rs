//! `portique worker`: any program does the jobs of a queue.
//!
//! The program is started for each job: the payload is its standard input, its standard output becomes the result, and
//! its exit status says what becomes of the job. Leases, heartbeats, retries and the end in order are this process's.
//! For the queues of payments there is a [built-in worker](hand), which needs no program.
//!
//! A hub starts such workers too, for its pools: then standard input is the line to it, on which the worker says how
//! it is, and whose end means that the hub is gone.

mod control;
pub(crate) mod guard;
mod hand;
mod program;

use std::path::PathBuf;
use std::time::Duration;

use portique_client::{Client, ClientOptions, Trust, Worker as ClientWorker};
use portique_jobs::{QueueName, WorkerName};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{DATA_DEFAULT, LogConfig, LogFormat};
use crate::data_folder::{Addresses, live_addresses, trust_of};
use crate::error::Error;
use crate::logging;
use crate::token::{SERVICE_TOKEN_FILE, Token};
use crate::visit::TrustArgs;
pub(crate) use control::Beat;
use control::{Control, Hands};
use hand::Hand;
pub(crate) use hand::{BUILT_IN, built_in_words};
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
    /// Where the hub serves HTTP, for the built-in workers [default: what hub.json in the data folder says].
    #[arg(long, value_name = "URL", env = "PORTIQUE_HUB")]
    hub: Option<String>,
    /// The hub's data folder, where its address and its service token are found [default: ./portique-data].
    #[arg(long, value_name = "FOLDER", env = "PORTIQUE_DATA")]
    data: Option<PathBuf>,
    /// Read the token from this file [default: the variable PORTIQUE_TOKEN].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
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
    /// The program, and what it is given; none for a built-in worker.
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<std::ffi::OsString>,
}

/// What is done with jobs.
enum Work {
    Program(Program),
    Hand(Box<Hand>),
}

/// Where the hub is, and what is shown to it.
struct Reach {
    grpc: String,
    /// None when nobody said.
    http: Option<String>,
    token: Token,
    trust: Trust,
}

/// Less than that, and the worker itself has no room.
const MEMORY_BYTES_MIN: u64 = 64 << 20;

const EXAMPLES: &str = "\
The payload is the program's standard input; what it writes to standard output is the result. Exit status 0 \
completes the job, 65 makes it dead (trying again cannot help), any other fails the attempt; the last line on \
standard error is the reason. PORTIQUE_JOB, PORTIQUE_QUEUE, PORTIQUE_KIND, PORTIQUE_ATTEMPT, PORTIQUE_LEASE_TOKEN \
and TRACEPARENT tell it more.

For payments.inject, payments.post and payments.journal there are built-in workers: name the queue and no program. They \
hold the lease and have the hub do the work; the hub lets them when its configuration says payments.workers = \"pools\".

Examples:
  portique worker payments.post --slots 8
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
        let queue = QueueName::new(self.queue.as_str()).map_err(|error| usage(&error))?;
        self.check_program()?;
        let reach = self.reach()?;
        let hands = Hands::default();
        let mut options = ClientOptions::new(reach.grpc.clone(), reach.token.as_str());
        options.trust = reach.trust.clone();
        let (slots, drain) = (self.slots, Duration::from_secs(self.drain.into()));
        let (name, is_supervised) = (self.name.clone(), self.supervised);
        let work = self.into_work(&queue, reach, hands.clone())?;
        let control = match is_supervised {
            true => Some(Control::open(hands).map_err(|source| Error::Runtime { source })?),
            false => None,
        };
        let client = Client::connect(options)
            .await
            .map_err(|error| usage(&error))?;
        let mut worker = ClientWorker::builder(client, queue)
            .concurrency(slots.into())
            .drain(drain);
        if let Some(name) = name {
            worker = worker.name(WorkerName::new(name).map_err(|error| usage(&error))?);
        }
        let worker = match work {
            Work::Program(program) => worker.handler(program),
            Work::Hand(hand) => worker.lease(hand::LEASE).handler(*hand),
        };
        let working = worker.map_err(|error| usage(&error))?.run(told_to_stop()?);
        let worked = match control {
            None => working.await,
            Some(control) => control.beside(working).await.unwrap_or(Ok(())),
        };
        worked.map_err(|error| usage(&error))
    }

    /// # Errors
    /// [`Error::Usage`] when there is nothing that does the jobs, or two things.
    fn check_program(&self) -> Result<(), Error> {
        let queue = &self.queue;
        let message = match (self.is_built_in(), self.program.is_empty()) {
            (true, true) | (false, false) => return Ok(()),
            (true, false) => format!(
                "the jobs of {queue} are done by its built-in worker: leave the program out"
            ),
            (false, true) => format!(
                "no PROGRAM is named: write it behind --; without one there are {}",
                built_in_words()
            ),
        };
        Err(Error::Usage { message })
    }

    fn into_work(self, queue: &QueueName, reach: Reach, hands: Hands) -> Result<Work, Error> {
        if !self.is_built_in() {
            let timeout = Duration::from_secs(self.timeout.into());
            return Program::new(self.program, timeout, hands).map(Work::Program);
        }
        let http = reach.http.ok_or_else(|| Error::Usage {
            message: format!(
                "the built-in worker of {queue} asks the hub over HTTP too: say where with --hub or PORTIQUE_HUB"
            ),
        })?;
        Hand::new(queue, (&http, &reach.trust), reach.token, hands)
            .map(|hand| Work::Hand(Box::new(hand)))
    }

    fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.queue.as_str())
    }

    fn reach(&self) -> Result<Reach, Error> {
        let folder = self.data.clone().unwrap_or_else(|| DATA_DEFAULT.into());
        let live = live_addresses(&folder);
        let own_http = live.as_ref().map(Addresses::http_url);
        let grpc = match (&self.grpc, &live) {
            (Some(url), _) => url.clone(),
            (None, Some(addresses)) => addresses.grpc_url(),
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
        // A program is told where the hub is, and asks it by itself.
        let hub = self.hub.as_ref().filter(|_| self.is_built_in());
        let hub = hub.map(|hub| hub.trim_end_matches('/'));
        // Whoever else listens there must not be shown the folder's token.
        let is_own = self.grpc.is_none() && (hub.is_none() || hub == own_http.as_deref());
        let token = match &self.token_file {
            Some(path) => Token::read(path)?,
            None => match std::env::var(TOKEN_VARIABLE).unwrap_or_default() {
                text if !text.is_empty() => Token::from_text(&text),
                _ if is_own => Token::read(&folder.join(SERVICE_TOKEN_FILE))?,
                _ => {
                    return Err(Error::Usage {
                        message: format!(
                            "a token is needed with --grpc and --hub: name one with --token-file or {TOKEN_VARIABLE}"
                        ),
                    });
                }
            },
        };
        let http = match self.grpc {
            // The folder's hub may be another one.
            Some(_) => hub.map(str::to_owned),
            None => hub.map(str::to_owned).or(own_http),
        };
        let trust = match self.trust.named()? {
            // What the folder says is newer than what a worker was once told.
            Some(named) if !(is_own && self.supervised) => named,
            _ if is_own => trust_of(&folder),
            _ => Trust::default(),
        };
        Ok(Reach {
            grpc,
            http,
            token,
            trust,
        })
    }
}

fn usage(error: &dyn std::error::Error) -> Error {
    Error::Usage {
        message: portique_fault::chain(error),
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
