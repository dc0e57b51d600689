use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;

use portique_journal::{Disk, Entry, Sequence, dump};

use super::Acknowledged;
use super::deliveries::Deliveries;
use super::findings::Findings;
use super::job_facts::JobFact;
use super::jobs::Jobs;
use crate::Error;
use crate::error::RecordError;
use crate::fact::{DecodeError, Fact, Published};

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
    let mut auditor = Auditor::new(acknowledged);
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
    let mut auditor = Auditor::new(acknowledged);
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
    first: Option<Sequence>,
    last: Sequence,
    totals: Totals,
    findings: Findings,
    deliveries: Deliveries,
    jobs: Jobs,
    /// Completions that clients were told of and that were not met yet.
    expected: HashSet<(u64, u64)>,
}

impl Auditor {
    fn new(acknowledged: Option<&Acknowledged>) -> Self {
        let told = acknowledged.into_iter().flat_map(|told| &told.completed);
        Self {
            expected: told.copied().collect(),
            ..Self::default()
        }
    }

    fn take(&mut self, entry: Entry) -> Result<(), Error> {
        let sequence = entry.sequence;
        if self.first.is_none() {
            self.first = Some(sequence);
            self.deliveries.begin(sequence.0);
            self.jobs.begin(sequence.0);
        }
        self.last = sequence;
        self.totals.records += 1;
        self.findings.stand_at(Some(sequence));
        self.take_in(entry).map_err(|source| Error::Record {
            sequence,
            source: RecordError::from(source),
        })
    }

    fn take_in(&mut self, entry: Entry) -> Result<(), DecodeError> {
        let sequence = entry.sequence.0;
        if JobFact::is_kind(entry.kind) {
            let fact = JobFact::decode(entry.kind, entry.body)?;
            if let JobFact::Completed(done) = &fact {
                for lease in done.ids.iter().copied().zip(done.tokens.iter().copied()) {
                    self.expected.remove(&lease);
                }
            }
            self.jobs
                .take(sequence, fact, &mut self.totals, &mut self.findings);
            return Ok(());
        }
        self.jobs.pass(sequence, &mut self.findings);
        self.take_bus(sequence, Fact::decode(entry.kind, entry.body)?)
    }

    fn take_bus(&mut self, sequence: u64, fact: Fact) -> Result<(), DecodeError> {
        let (deliveries, findings) = (&mut self.deliveries, &mut self.findings);
        match fact {
            Fact::Published(body) => {
                self.totals.published += 1;
                deliveries.publish(sequence, Published::parse(body)?)?;
            }
            Fact::Carried(body) => deliveries.publish(sequence, Published::parse(body)?)?,
            Fact::Created(created) => deliveries.create(&created)?,
            Fact::Removed(removed) => deliveries.remove(removed.consumer),
            Fact::Delivered(delivered) => deliveries.deliver(&delivered, findings),
            Fact::Acknowledged(fact) => {
                deliveries.acknowledge(&fact, &mut self.totals, findings);
            }
            Fact::Returned(returned) => deliveries.give_back(&returned, findings),
            Fact::Buried(buried) => {
                deliveries.bury(sequence, &buried, &mut self.totals, findings);
            }
            Fact::Sought(sought) => deliveries.seek(&sought),
            Fact::Opened(opened) => {
                self.totals.starts += 1;
                deliveries.open(opened.epoch, findings);
                self.jobs.open(opened.epoch);
            }
            // What checkpoints and transactions stand for is said by facts of their own.
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self, acknowledged: Option<&Acknowledged>) -> Audit {
        self.findings.stand_at(None);
        self.jobs.pass(u64::MAX, &mut self.findings);
        let first = self.first.unwrap_or(Sequence::FIRST);
        if let Some(told) = acknowledged {
            self.check_told(first.0, told);
        }
        self.jobs.count_left(&mut self.totals);
        self.check_totals(first);
        let (violations, violations_total) = self.findings.into_parts();
        Audit {
            first,
            last: self.last,
            totals: self.totals,
            violations,
            violations_total,
        }
    }

    /// Everything a client was told of, and that retention may not have taken since, is there.
    fn check_told(&mut self, first: u64, told: &Acknowledged) {
        for id in told.enqueued.iter().filter(|id| **id >= first) {
            if !self.jobs.is_known(*id) {
                let what = format!("job {id} was acknowledged and is not there");
                self.findings.report("acknowledged_job_missing", what);
            }
        }
        for sequence in told.published.iter().filter(|sequence| **sequence >= first) {
            if !self.deliveries.contains_event(*sequence) {
                let what = format!("event {sequence} was acknowledged and is not there");
                self.findings.report("acknowledged_event_missing", what);
            }
        }
        // A completion stands after its job, so that of a job that is kept is kept.
        let mut missing: Vec<_> = self
            .expected
            .iter()
            .filter(|(id, _)| *id >= first)
            .collect();
        missing.sort_unstable();
        for (id, token) in missing {
            let what = format!("job {id} was completed under {token}, which is not there");
            self.findings
                .report("acknowledged_completion_missing", what);
        }
    }

    /// A history that is whole from its first record accounts for every job.
    fn check_totals(&mut self, first: Sequence) {
        let totals = &self.totals;
        let ended = totals.completed + totals.cancelled + totals.dropped;
        let left = totals.waiting + totals.active + totals.dead;
        if first == Sequence::FIRST && totals.enqueued != ended + left {
            let what = format!(
                "{} jobs enqueued, {ended} ended, {left} left",
                totals.enqueued
            );
            self.findings.report("jobs_do_not_add_up", what);
        }
    }
}
