//! `and`, `or`, `unless`.

use crate::column::{Column, Presence, SeriesColumn};
use crate::error::Error;
use crate::evaluate::Merger;
use crate::syntax::{BinaryOp, VectorMatching};

use super::matching::Signatures;

/// The series of one side by signature.
struct Side<'a> {
    series: &'a [SeriesColumn],
    members: Vec<Vec<usize>>,
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
    if op != BinaryOp::Or {
        let seen = Side::of(&rhs, &right, count);
        for (series, signature) in lhs.iter_mut().zip(left) {
            seen.mask(&mut series.column, signature, op == BinaryOp::And);
        }
        return Ok(lhs);
    }
    let seen = Side::of(&lhs, &left, count);
    for (series, signature) in rhs.iter_mut().zip(right) {
        seen.mask(&mut series.column, signature, false);
    }
    let mut merger = Merger::new(steps);
    for series in lhs.into_iter().chain(rhs) {
        if !series.column.is_empty() {
            merger.add(series)?;
        }
    }
    Ok(merger.into_series())
}

impl<'a> Side<'a> {
    fn of(series: &'a [SeriesColumn], signatures: &[usize], count: usize) -> Self {
        let mut members = vec![Vec::new(); count];
        for (index, signature) in signatures.iter().enumerate() {
            members[*signature].push(index);
        }
        Self { series, members }
    }

    /// Takes the values out at the steps at which the signature is not there (`wanted`), or is.
    fn mask(&self, column: &mut Column, signature: usize, wanted: bool) {
        let present = |step: usize| {
            let mut members = self.members[signature].iter();
            members.any(|index| self.series[*index].column.presence(step) != Presence::Absent)
        };
        for step in 0..column.steps() {
            if column.presence(step) != Presence::Absent && present(step) != wanted {
                column.set(step, None);
            }
        }
    }
}
