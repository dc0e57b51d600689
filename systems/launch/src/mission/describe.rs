use crate::mission::{Fact, OrderStage, Severity};

impl Fact {
    /// The fact in a sentence for people: what a log prints and full-text search reads.
    pub fn describe(&self) -> String {
        match self {
            Self::RocketAdded { definition } => format!(
                "rocket {} added on pad {} with count {}",
                definition.rocket, definition.pad, definition.count.name
            ),
            Self::ModuleAdded { module } => format!("module {module} added"),
            Self::WeatherObserved { observation } => format!("weather observed: {observation}"),
            Self::ForecastReceived { forecast } => format!("weather forecast: {}", forecast.raw),
            Self::PollOpened {
                deadline: Some(deadline),
            } => {
                format!("poll opened, answers until {deadline}")
            }
            Self::PollOpened { deadline: None } => "poll opened".into(),
            Self::VoteCast {
                station,
                vote,
                comment: Some(comment),
                ..
            } => {
                format!("{station} votes {vote}: {comment}")
            }
            Self::VoteCast { station, vote, .. } => format!("{station} votes {vote}"),
            Self::PollClosed {
                decision,
                reason: Some(reason),
            } => format!("poll closed with {decision}: {reason}"),
            Self::PollClosed { decision, .. } => format!("poll closed with {decision}"),
            Self::CountStarted => "launch order given, the count runs".into(),
            Self::StepDone { step } => step.clone(),
            Self::CountHeld { reason } => format!("count held: {reason}"),
            Self::CountResumed => "count resumed".into(),
            Self::CountRecycled { reason } => format!("count recycled and held: {reason}"),
            Self::Scrubbed { reason } => format!("launch scrubbed: {reason}"),
            Self::OrderReleased { module, order, .. } => {
                format!("{module} ordered: {}", order.name())
            }
            Self::OrderAnswered {
                id,
                module,
                stage,
                reason,
            } => describe_answer(id, module.as_str(), *stage, reason.as_deref()),
            Self::Flight { module, event, .. } => {
                format!("{module}: {}", event.as_str().replace('_', " "))
            }
            Self::AnomalyRaised { .. }
            | Self::AnomalyCleared { .. }
            | Self::AbortConsidered { .. }
            | Self::AbortExecuted { .. } => self.describe_anomaly(),
            Self::LinkUp { module } => format!("{module} is in reach"),
            Self::LinkDown { module, reason } => format!("{module} is out of reach: {reason}"),
            Self::TelemetryEnded { module, reason } => {
                format!("telemetry of {module} ended: {reason}")
            }
            Self::EmbargoSet { on: true } => "public feed under embargo".into(),
            Self::EmbargoSet { on: false } => "public feed open".into(),
            Self::FlightEnded { reason, .. } => format!("flight over: {reason}"),
        }
    }

    /// What went wrong, and what was done about it.
    fn describe_anomaly(&self) -> String {
        match self {
            Self::AnomalyRaised {
                module,
                rule,
                severity,
                value,
                limit,
                ..
            } => {
                let severity = match severity {
                    Severity::Info => "info",
                    Severity::Warning => "warning",
                    Severity::Critical => "critical",
                };
                let at = value.map_or_else(String::new, |value| format!(" at {}", short(value)));
                let limit =
                    limit.map_or_else(String::new, |limit| format!(", limit {}", short(limit)));
                format!("{severity} anomaly on {module}: {rule}{at}{limit}")
            }
            Self::AnomalyCleared { module, rule, .. } => {
                format!("anomaly on {module} cleared: {rule}")
            }
            Self::AbortConsidered {
                module,
                rule,
                commands,
                reason,
                ..
            } => match reason {
                Some(reason) => format!("abort considered for {rule} on {module}: {reason}"),
                None => format!("abort for {rule} on {module}: {}", commands.join(", ")),
            },
            Self::AbortExecuted {
                rule,
                commands,
                took_ms,
                ..
            } => {
                let took =
                    took_ms.map_or_else(String::new, |ms| format!(", answered in {ms:.1} ms"));
                format!("abort executed for {rule}: {}{took}", commands.join(", "))
            }
            _ => String::new(),
        }
    }
}

/// A number with what of it matters: pascals in whole, shares with two places.
fn short(value: f64) -> String {
    if value.abs() < 100.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

fn describe_answer(id: &str, module: &str, stage: OrderStage, reason: Option<&str>) -> String {
    let verb = match stage {
        OrderStage::Released => "released",
        OrderStage::Accepted => "accepted",
        OrderStage::Completed => "completed",
        OrderStage::Refused => "refused",
        OrderStage::Failed => "failed",
    };
    match reason {
        Some(reason) => format!("order {id} {verb} by {module}: {reason}"),
        None => format!("order {id} {verb} by {module}"),
    }
}
