//! What belongs to a part of the hub, and how it is kept from visitors.

mod queues;

use std::sync::Arc;

use portique_bus::ConsumerName;
use portique_event::{Filter, Subject};
use portique_fault::{Code, Report, Retry};
use portique_jobs::{Jobs, Transact};

use super::webhooks::CONSUMER_PREFIX;
use crate::fleet;
use crate::monitor::keeper;
use crate::notify;
pub(crate) use queues::OwnedQueue;
use queues::{VisitorJobs, VisitorTransact};

/// The first token of dead letters' subjects: the bus writes them.
const DEAD: &str = "dead";

/// What belongs to somebody in the hub, and is not changed from outside.
#[derive(Debug, Clone)]
pub(crate) struct Owned {
    /// First tokens of subjects.
    pub(crate) subjects: Vec<&'static str>,
    /// Beginnings of names.
    pub(crate) consumers: Vec<&'static str>,
    /// Queues.
    pub(crate) queues: Vec<OwnedQueue>,
    /// Subjects among those owned on which anybody asks for something.
    pub(crate) asked: Vec<&'static str>,
}

impl Owned {
    /// What systems own, given by the first tokens of their subjects and the beginnings of their
    /// consumers' names, and what dead letters, webhooks, rules, notifications and pools do.
    pub(crate) fn new(subjects: &[&'static str], consumers: &[&'static str]) -> Self {
        Self {
            subjects: [subjects, &[DEAD, keeper::SUBJECTS, fleet::SUBJECTS]].concat(),
            consumers: [consumers, &[CONSUMER_PREFIX, keeper::CONSUMERS]].concat(),
            queues: vec![OwnedQueue::closed(notify::QUEUE)],
            asked: Vec::new(),
        }
    }

    /// With subjects on which anybody asks for something.
    pub(crate) fn with_asked(mut self, asked: &[&'static str]) -> Self {
        self.asked.extend(asked);
        self
    }

    /// With queues of a system.
    pub(crate) fn with_queues(mut self, queues: impl IntoIterator<Item = OwnedQueue>) -> Self {
        self.queues.extend(queues);
        self
    }

    /// What the events pass that belong to somebody in the hub.
    pub(crate) fn filters(&self) -> Vec<Filter> {
        let filters = self
            .subjects
            .iter()
            .flat_map(|first| [(*first).to_owned(), format!("{first}.>")]);
        let filters = filters.map(|filter| Filter::new(filter).expect("a name is a token"));
        filters.collect()
    }

    /// The queues as visitors have them.
    pub(crate) fn keep_jobs(&self, jobs: Arc<dyn Jobs>) -> Arc<dyn Jobs> {
        Arc::new(VisitorJobs::new(jobs, self.queues.clone()))
    }

    /// Transactions as visitors make them, on the same queues.
    pub(crate) fn keep_transact(
        &self,
        transact: Arc<dyn Transact>,
        jobs: Arc<dyn Jobs>,
    ) -> Arc<dyn Transact> {
        let visited = VisitorJobs::new(jobs, self.queues.clone());
        Arc::new(VisitorTransact::new(transact, visited))
    }

    /// # Errors
    /// Permission denied for a subject that is a system's, or the bus's own.
    pub(crate) fn check_subject(&self, subject: &Subject) -> Result<(), Report> {
        let first = subject.tokens().next().unwrap_or_default();
        if !self.subjects.contains(&first) || self.asked.contains(&subject.as_str()) {
            return Ok(());
        }
        Err(denied(format!(
            "events on {subject} are not taken from outside: {first}.> belongs to a part of \
             the hub, which acts on what it finds there; publish on another subject"
        )))
    }

    /// # Errors
    /// Permission denied for a filter that a subject of a system may pass: events are published with
    /// the jobs they are bound to or not at all, so that a full queue would stop the system.
    pub(crate) fn check_binding(&self, filter: &Filter) -> Result<(), Report> {
        let first = filter.as_str().split('.').next().unwrap_or_default();
        let is_wild = matches!(first, "*" | ">");
        if !is_wild && !self.subjects.contains(&first) {
            return Ok(());
        }
        Err(denied(format!(
            "a binding of {filter} is not made from outside: what belongs to a part of the hub may \
             pass it, and would be held up by a full queue; begin the filter with another name, or \
             read these events with a consumer"
        )))
    }

    /// # Errors
    /// Permission denied for a consumer that is a system's.
    pub(crate) fn check_consumer(&self, name: &ConsumerName) -> Result<(), Report> {
        let owner = self
            .consumers
            .iter()
            .find(|prefix| name.as_str().starts_with(**prefix));
        let Some(prefix) = owner else { return Ok(()) };
        Err(denied(format!(
            "consumer {name} is not changed from outside: names that begin with {prefix} \
             belong to a part of the hub; make a consumer of your own"
        )))
    }
}

fn denied(message: String) -> Report {
    Report {
        code: Code::PermissionDenied,
        message,
        retry: Retry::No,
    }
}
