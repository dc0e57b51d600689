use bytes::Bytes;
use portique_clock::Timestamp;
use portique_event::Filter;
use prost::Message;

use super::record::{Record, template_options};
use crate::{
    Binding, Error, JobKind, JobOptions, MissedTicks, NewJob, Overlap, Payload, QueueName,
    Schedule, ScheduleName,
};

/// A schedule made or changed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScheduleBody {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    cron: String,
    #[prost(string, tag = "3")]
    zone: String,
    #[prost(string, tag = "4")]
    queue: String,
    #[prost(message, required, tag = "5")]
    job: Record,
    #[prost(uint32, tag = "6")]
    missed: u32,
    #[prost(uint32, tag = "7")]
    overlap: u32,
    #[prost(bool, tag = "8")]
    is_paused: bool,
    /// Ticks count after this time.
    #[prost(sfixed64, tag = "9")]
    pub(crate) at: i64,
}

impl ScheduleBody {
    pub(crate) fn new(schedule: Schedule, at: Timestamp) -> Self {
        Self {
            name: schedule.name.to_string(),
            cron: schedule.cron,
            zone: schedule.zone,
            queue: schedule.job.queue.to_string(),
            job: Record::new(0, schedule.job, Vec::new(), at),
            missed: match schedule.missed {
                MissedTicks::Last => 0,
                MissedTicks::Skip => 1,
                MissedTicks::All => 2,
            },
            overlap: match schedule.overlap {
                Overlap::Queue => 0,
                Overlap::Skip => 1,
                Overlap::Replace => 2,
            },
            is_paused: schedule.is_paused,
            at: at.as_nanos(),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.read().map(|_| ())
    }

    pub(crate) fn read(&self) -> Result<Schedule, Error> {
        let payload = Payload {
            content_type: self.job.content_type.clone(),
            body: self.job.payload.clone(),
        };
        let kind = JobKind::new(self.job.kind.as_str())?;
        let mut job = NewJob::new(QueueName::new(self.queue.as_str())?, kind, payload);
        self.job.check()?;
        job.options = template_options(&self.job);
        Ok(Schedule {
            name: ScheduleName::new(self.name.as_str())?,
            cron: self.cron.clone(),
            zone: self.zone.clone(),
            job,
            missed: match self.missed {
                1 => MissedTicks::Skip,
                2 => MissedTicks::All,
                _ => MissedTicks::Last,
            },
            overlap: match self.overlap {
                1 => Overlap::Skip,
                2 => Overlap::Replace,
                _ => Overlap::Queue,
            },
            is_paused: self.is_paused,
        })
    }
}

/// A schedule or a binding forgotten.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Named {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

impl Named {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.name().map(|_| ())
    }

    pub(crate) fn name(&self) -> Result<ScheduleName, Error> {
        ScheduleName::new(self.name.as_str())
    }
}

/// A tick of a schedule that was seen to.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Ticked {
    #[prost(string, tag = "1")]
    pub(crate) schedule: String,
    /// Ticks up to this one are seen to.
    #[prost(sfixed64, tag = "2")]
    pub(crate) tick: i64,
    /// Whether its job is in the record right after this one.
    #[prost(bool, tag = "3")]
    pub(crate) has_job: bool,
    /// The job that a unique key named instead; 0 for none.
    #[prost(uint64, tag = "4")]
    pub(crate) existing: u64,
}

/// A binding made or changed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BindingBody {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    filter: String,
    #[prost(string, tag = "3")]
    queue: String,
    /// A job without a payload.
    #[prost(message, required, tag = "4")]
    job: Record,
}

impl BindingBody {
    pub(crate) fn new(binding: &Binding) -> Self {
        let payload = Payload::json(Bytes::new());
        let mut job = NewJob::new(binding.queue.clone(), binding.kind.clone(), payload);
        job.options = JobOptions {
            run_at: None,
            deadline: None,
            ..binding.options.clone()
        };
        Self {
            name: binding.name.to_string(),
            filter: binding.filter.to_string(),
            queue: binding.queue.to_string(),
            job: Record::new(0, job, Vec::new(), Timestamp::EPOCH),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.read().map(|_| ())
    }

    pub(crate) fn read(&self) -> Result<Binding, Error> {
        self.job.check()?;
        let filter = Filter::new(self.filter.as_str()).map_err(|error| Error::InvalidOption {
            name: "filter",
            problem: error.to_string(),
        })?;
        Ok(Binding {
            name: ScheduleName::new(self.name.as_str())?,
            filter,
            queue: QueueName::new(self.queue.as_str())?,
            kind: JobKind::new(self.job.kind.as_str())?,
            options: template_options(&self.job),
        })
    }
}
