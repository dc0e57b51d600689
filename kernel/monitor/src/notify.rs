//! From alerts to people: routing, grouping, inhibition, silences and what is said when.

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
    Secret, SecretSource, SlackConfig, SlackField, Smtp, WebhookConfig,
};
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
pub use payload::{HttpPost, Mail, Payload, PayloadError, library, render};
pub use silence::{Silence, SilenceRequest, SilenceState};
