//! Expressions that yield one number at each step.

use portique_series::Labels;

use crate::column::Column;
use crate::error::Error;
use crate::functions::{self, Argument};
use crate::steps::Steps;
use crate::syntax::{Binary, Call, Expr, Function, UnaryOp, ValueType};

use super::binary::arithmetic;
use super::invariant::is_invariant;
use super::{Evaluation, Item, Sink};

impl Evaluation<'_> {
    /// A number for each step, or only one that holds for all.
    ///
    /// # Errors
    /// What evaluation meets.
    pub(crate) fn scalar(&self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, Error> {
        if steps.count == 0 {
            return Ok(Vec::new());
        }
        if steps.count > 1 && is_invariant(expr) {
            return self.scalar(expr, steps.first());
        }
        match expr {
            Expr::Number(number) => Ok(vec![number.value]),
            Expr::Paren(paren) => self.scalar(&paren.expr, steps),
            Expr::Unary(unary) => {
                let mut values = self.scalar(&unary.expr, steps)?;
                if unary.op == UnaryOp::Minus {
                    values.iter_mut().for_each(|value| *value = -*value);
                }
                Ok(values)
            }
            Expr::Binary(binary) => self.scalar_binary(binary, steps),
            Expr::Call(call) => self.scalar_call(call, steps),
            _ => Err(Error::execution("expected a scalar")),
        }
    }

    /// A vector or, as one series without labels, a scalar.
    pub(crate) fn each_or_scalar(
        &self,
        expr: &Expr,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if expr.value_type() != ValueType::Scalar {
            return self.each(expr, steps, sink);
        }
        let column = self.scalar_column(expr, steps)?;
        sink(Item {
            labels: &Labels::empty(),
            drop_name: false,
            column: &column,
        })
    }

    /// A scalar as a column.
    pub(crate) fn scalar_column(&self, expr: &Expr, steps: Steps) -> Result<Column, Error> {
        let values = self.scalar(expr, steps)?;
        let mut column = Column::new(steps.count);
        for step in 0..steps.count {
            column.set_float(step, at(&values, step));
        }
        Ok(column)
    }

    fn scalar_binary(&self, binary: &Binary, steps: Steps) -> Result<Vec<f64>, Error> {
        let lhs = self.scalar(&binary.lhs, steps)?;
        let rhs = self.scalar(&binary.rhs, steps)?;
        let count = lhs.len().max(rhs.len());
        let values = (0..count).map(|step| {
            let (value, holds) = arithmetic(binary.op, at(&lhs, step), at(&rhs, step));
            match binary.op.is_comparison() {
                true => f64::from(u8::from(holds)),
                false => value,
            }
        });
        Ok(values.collect())
    }

    fn scalar_call(&self, call: &Call, steps: Steps) -> Result<Vec<f64>, Error> {
        let seconds = |milliseconds: i64| milliseconds as f64 / 1000.0;
        match call.function {
            Function::Time => {
                let times = (0..steps.count).map(|step| seconds(steps.time(step)));
                Ok(times.collect())
            }
            Function::Start => Ok(vec![seconds(self.steps.start_ms)]),
            Function::End => Ok(vec![seconds(self.to_ms)]),
            Function::Step => Ok(vec![seconds(self.durations.step_ms)]),
            Function::Range => Ok(vec![seconds(self.durations.range_ms)]),
            Function::Scalar => self.only_series(&call.args[0], steps),
            _ => self.computed(call, steps),
        }
    }

    /// `scalar(v)`: the value of the one float there is, else NaN.
    fn only_series(&self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, Error> {
        let mut values = vec![f64::NAN; steps.count];
        let mut found = vec![0_u8; steps.count];
        self.each(expr, steps, &mut |item| {
            for step in 0..steps.count {
                let Some(value) = item.column.float(step) else {
                    continue;
                };
                values[step] = if found[step] == 0 { value } else { f64::NAN };
                found[step] = 1;
            }
            Ok(())
        })?;
        Ok(values)
    }

    fn computed(&self, call: &Call, steps: Steps) -> Result<Vec<f64>, Error> {
        let Some(functions::Function::Scalar(apply)) = functions::find(call.function) else {
            return Err(Error::execution(format!(
                "the function {} is not a scalar",
                call.function
            )));
        };
        let arguments = self.arguments(&call.args, steps)?;
        let longest = arguments.iter().map(|argument| match argument {
            Argument::Scalar(values) => values.len(),
            _ => 1,
        });
        let count = longest.max().unwrap_or(1);
        let places = places(call);
        let context = self.call_context(&places, &arguments, steps);
        let values = (0..count).map(|step| apply(&functions::Call { step, ..context }));
        Ok(values.collect())
    }
}

/// The number at a step of what [`Evaluation::scalar`] gave.
pub(super) fn at(values: &[f64], step: usize) -> f64 {
    match values {
        [only] => *only,
        _ => values[step],
    }
}

/// Where each argument begins.
pub(super) fn places(call: &Call) -> Vec<usize> {
    call.args.iter().map(|arg| arg.span().start).collect()
}
