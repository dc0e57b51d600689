use portique_bus::{ConsumerKind, ConsumerOptions, ConsumerState};
use portique_event::Filter;
use serde::{Deserialize, Serialize};

use crate::api::events::Position;
use crate::api::number::{duration, duration_or_none};
use crate::api::refusal::Reply;

/// How a durable consumer behaves; two requests with the same name must agree.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsumerSettings {
    /// Which subjects it receives, such as `plant.*.pump.>`.
    #[schema(value_type = String)]
    filter: Filter,
    /// How its members share its events; `shared` when absent.
    #[serde(default)]
    kind: ConsumerKindName,
    /// Where it begins when it is created: `first`, `new`, a sequence, or a time in RFC 3339; `first`
    /// when absent.
    #[schema(value_type = Option<String>)]
    start: Option<Position>,
    /// Seconds that a delivery may stay unacknowledged before it is delivered again: 0.001 to 86,400;
    /// 30 when absent.
    ack_wait_s: Option<f64>,
    /// Deliveries of one event before it is dead: 1 to 1,000; 5 when absent.
    max_deliver: Option<u32>,
    /// Unacknowledged deliveries before fetching waits: 1 to 65,536; 1,024 when absent.
    max_in_flight: Option<u32>,
    /// Seconds without a fetch after which it is removed, 1 to 7,776,000; it stays when absent.
    inactive_after_s: Option<f64>,
}

/// How members share events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConsumerKindName {
    /// Whoever fetches first is given the oldest event that is due.
    #[default]
    Shared,
    /// Events of one key (the extension `partitionkey`) one after the other, in order.
    Keyed,
}

/// A consumer, and where it is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct ConsumerView {
    /// Its name.
    name: String,
    /// Which subjects it receives.
    #[schema(value_type = String)]
    filter: Filter,
    /// How its members share its events.
    kind: ConsumerKindName,
    /// Where it began.
    #[schema(value_type = String)]
    start: Position,
    /// Seconds that a delivery may stay unacknowledged.
    ack_wait_s: f64,
    /// Deliveries of one event before it is dead.
    max_deliver: u32,
    /// Unacknowledged deliveries before fetching waits.
    max_in_flight: u32,
    /// Seconds without a fetch after which it is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    inactive_after_s: Option<f64>,
    /// Everything up to this sequence is acknowledged or dead.
    ack_floor: u64,
    /// Everything up to this sequence was delivered, or waits for its key, or does not concern it.
    seen: u64,
    /// Events published since `seen`, at most.
    lag: u64,
    /// Deliveries waiting for an acknowledgement.
    in_flight: u64,
    /// Events that wait for an earlier one of their key.
    parked: u64,
    /// Age of the oldest delivery in flight, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_unacked_s: Option<f64>,
    /// Deliveries since the hub was started, repeated ones included.
    delivered: u64,
    /// Deliveries that were not the first of their event, since the hub was started.
    redelivered: u64,
    /// Events acknowledged since the hub was started.
    acked: u64,
    /// Events given up on since it was created.
    dead: u64,
    /// Seconds since the last fetch.
    idle_s: f64,
}

impl ConsumerSettings {
    /// # Errors
    /// Invalid argument for a number that is no duration; ranges are the port's to check.
    pub(super) fn into_options(self) -> Reply<ConsumerOptions> {
        let default = ConsumerOptions::new(self.filter);
        let ack_wait = duration_or_none("ack_wait_s", self.ack_wait_s)?;
        let inactive = self.inactive_after_s;
        Ok(ConsumerOptions {
            kind: self.kind.into(),
            start: self.start.map_or(default.start, |position| position.0),
            ack_wait: ack_wait.unwrap_or(default.ack_wait),
            max_deliver: self.max_deliver.unwrap_or(default.max_deliver),
            max_in_flight: self.max_in_flight.unwrap_or(default.max_in_flight),
            inactive_after: inactive
                .map(|seconds| duration("inactive_after_s", seconds))
                .transpose()?,
            ..default
        })
    }
}

impl From<ConsumerKindName> for ConsumerKind {
    fn from(name: ConsumerKindName) -> Self {
        match name {
            ConsumerKindName::Shared => Self::Shared,
            ConsumerKindName::Keyed => Self::Keyed,
        }
    }
}

impl From<ConsumerKind> for ConsumerKindName {
    fn from(kind: ConsumerKind) -> Self {
        match kind {
            ConsumerKind::Shared => Self::Shared,
            ConsumerKind::Keyed => Self::Keyed,
        }
    }
}

impl From<ConsumerState> for ConsumerView {
    fn from(state: ConsumerState) -> Self {
        let options = state.options;
        let seconds = |duration: std::time::Duration| duration.as_secs_f64();
        Self {
            name: state.name.to_string(),
            filter: options.filter,
            kind: options.kind.into(),
            start: Position(options.start),
            ack_wait_s: seconds(options.ack_wait),
            max_deliver: options.max_deliver,
            max_in_flight: options.max_in_flight,
            inactive_after_s: options.inactive_after.map(seconds),
            ack_floor: state.ack_floor.0,
            seen: state.seen.0,
            lag: state.lag,
            in_flight: state.in_flight,
            parked: state.parked,
            oldest_unacked_s: state.oldest_unacked.map(seconds),
            delivered: state.delivered,
            redelivered: state.redelivered,
            acked: state.acked,
            dead: state.dead,
            idle_s: seconds(state.idle),
        }
    }
}
