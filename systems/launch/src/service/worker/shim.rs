//! Stand-ins until the mission has these methods itself (inherent methods win over these).
#![allow(dead_code, unused_imports)]

use crate::mission::{Fact, Mission};
use crate::{LinkKind, ModuleId};

pub(super) trait MissionShim {
    fn requires(&self, module: &ModuleId) -> bool;
    fn accepts_module(&self, module: &ModuleId) -> bool;
    fn vehicle(&self) -> Option<portique_flight::Vehicle>;
    fn decide_deadline(&self, now: portique_clock::Timestamp) -> Vec<Fact>;
    fn is_open(&self) -> bool;
}

impl MissionShim for Mission {
    fn requires(&self, module: &ModuleId) -> bool {
        self.definition().link != LinkKind::Simulated
            || ["booster", "stage2", "payload"].contains(&module.as_str())
    }
    fn accepts_module(&self, _: &ModuleId) -> bool {
        true
    }
    fn vehicle(&self) -> Option<portique_flight::Vehicle> {
        portique_flight::Vehicle::parse(&self.definition().vehicle).ok()
    }
    fn decide_deadline(&self, _: portique_clock::Timestamp) -> Vec<Fact> {
        Vec::new()
    }
    fn is_open(&self) -> bool {
        self.stage() != crate::mission::Stage::Ended
    }
}
