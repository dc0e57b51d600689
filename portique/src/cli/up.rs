use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, LogFormat, Overrides};
use crate::error::Error;
use crate::hub::Hub;
use crate::logging;

/// `portique up`.
#[derive(Debug, clap::Args)]
pub(super) struct Up {
    /// Read this TOML file first.
    #[arg(long, value_name = "FILE", env = "PORTIQUE_CONFIG")]
    config: Option<PathBuf>,
    /// Serve HTTP here [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS", env = "PORTIQUE_LISTEN")]
    listen: Option<SocketAddr>,
    /// Let modules attach here by gRPC [default: 127.0.0.1, any free port].
    #[arg(long, value_name = "ADDRESS", env = "PORTIQUE_GRPC_LISTEN")]
    grpc_listen: Option<SocketAddr>,
    /// Keep the data in this folder [default: ./portique-data].
    #[arg(long, value_name = "FOLDER", env = "PORTIQUE_DATA")]
    data: Option<PathBuf>,
    /// Keep the data in a temporary folder that is removed at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Accept an address that other machines reach, although nothing is encrypted.
    #[arg(long)]
    allow_remote_without_tls: bool,
    /// How log lines are written [default: text].
    #[arg(long, value_enum, env = "PORTIQUE_LOG_FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged: a level, or directives such as `info,portique_journal=debug`.
    #[arg(long, value_name = "FILTER", env = "PORTIQUE_LOG")]
    log: Option<String>,
}

impl Up {
    pub(super) fn run(self) -> Result<(), Error> {
        let overrides = Overrides {
            listen: self.listen,
            grpc_listen: self.grpc_listen,
            data: self.data,
            is_ephemeral: self.ephemeral,
            allow_remote_without_tls: self.allow_remote_without_tls,
            log_format: self.log_format,
            log_filter: self.log,
        };
        let config = Config::load(self.config.as_deref(), overrides)?;
        logging::init(&config.log);
        super::runtime::for_a_hub()?.block_on(serve(config))
    }
}

async fn serve(config: Config) -> Result<(), Error> {
    let signals = Signals::new()?;
    let hub = Hub::open(config).await?;
    announce(&hub)?;
    hub.run(signals.wait()).await
}

/// One line for people and scripts alike: where the hub is.
fn announce(hub: &Hub) -> Result<(), Error> {
    let addresses = hub.addresses();
    writeln!(
        io::stdout(),
        "ready http=http://{} grpc=http://{} data={}",
        addresses.http,
        addresses.grpc,
        hub.data().display()
    )
    .map_err(Error::Output)
}

/// The signals that ask for an orderly stop.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|source| Error::Runtime { source });
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
