//! The queue of notifications: the hub's own, with its policy.

use std::time::Duration;

use portique_jobs::{
    Backoff, JobKind, JobOptions, Label, NewJob, Payload, QueueName, QueueOptions, RetryPolicy,
    WorkerName,
};
use portique_monitor::notify::NotificationJob;

/// Its name.
pub(crate) const QUEUE: &str = "monitor.notifications";
/// The only kind of job in it.
const KIND: &str = "notification";

/// A notification is given up when it did not arrive for so long; soon after, the group is looked at again and
/// told as it is then. Shorter than the hour after which the dispatcher counts it as lost.
const GIVEN_UP_AFTER: Duration = Duration::from_mins(50);
/// Attempts are bounded by the time above; this many never fit into it.
const ATTEMPTS_MAX: u32 = 1_000;
/// Waits between attempts: a receiver that restarts is noticed in seconds, one that is down is asked once a
/// minute.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    factor: 1.5,
    max: Duration::from_mins(1),
    jitter: 0.25,
};
/// After a crash a notification is sent again after this long; the couriers extend theirs.
pub(super) const LEASE: Duration = Duration::from_secs(5);
/// A hub that crashes again and again must not give notifications up for it.
const LOSSES_MAX: u32 = 100;
/// Notifications under way at once to one way of one receiver: several groups, so that none waits long, and few
/// enough that a slow one leaves the other couriers to others.
const PER_WAY_MAX: u32 = 4;
/// Notifications that wait or are given up on: far more than groups that are told of in an hour.
const JOBS_MAX: u64 = 200_000;
/// How long a notification that arrived can be looked at.
const REMEMBERED: Duration = Duration::from_hours(24);

pub(super) fn name() -> QueueName {
    QueueName::new(QUEUE).expect("it is a name")
}

pub(super) fn worker(number: usize) -> WorkerName {
    WorkerName::new(format!("courier-{number}")).expect("it is a name")
}

/// How the queue behaves.
pub(super) fn options() -> QueueOptions {
    QueueOptions {
        lease: LEASE,
        retry: RetryPolicy {
            attempts: ATTEMPTS_MAX,
            backoff: BACKOFF,
        },
        losses_max: LOSSES_MAX,
        ageing: None,
        group_concurrency: Some(PER_WAY_MAX),
        jobs_max: JOBS_MAX,
        result_ttl: REMEMBERED,
        ..QueueOptions::default()
    }
}

/// A notification as a job.
pub(super) fn job(notification: &NotificationJob) -> NewJob {
    let kind = JobKind::new(KIND).expect("it is a name");
    let payload = Payload::json(notification.encode());
    let options = JobOptions {
        group: Some(group(notification)),
        deadline: Some(notification.at.plus(GIVEN_UP_AFTER)),
        idempotency_key: Some(notification.idempotency_key()),
        ..JobOptions::default()
    };
    NewJob {
        options,
        ..NewJob::new(name(), kind, payload)
    }
}

/// Whose share it is: one way of one receiver.
fn group(notification: &NotificationJob) -> Label {
    let way = format!("{}/{}", notification.receiver, notification.integration);
    // A receiver's name may be too long, or have letters that a label must not have; then those with as many
    // bytes share.
    let short = || {
        format!(
            "{} bytes/{}",
            notification.receiver.len(),
            notification.integration
        )
    };
    let label = Label::new(way).or_else(|_| Label::new(short()));
    label.expect("a number and the name of an integration are a label")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_within_what_queues_take() {
        options().check().unwrap();
    }
}
