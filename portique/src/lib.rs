//! The front door: one binary that is the hub, its modules and its command line.
//!
//! [`run`] reads the command line. `portique up` builds a [`Hub`] from a [`Config`]: it takes the data
//! folder, opens the journal and the records in it, puts the bus and launch control on them, and
//! serves HTTP and gRPC until it is told to stop. Every other verb is a visitor of a running hub's
//! HTTP API, or works on files. So whatever the command line can do, any program can.
//!
//! Here and nowhere else is known which engine stands behind each port, and how an error becomes an
//! HTTP status or an exit status. What the systems do is theirs.

mod accept;
mod access;
mod api;
mod cli;
mod config;
mod console;
mod data_folder;
mod demo;
mod error;
mod exit;
mod fleet;
mod forward;
mod grpc;
mod http;
mod hub;
mod intake;
mod lifetime;
mod logging;
mod logs;
mod module;
mod monitor;
mod notify;
mod outbound;
mod places;
mod process;
mod prometheus;
mod reload;
mod scrape;
mod supervisor;
mod telemetry;
mod tls;
mod token;
mod visit;
mod worker;

pub use cli::run;
pub use config::{
    AccessConfig, ClassConfig, Config, Data, EventsConfig, LogConfig, LogFormat,
    NotificationDefaults, NotificationsConfig, OidcConfig, Origin, Origins, PaymentWorkers,
    PaymentsConfig, Place, PoolConfig, PoolWork, Problem, RulesConfig, TelemetryConfig, TierConfig,
    TlsConfig,
};
pub use data_folder::Addresses;
pub use error::Error;
pub use exit::Exit;
pub use http::ProblemDetails;
pub use hub::Hub;
pub use supervisor::Processes;
