//! What an operator makes of two values.

use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Merged, Trim, Value};

use crate::annotations::Annotations;
use crate::column::{Column, Presence};
use crate::syntax::{Binary, BinaryOp};

/// One side's value at a step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operand<'a> {
    /// A number.
    Float(f64),
    /// A histogram.
    Histogram(&'a Arc<Histogram>),
}

/// An operator, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    op: BinaryOp,
    return_bool: bool,
    position: usize,
}

/// Both values of a comparison or the result of arithmetic, and whether it is kept.
type Outcome = Option<(Value, bool)>;

impl<'a> Operand<'a> {
    /// The value in a column.
    pub(super) fn of(column: &'a Column, step: usize) -> Option<Self> {
        match column.presence(step) {
            Presence::Absent => None,
            Presence::Float => column.float(step).map(Self::Float),
            Presence::Histogram => column.histogram(step).map(Self::Histogram),
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Float(value) => Value::Float(value),
            Self::Histogram(histogram) => Value::Histogram(Arc::clone(histogram)),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Float(_) => "float",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Operation {
    /// The operation of an expression.
    pub(super) fn of(binary: &Binary) -> Self {
        Self {
            op: binary.op,
            return_bool: binary.return_bool,
            position: binary.span.start,
        }
    }

    /// The result; `None` when a comparison does not hold or the two do not go together.
    pub(super) fn apply(
        self,
        lhs: Operand<'_>,
        rhs: Operand<'_>,
        notes: &mut Annotations,
    ) -> Option<Value> {
        self.outcome(lhs, rhs, notes)
            .and_then(|outcome| self.kept(outcome))
    }

    /// As [`apply`](Self::apply) with the vector on the right: a comparison keeps the vector's value.
    pub(super) fn scalar_first(
        self,
        scalar: Operand<'_>,
        vector: Operand<'_>,
        notes: &mut Annotations,
    ) -> Option<Value> {
        let (value, keep) = self.outcome(scalar, vector, notes)?;
        match self.op.is_comparison() {
            true => self.kept((vector.value(), keep)),
            false => self.kept((value, keep)),
        }
    }

    /// Whether the two go together at all; then the result, if it is kept.
    pub(super) fn matched(
        self,
        lhs: Operand<'_>,
        rhs: Operand<'_>,
        notes: &mut Annotations,
    ) -> Option<Option<Value>> {
        self.outcome(lhs, rhs, notes)
            .map(|outcome| self.kept(outcome))
    }

    fn kept(self, (value, keep): (Value, bool)) -> Option<Value> {
        match self.return_bool {
            true => Some(Value::Float(f64::from(u8::from(keep)))),
            false => keep.then_some(value),
        }
    }

    fn outcome(self, lhs: Operand<'_>, rhs: Operand<'_>, notes: &mut Annotations) -> Outcome {
        let outcome = match (lhs, rhs) {
            (Operand::Float(lhs), Operand::Float(rhs)) => {
                let trims = matches!(self.op, BinaryOp::TrimLower | BinaryOp::TrimUpper);
                (!trims).then(|| {
                    let (value, keep) = arithmetic(self.op, lhs, rhs);
                    (Value::Float(value), keep)
                })
            }
            (Operand::Float(factor), Operand::Histogram(histogram)) => match self.op {
                BinaryOp::Mul => Some(changed(histogram, |h| h.scale(factor))),
                _ => None,
            },
            (Operand::Histogram(histogram), Operand::Float(number)) => match self.op {
                BinaryOp::Mul => Some(changed(histogram, |h| h.scale(number))),
                BinaryOp::Div => Some(changed(histogram, |h| h.divide(number))),
                BinaryOp::TrimUpper => Some(changed(histogram, |h| h.trim(Trim::Below, number))),
                BinaryOp::TrimLower => Some(changed(histogram, |h| h.trim(Trim::Above, number))),
                _ => None,
            },
            (Operand::Histogram(lhs), Operand::Histogram(rhs)) => match self.op {
                BinaryOp::Add | BinaryOp::Sub => return self.combined(lhs, rhs, notes),
                BinaryOp::Equal => Some((Value::Histogram(Arc::clone(lhs)), lhs.equals(rhs))),
                BinaryOp::NotEqual => Some((Value::Histogram(Arc::clone(lhs)), !lhs.equals(rhs))),
                _ => None,
            },
        };
        if outcome.is_none() {
            let (op, lhs, rhs) = (self.op, lhs.kind(), rhs.kind());
            notes.info(self.position, format!(
                "incompatible sample types encountered for binary operator {:?}: {lhs} {op} {rhs}",
                op.as_str()
            ));
        }
        outcome
    }

    /// Sum or difference of two histograms.
    fn combined(self, lhs: &Histogram, rhs: &Histogram, notes: &mut Annotations) -> Outcome {
        let mut result = lhs.clone();
        let (merged, name) = match self.op {
            BinaryOp::Add => (result.add(rhs), "addition"),
            _ => (result.subtract(rhs), "subtraction"),
        };
        let Some(merged) = merged else {
            notes.warn(
                self.position,
                format!(
                    "incompatible bucket layout encountered for binary operator {}",
                    self.op
                ),
            );
            return None;
        };
        if self.op == BinaryOp::Sub {
            result.counter_reset = CounterReset::Gauge;
        }
        note_merged(merged, name, self.position, notes);
        result.compact();
        Some((Value::Histogram(Arc::new(result)), true))
    }
}

/// Says what was doubtful when histograms were put together.
pub(in crate::evaluate) fn note_merged(
    merged: Merged,
    name: &str,
    position: usize,
    notes: &mut Annotations,
) {
    if merged.resets_collide {
        notes.warn(
            position,
            format!("conflicting counter resets during histogram {name}"),
        );
    }
    if merged.bounds_reconciled {
        notes.info(
            position,
            format!("mismatched custom buckets were reconciled during {name}"),
        );
    }
}

/// What an operator makes of two numbers, and whether a comparison holds (its value is the left number).
pub(in crate::evaluate) fn arithmetic(op: BinaryOp, lhs: f64, rhs: f64) -> (f64, bool) {
    match op {
        BinaryOp::Add => (lhs + rhs, true),
        BinaryOp::Sub => (lhs - rhs, true),
        BinaryOp::Mul => (lhs * rhs, true),
        BinaryOp::Div => (lhs / rhs, true),
        BinaryOp::Mod => (lhs % rhs, true),
        BinaryOp::Pow => (lhs.powf(rhs), true),
        BinaryOp::Atan2 => (lhs.atan2(rhs), true),
        BinaryOp::Equal => (lhs, lhs == rhs),
        BinaryOp::NotEqual => (lhs, lhs != rhs),
        BinaryOp::Less => (lhs, lhs < rhs),
        BinaryOp::LessOrEqual => (lhs, lhs <= rhs),
        BinaryOp::Greater => (lhs, lhs > rhs),
        BinaryOp::GreaterOrEqual => (lhs, lhs >= rhs),
        // The syntax keeps set operators away from numbers, the caller the trimming ones.
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Unless
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower => (lhs, false),
    }
}

fn changed(histogram: &Histogram, change: impl FnOnce(&mut Histogram)) -> (Value, bool) {
    let mut changed = histogram.clone();
    change(&mut changed);
    changed.compact();
    (Value::Histogram(Arc::new(changed)), true)
}
