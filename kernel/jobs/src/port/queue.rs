use std::collections::BTreeMap;
use std::time::Duration;

use crate::port::job::DELAY_MAX;
use crate::{Error, Label, QueueName, RetryPolicy};

/// Most groups of a queue with a weight of their own.
const WEIGHTS_MAX: usize = 1_000;
/// Heaviest group: it gets this many jobs for each one of an ordinary group.
const WEIGHT_MAX: u32 = 1_000;

/// At most `count` starts in every `per`, evenly spread, with a burst of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At least 1, at most 1,000,000.
    pub count: u32,
    /// 1 ms to 24 h.
    pub per: Duration,
}

/// How a queue behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueOptions {
    /// How long a lease holds without being extended: 100 ms to 24 h; default 30 s.
    pub lease: Duration,
    /// When failed jobs are tried again; a job may have a policy of its own.
    pub retry: RetryPolicy,
    /// Lost leases before a job is dead: 1 to 100; default 3.
    pub losses_max: u32,
    /// A waiting job gains one priority step per this time; none: never. Default 60 s.
    pub ageing: Option<Duration>,
    /// Most active jobs.
    pub concurrency: Option<u32>,
    /// Most active jobs of one group.
    pub group_concurrency: Option<u32>,
    /// Most active jobs of one key; 1 keeps the order of each key.
    pub key_concurrency: Option<u32>,
    /// Starts of all jobs. Engines may keep what is used of a rate in memory only: after a restart it begins
    /// anew, so that up to `count` more may start at once. The same holds for the two that follow.
    pub rate: Option<Rate>,
    /// Starts of the jobs of one group.
    pub group_rate: Option<Rate>,
    /// Starts of the jobs of one key.
    pub key_rate: Option<Rate>,
    /// Shares of groups, 1 to 1,000; a group that is not listed, and jobs without one, have 1.
    pub weights: BTreeMap<Label, u32>,
    /// Most jobs that are not finished, dead ones included: 1 to 100,000,000; default 20,000,000.
    pub jobs_max: u64,
    /// How long finished jobs and their results are remembered: up to a year; default 1 h.
    pub result_ttl: Duration,
    /// Most finished jobs remembered; default 10,000, at most 1,000,000.
    pub finished_max: u32,
    /// Most bytes of results remembered; the oldest go first. Default 64 MiB.
    pub result_bytes_max: u64,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            losses_max: 3,
            ageing: Some(Duration::from_secs(60)),
            concurrency: None,
            group_concurrency: None,
            key_concurrency: None,
            rate: None,
            group_rate: None,
            key_rate: None,
            weights: BTreeMap::new(),
            jobs_max: 20_000_000,
            result_ttl: Duration::from_secs(60 * 60),
            finished_max: 10_000,
            result_bytes_max: 64 << 20,
        }
    }
}

impl QueueOptions {
    /// # Errors
    /// [`Error::InvalidOption`] names the first that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        check_lease(self.lease)?;
        self.retry.check()?;
        let ageing = self.ageing.unwrap_or(Duration::from_secs(1));
        let weights_are_right = self.weights.len() <= WEIGHTS_MAX
            && self.weights.values().all(|w| (1..=WEIGHT_MAX).contains(w));
        let limits = [
            self.concurrency,
            self.group_concurrency,
            self.key_concurrency,
        ];
        let ranges = [
            (
                "losses_max",
                (1..=100).contains(&self.losses_max),
                "write 1 to 100",
            ),
            (
                "ageing",
                (Duration::from_millis(1)..=DELAY_MAX).contains(&ageing),
                "write 1 ms to a year, or none",
            ),
            (
                "concurrency",
                limits.iter().flatten().all(|limit| *limit > 0),
                "write 1 or more; pause the queue to stop it",
            ),
            (
                "weights",
                weights_are_right,
                "write at most 1,000 of 1 to 1,000",
            ),
            (
                "jobs_max",
                (1..=100_000_000).contains(&self.jobs_max),
                "write 1 to 100,000,000",
            ),
            (
                "result_ttl",
                self.result_ttl <= DELAY_MAX,
                "write up to a year",
            ),
            (
                "finished_max",
                self.finished_max <= 1_000_000,
                "write up to 1,000,000",
            ),
            (
                "result_bytes_max",
                self.result_bytes_max <= 1 << 40,
                "write up to 1 TiB",
            ),
        ];
        for (name, is_right, remedy) in ranges {
            if !is_right {
                let problem = format!("out of range: {remedy}");
                return Err(Error::InvalidOption { name, problem });
            }
        }
        for rate in [self.rate, self.group_rate, self.key_rate]
            .into_iter()
            .flatten()
        {
            rate.check()?;
        }
        Ok(())
    }
}

impl Rate {
    fn check(self) -> Result<(), Error> {
        let is_right = (1..=1_000_000).contains(&self.count)
            && (Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60)).contains(&self.per);
        if is_right {
            return Ok(());
        }
        Err(Error::InvalidOption {
            name: "rate",
            problem: format!(
                "{} per {:?}: write 1 to 1,000,000 per 1 ms to 24 h",
                self.count, self.per
            ),
        })
    }
}

/// # Errors
/// [`Error::InvalidOption`] when a lease time is out of range.
pub(crate) fn check_lease(lease: Duration) -> Result<(), Error> {
    if (Duration::from_millis(100)..=Duration::from_secs(24 * 60 * 60)).contains(&lease) {
        return Ok(());
    }
    Err(Error::InvalidOption {
        name: "lease",
        problem: format!("{lease:?}: write 100 ms to 24 h"),
    })
}

/// How many jobs are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// Due, in order of age.
    pub waiting: u64,
    /// Due, with a priority other than 0.
    pub prioritized: u64,
    /// Not due yet.
    pub delayed: u64,
    /// Waiting for the next attempt after a failure.
    pub failed: u64,
    /// Waiting for other jobs.
    pub blocked: u64,
    /// In a worker's hands.
    pub active: u64,
    /// Given up on, waiting for people.
    pub dead: u64,
    /// Finished and remembered.
    pub finished: u64,
}

/// What happened since the queue was made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// Jobs taken in.
    pub enqueued: u64,
    /// Jobs done.
    pub completed: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Leases lost.
    pub losses: u64,
    /// Jobs given up on.
    pub dead: u64,
    /// Jobs cancelled.
    pub cancelled: u64,
    /// Claims by duration until completed: pairs of an upper bound in seconds and how many were at
    /// most that long, cumulative, the last bound infinite.
    pub durations: Vec<(f64, u64)>,
    /// Sum of those durations, in seconds.
    pub durations_sum_s: f64,
}

/// A queue, for people, metrics and whoever decides how many workers it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueState {
    /// Its name.
    pub name: QueueName,
    /// How it behaves.
    pub options: QueueOptions,
    /// Nothing is claimed.
    pub is_paused: bool,
    /// Nothing is taken in.
    pub is_draining: bool,
    /// Groups of which nothing is claimed.
    pub paused_groups: Vec<Label>,
    /// How many jobs are in which state.
    pub counts: QueueCounts,
    /// Due jobs that a worker would be given now: waiting and prioritized, without what is paused or
    /// over its limits.
    pub ready: u64,
    /// Age of the oldest due job.
    pub oldest: Duration,
    /// Jobs becoming due per second, over about the last half minute.
    pub arrival_rate: f64,
    /// Jobs completed per second, over about the last half minute.
    pub completion_rate: f64,
    /// Due jobs per reason that keeps them, the word of a [`WaitReason`](crate::WaitReason).
    pub waits: BTreeMap<&'static str, u64>,
    /// Since it was made.
    pub totals: Totals,
}
