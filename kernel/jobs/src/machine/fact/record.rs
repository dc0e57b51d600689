use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use portique_clock::Timestamp;
use prost::Message;

use super::{CARRIED, EDITED, ENQUEUED, FactError, RetryBody, checked, nanos};
use crate::{
    Error, JobId, JobKind, JobOptions, Label, NewJob, OnDeadChild, Payload, RetryPolicy, Unique,
    UniqueMode,
};

const UNTIL_FINISHED: u32 = 0;
const UNTIL_CLAIMED: u32 = 1;
const REPLACE: u32 = 2;
const FOR: u32 = 3;

/// A whole job, as it was enqueued or last edited.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    #[prost(uint32, tag = "1")]
    pub(crate) queue: u32,
    #[prost(sfixed64, tag = "2")]
    pub(crate) enqueued: i64,
    #[prost(string, tag = "3")]
    pub(crate) kind: String,
    #[prost(string, tag = "4")]
    pub(crate) content_type: String,
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) payload: Bytes,
    #[prost(sint32, tag = "6")]
    priority: i32,
    #[prost(sfixed64, optional, tag = "7")]
    pub(crate) run_at: Option<i64>,
    #[prost(string, optional, tag = "8")]
    pub(crate) group: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub(crate) key: Option<String>,
    #[prost(message, optional, tag = "10")]
    retry: Option<RetryBody>,
    #[prost(sfixed64, optional, tag = "11")]
    pub(crate) deadline: Option<i64>,
    #[prost(string, optional, tag = "12")]
    pub(crate) idempotency_key: Option<String>,
    #[prost(string, optional, tag = "13")]
    unique_key: Option<String>,
    #[prost(uint32, tag = "14")]
    unique_mode: u32,
    #[prost(uint64, tag = "15")]
    unique_nanos: u64,
    #[prost(uint64, optional, tag = "16")]
    result_ttl_nanos: Option<u64>,
    #[prost(btree_map = "string, string", tag = "17")]
    headers: BTreeMap<String, String>,
    #[prost(uint64, repeated, tag = "18")]
    pub(crate) after: Vec<u64>,
    #[prost(uint32, tag = "19")]
    on_dead_child: u32,
}

/// One of the jobs that a job waits for, as one number: `value << 2 | is_open << 1 | is_distance`.
///
/// A distance counts back from the id of the job that waits: ids within a batch are not known when it is
/// decided. What is not open was completed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DependencyCode {
    pub(crate) value: u64,
    pub(crate) is_open: bool,
    pub(crate) is_distance: bool,
}

impl DependencyCode {
    pub(crate) fn encode(self) -> u64 {
        (self.value << 2) | (u64::from(self.is_open) << 1) | u64::from(self.is_distance)
    }

    pub(crate) fn decode(code: u64) -> Self {
        Self {
            value: code >> 2,
            is_open: code & 2 != 0,
            is_distance: code & 1 != 0,
        }
    }

    pub(crate) fn id(self, of: u64) -> u64 {
        if self.is_distance {
            of.saturating_sub(self.value)
        } else {
            self.value
        }
    }
}

impl Record {
    /// A job as it is decided; `after` is already encoded.
    pub(crate) fn new(queue: u32, job: NewJob, after: Vec<u64>, now: Timestamp) -> Self {
        let options = job.options;
        let (unique_key, unique_mode, unique_nanos) = encode_unique(options.unique);
        Self {
            queue,
            enqueued: now.as_nanos(),
            kind: job.kind.to_string(),
            content_type: job.payload.content_type,
            payload: job.payload.body,
            priority: options.priority.into(),
            run_at: options.run_at.map(Timestamp::as_nanos),
            group: options.group.as_ref().map(Label::to_string),
            key: options.key.as_ref().map(Label::to_string),
            retry: options.retry.as_ref().map(RetryBody::new),
            deadline: options.deadline.map(Timestamp::as_nanos),
            idempotency_key: options.idempotency_key,
            unique_key,
            unique_mode,
            unique_nanos,
            result_ttl_nanos: options.result_ttl.map(nanos),
            headers: options.headers,
            after,
            on_dead_child: match options.on_dead_child {
                OnDeadChild::Wait => 0,
                OnDeadChild::Ignore => 1,
                OnDeadChild::Die => 2,
            },
        }
    }

    /// Whether it waits for jobs of its own batch.
    pub(crate) fn waits_in_batch(&self) -> bool {
        let mut codes = self.after.iter().map(|code| DependencyCode::decode(*code));
        codes.any(|code| code.is_distance)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        JobKind::new(self.kind.as_str())?;
        for label in self.group.iter().chain(&self.key) {
            Label::new(label.as_str())?;
        }
        self.retry.map_or(Ok(()), |retry| retry.read().check())
    }

    pub(crate) fn priority(&self) -> i16 {
        let clamped = self.priority.clamp(i16::MIN.into(), i16::MAX.into());
        i16::try_from(clamped).expect("it was clamped")
    }

    pub(crate) fn on_dead_child(&self) -> OnDeadChild {
        match self.on_dead_child {
            1 => OnDeadChild::Ignore,
            2 => OnDeadChild::Die,
            _ => OnDeadChild::Wait,
        }
    }

    pub(crate) fn result_ttl(&self) -> Option<Duration> {
        self.result_ttl_nanos.map(Duration::from_nanos)
    }

    pub(crate) fn unique(&self) -> Option<(&str, UniqueMode)> {
        let mode = match self.unique_mode {
            UNTIL_CLAIMED => UniqueMode::UntilClaimed,
            REPLACE => UniqueMode::Replace,
            FOR => UniqueMode::For(Duration::from_nanos(self.unique_nanos)),
            _ => UniqueMode::UntilFinished,
        };
        Some((self.unique_key.as_deref()?, mode))
    }

    /// Ids of the jobs it was enqueued after; `open_only`: of those that were not completed then.
    pub(crate) fn dependencies(&self, id: u64, open_only: bool) -> impl Iterator<Item = u64> + '_ {
        let codes = self.after.iter().map(|code| DependencyCode::decode(*code));
        codes
            .filter(move |code| code.is_open || !open_only)
            .map(move |code| code.id(id))
    }
}

fn encode_unique(unique: Option<Unique>) -> (Option<String>, u32, u64) {
    let Some(Unique { key, mode }) = unique else {
        return (None, 0, 0);
    };
    match mode {
        UniqueMode::UntilFinished => (Some(key), UNTIL_FINISHED, 0),
        UniqueMode::UntilClaimed => (Some(key), UNTIL_CLAIMED, 0),
        UniqueMode::Replace => (Some(key), REPLACE, 0),
        UniqueMode::For(time) => (Some(key), FOR, nanos(time)),
    }
}

/// A job written again: changed, or carried forward before its record is dropped.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Rewritten {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(message, required, tag = "2")]
    pub(crate) job: Record,
    /// When; only of an edit.
    #[prost(sfixed64, tag = "3")]
    pub(crate) at: i64,
}

impl Rewritten {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.job.check()
    }
}

/// A whole job as its record has it: what the machine itself does not keep.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    pub(crate) record: Record,
    /// The job's id.
    pub id: JobId,
    /// What kind of work.
    pub kind: JobKind,
}

impl JobRecord {
    /// The job in the record at `sequence` of the journal, whose kind [is a job's](super::Fact::is_job).
    ///
    /// # Errors
    /// [`FactError`] when the record holds no job or is damaged.
    pub fn decode(sequence: u64, kind: u8, body: Bytes) -> Result<Self, FactError> {
        let (id, record) = match kind {
            ENQUEUED => (sequence, checked(kind, body, Record::check)?),
            EDITED | CARRIED => {
                let rewritten = checked(kind, body, Rewritten::check)?;
                (rewritten.id, rewritten.job)
            }
            kind => return Err(FactError::Kind { kind }),
        };
        let kind_of_work = JobKind::new(record.kind.as_str());
        Ok(Self {
            id: JobId(id),
            kind: kind_of_work.map_err(|source| FactError::Rule { kind, source })?,
            record,
        })
    }

    /// What it is about.
    pub fn payload(&self) -> Payload {
        Payload {
            content_type: self.record.content_type.clone(),
            body: self.record.payload.clone(),
        }
    }

    /// When it was enqueued.
    pub fn enqueued(&self) -> Timestamp {
        Timestamp::from_nanos(self.record.enqueued)
    }

    /// Its own policy, which goes before the queue's.
    pub fn retry(&self) -> Option<RetryPolicy> {
        self.record.retry.as_ref().map(RetryBody::read)
    }

    /// As enqueued.
    pub fn group(&self) -> Option<Label> {
        label(self.record.group.as_deref())
    }

    /// As enqueued.
    pub fn key(&self) -> Option<Label> {
        label(self.record.key.as_deref())
    }

    /// When it is dead, completed or not.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.record.deadline.map(Timestamp::from_nanos)
    }

    /// As enqueued.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        &self.record.headers
    }

    /// The jobs it waited for.
    pub fn after(&self) -> Vec<JobId> {
        self.record
            .dependencies(self.id.0, false)
            .map(JobId)
            .collect()
    }
}

fn label(text: Option<&str>) -> Option<Label> {
    text.map(|text| Label::new(text).expect("labels are checked when decoded"))
}

/// The options that a template keeps: those of a schedule's job or a binding.
pub(crate) fn template_options(record: &Record) -> JobOptions {
    JobOptions {
        priority: record.priority(),
        group: label(record.group.as_deref()),
        key: label(record.key.as_deref()),
        retry: record.retry.as_ref().map(RetryBody::read),
        unique: record.unique().map(|(key, mode)| Unique {
            key: key.to_owned(),
            mode,
        }),
        result_ttl: record.result_ttl(),
        headers: record.headers.clone(),
        on_dead_child: record.on_dead_child(),
        run_at: record.run_at.map(Timestamp::from_nanos),
        deadline: record.deadline.map(Timestamp::from_nanos),
        idempotency_key: record.idempotency_key.clone(),
        after: Vec::new(),
    }
}
