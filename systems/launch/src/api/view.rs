use serde::{Deserialize, Serialize};

use crate::mission::{Anomaly, Mission, OrderRecord, Outcome, Stage};
use crate::poll::Poll;
use crate::service::{LiveModule, Shared};
use crate::weather::{Evaluation, Forecast, Observation};
use crate::{LinkKind, ModuleId, PadId, RocketId, Sample};

/// A mission as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RocketView {
    /// Its name.
    pub rocket: RocketId,
    /// The vehicle's name.
    pub vehicle: String,
    /// Where it stands.
    pub pad: PadId,
    /// `simulated`, `replayed` or `remote`.
    pub link: String,
    /// Nothing real flies: every screen says so.
    pub rehearsal: bool,
    /// Seconds of count and flight per second.
    pub time_factor: f64,
    /// Where the mission stands.
    pub stage: Stage,
    /// Seconds from T-0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_s: Option<f64>,
    /// The last poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// The count, once the launch order was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<CountView>,
    /// The modules by name.
    pub modules: Vec<ModuleView>,
    /// What is wrong now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// The public feed is shut.
    pub embargo: bool,
    /// How the flight ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_reason: Option<String>,
}

/// A count as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CountView {
    /// The plan's name.
    pub plan: String,
    /// Why it is held, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// The share of propellant loaded, 0 to 1.
    pub propellant: f64,
    /// The steps, in order.
    pub steps: Vec<StepView>,
}

/// A step of a count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StepView {
    /// Seconds from T-0.
    pub t_s: f64,
    /// What people call it.
    pub name: String,
    /// Whether it is done.
    pub done: bool,
}

/// A module as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModuleView {
    /// Its name.
    pub module: ModuleId,
    /// Whether it can be commanded.
    pub up: bool,
    /// Why it cannot, or why its telemetry ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Age of the last sample, in seconds of wall time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<f64>,
    /// Samples heard since the link opened.
    pub samples: u64,
    /// The last sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// What happened to it so far.
    pub events: Vec<String>,
    /// Its last order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_order: Option<OrderRecord>,
}

/// The weather at a pad against what a launch needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WeatherView {
    /// The last observation; absent until one is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Observation>,
    /// The last forecast; absent until one is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// Each criterion with value, limit, margin and age.
    pub evaluation: Evaluation,
}

impl RocketView {
    pub(crate) fn of(mission: &Mission, shared: &Shared) -> Self {
        let definition = mission.definition();
        let live = shared.modules(mission.rocket());
        let names = mission.modules().keys().chain(live.keys());
        let names: std::collections::BTreeSet<&ModuleId> = names.collect();
        let modules = names
            .into_iter()
            .map(|module| ModuleView::of(mission, module, live.get(module), shared))
            .collect();
        let outcome = mission.outcome();
        Self {
            rocket: mission.rocket().clone(),
            vehicle: mission
                .vehicle()
                .map_or_else(|| "unknown".into(), |vehicle| vehicle.name.clone()),
            pad: definition.pad.clone(),
            link: link_name(&definition.link).into(),
            rehearsal: definition.link != LinkKind::Remote,
            time_factor: definition.time_factor,
            stage: mission.stage(),
            t_s: shared.t_s(mission),
            poll: mission.poll().cloned(),
            count: mission.count().map(|_| CountView::of(mission, shared)),
            modules,
            anomalies: mission
                .anomalies()
                .map(|(_, anomaly)| anomaly.clone())
                .collect(),
            embargo: mission.is_embargoed(),
            outcome: outcome.map(|(outcome, _)| *outcome),
            outcome_reason: outcome.map(|(_, reason)| reason.clone()),
        }
    }
}

impl CountView {
    fn of(mission: &Mission, shared: &Shared) -> Self {
        let count = mission
            .count()
            .expect("the caller checked that there is a count");
        let done = count.steps_done();
        let steps = count
            .plan()
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| StepView {
                t_s: step.t_s,
                name: step.name.clone(),
                done: index < done,
            });
        let is_over = matches!(mission.stage(), Stage::Flying | Stage::Ended);
        Self {
            plan: count.plan().name.clone(),
            hold: count.hold_reason().filter(|_| !is_over).map(str::to_owned),
            propellant: count.propellant(shared.now()),
            steps: steps.collect(),
        }
    }
}

impl ModuleView {
    fn of(
        mission: &Mission,
        module: &ModuleId,
        live: Option<&LiveModule>,
        shared: &Shared,
    ) -> Self {
        let state = mission.modules().get(module).cloned().unwrap_or_default();
        let mut orders = mission.orders().iter().rev();
        Self {
            module: module.clone(),
            up: state.is_up,
            reason: state.reason,
            age_s: live.map(|live| shared.now().saturating_sub(live.at).as_secs_f64()),
            samples: live.map_or(0, |live| live.samples),
            sample: live.map(|live| live.sample.clone()),
            events: state
                .events
                .iter()
                .map(|kind| kind.as_str().to_owned())
                .collect(),
            last_order: orders.find(|record| record.module == *module).cloned(),
        }
    }
}

fn link_name(link: &LinkKind) -> &'static str {
    match link {
        LinkKind::Simulated => "simulated",
        LinkKind::Replayed { .. } => "replayed",
        LinkKind::Remote => "remote",
    }
}
