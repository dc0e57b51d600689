//! What the clock brings about: lost leases, deadlines, ticks, and jobs that become due.

use std::time::Duration;

use portique_fault::chain;
use portique_jobs::{Error, Now};
use portique_journal::{Lane, State as JournalState};

use crate::engine::commit::Draft;
use crate::engine::{Core, Shared};

use super::JobsCore;
use super::change::drafts;

/// Longest sleep: a wall clock that was set forward is noticed within this.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// How long what the journal refused waits until it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Sees to what becomes due, when it does, until the broker is closed.
pub(crate) async fn see_to_time(shared: &Shared) {
    while !shared.is_closed() {
        let pause = match shared.see_to_due().await {
            Ok(pause) => pause,
            Err(error) => {
                let reason = chain(&error);
                tracing::warn!(reason, "what became due for jobs waits");
                RETRY_AFTER
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.jobs.sooner.notified() => {}
        }
    }
}

impl Shared {
    /// Sees to everything that is due now; how long until there may be more.
    pub(crate) async fn see_to_due(&self) -> Result<Duration, Error> {
        // A schedule would use up what is kept for finishing jobs: its ticks wait.
        let is_short = matches!(self.journal.state(), JournalState::DrainOnly { .. });
        let mut decide = |core: &mut Core, now: Now| {
            let JobsCore {
                machine,
                given_back,
                sleeps_until,
                ..
            } = &mut core.jobs;
            // It is awake: nobody has to wake it.
            *sleeps_until = Some(Duration::ZERO);
            let mut facts = machine
                .decide_release(given_back, Duration::ZERO, now)?
                .facts;
            if facts.is_empty() {
                given_back.clear();
                facts = machine.due(now);
            }
            let mut due = drafts(facts);
            if is_short {
                let tick = due.iter().position(Draft::is_tick);
                due.truncate(tick.unwrap_or(due.len()));
            }
            Ok(due)
        };
        while self.change_jobs(Lane::Drain, &mut decide).await?.is_some() {}
        let mut core = self.core();
        let now = self.now();
        core.jobs.pass_on(&self.jobs, now);
        let sleep = core.jobs.sleep(now);
        Ok(if is_short {
            sleep.max(RETRY_AFTER)
        } else {
            sleep
        })
    }
}

impl JobsCore {
    /// How long the timer may sleep: until something is due, or a job that somebody waits for may be
    /// given.
    fn sleep(&mut self, now: Now) -> Duration {
        let due = self.machine.next_due(now);
        let queues = self.waiting.queues();
        let ready = queues.filter_map(|queue| self.machine.next_ready(queue, now));
        let sleep = ready.chain(due).min().unwrap_or(SLEEP_MAX).min(SLEEP_MAX);
        self.sleeps_until = Some(now.monotonic.saturating_add(sleep));
        sleep
    }
}
