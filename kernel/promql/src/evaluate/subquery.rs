//! Subqueries: an instant expression evaluated at times aligned to the step.

use std::sync::Arc;

use portique_series::{CounterReset, Histogram};

use crate::column::Presence;
use crate::error::Error;
use crate::steps::Steps;
use crate::syntax::Subquery;

use super::range::{Decoded, RangeShape, RangeSink};
use super::{Evaluation, Item};

impl Evaluation<'_> {
    /// Hands every series of a subquery on as if its values were samples.
    pub(super) fn each_subquery(
        &self,
        subquery: &Subquery,
        shape: RangeShape,
        steps: Steps,
        sink: &mut RangeSink<'_>,
    ) -> Result<(), Error> {
        let inner = self.subquery_steps(subquery, shape, steps)?;
        let mut decoded = Decoded::default();
        let expr = subquery.expr.without_parens();
        if inner.count == 0 {
            return Ok(());
        }
        let mut sink = |item: Item<'_>| {
            decoded.clear();
            fill(&mut decoded, item, inner);
            let size = decoded.size();
            self.budget.charge(size)?;
            sink(item.labels, item.drop_name, &decoded)?;
            self.budget.release(size);
            Ok(())
        };
        self.each_or_scalar(expr, inner, &mut sink)
    }

    /// The times at which a subquery is evaluated: multiples of its step in all windows together.
    fn subquery_steps(
        &self,
        subquery: &Subquery,
        shape: RangeShape,
        steps: Steps,
    ) -> Result<Steps, Error> {
        let step_ms = match &subquery.step {
            None => self.config.subquery_step_ms,
            Some(step) => self.duration(step.length_ms(self.durations))?,
        };
        let step_ms = step_ms.max(1);
        let (first, last) = shape.shift.span(steps);
        let start = first.saturating_sub(shape.range_ms);
        let aligned = start.div_euclid(step_ms).saturating_mul(step_ms);
        let inner = Steps::between(aligned.saturating_add(step_ms), last, step_ms);
        // A column needs a place for each step before it can be counted.
        match inner.count <= self.config.samples_max {
            true => Ok(inner),
            false => Err(Error::TooManySamples {
                samples_max: self.config.samples_max,
            }),
        }
    }
}

fn fill(decoded: &mut Decoded, item: Item<'_>, steps: Steps) {
    for step in 0..steps.count {
        let time_ms = steps.time(step);
        match item.column.presence(step) {
            Presence::Absent => {}
            Presence::Float => {
                decoded.push_float(time_ms, item.column.float(step).unwrap_or_default());
            }
            Presence::Histogram => {
                if let Some(histogram) = item.column.histogram(step) {
                    decoded.push_histogram(time_ms, without_hint(histogram));
                }
            }
        }
    }
}

/// The same histogram, its resets to be found by comparing: the samples that the hint speaks of may
/// be missing here, or be there twice.
fn without_hint(histogram: &Arc<Histogram>) -> Arc<Histogram> {
    match histogram.counter_reset {
        CounterReset::Unknown | CounterReset::Gauge => Arc::clone(histogram),
        CounterReset::Reset | CounterReset::NotReset => {
            let mut plain = Histogram::clone(histogram);
            plain.counter_reset = CounterReset::Unknown;
            Arc::new(plain)
        }
    }
}
