use portique_jobs::{
    Error, Label, QueueCounts, QueueName, QueueOptions, QueueState, Rate, RetryPolicy, Totals,
};

use super::view::wait_word;
use super::{duration, nanos};
use crate::proto::jobs::v1 as pb;

impl From<QueueOptions> for pb::QueueOptions {
    fn from(options: QueueOptions) -> Self {
        let weights = options.weights.iter();
        Self {
            lease_ns: Some(nanos(options.lease)),
            retry: Some(options.retry.into()),
            losses_max: Some(options.losses_max),
            ageing_ns: Some(options.ageing.map_or(0, nanos)),
            concurrency: options.concurrency,
            group_concurrency: options.group_concurrency,
            key_concurrency: options.key_concurrency,
            rate: options.rate.map(Into::into),
            group_rate: options.group_rate.map(Into::into),
            key_rate: options.key_rate.map(Into::into),
            weights: weights.map(|(group, w)| (group.to_string(), *w)).collect(),
            jobs_max: Some(options.jobs_max),
            result_ttl_ns: Some(nanos(options.result_ttl)),
            finished_max: Some(options.finished_max),
            result_bytes_max: Some(options.result_bytes_max),
        }
    }
}

impl TryFrom<pb::QueueOptions> for QueueOptions {
    type Error = Error;

    fn try_from(options: pb::QueueOptions) -> Result<Self, Error> {
        let default = Self::default();
        let weights = options
            .weights
            .into_iter()
            .map(|(group, weight)| Ok((Label::new(group)?, weight)));
        let ageing = match options.ageing_ns {
            None => default.ageing,
            Some(0) => None,
            Some(step) => Some(duration(step)),
        };
        Ok(Self {
            lease: options.lease_ns.map_or(default.lease, duration),
            retry: options.retry.map_or(default.retry, RetryPolicy::from),
            losses_max: options.losses_max.unwrap_or(default.losses_max),
            ageing,
            concurrency: options.concurrency,
            group_concurrency: options.group_concurrency,
            key_concurrency: options.key_concurrency,
            rate: options.rate.map(Into::into),
            group_rate: options.group_rate.map(Into::into),
            key_rate: options.key_rate.map(Into::into),
            weights: weights.collect::<Result<_, Error>>()?,
            jobs_max: options.jobs_max.unwrap_or(default.jobs_max),
            result_ttl: options.result_ttl_ns.map_or(default.result_ttl, duration),
            finished_max: options.finished_max.unwrap_or(default.finished_max),
            result_bytes_max: options.result_bytes_max.unwrap_or(default.result_bytes_max),
        })
    }
}

impl From<Rate> for pb::Rate {
    fn from(rate: Rate) -> Self {
        Self {
            count: rate.count,
            per_ns: nanos(rate.per),
        }
    }
}

impl From<pb::Rate> for Rate {
    fn from(rate: pb::Rate) -> Self {
        Self {
            count: rate.count,
            per: duration(rate.per_ns),
        }
    }
}

impl From<QueueState> for pb::QueueState {
    fn from(state: QueueState) -> Self {
        let groups = state.paused_groups.iter();
        let waits = state.waits.into_iter();
        Self {
            name: state.name.to_string(),
            options: Some(state.options.into()),
            is_paused: state.is_paused,
            is_draining: state.is_draining,
            paused_groups: groups.map(Label::to_string).collect(),
            counts: Some(state.counts.into()),
            ready: state.ready,
            oldest_ns: nanos(state.oldest),
            arrival_per_s: state.arrival_rate,
            completion_per_s: state.completion_rate,
            waits: waits.map(|(word, jobs)| (word.into(), jobs)).collect(),
            totals: Some(state.totals.into()),
        }
    }
}

impl TryFrom<pb::QueueState> for QueueState {
    type Error = Error;

    fn try_from(state: pb::QueueState) -> Result<Self, Error> {
        let groups = state.paused_groups.into_iter().map(Label::new);
        let waits = state.waits.into_iter();
        Ok(Self {
            name: QueueName::new(state.name)?,
            options: state.options.unwrap_or_default().try_into()?,
            is_paused: state.is_paused,
            is_draining: state.is_draining,
            paused_groups: groups.collect::<Result<_, Error>>()?,
            counts: state.counts.unwrap_or_default().into(),
            ready: state.ready,
            oldest: duration(state.oldest_ns),
            arrival_rate: state.arrival_per_s,
            completion_rate: state.completion_per_s,
            // A reason that only a newer hub knows is left out of the figures.
            waits: waits
                .filter_map(|(word, jobs)| Some((wait_word(&word)?, jobs)))
                .collect(),
            totals: state.totals.unwrap_or_default().into(),
        })
    }
}

impl From<QueueCounts> for pb::QueueCounts {
    fn from(counts: QueueCounts) -> Self {
        Self {
            waiting: counts.waiting,
            prioritized: counts.prioritized,
            delayed: counts.delayed,
            failed: counts.failed,
            blocked: counts.blocked,
            active: counts.active,
            dead: counts.dead,
            finished: counts.finished,
        }
    }
}

impl From<pb::QueueCounts> for QueueCounts {
    fn from(counts: pb::QueueCounts) -> Self {
        Self {
            waiting: counts.waiting,
            prioritized: counts.prioritized,
            delayed: counts.delayed,
            failed: counts.failed,
            blocked: counts.blocked,
            active: counts.active,
            dead: counts.dead,
            finished: counts.finished,
        }
    }
}

impl From<Totals> for pb::Totals {
    fn from(totals: Totals) -> Self {
        let durations = totals.durations.into_iter();
        Self {
            enqueued: totals.enqueued,
            completed: totals.completed,
            failures: totals.failures,
            losses: totals.losses,
            dead: totals.dead,
            cancelled: totals.cancelled,
            durations: durations
                .map(|(upper_s, count)| pb::DurationBucket { upper_s, count })
                .collect(),
            durations_sum_s: totals.durations_sum_s,
        }
    }
}

impl From<pb::Totals> for Totals {
    fn from(totals: pb::Totals) -> Self {
        let durations = totals.durations.into_iter();
        Self {
            enqueued: totals.enqueued,
            completed: totals.completed,
            failures: totals.failures,
            losses: totals.losses,
            dead: totals.dead,
            cancelled: totals.cancelled,
            durations: durations
                .map(|bucket| (bucket.upper_s, bucket.count))
                .collect(),
            durations_sum_s: totals.durations_sum_s,
        }
    }
}
