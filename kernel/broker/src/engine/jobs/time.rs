//! What the clock brings about: lost leases, deadlines, ticks, and jobs that become due.

use std::time::Duration;

use portique_fault::chain;
use portique_jobs::{Error, Now, QueueName};
use portique_journal::{Lane, State as JournalState};

use crate::engine::commit::Draft;
use crate::engine::{Core, Shared};

use super::change::drafts;
use super::{JobsCore, JobsShared};

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
    /// How long the timer may sleep: until something is due, or a queue that somebody waits for may give
    /// something. Wakes one of those whose time has come.
    fn sleep(&mut self, now: Now) -> Duration {
        for (queue, at) in std::mem::take(&mut self.expected) {
            if at <= now.monotonic {
                self.waiting.wake(&queue);
            }
        }
        let mut sleep = self.machine.next_due(now).unwrap_or(SLEEP_MAX);
        for queue in self.waiting.queues() {
            if let Some(wait) = self.machine.next_ready(queue, now) {
                let at = now.monotonic.saturating_add(wait);
                self.expected.insert(queue.clone(), at);
                sleep = sleep.min(wait);
            }
        }
        let sleep = sleep.min(SLEEP_MAX);
        self.sleeps_until = Some(now.monotonic.saturating_add(sleep));
        sleep
    }

    /// Sees to it that whoever waits for a queue is woken when time alone lets it give something.
    pub(super) fn expect(&mut self, queue: &QueueName, now: Now, shared: &JobsShared) {
        if !self.waiting.is_awaited(queue) {
            return;
        }
        let Some(wait) = self.machine.next_ready(queue, now) else {
            return;
        };
        let at = now.monotonic.saturating_add(wait);
        match self.expected.get_mut(queue) {
            Some(known) => *known = at.min(*known),
            None => drop(self.expected.insert(queue.clone(), at)),
        }
        if self.sleeps_until.is_none_or(|until| at < until) {
            self.sleeps_until = Some(at);
            shared.sooner.notify_one();
        }
    }
}
