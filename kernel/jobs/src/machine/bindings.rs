//! Which jobs an event becomes.

use bytes::Bytes;
use portique_event::{Event, Subject};

use super::Machine;
use super::fact::{BindingBody, Decided, Fact, Named};
use crate::{Binding, Error, Label, NewJob, Payload, ScheduleName};

/// Most bindings: each is compared with the subject of every event.
const BINDINGS_MAX: usize = 1_000;
/// Media type of an event in CloudEvents' structured JSON.
const EVENT_CONTENT_TYPE: &str = "application/cloudevents+json";
/// The extension whose value becomes the job's key.
const KEY_EXTENSION: &str = "partitionkey";
/// The extension that is carried to the worker as a header.
const TRACE_EXTENSION: &str = "traceparent";

impl Machine {
    /// Turns every event that passes a filter into a job from now on; none when it is so already.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]; [`Error::Exhausted`] when there are too many.
    pub fn decide_bind(&self, binding: &Binding) -> Result<Option<Fact>, Error> {
        check(binding)?;
        if self.bindings.get(&binding.name) == Some(binding) {
            return Ok(None);
        }
        if !self.bindings.contains_key(&binding.name) && self.bindings.len() >= BINDINGS_MAX {
            return Err(Error::Exhausted {
                resource: "bindings",
                remedy: format!("{BINDINGS_MAX} exist: remove some that are not used"),
            });
        }
        let body = BindingBody::new(binding);
        Ok(Some(Fact(Decided::BindingDefined(body))))
    }

    /// Forgets a binding.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn decide_unbind(&self, name: &ScheduleName) -> Result<Fact, Error> {
        if !self.bindings.contains_key(name) {
            return Err(Error::UnknownName {
                what: "binding",
                name: name.to_string(),
            });
        }
        let name = name.to_string();
        Ok(Fact(Decided::BindingRemoved(Named { name })))
    }

    /// Every binding, by name.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.values()
    }

    /// Whether an event with this subject becomes a job: only then it is worth being written as JSON.
    pub fn is_bound(&self, subject: &Subject) -> bool {
        self.bindings()
            .any(|binding| binding.filter.matches(subject))
    }

    /// The jobs that an event becomes, to be [decided](Self::decide_enqueue) together with what else the
    /// frame enqueues. `json` is the event in CloudEvents' structured JSON.
    pub fn bound_jobs(&self, event: &Event, json: &Bytes) -> Vec<NewJob> {
        let bound = self.bindings();
        let bound = bound.filter(|binding| binding.filter.matches(event.subject()));
        bound.map(|binding| job(binding, event, json)).collect()
    }
}

fn job(binding: &Binding, event: &Event, json: &Bytes) -> NewJob {
    let payload = Payload {
        content_type: EVENT_CONTENT_TYPE.into(),
        body: json.clone(),
    };
    let mut job = NewJob::new(binding.queue.clone(), binding.kind.clone(), payload);
    job.options = binding.options.clone();
    let key = event.extension(KEY_EXTENSION).map(Label::new);
    if let Some(Ok(key)) = key {
        job.options.key = Some(key);
    }
    if let Some(trace) = event.extension(TRACE_EXTENSION) {
        let trace = trace.to_owned();
        job.options.headers.insert(TRACE_EXTENSION.into(), trace);
    }
    job
}

fn check(binding: &Binding) -> Result<(), Error> {
    let options = &binding.options;
    let present = [
        ("run_at", options.run_at.is_some()),
        ("deadline", options.deadline.is_some()),
        ("key", options.key.is_some()),
        ("idempotency_key", options.idempotency_key.is_some()),
        ("unique", options.unique.is_some()),
        ("after", !options.after.is_empty()),
    ];
    if let Some((name, _)) = present.iter().find(|(_, is_present)| *is_present) {
        return Err(Error::InvalidOption {
            name,
            problem: "set: a binding's jobs cannot have it".into(),
        });
    }
    let payload = Payload::json(Bytes::new());
    let mut job = NewJob::new(binding.queue.clone(), binding.kind.clone(), payload);
    job.options = options.clone();
    job.check()
}
