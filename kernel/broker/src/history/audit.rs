use std::fmt;
use std::ops::ControlFlow;

use portique_journal::{Disk, Entry, Sequence, dump};

use super::Acknowledged;
use crate::Error;

/// What a journal's history came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audit {
    /// The first record read; more than 1 when retention took what was before, whose jobs and
    /// deliveries are then known only from what was said of them later.
    pub first: Sequence,
    /// The last record read.
    pub last: Sequence,
    /// What was counted.
    pub totals: Totals,
    /// What may not have happened, in the order of the records; at most
    /// [`VIOLATIONS_MAX`](Audit::VIOLATIONS_MAX) are kept.
    pub violations: Vec<Violation>,
    /// How many there are, kept or not.
    pub violations_total: u64,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records read.
    pub records: u64,
    /// Starts of the broker.
    pub starts: u64,
    /// Events published, dead letters included.
    pub published: u64,
    /// Deliveries acknowledged.
    pub acknowledged: u64,
    /// Events given up on by a consumer.
    pub buried: u64,
    /// Jobs enqueued.
    pub enqueued: u64,
    /// Claims of jobs.
    pub claimed: u64,
    /// Jobs completed.
    pub completed: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Leases lost.
    pub losses: u64,
    /// Jobs cancelled.
    pub cancelled: u64,
    /// Dead jobs dropped.
    pub dropped: u64,
    /// Jobs that wait at the end, for whatever reason.
    pub waiting: u64,
    /// Jobs in a worker's hands at the end.
    pub active: u64,
    /// Jobs dead at the end.
    pub dead: u64,
}

/// Something that may not have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The record that says so; none when it is about the end.
    pub sequence: Option<Sequence>,
    /// The promise that is broken, in a word such as `completed_twice`.
    pub rule: &'static str,
    /// What happened, with the ids and tokens concerned.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence {
            Some(sequence) => write!(f, "record {sequence}: {}: {}", self.rule, self.what),
            None => write!(f, "at the end: {}: {}", self.rule, self.what),
        }
    }
}

impl Audit {
    /// Most violations kept: the first ones say where it began.
    pub const VIOLATIONS_MAX: usize = 1_000;

    /// Whether everything may have happened.
    pub fn is_clean(&self) -> bool {
        self.violations_total == 0
    }
}

/// Checks the records of a journal in order, such as a [`Reader`](portique_journal::Reader) gives them, and
/// holds them against what clients were told.
///
/// # Errors
/// [`Error::Journal`] for a record that cannot be read, [`Error::Record`] for one that is not the broker's.
pub fn audit(
    entries: impl Iterator<Item = Result<Entry, portique_journal::Error>>,
    acknowledged: Option<&Acknowledged>,
) -> Result<Audit, Error> {
    let mut auditor = Auditor::default();
    for entry in entries {
        auditor.take(entry?)?;
    }
    Ok(auditor.finish(acknowledged))
}

/// As [`audit`], over a journal that no process has open, changing nothing.
///
/// # Errors
/// As [`audit`].
pub fn audit_disk(disk: &dyn Disk, acknowledged: Option<&Acknowledged>) -> Result<Audit, Error> {
    let mut auditor = Auditor::default();
    let mut refused = None;
    let mut take = |entry| match auditor.take(entry) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            refused = Some(error);
            ControlFlow::Break(())
        }
    };
    match dump(disk, Sequence::FIRST, &mut take) {
        Err(portique_journal::Error::Trimmed { first, .. }) => dump(disk, first, &mut take)?,
        done => done?,
    }
    match refused {
        Some(error) => Err(error),
        None => Ok(auditor.finish(acknowledged)),
    }
}

/// Takes the records in, one by one.
#[derive(Debug, Default)]
struct Auditor {
    audit: Audit,
}

impl Auditor {
    fn take(&mut self, entry: Entry) -> Result<(), Error> {
        self.audit.totals.records += 1;
        self.audit.last = entry.sequence;
        Ok(())
    }

    fn finish(self, _acknowledged: Option<&Acknowledged>) -> Audit {
        self.audit
    }
}
