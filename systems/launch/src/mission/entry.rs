use std::fmt;

use serde::{Deserialize, Serialize};

use super::Fact;
use crate::{ModuleId, RocketId, Station};

/// How people begin where they are named; no station, module or part has a colon.
const PERSON: &str = "user:";

/// A fact with its circumstances: what stands on the bus and in the mission log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Of which rocket.
    pub rocket: RocketId,
    /// By whom.
    pub actor: Actor,
    /// When, in seconds from T-0; absent before a count exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_s: Option<f64>,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

impl Entry {
    /// Facts of one rocket, one actor and one moment, in their order.
    pub fn all(
        rocket: &RocketId,
        actor: &Actor,
        t_s: Option<f64>,
        facts: impl IntoIterator<Item = Fact>,
    ) -> Vec<Self> {
        let with_circumstances = |fact| Self {
            rocket: rocket.clone(),
            actor: actor.clone(),
            t_s,
            fact,
        };
        facts.into_iter().map(with_circumstances).collect()
    }

    /// Whether a person is behind it.
    pub fn is_manual(&self) -> bool {
        self.actor.is_person() || matches!(self.fact, Fact::VoteCast { .. })
    }
}

/// Who did it: a station, a module, or a part of launch control itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// The holder of the commander token.
    pub fn commander() -> Self {
        Self("commander".into())
    }

    /// Two people who gave an order together, by their names as users.
    pub fn two_people(requester: &str, approver: Option<&str>) -> Self {
        let approver = approver.unwrap_or("nobody");
        Self(format!("{PERSON}{requester} and {PERSON}{approver}"))
    }

    /// Whether a person did it, and no part of anything.
    pub fn is_person(&self) -> bool {
        *self == Self::commander() || self.0.starts_with(PERSON)
    }

    /// The count, acting at a step.
    pub fn count() -> Self {
        Self("count".into())
    }

    /// The ground's own eyes on telemetry.
    pub fn ground() -> Self {
        Self("ground".into())
    }

    /// The limit watch.
    pub fn reflex() -> Self {
        Self("reflex".into())
    }

    /// The hub itself.
    pub fn hub() -> Self {
        Self("hub".into())
    }
}

impl From<&ModuleId> for Actor {
    fn from(module: &ModuleId) -> Self {
        Self(module.to_string())
    }
}

impl From<&Station> for Actor {
    fn from(station: &Station) -> Self {
        Self(station.to_string())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
