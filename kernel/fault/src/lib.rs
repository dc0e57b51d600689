//! What went wrong, in about ten words that a machine can act on.
//!
//! Every crate keeps its own `Error`; each implements [`Fault`] so that an edge (HTTP, gRPC, the
//! command line's exit status) can map it without knowing the crate. Nothing here knows a
//! protocol: the mappings live at the edges only.

use std::time::Duration;

/// What a caller can do about an error, independent of protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The input is malformed or out of range; the same input will fail again.
    InvalidArgument,
    /// The thing named does not exist.
    NotFound,
    /// The thing exists already, or another holder has it.
    Conflict,
    /// The input is well formed but the state does not allow it now.
    FailedPrecondition,
    /// No, or no valid, credentials came with the request.
    Unauthenticated,
    /// The credentials are valid but do not allow this.
    PermissionDenied,
    /// A limit is reached: queue, disk, rate.
    ResourceExhausted,
    /// The deadline passed before the work was done.
    DeadlineExceeded,
    /// Something needed is not there at the moment.
    Unavailable,
    /// Stored data is damaged.
    DataLoss,
    /// A broken invariant: a bug.
    Internal,
}

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Sending it again cannot help.
    No,
    /// It may succeed after this long.
    After(Duration),
}

/// An error that says what the caller can do about it.
pub trait Fault: std::error::Error {
    /// The code an edge maps to its protocol.
    fn code(&self) -> Code;

    /// Whether and when to retry; the default is not to.
    fn retry(&self) -> Retry {
        Retry::No
    }
}

/// An error's causes in one line, outermost first, joined by `: `.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// An error on its way to an edge: what every protocol needs of it, and no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the caller can do.
    pub code: Code,
    /// What went wrong, where, and what would be right, with its causes.
    pub message: String,
    /// Whether and when to retry.
    pub retry: Retry,
}

impl<F: Fault> From<&F> for Report {
    fn from(fault: &F) -> Self {
        Self {
            code: fault.code(),
            message: chain(fault),
            retry: fault.retry(),
        }
    }
}
