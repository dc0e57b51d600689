//! `and`, `or`, `unless`.

use crate::column::{Column, Presence, SeriesColumn};
use crate::error::Error;
use crate::evaluate::Merger;
use crate::syntax::{BinaryOp, VectorMatching};

use super::matching::Signatures;

/// At which steps each signature has a value.
struct Seen {
    steps: usize,
    seen: Vec<bool>,
}

/// The series of both sides that stay.
pub(super) fn combine(
    op: BinaryOp,
    matching: &VectorMatching,
    mut lhs: Vec<SeriesColumn>,
    mut rhs: Vec<SeriesColumn>,
    steps: usize,
) -> Result<Vec<SeriesColumn>, Error> {
    let mut signatures = Signatures::default();
    let left = signatures.of(matching, &lhs);
    let right = signatures.of(matching, &rhs);
    let count = signatures.count();
    let mut merger = Merger::new(steps);
    match op {
        BinaryOp::Or => {
            let seen = Seen::of(&lhs, &left, count, steps);
            for (series, signature) in rhs.iter_mut().zip(right) {
                seen.mask(&mut series.column, signature, false);
            }
            for series in lhs.into_iter().chain(rhs) {
                if !series.column.is_empty() {
                    merger.add(series)?;
                }
            }
        }
        _ => {
            let seen = Seen::of(&rhs, &right, count, steps);
            for (series, signature) in lhs.iter_mut().zip(left) {
                seen.mask(&mut series.column, signature, op == BinaryOp::And);
            }
            return Ok(lhs);
        }
    }
    Ok(merger.into_series())
}

impl Seen {
    fn of(series: &[SeriesColumn], signatures: &[usize], count: usize, steps: usize) -> Self {
        let mut seen = vec![false; count * steps];
        for (series, signature) in series.iter().zip(signatures) {
            for step in 0..steps {
                seen[signature * steps + step] |= series.column.presence(step) != Presence::Absent;
            }
        }
        Self { steps, seen }
    }

    /// Takes the values out at the steps at which the signature was not seen (`wanted`), or was.
    fn mask(&self, column: &mut Column, signature: usize, wanted: bool) {
        for step in 0..self.steps {
            if self.seen[signature * self.steps + step] != wanted {
                column.set(step, None);
            }
        }
    }
}
