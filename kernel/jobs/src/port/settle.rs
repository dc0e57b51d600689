use std::time::Duration;

use portique_clock::Timestamp;

use crate::{Lease, Payload};

/// Most jobs of one settling call.
pub const SETTLE_MAX: usize = 4_096;
/// Most bytes of a failure's reason; longer ones are cut.
pub const REASON_BYTES_MAX: usize = 4 * 1024;

/// A job done.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Which, under which claim.
    pub lease: Lease,
    /// What came of it, kept for the job's result time.
    pub result: Option<Payload>,
}

/// An attempt that came to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    /// Which, under which claim.
    pub lease: Lease,
    /// Why, for people; cut to 4 KiB.
    pub reason: String,
    /// What is to become of it.
    pub failure: Failure,
}

/// What is to become of a job that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Failure {
    /// What its policy says.
    #[default]
    Policy,
    /// Tried again after this long, if the policy leaves an attempt.
    After(Duration),
    /// Dead: trying again cannot help.
    Reject,
}

/// What became of one job of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// What was asked for.
    Done,
    /// It is tried again at this time.
    Retrying {
        /// Not before.
        at: Timestamp,
    },
    /// Its attempts are spent: it is dead.
    Dead,
    /// The lease is no longer held: lost, cancelled, or ended under another token.
    Stale,
    /// There is no such job, or it is not remembered any more.
    Unknown,
    /// Its state does not allow it; the word of that state.
    Refused(&'static str),
}
