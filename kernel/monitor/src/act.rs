//! What people do about alerts, checked before it becomes a fact.

use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;

use crate::{Act, Acted, Book, Error, Fact, Fingerprint};

/// A comment has at most this many bytes: a page of text.
pub const COMMENT_BYTES_MAX: usize = 4 << 10;
/// A person's name has at most this many bytes.
pub const PERSON_BYTES_MAX: usize = 256;
/// Nothing is shelved for longer: after a quarter of a year nobody remembers why.
pub const SHELVED_MAX: Duration = Duration::from_hours(24 * 92);

impl Book {
    /// The fact that somebody did something about an alert; it is true once it is
    /// [applied](Self::apply).
    ///
    /// # Errors
    /// [`Error::UnknownAlert`], [`Error::AlertOver`] when it is resolved and the act needs an active one,
    /// [`Error::BadAct`] when a text is missing or too long, or a time out of range.
    pub fn decide(
        &self,
        alert: Fingerprint,
        by: &str,
        act: Act,
        at: Timestamp,
    ) -> Result<Fact, Error> {
        check_person("the person", by)?;
        let found = self.find(alert).max_by_key(|e| e.is_active());
        let found = found.ok_or(Error::UnknownAlert { alert })?;
        let needs_active = match &act {
            Act::Acknowledge { comment } => {
                check_comment(comment)?;
                Some("acknowledged")
            }
            Act::Assign { to } => {
                to.as_ref()
                    .map_or(Ok(()), |to| check_person("the assignee", to))?;
                Some("assigned")
            }
            Act::Comment { comment } => {
                check_comment(comment)?;
                if comment.trim().is_empty() {
                    return Err(bad("a comment", "empty: say something"));
                }
                None
            }
            Act::Shelve { until, comment } => {
                check_comment(comment)?;
                check_shelf(*until, at)?;
                None
            }
            Act::Unacknowledge => Some("handed back"),
            Act::Unshelve => None,
        };
        if let Some(what) = needs_active.filter(|_| !found.is_active()) {
            return Err(Error::AlertOver { alert, what });
        }
        Ok(Fact::Acted(Acted {
            alert,
            labels: found.labels.clone(),
            at,
            by: Arc::from(by),
            act,
        }))
    }
}

fn bad(name: &'static str, problem: impl Into<String>) -> Error {
    let problem = problem.into();
    Error::BadAct { name, problem }
}

fn check_person(name: &'static str, text: &str) -> Result<(), Error> {
    match text.len() {
        0 => Err(bad(name, "missing: give a name")),
        1..=PERSON_BYTES_MAX => Ok(()),
        _ => Err(bad(name, format!("longer than {PERSON_BYTES_MAX} bytes"))),
    }
}

fn check_comment(text: &str) -> Result<(), Error> {
    match text.len() {
        0..=COMMENT_BYTES_MAX => Ok(()),
        _ => Err(bad(
            "a comment",
            format!("longer than {COMMENT_BYTES_MAX} bytes: shorten it"),
        )),
    }
}

fn check_shelf(until: Timestamp, now: Timestamp) -> Result<(), Error> {
    if until <= now {
        return Err(bad(
            "the end of a shelf",
            format!("{until}, which is not after now"),
        ));
    }
    if until.since(now) > SHELVED_MAX {
        let last = now.plus(SHELVED_MAX);
        return Err(bad(
            "the end of a shelf",
            format!("{until}: it can be {last} at the latest"),
        ));
    }
    Ok(())
}
