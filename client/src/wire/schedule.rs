use portique_event::Filter;
use portique_jobs::{
    Binding, Error, JobId, JobKind, MissedTicks, Overlap, QueueName, Schedule, ScheduleName,
    ScheduleState,
};

use super::job::{absent, unknown_choice};
use super::time;
use crate::proto::jobs::v1 as pb;

impl From<Schedule> for pb::Schedule {
    fn from(schedule: Schedule) -> Self {
        let missed = match schedule.missed {
            MissedTicks::Skip => pb::MissedTicks::Skip,
            MissedTicks::Last => pb::MissedTicks::Last,
            MissedTicks::All => pb::MissedTicks::All,
        };
        let overlap = match schedule.overlap {
            Overlap::Queue => pb::Overlap::Queue,
            Overlap::Skip => pb::Overlap::Skip,
            Overlap::Replace => pb::Overlap::Replace,
        };
        Self {
            name: schedule.name.to_string(),
            cron: schedule.cron,
            zone: schedule.zone,
            job: Some(schedule.job.into()),
            missed: missed.into(),
            overlap: overlap.into(),
            is_paused: schedule.is_paused,
        }
    }
}

impl TryFrom<pb::Schedule> for Schedule {
    type Error = Error;

    fn try_from(schedule: pb::Schedule) -> Result<Self, Error> {
        let missed = match pb::MissedTicks::try_from(schedule.missed) {
            Ok(pb::MissedTicks::Skip) => MissedTicks::Skip,
            Ok(pb::MissedTicks::Last) => MissedTicks::Last,
            Ok(pb::MissedTicks::All) => MissedTicks::All,
            Err(unknown) => return Err(unknown_choice("missed", unknown)),
        };
        let overlap = match pb::Overlap::try_from(schedule.overlap) {
            Ok(pb::Overlap::Queue) => Overlap::Queue,
            Ok(pb::Overlap::Skip) => Overlap::Skip,
            Ok(pb::Overlap::Replace) => Overlap::Replace,
            Err(unknown) => return Err(unknown_choice("overlap", unknown)),
        };
        let zone = if schedule.zone.is_empty() {
            "UTC".into()
        } else {
            schedule.zone
        };
        Ok(Self {
            name: ScheduleName::new(schedule.name)?,
            cron: schedule.cron,
            zone,
            job: schedule.job.ok_or_else(|| absent("job"))?.try_into()?,
            missed,
            overlap,
            is_paused: schedule.is_paused,
        })
    }
}

impl From<ScheduleState> for pb::ScheduleState {
    fn from(state: ScheduleState) -> Self {
        let (last, last_job) = state.last.unzip();
        Self {
            schedule: Some(state.schedule.into()),
            next_unix_ns: state.next.map(|next| next.as_nanos()),
            last_unix_ns: last.map(|last| last.as_nanos()),
            last_job: last_job.flatten().map(|id| id.0),
        }
    }
}

impl TryFrom<pb::ScheduleState> for ScheduleState {
    type Error = Error;

    fn try_from(state: pb::ScheduleState) -> Result<Self, Error> {
        let schedule = state.schedule.ok_or_else(|| absent("schedule"))?;
        let last_job = state.last_job.map(JobId);
        Ok(Self {
            schedule: schedule.try_into()?,
            next: state.next_unix_ns.map(time),
            last: state.last_unix_ns.map(|last| (time(last), last_job)),
        })
    }
}

impl From<Binding> for pb::Binding {
    fn from(binding: Binding) -> Self {
        Self {
            name: binding.name.to_string(),
            filter: binding.filter.as_str().into(),
            queue: binding.queue.to_string(),
            kind: binding.kind.to_string(),
            options: Some(binding.options.into()),
        }
    }
}

impl TryFrom<pb::Binding> for Binding {
    type Error = Error;

    fn try_from(binding: pb::Binding) -> Result<Self, Error> {
        // Not everything: who forgets the filter does not want a job for each event there is.
        let filter = Filter::new(binding.filter).map_err(portique_bus::Error::from)?;
        Ok(Self {
            name: ScheduleName::new(binding.name)?,
            filter,
            queue: QueueName::new(binding.queue)?,
            kind: JobKind::new(binding.kind)?,
            options: binding.options.unwrap_or_default().try_into()?,
        })
    }
}
