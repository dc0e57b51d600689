use std::collections::BTreeMap;

use portique_jobs::{Label, QueueOptions, Rate};
use serde::{Deserialize, Serialize};

use crate::api::jobs::RetrySettings;
use crate::api::number::{duration, duration_or_none};
use crate::api::refusal::Reply;

/// How a queue behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QueueSettings {
    /// How long a lease holds without being extended: 0.1 to 86,400 s; 30 when absent.
    lease_s: f64,
    /// When failed jobs are tried again; a job may have a policy of its own.
    retry: RetrySettings,
    /// Lost leases before a job is dead: 1 to 100; 3 when absent.
    losses_max: u32,
    /// A waiting job gains one priority step per this time; never when null, 60 s when absent.
    ageing_s: Option<f64>,
    /// Most active jobs; without limit when null or absent.
    concurrency: Option<u32>,
    /// Most active jobs of one group.
    group_concurrency: Option<u32>,
    /// Most active jobs of one key; 1 keeps the order of each key.
    key_concurrency: Option<u32>,
    /// Starts of all jobs.
    rate: Option<RateSettings>,
    /// Starts of the jobs of one group.
    group_rate: Option<RateSettings>,
    /// Starts of the jobs of one key.
    key_rate: Option<RateSettings>,
    /// Shares of groups, 1 to 1,000; others have 1.
    weights: BTreeMap<String, u32>,
    /// Most jobs that are not finished, dead ones included: 1 to 100,000,000; 20,000,000 when absent.
    jobs_max: u64,
    /// How long finished jobs and their results are remembered, in seconds; 3,600 when absent.
    result_ttl_s: f64,
    /// Most finished jobs remembered: up to 1,000,000; 10,000 when absent.
    finished_max: u32,
    /// Most bytes of results remembered; 67,108,864 when absent.
    result_bytes_max: u64,
}

/// At most `count` starts in every `per_s`, evenly spread, with a burst of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateSettings {
    /// 1 to 1,000,000.
    count: u32,
    /// Seconds: 0.001 to 86,400.
    per_s: f64,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self::of(&QueueOptions::default())
    }
}

impl QueueSettings {
    pub(super) fn of(options: &QueueOptions) -> Self {
        let weights = options.weights.iter();
        Self {
            lease_s: options.lease.as_secs_f64(),
            retry: RetrySettings::of(&options.retry),
            losses_max: options.losses_max,
            ageing_s: options.ageing.map(|ageing| ageing.as_secs_f64()),
            concurrency: options.concurrency,
            group_concurrency: options.group_concurrency,
            key_concurrency: options.key_concurrency,
            rate: options.rate.map(RateSettings::of),
            group_rate: options.group_rate.map(RateSettings::of),
            key_rate: options.key_rate.map(RateSettings::of),
            weights: weights
                .map(|(group, weight)| (group.to_string(), *weight))
                .collect(),
            jobs_max: options.jobs_max,
            result_ttl_s: options.result_ttl.as_secs_f64(),
            finished_max: options.finished_max,
            result_bytes_max: options.result_bytes_max,
        }
    }

    /// # Errors
    /// Invalid argument for a number that is no duration or a text that is no group; other ranges
    /// are the engine's to check.
    pub(super) fn into_options(self) -> Reply<QueueOptions> {
        let mut weights = BTreeMap::new();
        for (group, weight) in self.weights {
            weights.insert(Label::new(group)?, weight);
        }
        let rate = |rate: Option<RateSettings>| rate.map(RateSettings::into_rate).transpose();
        Ok(QueueOptions {
            lease: duration("lease_s", self.lease_s)?,
            retry: self.retry.into_policy()?,
            losses_max: self.losses_max,
            ageing: duration_or_none("ageing_s", self.ageing_s)?,
            concurrency: self.concurrency,
            group_concurrency: self.group_concurrency,
            key_concurrency: self.key_concurrency,
            rate: rate(self.rate)?,
            group_rate: rate(self.group_rate)?,
            key_rate: rate(self.key_rate)?,
            weights,
            jobs_max: self.jobs_max,
            result_ttl: duration("result_ttl_s", self.result_ttl_s)?,
            finished_max: self.finished_max,
            result_bytes_max: self.result_bytes_max,
        })
    }
}

impl RateSettings {
    fn of(rate: Rate) -> Self {
        Self {
            count: rate.count,
            per_s: rate.per.as_secs_f64(),
        }
    }

    fn into_rate(self) -> Reply<Rate> {
        Ok(Rate {
            count: self.count,
            per: duration("per_s", self.per_s)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_null_is_without() {
        let read = |text: &str| {
            let settings: QueueSettings = serde_json::from_str(text).unwrap();
            settings.into_options().unwrap()
        };
        assert_eq!(read("{}"), QueueOptions::default());
        assert_eq!(read("{\"ageing_s\":null}").ageing, None);
        let shown = serde_json::to_string(&QueueSettings::default()).unwrap();
        assert_eq!(read(&shown), QueueOptions::default());
    }
}
