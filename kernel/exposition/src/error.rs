use portique_fault::{Code, Fault};

/// Why a body cannot be read at all; none of it was kept, unless the reader says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body, or what it declares to be, is over a limit.
    #[error("{what} takes {given} {unit}, at most {max} are allowed: send less at a time")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How much there is, or is declared.
        given: u64,
        /// The limit.
        max: u64,
        /// `bytes` or `samples`.
        unit: &'static str,
    },
    /// The compressed body is damaged, or not compressed at all.
    #[error(
        "the body is not a snappy block: compress it with snappy's block format, without frames"
    )]
    Snappy {
        /// What the decoder says.
        #[source]
        source: snap::Error,
    },
    /// The compressed body is damaged, or not compressed at all.
    #[error("the body is not gzip: compress it, or leave the header content-encoding out")]
    Gzip {
        /// What the decoder says.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are not the message that they are said to be.
    #[error("not a {message} message at byte {offset}: {problem}")]
    Malformed {
        /// The message, as its protocol names it.
        message: &'static str,
        /// Where in the decompressed body.
        offset: usize,
        /// What does not fit.
        problem: &'static str,
    },
    /// A matcher of a request cannot be used.
    #[error("a matcher cannot be used")]
    Matcher {
        /// Why.
        #[source]
        source: portique_series::Error,
    },
    /// The body is not the JSON that its format asks for.
    #[error("not OTLP JSON at {path}: {problem}")]
    Json {
        /// The field, such as `resourceMetrics[0].resource`.
        path: String,
        /// What does not fit, and what would.
        problem: String,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::ResourceExhausted,
            Self::Snappy { .. }
            | Self::Gzip { .. }
            | Self::Malformed { .. }
            | Self::Matcher { .. }
            | Self::Json { .. } => Code::InvalidArgument,
        }
    }
}
