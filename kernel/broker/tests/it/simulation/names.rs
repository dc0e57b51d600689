use portique_bus::ConsumerName;
use portique_jobs::{JobKind, Label, QueueName, ScheduleName};

/// Every kind of limit: none; order of keys; fair groups; few jobs and a rate.
pub(super) const QUEUES: [&str; 4] = ["plain", "keyed", "fair", "few"];
pub(super) const WORKERS: [&str; 3] = ["ann", "bob", "eve"];
pub(super) const LABELS: [&str; 3] = ["x", "y", "z"];

pub(super) fn queue(name: &str) -> QueueName {
    QueueName::new(name).unwrap()
}

pub(super) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(super) fn kind() -> JobKind {
    JobKind::new("work").unwrap()
}

pub(super) fn schedule_name(text: &str) -> ScheduleName {
    ScheduleName::new(text).unwrap()
}

/// The one consumer; it reads everything.
pub(super) fn consumer() -> ConsumerName {
    ConsumerName::new("reader").unwrap()
}
