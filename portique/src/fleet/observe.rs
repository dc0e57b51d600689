//! What the autoscaler is shown of a queue, made of what the jobs port says.

use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Clock, Timestamp};
use portique_fleet::Backlog;
use portique_jobs::{Error, JobFilter, JobState, Jobs, QueueName, QueueState};

/// How often jobs that are due later are looked for: their list is a page of jobs.
const DUE_EVERY: Duration = Duration::from_secs(1);
/// Delayed and failed jobs that are looked at, of each; when there are more, the time of some is not known.
const DUE_MAX: usize = 1_000;

/// Looks at one queue.
pub(super) struct Observer {
    jobs: Arc<dyn Jobs>,
    clock: Arc<dyn Clock>,
    queue: QueueName,
    /// What a job takes while none was measured.
    prior_s: f64,
    failures: u64,
    duration_s: f64,
    busy_s: f64,
    due: Vec<Timestamp>,
    due_at: Option<Duration>,
}

impl Observer {
    pub(super) fn new(
        jobs: Arc<dyn Jobs>,
        clock: Arc<dyn Clock>,
        queue: QueueName,
        prior: Duration,
    ) -> Self {
        Self {
            jobs,
            clock,
            queue,
            prior_s: prior.as_secs_f64(),
            failures: 0,
            duration_s: 0.0,
            busy_s: 0.0,
            due: Vec::new(),
            due_at: None,
        }
    }

    /// One look. A queue that nobody made is empty, which is known.
    ///
    /// # Errors
    /// Those of the port: then nothing is known.
    pub(super) async fn look(&mut self, ahead: Duration) -> Result<Backlog, Error> {
        let state = match self.jobs.queue(&self.queue).await {
            Ok(state) => state,
            Err(Error::UnknownQueue { .. }) => return Ok(Backlog::default()),
            Err(error) => return Err(error),
        };
        self.look_for_due(&state).await?;
        Ok(self.backlog(&state, self.clock.now(), ahead))
    }

    async fn look_for_due(&mut self, state: &QueueState) -> Result<(), Error> {
        if state.counts.delayed + state.counts.failed == 0 {
            (self.due_at, self.due) = (None, Vec::new());
            return Ok(());
        }
        let now = self.clock.monotonic();
        if self
            .due_at
            .is_some_and(|at| now.saturating_sub(at) < DUE_EVERY)
        {
            return Ok(());
        }
        self.due_at = Some(now);
        self.due.clear();
        for (word, count) in [
            ("delayed", state.counts.delayed),
            ("failed", state.counts.failed),
        ] {
            if count == 0 {
                continue;
            }
            let filter = JobFilter {
                queue: self.queue.clone(),
                state: Some(word.to_owned()),
                after: None,
                limit: DUE_MAX,
            };
            let page = self.jobs.list(filter).await?;
            let due = page.jobs.iter().filter_map(|job| match job.state {
                JobState::Delayed { due } | JobState::Failed { due } => Some(due),
                _ => None,
            });
            self.due.extend(due);
        }
        Ok(())
    }

    fn backlog(&mut self, state: &QueueState, now: Timestamp, ahead: Duration) -> Backlog {
        let (counts, totals) = (&state.counts, &state.totals);
        // The port measures what was completed; a failed attempt is taken to last as long as those.
        let mean_s = match totals.completed {
            0 => self.prior_s,
            completed => totals.durations_sum_s / completed as f64,
        };
        let failures = totals.failures.saturating_sub(self.failures);
        self.busy_s += (totals.durations_sum_s - self.duration_s).max(0.0);
        self.busy_s += failures as f64 * mean_s;
        (self.failures, self.duration_s) = (totals.failures, totals.durations_sum_s);
        let later = self.due.iter().filter(|due| **due > now);
        let until = now.plus(ahead);
        // What became ready is in work, waits, or came out of work again.
        let out = totals.completed + totals.failures + totals.losses + totals.cancelled;
        Backlog {
            ready: claimable(state),
            leased: counts.active,
            due_soon: later.clone().filter(|due| **due <= until).count() as u64,
            next_due: later.min().copied(),
            oldest: (claimable(state) > 0).then_some(state.oldest),
            arrived: out + counts.active + counts.waiting + counts.prioritized,
            finished: totals.completed + totals.failures,
            busy: Duration::try_from_secs_f64(self.busy_s).unwrap_or_default(),
        }
    }
}

/// Jobs that a worker with nothing in hand could claim: those that a worker lost before are given only to such a one,
/// and are not among the ready ones.
pub(super) fn claimable(state: &QueueState) -> u64 {
    let waits = |word| state.waits.get(word).copied().unwrap_or_default();
    let with_suspects = state.ready + waits("suspect");
    // Without workers, the port says of both that these are missing.
    with_suspects.max(waits("no_workers"))
}
