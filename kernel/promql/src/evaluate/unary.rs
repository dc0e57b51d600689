//! A sign before a vector.

use std::sync::Arc;

use crate::column::{Column, Presence};
use crate::error::Error;
use crate::steps::Steps;
use crate::syntax::{Unary, UnaryOp};

use super::{Evaluation, Item, Sink};

impl Evaluation<'_> {
    /// `-v` and `+v`.
    pub(super) fn unary(
        &self,
        unary: &Unary,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if unary.op == UnaryOp::Plus {
            return self.each(&unary.expr, steps, sink);
        }
        let mut column = Column::default();
        self.unnamed(&unary.expr, steps, sink, |sink| {
            self.each(&unary.expr, steps, &mut |item| {
                negate(item.column, &mut column);
                sink(Item {
                    drop_name: true,
                    column: &column,
                    ..item
                })
            })
        })
    }
}

fn negate(from: &Column, into: &mut Column) {
    into.reset(from.steps());
    for step in 0..from.steps() {
        match from.presence(step) {
            Presence::Absent => {}
            Presence::Float => into.set_float(step, -from.float(step).unwrap_or_default()),
            Presence::Histogram => {
                if let Some(histogram) = from.histogram(step) {
                    let mut negative = portique_series::Histogram::clone(histogram);
                    negative.scale(-1.0);
                    into.set_histogram(step, Arc::new(negative));
                }
            }
        }
    }
}
