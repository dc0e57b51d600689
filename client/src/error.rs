use portique_fault::{Code, Fault};

/// Why there is no client, no worker, or no sample.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the hub cannot be used.
    #[error("{url:?} is no address of a hub: write http://HOST:PORT or https://HOST:PORT")]
    Url {
        /// What was given.
        url: String,
        /// Why it cannot be used.
        #[source]
        source: tonic::transport::Error,
    },
    /// Nobody can be believed to be the hub.
    #[error("no certificate of a hub can be checked: {problem}")]
    Trust {
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The token cannot be sent.
    #[error(
        "the token has characters that a header cannot carry: give the content of service.token"
    )]
    Token,
    /// The operating system has no randomness.
    #[error("no random bytes can be drawn: {reason}")]
    Random {
        /// Why.
        reason: String,
    },
    /// The hub refuses the worker, and will refuse it again.
    #[error("the hub refuses the worker: {message}")]
    WorkerRefused {
        /// What a caller can do.
        code: Code,
        /// What the hub says.
        message: String,
    },
    /// The hub takes no samples, or not these.
    #[error("the hub refuses the samples: {message}")]
    SamplesRefused {
        /// What a caller can do.
        code: Code,
        /// What the hub says.
        message: String,
    },
    /// The hub is not reached: samples may have been taken, and can be sent again.
    #[error("the hub is not reached: {reason}")]
    NotReached {
        /// Why, as far as it is known.
        reason: String,
    },
    /// More than a client takes.
    #[error("{given} {what}, at most {max} are allowed")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many there may be.
        max: usize,
    },
    /// A worker's options are out of range.
    #[error("{name} is {problem}")]
    InvalidOption {
        /// The option.
        name: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Url { .. } | Self::Token | Self::Trust { .. } | Self::InvalidOption { .. } => {
                Code::InvalidArgument
            }
            Self::Random { .. } | Self::NotReached { .. } => Code::Unavailable,
            Self::TooMuch { .. } => Code::ResourceExhausted,
            Self::WorkerRefused { code, .. } | Self::SamplesRefused { code, .. } => *code,
        }
    }
}
