use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::output::say;
use super::visitor::Visitor;
use crate::config::{Config, LOG_FILTER_DEFAULT, LogFormat, Overrides, TlsOverride};
use crate::data_folder::trust_of;
use crate::demo::{self, Flown};
use crate::error::Error;
use crate::hub::Hub;
use crate::logging::{self, Detour};
use crate::reload::Reloader;
use crate::token::Token;

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
    /// Serve Prometheus' interface here too, at the root, for programs that know no path before it.
    #[arg(long, value_name = "ADDRESS", env = "PORTIQUE_PROMETHEUS_LISTEN")]
    prometheus_listen: Option<SocketAddr>,
    /// Keep the data in this folder [default: ./portique-data].
    #[arg(long, value_name = "FOLDER", env = "PORTIQUE_DATA")]
    data: Option<PathBuf>,
    /// Keep the data in a temporary folder that is removed at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Encrypt with the certificate that the hub makes for itself in its data folder, once; its fingerprint is said.
    #[arg(
        long,
        conflicts_with = "tls_certificate",
        env = "PORTIQUE_TLS_SELF_SIGNED"
    )]
    tls_self_signed: bool,
    /// Encrypt with the certificate in this file (PEM), and those between it and its authority.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        env = "PORTIQUE_TLS_CERTIFICATE"
    )]
    tls_certificate: Option<PathBuf>,
    /// The certificate's key is in this file (PEM), which its owner only may read.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_certificate",
        env = "PORTIQUE_TLS_KEY"
    )]
    tls_key: Option<PathBuf>,
    /// Accept an address that other machines reach, although nothing is encrypted.
    #[arg(long)]
    allow_remote_without_tls: bool,
    /// Fly a demonstration: a simulated rocket, from the poll to the landing, live.
    #[arg(long)]
    demo: bool,
    /// End after the demonstration; the status says whether it was nominal.
    #[arg(long, requires = "demo")]
    exit: bool,
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
            prometheus_listen: self.prometheus_listen,
            data: self.data,
            is_ephemeral: self.ephemeral,
            tls: match (self.tls_certificate, self.tls_key) {
                (Some(certificate), Some(key)) => Some(TlsOverride::Files { certificate, key }),
                _ => self.tls_self_signed.then_some(TlsOverride::SelfSigned),
            },
            allow_remote_without_tls: self.allow_remote_without_tls,
            log_format: self.log_format,
            log_filter: self.log,
            // A demonstration is looked at; only what is wrong may stand between its lines.
            log_filter_default: if self.demo {
                "warn"
            } else {
                LOG_FILTER_DEFAULT
            },
        };
        let config = Config::load(self.config.as_deref(), overrides)?;
        let detour = logging::init(&config.log);
        let runtime = super::runtime::for_a_hub()?;
        match self.demo {
            true => runtime.block_on(demonstrate(config, self.exit, &detour)),
            false => runtime.block_on(serve(config)),
        }
    }
}

async fn serve(config: Config) -> Result<(), Error> {
    let signals = Signals::new()?;
    let hub = Hub::open(config).await?;
    announce(&hub)?;
    invite(&hub);
    let reloader = hub.reloader();
    hub.run(signals.wait(reloader)).await
}

/// Runs the hub, and beside it a visitor that flies the demonstration.
async fn demonstrate(config: Config, exits: bool, detour: &Detour) -> Result<(), Error> {
    let signals = Signals::new()?;
    let hub = Hub::open(config).await?;
    announce(&hub)?;
    let reloader = hub.reloader();
    let url = hub.addresses().http_url();
    let data = hub.data().to_path_buf();
    let token = Token::from_text(hub.token());
    let visitor = Visitor::new(&url, Some(token), &trust_of(&data))?;
    let (finish, finished) = oneshot::channel::<()>();
    let interrupted = CancellationToken::new();
    let interrupt = interrupted.clone();
    let stop = async move {
        tokio::select! {
            () = signals.wait(reloader) => interrupt.cancel(),
            Ok(()) = finished => {}
        }
    };
    let mut run = pin!(hub.run(stop));
    let flown = tokio::select! {
        stopped = &mut run => return stopped.and(cut_short(exits)),
        flown = demo::fly(&visitor, &data, detour) => flown,
    };
    // What the visitor says of a hub that is going is no news.
    if interrupted.is_cancelled() {
        return run.await.and(cut_short(exits));
    }
    let result = conclude(flown, &url, &data);
    if !exits {
        if let Err(error) = &result {
            say(&format!("error: {}", portique_fault::chain(error)));
        }
        say("the hub stays up; ctrl-c stops it");
        return run.await;
    }
    // The receiver is gone only if the hub has stopped by itself, which `run` then says.
    let _ = finish.send(());
    run.await.and(result)
}

/// A stop that was asked for is no failure, unless the flight was what it was all about.
fn cut_short(exits: bool) -> Result<(), Error> {
    if !exits {
        return Ok(());
    }
    let (rocket, reason) = (
        "the demonstration".into(),
        "the hub was stopped before its end".into(),
    );
    Err(Error::NotNominal { rocket, reason })
}

fn conclude(flown: Result<Flown, Error>, url: &str, data: &Path) -> Result<(), Error> {
    let Flown { rocket, problem } = flown?;
    say_where_to_look(url, data, &rocket);
    match problem {
        Some(reason) => Err(Error::NotNominal { rocket, reason }),
        None => {
            say(&format!("the flight of {rocket} was nominal"));
            Ok(())
        }
    }
}

fn say_where_to_look(url: &str, data: &Path, rocket: &str) {
    let data = data.display();
    say(&format!(
        "its mission log: portique launch log --rocket {rocket} --data {data}"
    ));
    say(&format!(
        "over HTTP:       {url}/api/v1/launch/log?rocket={rocket}"
    ));
    say(&format!(
        "in a browser:    {url}/console/launch/{rocket} with the token in {data}/commander.token"
    ));
}

/// One line for people and scripts alike: where the hub is.
fn announce(hub: &Hub) -> Result<(), Error> {
    let addresses = hub.addresses();
    let fingerprint = match &addresses.fingerprint {
        Some(fingerprint) => format!(" fingerprint={fingerprint}"),
        None => String::new(),
    };
    writeln!(
        io::stdout(),
        "ready http={} grpc={} data={}{fingerprint}",
        addresses.http_url(),
        addresses.grpc_url(),
        hub.data().display()
    )
    .map_err(Error::Output)
}

/// Says how the first user is made, while there is none. Whoever has the data folder's token needs no user.
fn invite(hub: &Hub) {
    let Some(code) = hub.invitation() else { return };
    let (http, data) = (hub.addresses().http_url(), hub.data().display());
    say(&format!(
        "no administrator yet: create one at {http}/console/first with the code {code} (within \
         an hour, once), or with `portique user create --first NAME --data {data}`"
    ));
}

/// The signals that ask for an orderly stop, and the one that has files read again.
struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|source| Error::Runtime { source });
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for a stop; until then files are read again whenever that is asked for.
    async fn wait(mut self, reloader: Reloader) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {}
            }
            // What is wrong with them is in the log, and all goes on as before.
            let _ = reloader.reload().await;
        }
    }
}
