//! `topk`, `bottomk`, `limitk` and `limit_ratio`: some series of each group.

use std::cmp::Ordering;

use portique_series::Labels;

use crate::annotations::Annotations;
use crate::column::{Column, Presence, SeriesColumn};
use crate::error::Error;
use crate::evaluate::scalar::at;
use crate::evaluate::{Evaluation, Sink};
use crate::numbers::general;
use crate::steps::Steps;
use crate::syntax::{Aggregate, AggregateOp};

use super::groups::Groups;

/// The largest number below 2^63 that Prometheus takes for one that fits.
const COUNT_MAX: f64 = 9_223_372_036_854_774_784.0;
const COUNT_MIN: f64 = -9_223_372_036_854_775_808.0;

impl Evaluation<'_> {
    /// Hands the picked series on; those of an instant query in the order picked.
    pub(super) fn pick(
        &self,
        aggregate: &Aggregate,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (parameters, position) = self.parameter(aggregate, steps)?;
        let mut notes = Annotations::default();
        let any = match aggregate.op {
            AggregateOp::LimitRatio => check_ratios(&parameters, position, &mut notes)?,
            _ => check_counts(&parameters)?,
        };
        self.note(notes);
        let held = self.vector(&aggregate.expr, steps)?;
        if !any {
            self.forget(held);
            return Ok(());
        }
        let mut groups = Groups::new(&aggregate.grouping, aggregate.without);
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (index, series) in held.iter().enumerate() {
            let group = groups.of(&series.labels);
            members.resize_with(members.len().max(group + 1), Vec::new);
            members[group].push(index);
        }
        let mut picked: Vec<Option<Column>> = vec![None; held.len()];
        let mut order = Vec::new();
        for step in 0..steps.count {
            self.check()?;
            let parameter = at(&parameters, step);
            for group in &members {
                for index in self.picked(aggregate, &held, group, step, parameter) {
                    let column = picked[index].get_or_insert_with(|| {
                        order.push(index);
                        Column::new(steps.count)
                    });
                    column.set(step, held[index].column.value(step));
                }
            }
        }
        for index in order {
            if let Some(column) = picked[index].take() {
                let item = held[index].item();
                sink(crate::evaluate::Item {
                    column: &column,
                    ..item
                })?;
            }
        }
        self.forget(held);
        Ok(())
    }

    /// The series of a group that stay at a step.
    fn picked(
        &self,
        aggregate: &Aggregate,
        held: &[SeriesColumn],
        group: &[usize],
        step: usize,
        parameter: f64,
    ) -> Vec<usize> {
        let present = group
            .iter()
            .copied()
            .filter(|index| held[*index].column.presence(step) != Presence::Absent);
        // Checked before: it fits. What is below 1 picks nothing.
        let count = parameter.clamp(0.0, held.len() as f64) as usize;
        match aggregate.op {
            AggregateOp::LimitRatio => {
                let ratio = parameter.clamp(-1.0, 1.0);
                present
                    .filter(|index| in_ratio(&held[*index].labels, ratio))
                    .collect()
            }
            AggregateOp::Limitk => present.take(count).collect(),
            _ => {
                let value = |index: usize| held[index].column.float(step);
                let (mut floats, histograms): (Vec<usize>, Vec<usize>) =
                    present.partition(|index| value(*index).is_some());
                if !histograms.is_empty() && count > 0 {
                    let mut notes = Annotations::default();
                    let name = aggregate.op.as_str();
                    let text = format!("ignored histogram in {name} aggregation");
                    notes.info(aggregate.span.start, text);
                    self.note(notes);
                }
                let descending = aggregate.op == AggregateOp::Topk;
                floats.sort_by(|a, b| by_value(value(*a), value(*b), descending));
                floats.truncate(count);
                floats
            }
        }
    }
}

/// NaN last.
fn by_value(a: Option<f64>, b: Option<f64>, descending: bool) -> Ordering {
    let (a, b) = (a.unwrap_or(f64::NAN), b.unwrap_or(f64::NAN));
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (a, b) => a.cmp(&b),
    }
}

/// Whether any step picks anything.
fn check_counts(parameters: &[f64]) -> Result<bool, Error> {
    if parameters.iter().any(|parameter| parameter.is_nan()) {
        return Err(Error::execution("Parameter value is NaN"));
    }
    if parameters.iter().all(|parameter| *parameter < 1.0) {
        return Ok(false);
    }
    for parameter in parameters {
        let reason = match *parameter {
            ..=COUNT_MIN => "underflows",
            COUNT_MAX.. => "overflows",
            _ => continue,
        };
        let value = general(*parameter);
        return Err(Error::execution(format!(
            "Scalar value {value} {reason} int64"
        )));
    }
    Ok(true)
}

/// The same for ratios, with warnings about those beyond 1.
fn check_ratios(
    parameters: &[f64],
    position: usize,
    notes: &mut Annotations,
) -> Result<bool, Error> {
    if parameters.iter().any(|parameter| parameter.is_nan()) {
        return Err(Error::execution("Ratio value is NaN"));
    }
    let lowest = parameters.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = parameters.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let beyond = [(highest, 1.0, highest > 1.0), (lowest, -1.0, lowest < -1.0)];
    for (value, limit, _) in beyond.into_iter().filter(|(.., beyond)| *beyond) {
        let (value, limit) = (general(value), general(limit));
        notes.warn(
            position,
            format!("ratio value should be between -1 and 1, got {value}, capping to {limit}"),
        );
    }
    Ok(lowest != 0.0 || highest != 0.0)
}

/// Whether a series is among a part of all series; with −r those are in that are not with 1 − r.
fn in_ratio(labels: &Labels, ratio: f64) -> bool {
    let place = place(labels);
    match ratio >= 0.0 {
        true => place < ratio,
        false => place >= 1.0 + ratio,
    }
}

/// A number from 0 to below 1 that is the same for the same labels: FNV-1a, its bits mixed by the end of MurmurHash3.
fn place(labels: &Labels) -> f64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for (name, value) in labels.iter() {
        for text in [name, value] {
            text.bytes().for_each(&mut take);
            take(0xFF);
        }
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    // The upper 53 bits are what a float holds.
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_takes_its_part_and_its_negative_the_rest() {
        let labels = |n: usize| Labels::from_pairs([("instance", n.to_string())]);
        let taken = (0..10_000).filter(|n| in_ratio(&labels(*n), 0.3)).count();
        assert!((2_800..3_200).contains(&taken), "{taken}");
        for n in 0..10_000 {
            assert_ne!(in_ratio(&labels(n), 0.3), in_ratio(&labels(n), -0.7));
        }
    }
}
