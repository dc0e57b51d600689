use std::fmt;
use std::str::FromStr;

use crate::Error;

/// Longest name of a queue, worker, schedule or kind of job, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Longest group or key, in bytes: room for an address of e-mail or a path.
const LABEL_BYTES_MAX: usize = 128;

fn is_name(text: &str) -> bool {
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_name_byte)
}

fn is_label(text: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:ident, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The checked text.
            ///
            /// # Errors
            /// [`Error::Name`] when it breaks the rule.
            pub fn new(text: impl Into<String>) -> Result<Self, Error> {
                let text = text.into();
                if $check(&text) {
                    return Ok(Self(text.into()));
                }
                Err(Error::Name {
                    what: $what,
                    text,
                    rule: $rule,
                })
            }

            /// As written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }
    };
}

checked_text!(
    /// The name of a queue: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    QueueName, "queue name", is_name, "write 1 to 64 of A-Z a-z 0-9 _ - ."
);
checked_text!(
    /// The name of a worker process, the same for all its claims: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    WorkerName, "worker name", is_name, "write 1 to 64 of A-Z a-z 0-9 _ - ."
);
checked_text!(
    /// What kind of work a job is, for the worker to choose its code by: 1 to 64 of
    /// `A-Z a-z 0-9 _ - .`.
    JobKind, "kind of job", is_name, "write 1 to 64 of A-Z a-z 0-9 _ - ."
);
checked_text!(
    /// A group (whose share is fair) or a key (whose jobs are limited together): 1 to 128 bytes
    /// without control characters.
    Label, "group or key", is_label, "write 1 to 128 bytes without control characters"
);
checked_text!(
    /// The name of a schedule or a binding: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    ScheduleName, "name of a schedule or binding", is_name, "write 1 to 64 of A-Z a-z 0-9 _ - ."
);
