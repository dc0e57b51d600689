//! `absent` and `absent_over_time`: a series where there is none.

use portique_series::{Labels, LabelsBuilder, METRIC_NAME, MatchOp, Matcher};

use crate::column::{Column, Presence};
use crate::error::Error;
use crate::steps::Steps;
use crate::syntax::{Call, Expr};

use super::{Evaluation, Item, Sink};

impl Evaluation<'_> {
    /// 1 at the steps at which the vector is empty.
    pub(super) fn absent(
        &self,
        call: &Call,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let operand = call.args[0].without_parens();
        let mut seen = vec![false; steps.count];
        self.each(operand, steps, &mut |item| {
            for (step, seen) in seen.iter_mut().enumerate() {
                *seen |= item.column.presence(step) != Presence::Absent;
            }
            Ok(())
        })?;
        missing(operand, &seen, sink)
    }

    /// 1 at the steps at which no series has a sample in the range.
    pub(super) fn absent_over_time(
        &self,
        call: &Call,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let operand = call.args[0].without_parens();
        let shape = self.range_shape(operand)?;
        super::over_range::check_edges(call.function, shape.edges)?;
        let mut seen = vec![false; steps.count];
        self.each_range(operand, shape, steps, &mut |_, _, decoded| {
            for (seen, window) in seen.iter_mut().zip(decoded.windows(shape, steps)) {
                *seen |= window.is_some();
            }
            Ok(())
        })?;
        missing(operand, &seen, sink)
    }
}

fn missing(operand: &Expr, seen: &[bool], sink: &mut Sink<'_>) -> Result<(), Error> {
    if seen.iter().all(|seen| *seen) {
        return Ok(());
    }
    let mut column = Column::new(seen.len());
    for (step, seen) in seen.iter().enumerate() {
        if !seen {
            column.set_float(step, 1.0);
        }
    }
    sink(Item {
        labels: &wanted(operand),
        drop_name: false,
        column: &column,
    })
}

/// The labels that a selector asks for by `=`; those it has several conditions on are left out.
fn wanted(operand: &Expr) -> Labels {
    let matchers: &[Matcher] = match operand {
        Expr::Vector(selector) => &selector.matchers,
        Expr::Matrix(matrix) => &matrix.selector.matchers,
        _ => return Labels::empty(),
    };
    let mut builder = LabelsBuilder::default();
    let mut set: Vec<&str> = Vec::new();
    for matcher in matchers
        .iter()
        .filter(|matcher| matcher.name() != METRIC_NAME)
    {
        if matcher.op() == MatchOp::Equal && !set.contains(&matcher.name()) {
            builder.set(matcher.name(), matcher.value());
            set.push(matcher.name());
        } else {
            builder.remove(matcher.name());
        }
    }
    builder.build()
}
