//! What is the same at every step is evaluated once.

use crate::column::Column;
use crate::error::Error;
use crate::steps::Steps;
use crate::syntax::Expr;

use super::{Evaluation, Item, Sink};

impl Evaluation<'_> {
    /// Evaluates at the first step and repeats the value at the others.
    pub(super) fn broadcast(
        &self,
        expr: &Expr,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut column = Column::default();
        self.each(expr, steps.first(), &mut |item| {
            column.reset(steps.count);
            let value = item.column.value(0);
            for step in 0..steps.count {
                column.set(step, value.clone());
            }
            sink(Item {
                column: &column,
                ..item
            })
        })
    }
}
