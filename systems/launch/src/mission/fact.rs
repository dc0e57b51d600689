use std::collections::BTreeMap;

use portique_clock::Timestamp;
use portique_flight::{EventKind, Phase};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Definition;
use crate::poll::Vote;
use crate::weather::{Forecast, Observation};
use crate::{ModuleId, Order, Station};

/// How far an order has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OrderStage {
    /// Recorded and on its way.
    Released,
    /// The module does it.
    Accepted,
    /// What it was for has happened.
    Completed,
    /// The module does not do it.
    Refused,
    /// No answer: whether it was done is unknown.
    Failed,
}

/// How bad an anomaly is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Kept in the log.
    Info,
    /// The commander is told.
    Warning,
    /// Acted on at once.
    Critical,
}

/// How a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Payload delivered, booster landed.
    Success,
    /// Payload delivered, booster not landed.
    Partial,
    /// Payload not delivered.
    Failure,
    /// The recording was played to its end.
    Replayed,
}

/// Something that is so from now on: the only thing that changes a mission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A rocket exists.
    RocketAdded {
        /// All of it.
        definition: Box<Definition>,
    },
    /// A module was named that the vehicle did not bring.
    ModuleAdded {
        /// Its name.
        module: ModuleId,
    },
    /// The weather was observed.
    WeatherObserved {
        /// What was seen.
        observation: Box<Observation>,
    },
    /// The weather was forecast.
    ForecastReceived {
        /// What is expected.
        forecast: Box<Forecast>,
    },
    /// The poll is open.
    PollOpened {
        /// Until when answers are taken.
        deadline: Option<Timestamp>,
    },
    /// A station answered.
    VoteCast {
        /// Which.
        station: Station,
        /// What.
        vote: Vote,
        /// Said with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        /// The live values behind it.
        values: BTreeMap<String, Value>,
    },
    /// The final word: the commander's, or no-go when the deadline passed without one.
    PollClosed {
        /// Go or no-go.
        decision: Vote,
        /// Why, when nobody closed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The launch order was given: the clock runs.
    CountStarted,
    /// A step of the count is done.
    StepDone {
        /// Its name.
        step: String,
    },
    /// The clock stands.
    CountHeld {
        /// Why.
        reason: String,
    },
    /// The clock runs again.
    CountResumed,
    /// The count went back to its recycle point and is held.
    CountRecycled {
        /// Why.
        reason: String,
    },
    /// The launch is given up for now.
    Scrubbed {
        /// Why.
        reason: String,
    },
    /// An order is on its way to a module.
    OrderReleased {
        /// Its idempotency key.
        id: String,
        /// To whom.
        module: ModuleId,
        /// What.
        order: Order,
    },
    /// An order came further.
    OrderAnswered {
        /// Which.
        id: String,
        /// Whose.
        module: ModuleId,
        /// How far.
        stage: OrderStage,
        /// Why, where it did not go on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Something happened in flight.
    Flight {
        /// To which module.
        module: ModuleId,
        /// What.
        event: EventKind,
        /// The values behind it.
        values: BTreeMap<String, f64>,
    },
    /// A value passed its limit.
    AnomalyRaised {
        /// On which module.
        module: ModuleId,
        /// Which rule.
        rule: String,
        /// How bad.
        severity: Severity,
        /// The value that passed, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<f64>,
        /// The limit it passed, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<f64>,
        /// The alert behind it, by its fingerprint; absent where there is none that clears.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<String>,
    },
    /// An anomaly is over.
    AnomalyCleared {
        /// On which module.
        module: ModuleId,
        /// Which rule.
        rule: String,
        /// The alert behind it, by its fingerprint.
        alert: String,
    },
    /// A critical anomaly asked for an abort.
    AbortConsidered {
        /// On which module.
        module: ModuleId,
        /// Which rule.
        rule: String,
        /// What the module was doing, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
        /// What is to be done.
        commands: Vec<String>,
        /// Why nothing is, when nothing is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An abort was given, and every module that was ordered has answered or is out of reach.
    AbortExecuted {
        /// On which module the anomaly is.
        module: ModuleId,
        /// Which rule.
        rule: String,
        /// What was done.
        commands: Vec<String>,
        /// From the alert to the last answer, in milliseconds; absent when nobody was ordered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        took_ms: Option<f64>,
    },
    /// A module can be commanded.
    LinkUp {
        /// Which.
        module: ModuleId,
    },
    /// A module cannot be reached.
    LinkDown {
        /// Which.
        module: ModuleId,
        /// What is known of the cause.
        reason: String,
    },
    /// A module's telemetry is over.
    TelemetryEnded {
        /// Whose.
        module: ModuleId,
        /// Why.
        reason: String,
    },
    /// The public feed is shut or opened again.
    EmbargoSet {
        /// Shut.
        on: bool,
    },
    /// The flight is over.
    FlightEnded {
        /// How.
        outcome: Outcome,
        /// In words.
        reason: String,
    },
}

impl Fact {
    /// The name a log filters by: an event's own name for what happens in flight.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RocketAdded { .. } => "rocket_added",
            Self::ModuleAdded { .. } => "module_added",
            Self::WeatherObserved { .. } => "weather_observed",
            Self::ForecastReceived { .. } => "forecast_received",
            Self::PollOpened { .. } => "poll_opened",
            Self::VoteCast { .. } => "vote_cast",
            Self::PollClosed { .. } => "poll_closed",
            Self::CountStarted => "count_started",
            Self::StepDone { .. } => "step_done",
            Self::CountHeld { .. } => "count_held",
            Self::CountResumed => "count_resumed",
            Self::CountRecycled { .. } => "count_recycled",
            Self::Scrubbed { .. } => "scrubbed",
            Self::OrderReleased { .. } => "order_released",
            Self::OrderAnswered { .. } => "order_answered",
            Self::Flight { event, .. } => event.as_str(),
            Self::AnomalyRaised { .. } => "anomaly_raised",
            Self::AnomalyCleared { .. } => "anomaly_cleared",
            Self::AbortConsidered { .. } => "abort_considered",
            Self::AbortExecuted { .. } => "abort_executed",
            Self::LinkUp { .. } => "link_up",
            Self::LinkDown { .. } => "link_down",
            Self::TelemetryEnded { .. } => "telemetry_ended",
            Self::EmbargoSet { .. } => "embargo_set",
            Self::FlightEnded { .. } => "flight_ended",
        }
    }

    /// The module it is about.
    pub fn module(&self) -> Option<&ModuleId> {
        match self {
            Self::ModuleAdded { module }
            | Self::OrderReleased { module, .. }
            | Self::OrderAnswered { module, .. }
            | Self::Flight { module, .. }
            | Self::AnomalyRaised { module, .. }
            | Self::AnomalyCleared { module, .. }
            | Self::AbortConsidered { module, .. }
            | Self::AbortExecuted { module, .. }
            | Self::LinkUp { module }
            | Self::LinkDown { module, .. }
            | Self::TelemetryEnded { module, .. } => Some(module),
            _ => None,
        }
    }
}
