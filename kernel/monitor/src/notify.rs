//! From alerts to people: routing, grouping, inhibition, silences, and what is said to whom and when.
//!
//! ```text
//!   alerts, silences --> Dispatcher::post, set_silence --> facts --.
//!   time             --> Dispatcher::due ------------------> facts --+--> kept, then Dispatcher::apply
//!                                          '--> NotificationJob      |
//!   what became of a job --> Dispatcher::settle ----------> facts --'
//!   NotificationJob --> render --> Payload --> sent by whoever runs the jobs
//! ```
//!
//! The [`Dispatcher`] is a state machine: what is decided are facts, and only they change it. Every wait
//! (`group_wait`, `group_interval`, `repeat_interval`, the end of a silence) is a deadline in the state, so a
//! restart goes on where it was and still tells of ends. Behaviour is Alertmanager's, read from its own
//! [`Config`] file, with these differences:
//!
//! - A notification is a job. While one is on its way to a receiver, the next about the same group waits for
//!   it, and is decided the moment it is settled.
//! - Who was told that an alert fires is told of its end, also when it ended while it was silenced or muted.
//! - Where ends are not sent, an alert that ended leaves the log, so its next episode is told.
//! - Additions that a file must ask for, unless it is read as [`Flavour::Portique`]: critical alerts wait for
//!   nobody, and alerts that join a known group have their own interval. Silences may have a schedule.
//!
//! Not here: sending (HTTP, SMTP), files of templates and secrets, a cluster of notifiers, receivers other than
//! webhook, Slack, Discord, e-mail and actions.

mod alert;
pub mod api;
mod config;
mod dispatcher;
mod error;
mod fact;
mod group;
mod inhibit;
mod interval;
mod job;
mod log;
mod matchers;
mod message;
mod payload;
mod silence;

pub use alert::{Posted, Received, WithoutEnd};
pub use config::{
    ActionConfig, Authorization, CONFIG_BYTES_MAX, Channel, Config, DiscordConfig, EmailConfig,
    Flavour, Global, GroupBy, HttpConfig, InhibitRule, Integration, Receiver, Route, RouteTiming,
    Secret, SecretSource, SlackConfig, SlackField, Smtp, TlsConfig, WebhookConfig,
};
pub(crate) use config::{HTTP_KEYS, read_http, redacted};
pub use dispatcher::{
    ALERTS_KEPT, ALERTS_MAX, Dispatcher, Due, Explanation, Muting, Options, Output, Receipt,
    RouteExplanation, SILENCES_KEPT, SILENCES_MAX, WayExplanation,
};
pub use error::Error;
pub use fact::{FACT_BYTES_MAX, Fact, KeptGroup, Notified, Outcome};
pub use group::GroupId;
pub use interval::{NamedInterval, TimeInterval};
pub use job::{JOB_BYTES_MAX, NotificationJob};
pub use log::{IN_FLIGHT_MAX, LOG_RETENTION, LogEntry, LogKey, Reason, Withheld};
pub use matchers::Matchers;
pub use message::{AlertStatus, Message, MessageAlert};
pub use payload::{HttpPost, Mail, Payload, PayloadError, render, template_library};
pub use silence::{Silence, SilenceRequest, SilenceState};
