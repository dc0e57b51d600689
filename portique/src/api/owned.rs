use portique_bus::ConsumerName;
use portique_event::Subject;
use portique_fault::{Code, Report, Retry};

/// What belongs to somebody in the hub, and is not changed from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owned {
    /// First tokens of subjects, such as `launch`.
    pub(crate) subjects: Vec<&'static str>,
    /// Beginnings of consumer names, such as `launch-`.
    pub(crate) consumers: Vec<&'static str>,
}

impl Owned {
    /// # Errors
    /// Permission denied for a subject that is a system's, or the bus's own.
    pub(crate) fn check_subject(&self, subject: &Subject) -> Result<(), Report> {
        let first = subject.tokens().next().unwrap_or_default();
        if !self.subjects.contains(&first) {
            return Ok(());
        }
        Err(denied(format!(
            "events on {subject} are not taken from outside: {first}.> belongs to a part of \
                 the hub, which acts on what it finds there; publish on another subject"
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
