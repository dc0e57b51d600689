//! What the hub is told: as written ([`RawConfig`]), then checked as a whole ([`Config`]).
//!
//! Values come from the command line or its environment first, then from the file, then from the
//! defaults here. Every problem is reported at once, with file, line and remedy.

mod access;
mod events;
mod key;
mod limit;
mod notifications;
mod oidc;
mod origin;
mod payments;
mod pools;
mod problem;
mod raw;
mod rules;
mod telemetry;
mod tls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use access::AccessConfig;
pub use events::EventsConfig;
pub use notifications::{NotificationDefaults, NotificationsConfig};
pub use oidc::OidcConfig;
pub use origin::{Origin, Origins};
pub use payments::{PaymentWorkers, PaymentsConfig};
pub use pools::{PoolConfig, PoolWork};
pub use problem::{Place, Problem};
pub(crate) use raw::RawConfig;
use raw::Written;
pub use rules::RulesConfig;
pub use telemetry::{ClassConfig, TelemetryConfig, TierConfig};
pub use tls::TlsConfig;
pub(crate) use tls::TlsOverride;

use crate::error::Error;
use limit::Limit;

/// The console's, the API's and the command line's address; only this machine reaches it.
pub(crate) const LISTEN_DEFAULT: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Any free port: modules find it through the hub, so two hubs start side by side.
const GRPC_LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Where Prometheus listens.
const PROMETHEUS_LISTEN: Listener = Listener {
    key: "prometheus_listen",
    default: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090),
    allow_remote: false,
};
/// Where carbon listens.
const GRAPHITE_LISTEN: Listener = Listener {
    key: "telemetry.graphite_listen",
    default: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2003),
    allow_remote: false,
};
/// Beside whatever the hub is started for.
pub(crate) const DATA_DEFAULT: &str = "./portique-data";
/// Long enough for a module to be told and to answer, shorter than a service manager's patience.
const STOP_GRACE_DEFAULT: Duration = Duration::from_secs(10);
/// Below this, no module has time to answer.
const STOP_GRACE_S_MIN: f64 = 0.1;
/// Above this, whoever waits has lost patience.
const STOP_GRACE_S_MAX: f64 = 600.0;
/// A few pages of the console with some programs beside them, to what no process may have open.
const CONNECTIONS_MAX: Limit = Limit::of("connections_max", "connections", 64.0, 32_768.0);
/// What the log holds when nobody says otherwise.
pub(crate) const LOG_FILTER_DEFAULT: &str = "info";

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the hub keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// In this folder, created when it is missing.
    Folder(PathBuf),
    /// In a temporary folder that is removed at the end.
    Ephemeral,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// How lines are written; default text.
    pub format: LogFormat,
    /// Which ones: a level, or directives such as `info,portique_journal=debug`; default `info`.
    pub filter: String,
}

/// A hub's configuration, complete and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// HTTP address; default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// gRPC address; default 127.0.0.1 and any free port.
    pub grpc_listen: SocketAddr,
    /// Another HTTP address, where the routes below `/prometheus` are at the root, as Prometheus has
    /// them; none by default.
    pub prometheus_listen: Option<SocketAddr>,
    /// Connections of HTTP at once, of which half at most follow without a sign-in; by default as many as there are files
    /// for, 4,096 at most, range 64 to 32,768.
    pub connections_max: Option<usize>,
    /// Default `./portique-data`.
    pub data: Data,
    /// Whose certificate is shown to whoever connects.
    pub tls: TlsConfig,
    /// How long what happened is kept, and how fast it is read again.
    pub events: EventsConfig,
    /// What is open to whoever shows nothing.
    pub access: AccessConfig,
    /// How telemetry is kept and queried.
    pub telemetry: TelemetryConfig,
    /// Which rules are evaluated.
    pub rules: RulesConfig,
    /// Who is told of alerts.
    pub notifications: NotificationsConfig,
    /// Who works for payments.
    pub payments: PaymentsConfig,
    /// Workers that the hub starts; none by default, at most 64 pools.
    pub pools: Vec<PoolConfig>,
    /// How long an orderly stop may take; default 10 s, range 0.1 s to 600 s.
    pub stop_grace: Duration,
    /// The log.
    pub log: LogConfig,
    /// The `portique` program that modules are processes of; default the running one.
    pub executable: PathBuf,
    /// Where each value comes from, for whoever looks at them; nothing else depends on it.
    pub origins: Origins,
}

/// What the command line and its environment say; it wins over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) grpc_listen: Option<SocketAddr>,
    pub(crate) prometheus_listen: Option<SocketAddr>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) is_ephemeral: bool,
    pub(crate) tls: Option<TlsOverride>,
    pub(crate) allow_remote_without_tls: bool,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) log_filter: Option<String>,
    /// What is logged when neither of them says.
    pub(crate) log_filter_default: &'static str,
}

impl Config {
    /// The configuration from the command line, and a file when one is named.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read, [`Error::Config`] with every problem in it.
    pub(crate) fn load(file: Option<&Path>, overrides: Overrides) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let raw = match file {
            Some(path) => RawConfig::read(path, &mut problems)?,
            None => RawConfig::default(),
        };
        let executable = std::env::current_exe().map_err(|source| Error::Runtime { source })?;
        let config = Self {
            executable,
            ..resolve(&raw, overrides, &mut problems)
        };
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(Error::Config { problems })
        }
    }
}

fn resolve(raw: &RawConfig, overrides: Overrides, problems: &mut Vec<Problem>) -> Config {
    let allow_remote = overrides.allow_remote_without_tls
        || raw
            .allow_remote_without_tls
            .as_ref()
            .is_some_and(|written| written.value);
    let origins = Origins::new(&raw.places, &overrides);
    let tls = tls::resolve(raw, overrides.tls, problems);
    // Lines of Graphite are never encrypted.
    let is_safe = allow_remote || tls.is_on();
    let listen = Listener {
        key: "listen",
        default: LISTEN_DEFAULT,
        allow_remote: is_safe,
    };
    let payments = payments::resolve(raw.payment_workers.as_ref(), problems);
    let grpc = Listener {
        key: "grpc_listen",
        default: GRPC_LISTEN_DEFAULT,
        allow_remote: is_safe,
    };
    Config {
        listen: listen.resolve(overrides.listen, raw.listen.as_ref(), problems),
        grpc_listen: grpc.resolve(overrides.grpc_listen, raw.grpc_listen.as_ref(), problems),
        prometheus_listen: optional(
            PROMETHEUS_LISTEN.allowing(is_safe),
            overrides.prometheus_listen,
            raw.prometheus_listen.as_ref(),
            problems,
        ),
        connections_max: CONNECTIONS_MAX
            .resolve(raw.connections_max.as_ref(), problems)
            .map(|connections| connections as usize),
        data: data(raw, overrides.data, overrides.is_ephemeral, problems),
        tls,
        events: events::resolve(raw, problems),
        access: access::resolve(raw, problems),
        telemetry: TelemetryConfig {
            graphite_listen: optional(
                GRAPHITE_LISTEN.allowing(allow_remote),
                None,
                raw.telemetry.graphite_listen.as_ref(),
                problems,
            ),
            ..telemetry::resolve(raw, problems)
        },
        rules: rules::resolve(raw),
        notifications: notifications::resolve(raw, problems),
        pools: pools::resolve(&raw.pools, payments.workers, problems),
        payments,
        stop_grace: stop_grace(raw.stop_grace_s.as_ref(), problems),
        log: LogConfig {
            format: overrides
                .log_format
                .or_else(|| log_format(raw.log_format.as_ref(), problems))
                .unwrap_or_default(),
            filter: log_filter(
                overrides.log_filter,
                raw.log_filter.as_ref(),
                overrides.log_filter_default,
                problems,
            ),
        },
        executable: PathBuf::new(),
        origins,
    }
}

struct Listener {
    key: &'static str,
    default: SocketAddr,
    allow_remote: bool,
}

impl Listener {
    fn allowing(self, allow_remote: bool) -> Self {
        Self {
            allow_remote,
            ..self
        }
    }

    fn resolve(
        &self,
        flag: Option<SocketAddr>,
        written: Option<&Written<String>>,
        problems: &mut Vec<Problem>,
    ) -> SocketAddr {
        let from_file = written.and_then(|written| match written.value.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                problems.push(Problem::at(
                    &written.place,
                    format!("{} = {:?} is not an address", self.key, written.value),
                    format!("write an IP address and a port, such as \"{LISTEN_DEFAULT}\""),
                ));
                None
            }
        });
        let address = flag.or(from_file).unwrap_or(self.default);
        if !address.ip().is_loopback() && !self.allow_remote {
            let place = if flag.is_none() {
                written.map(|written| &written.place)
            } else {
                None
            };
            problems.push(Problem {
                place: place.cloned(),
                message: format!(
                    "{} = \"{address}\" can be reached by other machines, and the token and the \
                     orders would travel unencrypted",
                    self.key
                ),
                remedy: "encrypt with tls.certificate and tls.key or with tls.self_signed = true, listen on \
                         127.0.0.1 behind a proxy that speaks TLS, or accept it with \
                         --allow-remote-without-tls"
                    .into(),
            });
        }
        address
    }
}

/// An address that nobody listens on unless it is said.
fn optional(
    listener: Listener,
    flag: Option<SocketAddr>,
    written: Option<&Written<String>>,
    problems: &mut Vec<Problem>,
) -> Option<SocketAddr> {
    let is_wanted = flag.is_some() || written.is_some();
    is_wanted.then(|| listener.resolve(flag, written, problems))
}

fn data(
    raw: &RawConfig,
    flag: Option<PathBuf>,
    is_ephemeral: bool,
    problems: &mut Vec<Problem>,
) -> Data {
    if is_ephemeral && flag.is_some() {
        problems.push(Problem::new(
            "both --data and --ephemeral are given".into(),
            "keep --data to find the data again, or --ephemeral to leave nothing".into(),
        ));
    }
    if is_ephemeral {
        return Data::Ephemeral;
    }
    let written = raw
        .data
        .as_ref()
        .map(|written| PathBuf::from(&written.value));
    Data::Folder(
        flag.or(written)
            .unwrap_or_else(|| PathBuf::from(DATA_DEFAULT)),
    )
}

fn stop_grace(written: Option<&Written<f64>>, problems: &mut Vec<Problem>) -> Duration {
    let Some(written) = written else {
        return STOP_GRACE_DEFAULT;
    };
    if (STOP_GRACE_S_MIN..=STOP_GRACE_S_MAX).contains(&written.value) {
        return Duration::from_secs_f64(written.value);
    }
    problems.push(Problem::at(
        &written.place,
        format!("stop_grace_s = {} is out of range", written.value),
        format!("write seconds from {STOP_GRACE_S_MIN} to {STOP_GRACE_S_MAX}"),
    ));
    STOP_GRACE_DEFAULT
}

fn log_format(written: Option<&Written<String>>, problems: &mut Vec<Problem>) -> Option<LogFormat> {
    let written = written?;
    match written.value.as_str() {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        other => {
            problems.push(Problem::at(
                &written.place,
                format!("log.format = {other:?} is unknown"),
                "write \"text\" or \"json\"".into(),
            ));
            None
        }
    }
}

fn log_filter(
    flag: Option<String>,
    written: Option<&Written<String>>,
    default: &str,
    problems: &mut Vec<Problem>,
) -> String {
    let place = if flag.is_none() {
        written.map(|written| written.place.clone())
    } else {
        None
    };
    let filter = flag.or_else(|| written.map(|written| written.value.clone()));
    let filter = filter.unwrap_or_else(|| default.to_owned());
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
        problems.push(Problem {
            place,
            message: format!("the log filter {filter:?} is not understood: {error}"),
            remedy: "write a level (error, warn, info, debug, trace) or directives such as \
                     \"info,portique_journal=debug\""
                .into(),
        });
    }
    filter
}

#[cfg(test)]
mod tests;
