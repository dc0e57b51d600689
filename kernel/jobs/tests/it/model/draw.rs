//! From what is drawn to what the machine takes.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_jobs::{
    Backoff, Claim, Label, Payload, QueueName, QueueOptions, Rate, RetryPolicy, Unique, UniqueMode,
    WorkerName,
};

use crate::command::{self, Uniqueness};

pub(super) fn queue(number: u8) -> QueueName {
    QueueName::new(format!("queue-{number}")).unwrap()
}

pub(super) fn worker(number: u8) -> WorkerName {
    WorkerName::new(format!("worker-{number}")).unwrap()
}

pub(super) fn label(number: u8) -> Label {
    Label::new(format!("label {number}")).unwrap()
}

pub(super) fn payload(number: u8) -> Payload {
    Payload::json(format!("{{\"n\":{number}}}"))
}

pub(super) fn claim(name: &QueueName, by: &WorkerName, limit: usize) -> Claim {
    Claim {
        queue: name.clone(),
        worker: by.clone(),
        limit,
        wait: Duration::ZERO,
        lease: None,
    }
}

pub(super) fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy {
        attempts,
        backoff: Backoff {
            first: Duration::from_millis(500),
            factor: 3.0,
            max: Duration::from_secs(10),
            jitter: 0.3,
        },
    }
}

pub(super) fn unique((key, mode): (u8, Uniqueness)) -> Unique {
    Unique {
        key: key.to_string(),
        mode: match mode {
            Uniqueness::UntilFinished => UniqueMode::UntilFinished,
            Uniqueness::UntilClaimed => UniqueMode::UntilClaimed,
            Uniqueness::Replace => UniqueMode::Replace,
            Uniqueness::For(time) => UniqueMode::For(time),
        },
    }
}

pub(super) fn queue_options(options: &command::Options) -> QueueOptions {
    let rate = |rate: Option<(u32, Duration)>| rate.map(|(count, per)| Rate { count, per });
    QueueOptions {
        ageing: options.has_ageing.then_some(Duration::from_secs(5)),
        losses_max: options.losses_max,
        concurrency: options.concurrency,
        group_concurrency: options.group_concurrency,
        key_concurrency: options.key_concurrency,
        rate: rate(options.rate),
        group_rate: rate(options.group_rate),
        key_rate: rate(options.key_rate),
        weights: options
            .heavy_group
            .map(|group| (label(group), 5))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        jobs_max: options.jobs_max,
        finished_max: options.finished_max,
        ..QueueOptions::default()
    }
}
