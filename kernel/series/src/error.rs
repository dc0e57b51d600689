use portique_fault::{Code, Fault};

/// What can go wrong with telemetry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A matcher's regular expression cannot be compiled, or is larger than allowed.
    #[error("the regular expression {pattern:?} is not usable: {reason}")]
    BadPattern {
        /// The expression as written.
        pattern: String,
        /// What the parser says.
        reason: String,
    },
    /// Bytes that should be a chunk are not.
    #[error("the chunk is damaged at byte {offset}: {reason}")]
    DamagedChunk {
        /// Where in the chunk.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::BadPattern { .. } => Code::InvalidArgument,
            Self::DamagedChunk { .. } => Code::DataLoss,
        }
    }
}
