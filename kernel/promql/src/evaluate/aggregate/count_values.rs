//! `count_values`: how many series have which value.

use std::fmt::Write as _;

use portique_series::{Bucket, Histogram};

use crate::column::{Column, SeriesColumn};
use crate::error::Error;
use crate::evaluate::{Evaluation, Sink};
use crate::numbers::{general, plain};
use crate::steps::Steps;
use crate::syntax::{Aggregate, Expr};

use super::groups::Groups;

impl Evaluation<'_> {
    /// One series for each value in each group.
    pub(super) fn count_values(
        &self,
        aggregate: &Aggregate,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let label = value_label(aggregate)?;
        let mut grouping = aggregate.grouping.clone();
        if !aggregate.without {
            grouping.push(label.to_owned());
        }
        let mut groups = Groups::new(&grouping, aggregate.without);
        let mut counts: Vec<Column> = Vec::new();
        let mut held = 0;
        self.each(&aggregate.expr, steps, &mut |item| {
            for step in 0..steps.count {
                let value = match (item.column.float(step), item.column.histogram(step)) {
                    (Some(value), _) => plain(value),
                    (None, Some(histogram)) => shown(histogram),
                    (None, None) => continue,
                };
                let mut builder = item.labels.to_builder();
                builder.set(label, value);
                let group = groups.of(&builder.build());
                if group == counts.len() {
                    counts.push(Column::new(steps.count));
                }
                let before = counts[group].float(step).unwrap_or(0.0);
                counts[group].set_float(step, before + 1.0);
                if before == 0.0 {
                    held += 1;
                    self.budget.charge(1)?;
                }
            }
            Ok(())
        })?;
        let series = counts
            .into_iter()
            .enumerate()
            .map(|(group, column)| SeriesColumn {
                labels: groups.labels(group).clone(),
                drop_name: false,
                column,
            });
        self.merged(steps, series, sink)?;
        self.budget.release(held);
        Ok(())
    }
}

/// The label that the values become.
fn value_label(aggregate: &Aggregate) -> Result<&str, Error> {
    let param = aggregate.param.as_deref().map(Expr::without_parens);
    let Some(Expr::String(literal)) = param else {
        return Err(Error::execution("count_values takes a label's name"));
    };
    let name = literal.as_str().filter(|name| !name.is_empty());
    name.ok_or_else(|| Error::execution(format!("invalid label name {}", literal.quoted())))
}

/// A histogram as a label's value.
fn shown(histogram: &Histogram) -> String {
    let mut text = format!(
        "{{count:{}, sum:{}",
        general(histogram.count),
        general(histogram.sum)
    );
    for bucket in histogram
        .buckets()
        .into_iter()
        .filter(|bucket| bucket.count != 0.0)
    {
        let Bucket {
            lower,
            upper,
            count,
            ..
        } = bucket;
        let open = if bucket.lower_inclusive { '[' } else { '(' };
        let close = if bucket.upper_inclusive { ']' } else { ')' };
        let (lower, upper, count) = (general(lower), general(upper), general(count));
        write!(text, ", {open}{lower},{upper}{close}:{count}").expect("a String takes all");
    }
    text.push('}');
    text
}
