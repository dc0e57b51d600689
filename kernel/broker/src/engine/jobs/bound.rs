//! Events that become jobs in the frame that publishes them.

use bytes::Bytes;
use portique_bus::Error;
use portique_event::Event;
use portique_fault::chain;
use portique_jobs::{Error as JobsError, NewJob};
use portique_journal::Lane;

use crate::engine::commit::Draft;
use crate::engine::{Core, Shared};

use super::change::drafts;

impl Shared {
    /// The changes, and after them the jobs that their events become.
    ///
    /// # Errors
    /// When a queue does not take them in; what must be written down is then written without them.
    pub(crate) fn with_bound_jobs(
        &self,
        core: &Core,
        mut changes: Vec<Draft>,
        lane: Lane,
    ) -> Result<Vec<Draft>, Error> {
        let jobs = core
            .jobs
            .bound_jobs(changes.iter().filter_map(Draft::as_event));
        if jobs.is_empty() {
            return Ok(changes);
        }
        match core.jobs.machine.decide_enqueue(jobs, self.now()) {
            Ok(plan) => changes.extend(drafts(plan.facts)),
            Err(error) if lane == Lane::Drain => {
                let reason = chain(&error);
                tracing::error!(
                    reason,
                    "an event is published without the jobs it is bound to"
                );
            }
            Err(error) => return Err(refusal(&error)),
        }
        Ok(changes)
    }
}

impl super::JobsCore {
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
