use portique_fault::{Code, Fault};

/// Why something is not an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A subject or filter is malformed.
    #[error(
        "{text:?} is not a subject: write 1 to 255 bytes of names (A-Z a-z 0-9 _ -) joined by dots, \
         such as plant.north.pump; a filter may use * for one name and a final > for the rest"
    )]
    Subject {
        /// What was given.
        text: String,
    },
    /// An attribute is missing, empty or too long.
    #[error("event attribute {name} is {problem}")]
    Attribute {
        /// The attribute.
        name: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// There are too many extension attributes.
    #[error("the event has {count} extension attributes, over the limit of {max}")]
    TooManyExtensions {
        /// How many were given.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// The data is over the limit.
    #[error("event data is {bytes} bytes, over the limit of {max}: store it and send a reference")]
    DataTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

impl Error {
    pub(crate) fn attribute(name: &str, problem: impl Into<String>) -> Self {
        Self::Attribute {
            name: name.into(),
            problem: problem.into(),
        }
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Subject { .. }
            | Self::Attribute { .. }
            | Self::TooManyExtensions { .. }
            | Self::DataTooLarge { .. } => Code::InvalidArgument,
        }
    }
}
