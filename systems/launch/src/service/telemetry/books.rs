//! One rocket's series without tasks and queues, for tests of what reads them.

use std::collections::BTreeMap;

use portique_flight::Vehicle;
use portique_series::Batch;

use super::recorder::Vessel;
use super::series::ModuleSeries;
use crate::{LinkKind, ModuleId, RocketId, Sample};

pub(crate) struct Books {
    vessel: Vessel,
    modules: BTreeMap<ModuleId, ModuleSeries>,
    batch: Batch,
}

impl Books {
    pub(crate) fn new(rocket: &RocketId, vehicle: &Vehicle, link: &LinkKind) -> Self {
        Self {
            vessel: Vessel::new(rocket, vehicle, link),
            modules: BTreeMap::new(),
            batch: Batch::new(),
        }
    }

    /// What the store is given of a sample.
    pub(crate) fn sample(&mut self, module: &ModuleId, sample: &Sample, at_ms: i64) -> &Batch {
        self.batch.clear();
        let series = self.modules.entry(module.clone());
        let series = series.or_insert_with(|| ModuleSeries::new(&self.vessel, module));
        assert!(series.sample(&mut self.batch, &self.vessel, sample, at_ms));
        &self.batch
    }

    /// What it is given when the module's telemetry is over.
    pub(crate) fn end(&mut self, module: &ModuleId, at_ms: i64) -> &Batch {
        self.batch.clear();
        if let Some(series) = self.modules.get_mut(module) {
            series.end(&mut self.batch, at_ms);
        }
        &self.batch
    }
}
