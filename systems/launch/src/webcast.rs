//! The public feed: what anybody may see, later than the control room.
//!
//! Only what is named here gets out; a new field of a mission stays inside until somebody adds it.

use serde::{Deserialize, Serialize};

use crate::mission::{Mission, Outcome, Stage};
use crate::service::{LiveModule, Shared};
use crate::{ModuleId, RocketId};

/// One module as the public sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicModule {
    /// Its name.
    pub module: ModuleId,
    /// What it is doing.
    pub phase: String,
    /// Speed relative to the ground.
    pub speed_m_s: f64,
    /// Height.
    pub altitude_m: f64,
    /// What happened to it so far.
    pub events: Vec<String>,
}

/// One mission as the public sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicMission {
    /// The rocket.
    pub rocket: RocketId,
    /// Where the mission stands; absent under embargo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Seconds from T-0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_s: Option<f64>,
    /// Nothing real flies.
    pub rehearsal: bool,
    /// The feed is shut.
    pub embargo: bool,
    /// The modules.
    pub modules: Vec<PublicModule>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

impl PublicMission {
    pub(crate) fn of(mission: &Mission, shared: &Shared) -> Self {
        let rocket = mission.rocket().clone();
        let rehearsal = mission.definition().link != crate::LinkKind::Remote;
        let live = shared.modules(&rocket);
        let modules = live
            .iter()
            .map(|(module, live)| public_module(mission, module, live));
        let public = Self {
            stage: Some(mission.stage()),
            t_s: shared.t_s(mission),
            rehearsal,
            embargo: false,
            modules: modules.collect(),
            outcome: mission.outcome().map(|(outcome, _)| *outcome),
            rocket,
        };
        if mission.is_embargoed() {
            public.shut()
        } else {
            public
        }
    }

    /// What is left under embargo: that there is a rocket, whether it may be real, and the embargo.
    pub(crate) fn shut(self) -> Self {
        Self {
            rocket: self.rocket,
            rehearsal: self.rehearsal,
            embargo: true,
            stage: None,
            t_s: None,
            modules: Vec::new(),
            outcome: None,
        }
    }
}

fn public_module(mission: &Mission, module: &ModuleId, live: &LiveModule) -> PublicModule {
    let events = mission.modules().get(module).map(|state| &state.events);
    PublicModule {
        module: module.clone(),
        phase: live.sample.phase.as_str().into(),
        speed_m_s: live.sample.speed_m_s,
        altitude_m: live.sample.altitude_m,
        events: events
            .into_iter()
            .flatten()
            .map(|kind| kind.as_str().into())
            .collect(),
    }
}
