//! Operators between two expressions.

mod join;
mod matching;
mod set;
mod value;

use crate::annotations::Annotations;
use crate::column::Column;
use crate::error::Error;
use crate::steps::Steps;
use crate::syntax::{Binary, BinaryOp, Expr, ValueType, VectorMatching};

use super::scalar::at;
use super::{Evaluation, Item, Sink};
use value::{Operand, Operation};

pub(super) use value::arithmetic;

impl Evaluation<'_> {
    /// Hands the series of an operation on.
    pub(super) fn binary(
        &self,
        binary: &Binary,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
        match (&binary.matching, scalar(&binary.lhs), scalar(&binary.rhs)) {
            (Some(matching), false, false) => self.between_vectors(binary, matching, steps, sink),
            (_, true, false) => self.with_scalar(binary, true, steps, sink),
            (_, false, true) => self.with_scalar(binary, false, steps, sink),
            _ => Err(Error::execution("expected a vector")),
        }
    }

    fn between_vectors(
        &self,
        binary: &Binary,
        matching: &VectorMatching,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let lhs = self.vector(&binary.lhs, steps)?;
        let rhs = self.vector(&binary.rhs, steps)?;
        let size = lhs
            .iter()
            .chain(&rhs)
            .map(|series| series.column.size())
            .sum();
        let result = match binary.op.is_set() {
            true => set::combine(binary.op, matching, lhs, rhs, steps.count)?,
            false => self.join(binary, matching, lhs, rhs, steps.count)?,
        };
        self.budget.release(size);
        for series in &result {
            if !series.column.is_empty() {
                sink(series.item())?;
            }
        }
        Ok(())
    }

    /// A vector and a number.
    fn with_scalar(
        &self,
        binary: &Binary,
        scalar_left: bool,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (scalar, vector) = match scalar_left {
            true => (&binary.lhs, &binary.rhs),
            false => (&binary.rhs, &binary.lhs),
        };
        let numbers = self.scalar(scalar, steps)?;
        let operation = Operation::of(binary);
        let renames = changes_meaning(binary.op) || binary.return_bool;
        let mut notes = Annotations::default();
        let mut column = Column::default();
        self.unnamed(vector, steps, sink, |sink| {
            self.each(vector, steps, &mut |item| {
                column.reset(steps.count);
                for step in 0..steps.count {
                    let Some(operand) = Operand::of(item.column, step) else {
                        continue;
                    };
                    let number = Operand::Float(at(&numbers, step));
                    let result = match scalar_left {
                        true => operation.scalar_first(number, operand, &mut notes),
                        false => operation.apply(operand, number, &mut notes),
                    };
                    column.set(step, result);
                }
                if column.is_empty() {
                    return Ok(());
                }
                let drop_name = item.drop_name || renames;
                sink(Item {
                    drop_name,
                    column: &column,
                    ..item
                })
            })
        })?;
        self.note(notes);
        Ok(())
    }
}

/// Whether the result of an operator is no longer what the metric's name says.
fn changes_meaning(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Pow
            | BinaryOp::Atan2
    )
}
