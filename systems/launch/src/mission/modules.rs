//! Which parts a launch needs, and what is known of each.

use std::collections::BTreeSet;

use portique_flight::{Body, EventKind};

use crate::mission::Mission;
use crate::{LinkKind, ModuleId};

/// Modules of one rocket.
pub(super) const MODULES_MAX: usize = 32;
/// The one module of a recorded flight.
const RECORDING: &str = "vehicle";

/// What is known of a module by facts alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleState {
    /// Whether it can be commanded.
    pub is_up: bool,
    /// Why it cannot, or why its telemetry ended.
    pub reason: Option<String>,
    /// Its telemetry is over for good.
    pub has_ended: bool,
    /// What happened to it in this attempt, once each.
    pub events: BTreeSet<EventKind>,
}

impl ModuleState {
    /// Marks it out of reach for a reason, unless it is so already.
    pub(super) fn lose(&mut self, reason: &str) {
        if self.is_up {
            self.is_up = false;
            self.reason = Some(reason.into());
        }
    }

    /// Forgets what a next attempt does again; what is gone stays gone.
    pub(super) fn begin_attempt(&mut self) {
        self.events.retain(|event| {
            matches!(
                event,
                EventKind::Preparation
                    | EventKind::Detached
                    | EventKind::Destroyed
                    | EventKind::Lost
            )
        });
    }
}

impl Mission {
    /// The modules without which nothing is launched: those of a simulated vehicle, the one of a
    /// recording, and whatever was named or attached where the hub does not know the vehicle.
    pub fn required_modules(&self) -> Vec<ModuleId> {
        let named = |name: &str| ModuleId::new(name).expect("a constant that is a module's name");
        match self.definition.link {
            LinkKind::Simulated => Body::ALL.iter().map(|body| named(body.as_str())).collect(),
            LinkKind::Replayed { .. } => vec![named(RECORDING)],
            LinkKind::Remote => self.modules.keys().cloned().collect(),
        }
    }

    /// Whether nothing is launched without this module.
    pub fn requires(&self, module: &ModuleId) -> bool {
        match self.definition.link {
            LinkKind::Simulated => Body::ALL
                .iter()
                .any(|body| body.as_str() == module.as_str()),
            LinkKind::Replayed { .. } => module.as_str() == RECORDING,
            LinkKind::Remote => self.modules.contains_key(module),
        }
    }

    /// Whether facts about this module are taken in: it is known, or there is room for another.
    pub fn accepts_module(&self, module: &ModuleId) -> bool {
        self.modules.contains_key(module) || self.modules.len() < MODULES_MAX
    }

    /// The required modules that cannot be commanded now.
    pub(super) fn out_of_reach(&self) -> Vec<ModuleId> {
        let mut required = self.required_modules();
        required.retain(|module| !self.modules.get(module).is_some_and(|state| state.is_up));
        required
    }
}
