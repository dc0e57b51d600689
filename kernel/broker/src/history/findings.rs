use portique_journal::Sequence;

use super::audit::{Audit, Violation};

/// What was found so far, and at which record the checker stands.
#[derive(Debug, Default)]
pub(super) struct Findings {
    violations: Vec<Violation>,
    total: u64,
    sequence: Option<Sequence>,
}

impl Findings {
    /// Whatever is reported from now on is said by this record; none: it is about the end.
    pub(super) fn stand_at(&mut self, sequence: Option<Sequence>) {
        self.sequence = sequence;
    }

    /// A promise is broken.
    pub(super) fn report(&mut self, rule: &'static str, what: String) {
        self.total += 1;
        if self.violations.len() < Audit::VIOLATIONS_MAX {
            self.violations.push(Violation {
                sequence: self.sequence,
                rule,
                what,
            });
        }
    }

    /// What was found, and how often in all.
    pub(super) fn into_parts(self) -> (Vec<Violation>, u64) {
        (self.violations, self.total)
    }
}
