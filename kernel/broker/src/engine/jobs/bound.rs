//! Events that become jobs in the frame that publishes them.

use bytes::Bytes;
use portique_bus::Error;
use portique_event::Event;
use portique_fault::chain;
use portique_jobs::{Error as JobsError, NewJob};

use crate::engine::commit::Draft;
use crate::engine::{Core, Shared};

use super::change::drafts;

/// Jobs of one call that bindings did not make, because their queues did not take them.
#[derive(Default)]
pub(crate) struct Missed {
    jobs: usize,
    reason: String,
}

impl Missed {
    /// Notes jobs that are left out.
    pub(crate) fn note(&mut self, jobs: usize, error: &JobsError) {
        self.jobs = jobs;
        self.reason = chain(error);
    }
}

impl Shared {
    /// The changes, and after them the jobs that their events become. Jobs that their queues do not take
    /// are noted as missed when the events go first.
    ///
    /// # Errors
    /// When a queue does not take them in and the events do not go first.
    pub(crate) fn with_bound_jobs(
        &self,
        core: &Core,
        mut changes: Vec<Draft>,
        go_first: bool,
        missed: &mut Missed,
    ) -> Result<Vec<Draft>, Error> {
        let jobs = core
            .jobs
            .bound_jobs(changes.iter().filter_map(Draft::as_event));
        *missed = Missed::default();
        if jobs.is_empty() {
            return Ok(changes);
        }
        let count = jobs.len();
        match core.jobs.machine.decide_enqueue(jobs, self.now()) {
            Ok(plan) => changes.extend(drafts(plan.facts)),
            Err(error) if go_first => missed.note(count, &error),
            Err(error) => return Err(refusal(&error)),
        }
        Ok(changes)
    }

    /// Whether one of the events is to be published without the jobs it is bound to rather than not at
    /// all: a full queue must not stop those who publish them.
    pub(crate) fn any_goes_first<'a>(&self, mut events: impl Iterator<Item = &'a Event>) -> bool {
        let unhindered = &self.config.unhindered;
        events.any(|event| {
            unhindered
                .iter()
                .any(|filter| filter.matches(event.subject()))
        })
    }

    /// Logs and counts what was missed, once the call was submitted.
    pub(crate) fn tell_missed(&self, missed: &Missed) {
        if missed.jobs == 0 {
            return;
        }
        let Missed { jobs, reason } = missed;
        self.core().jobs_missed += *jobs as u64;
        tracing::error!(
            jobs,
            reason,
            "events are published without jobs they are bound to"
        );
    }
}

impl super::JobsCore {
    /// Whether a binding makes a job of one of the events.
    pub(crate) fn binds_any<'a>(&self, mut events: impl Iterator<Item = &'a Event>) -> bool {
        events.any(|event| self.machine.is_bound(event.subject()))
    }

    /// What the bindings make of events.
    pub(crate) fn bound_jobs<'a>(&self, events: impl Iterator<Item = &'a Event>) -> Vec<NewJob> {
        let mut jobs = Vec::new();
        for event in events {
            if self.machine.is_bound(event.subject()) {
                let json = serde_json::to_vec(event).expect("events have a JSON form");
                jobs.extend(self.machine.bound_jobs(event, &Bytes::from(json)));
            }
        }
        jobs
    }
}

fn refusal(error: &JobsError) -> Error {
    match *error {
        JobsError::PayloadTooLarge { given, max } => Error::BatchTooLarge {
            given,
            max,
            unit: "bytes",
        },
        _ => Error::Exhausted {
            resource: "room in a queue that the event is bound to",
            remedy: chain(error),
        },
    }
}
