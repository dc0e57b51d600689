use portique_event::Filter;

use crate::{JobKind, JobOptions, QueueName, ScheduleName};

/// Events become jobs: each event that passes the filter is enqueued in the frame that publishes it.
///
/// The payload is the event in CloudEvents' structured JSON (`application/cloudevents+json`); an extension
/// `partitionkey` becomes the job's key, a `traceparent` its header.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Its name.
    pub name: ScheduleName,
    /// Which events.
    pub filter: Filter,
    /// Where to.
    pub queue: QueueName,
    /// What kind of work.
    pub kind: JobKind,
    /// How; `run_at`, `deadline`, keys and `after` must be absent.
    pub options: JobOptions,
}
