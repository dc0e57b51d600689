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
            Self::AnomalyRaised {
                module,
                rule,
                severity,
                value,
                limit,
            } => {
                let severity = match severity {
                    Severity::Info => "info",
                    Severity::Warning => "warning",
                    Severity::Critical => "critical",
                };
                format!("{severity} anomaly on {module}: {rule} at {value:.0}, limit {limit:.0}")
            }
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
