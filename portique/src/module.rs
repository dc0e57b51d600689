//! The on-board computer of one module, as a process of its own.
//!
//! The process ends when it is told to (SIGTERM, SIGINT), when its module is destroyed, or when the ground
//! was away for longer than `--exit-when-lost`: so a hub that is killed leaves no computers behind.
//! Its exit status says which, and its supervisor acts on it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portique_client::Trust;
use portique_clock::WallClock;
use portique_launch::onboard::{self, ComputerOptions, Outcome};
use portique_launch::{ModuleId, RocketId};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{LogConfig, LogFormat};
use crate::error::Error;
use crate::exit::Exit;
use crate::logging;
use crate::visit::TrustArgs;

/// The environment variable that holds the module's token: command lines can be read by everybody.
pub(crate) const TOKEN_VARIABLE: &str = "PORTIQUE_MODULE_TOKEN";

/// Largest token file; a token is much shorter, and a wrong file should not fill the memory.
const TOKEN_FILE_BYTES_MAX: u64 = 4_096;

/// `portique module`.
#[derive(Debug, clap::Args)]
pub(crate) struct Module {
    /// The rocket that the module belongs to.
    #[arg(long)]
    rocket: RocketId,
    /// The module: booster, stage2, payload, or any other name.
    #[arg(long)]
    module: ModuleId,
    /// Where the hub serves gRPC, such as http://127.0.0.1:8081, or with https.
    #[arg(long, value_name = "URL")]
    hub: String,
    /// Serve the vehicle link here.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Tell the hub this address instead of the one listened on.
    #[arg(long, value_name = "URL")]
    advertise: Option<String>,
    /// Read the token from this file [default: the variable PORTIQUE_MODULE_TOKEN].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    /// End when the hub was away for so many seconds [default: wait for ever].
    #[arg(long, value_name = "SECONDS")]
    exit_when_lost: Option<u32>,
    /// What is logged: a level, or directives.
    #[arg(
        long,
        value_name = "FILTER",
        env = "PORTIQUE_LOG",
        default_value = "info"
    )]
    log: String,
}

impl Module {
    /// Is this module's computer until the end of either.
    pub(crate) fn run(self) -> Result<(), Error> {
        logging::init(&LogConfig {
            format: LogFormat::Text,
            filter: self.log.clone(),
        });
        let token = self.token()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|source| Error::Runtime { source })?;
        let module = self.module.clone();
        let trust = self.trust.named()?.unwrap_or_default();
        let options = ComputerOptions {
            rocket: self.rocket,
            module: self.module,
            ground: self.hub,
            listen: self.listen,
            advertise: self.advertise,
            token,
            lost_after: self
                .exit_when_lost
                .map(|seconds| Duration::from_secs(seconds.into())),
        };
        let outcome = runtime.block_on(fly(options, &trust))?;
        ended(&module, outcome)
    }

    fn token(&self) -> Result<String, Error> {
        let token = match &self.token_file {
            Some(path) => read_token(path)?,
            None => std::env::var(TOKEN_VARIABLE).unwrap_or_default(),
        };
        let token = token.trim();
        if token.is_empty() {
            return Err(Error::Usage {
                message: format!(
                    "the module has no token: give one in {TOKEN_VARIABLE} or with --token-file \
                     (the hub's module.token admits any module that the hub does not run itself)"
                ),
            });
        }
        Ok(token.to_owned())
    }
}

async fn fly(options: ComputerOptions, trust: &Trust) -> Result<Outcome, Error> {
    let usage = |error: &dyn std::error::Error| Error::Usage {
        message: portique_fault::chain(error),
    };
    let endpoint = onboard::endpoint(&options.ground).map_err(|error| usage(&error))?;
    let ground = trust.channel(endpoint).await;
    let ground = ground.map_err(|error| usage(&error))?;
    let stop = CancellationToken::new();
    let mut signals = JoinSet::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut arrives = signal(kind).map_err(|source| Error::Runtime { source })?;
        let stop = stop.clone();
        signals.spawn(async move {
            arrives.recv().await;
            stop.cancel();
        });
    }
    onboard::run_over(ground, options, Arc::new(WallClock::new()), stop)
        .await
        .map_err(|error| usage(&error))
}

fn ended(module: &ModuleId, outcome: Outcome) -> Result<(), Error> {
    let (how, exit) = match outcome {
        Outcome::Stopped => return Ok(()),
        Outcome::Destroyed => ("its module is no more".to_owned(), Exit::Destroyed),
        Outcome::Crashed => ("crash ordered".to_owned(), Exit::Failure),
        Outcome::GroundLost => (
            "the hub was away for too long".to_owned(),
            Exit::Unreachable,
        ),
        Outcome::Refused(reason) => (format!("the hub refuses it: {reason}"), Exit::Refused),
    };
    Err(Error::ModuleEnded {
        module: module.to_string(),
        how,
        exit,
    })
}

fn read_token(path: &std::path::Path) -> Result<String, Error> {
    use std::io::Read;

    let refused = |source| Error::File {
        action: "read the token in",
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(refused)?;
    file.take(TOKEN_FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(refused)?;
    Ok(text)
}
