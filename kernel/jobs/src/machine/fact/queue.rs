use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message;

use super::nanos;
use crate::{Backoff, Error, Label, QueueName, QueueOptions, Rate, RetryPolicy};

/// A queue made, or given other options.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Defined {
    #[prost(uint32, tag = "1")]
    pub(crate) queue: u32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, required, tag = "3")]
    options: OptionsBody,
}

impl Defined {
    pub(crate) fn new(queue: u32, name: &QueueName, options: &QueueOptions) -> Self {
        Self {
            queue,
            name: name.to_string(),
            options: OptionsBody::new(options),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        QueueName::new(self.name.as_str())?;
        self.options.read()?.check()
    }

    pub(crate) fn name(&self) -> QueueName {
        QueueName::new(self.name.as_str()).expect("names are checked when decided or decoded")
    }

    pub(crate) fn options(&self) -> QueueOptions {
        let options = self.options.read();
        options.expect("options are checked when decided or decoded")
    }
}

/// An empty queue forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Removed {
    #[prost(uint32, tag = "1")]
    pub(crate) queue: u32,
}

/// A queue, or one of its groups, stopped or let go on.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Pause {
    #[prost(uint32, tag = "1")]
    pub(crate) queue: u32,
    #[prost(string, optional, tag = "2")]
    pub(crate) group: Option<String>,
}

impl Pause {
    pub(crate) fn new(queue: u32, group: Option<&Label>) -> Self {
        Self {
            queue,
            group: group.map(Label::to_string),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.group.as_deref().map(Label::new).transpose()?;
        Ok(())
    }
}

/// [`QueueOptions`] on disk.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OptionsBody {
    #[prost(uint64, tag = "1")]
    lease_nanos: u64,
    #[prost(message, required, tag = "2")]
    retry: RetryBody,
    #[prost(uint32, tag = "3")]
    losses_max: u32,
    #[prost(uint64, optional, tag = "4")]
    ageing_nanos: Option<u64>,
    #[prost(uint32, optional, tag = "5")]
    concurrency: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    group_concurrency: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    key_concurrency: Option<u32>,
    #[prost(message, optional, tag = "8")]
    rate: Option<RateBody>,
    #[prost(message, optional, tag = "9")]
    group_rate: Option<RateBody>,
    #[prost(message, optional, tag = "10")]
    key_rate: Option<RateBody>,
    #[prost(btree_map = "string, uint32", tag = "11")]
    weights: BTreeMap<String, u32>,
    #[prost(uint64, tag = "12")]
    jobs_max: u64,
    #[prost(uint64, tag = "13")]
    result_ttl_nanos: u64,
    #[prost(uint32, tag = "14")]
    finished_max: u32,
    #[prost(uint64, tag = "15")]
    result_bytes_max: u64,
}

impl OptionsBody {
    fn new(options: &QueueOptions) -> Self {
        let weight = |(label, weight): (&Label, &u32)| (label.to_string(), *weight);
        Self {
            lease_nanos: nanos(options.lease),
            retry: RetryBody::new(&options.retry),
            losses_max: options.losses_max,
            ageing_nanos: options.ageing.map(nanos),
            concurrency: options.concurrency,
            group_concurrency: options.group_concurrency,
            key_concurrency: options.key_concurrency,
            rate: options.rate.map(RateBody::new),
            group_rate: options.group_rate.map(RateBody::new),
            key_rate: options.key_rate.map(RateBody::new),
            weights: options.weights.iter().map(weight).collect(),
            jobs_max: options.jobs_max,
            result_ttl_nanos: nanos(options.result_ttl),
            finished_max: options.finished_max,
            result_bytes_max: options.result_bytes_max,
        }
    }

    fn read(&self) -> Result<QueueOptions, Error> {
        let weight = |(label, weight): (&String, &u32)| Ok((Label::new(label.as_str())?, *weight));
        Ok(QueueOptions {
            lease: Duration::from_nanos(self.lease_nanos),
            retry: self.retry.read(),
            losses_max: self.losses_max,
            ageing: self.ageing_nanos.map(Duration::from_nanos),
            concurrency: self.concurrency,
            group_concurrency: self.group_concurrency,
            key_concurrency: self.key_concurrency,
            rate: self.rate.map(RateBody::read),
            group_rate: self.group_rate.map(RateBody::read),
            key_rate: self.key_rate.map(RateBody::read),
            weights: self
                .weights
                .iter()
                .map(weight)
                .collect::<Result<_, Error>>()?,
            jobs_max: self.jobs_max,
            result_ttl: Duration::from_nanos(self.result_ttl_nanos),
            finished_max: self.finished_max,
            result_bytes_max: self.result_bytes_max,
        })
    }
}

/// [`Rate`] on disk.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct RateBody {
    #[prost(uint32, tag = "1")]
    count: u32,
    #[prost(uint64, tag = "2")]
    per_nanos: u64,
}

impl RateBody {
    fn new(rate: Rate) -> Self {
        Self {
            count: rate.count,
            per_nanos: nanos(rate.per),
        }
    }

    fn read(self) -> Rate {
        Rate {
            count: self.count,
            per: Duration::from_nanos(self.per_nanos),
        }
    }
}

/// [`RetryPolicy`] on disk.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct RetryBody {
    #[prost(uint32, tag = "1")]
    attempts: u32,
    #[prost(uint64, tag = "2")]
    first_nanos: u64,
    #[prost(double, tag = "3")]
    factor: f64,
    #[prost(uint64, tag = "4")]
    max_nanos: u64,
    #[prost(double, tag = "5")]
    jitter: f64,
}

impl RetryBody {
    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        Self {
            attempts: policy.attempts,
            first_nanos: nanos(policy.backoff.first),
            factor: policy.backoff.factor,
            max_nanos: nanos(policy.backoff.max),
            jitter: policy.backoff.jitter,
        }
    }

    pub(crate) fn read(&self) -> RetryPolicy {
        RetryPolicy {
            attempts: self.attempts,
            backoff: Backoff {
                first: Duration::from_nanos(self.first_nanos),
                factor: self.factor,
                max: Duration::from_nanos(self.max_nanos),
                jitter: self.jitter,
            },
        }
    }
}
