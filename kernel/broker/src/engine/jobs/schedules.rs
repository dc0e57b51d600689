//! Jobs made by the clock and by events.

use portique_jobs::{Binding, Error, Schedule, ScheduleName, ScheduleState};
use portique_journal::Lane;

use crate::engine::Shared;

impl Shared {
    pub(super) async fn define_schedule(&self, schedule: Schedule) -> Result<(), Error> {
        self.make(Lane::Work, |core, now| {
            let machine = &core.jobs.machine;
            let fact = machine.decide_define_schedule(schedule.clone(), now)?;
            Ok(fact.into_iter().collect())
        })
        .await
    }

    pub(super) async fn remove_schedule(&self, name: &ScheduleName) -> Result<(), Error> {
        self.make(Lane::Drain, |core, _| {
            Ok(vec![core.jobs.machine.decide_remove_schedule(name)?])
        })
        .await
    }

    pub(super) fn schedules(&self) -> Vec<ScheduleState> {
        self.core().jobs.machine.schedule_states()
    }

    pub(super) async fn bind(&self, binding: Binding) -> Result<(), Error> {
        self.make(Lane::Work, |core, _| {
            let fact = core.jobs.machine.decide_bind(&binding)?;
            Ok(fact.into_iter().collect())
        })
        .await
    }

    pub(super) async fn unbind(&self, name: &ScheduleName) -> Result<(), Error> {
        self.make(Lane::Drain, |core, _| {
            Ok(vec![core.jobs.machine.decide_unbind(name)?])
        })
        .await
    }

    pub(super) fn bindings(&self) -> Vec<Binding> {
        self.core().jobs.machine.bindings().cloned().collect()
    }
}
