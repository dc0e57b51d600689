//! Functions of histograms: what one native histogram says, and quantiles and fractions of a vector of them, classic
//! ones among them.

use std::collections::{BTreeMap, HashMap};

use portique_series::{FractionNote, Histogram, Labels, QuantileNote, Value};

use crate::annotations::{Annotations, Monotonicity};
use crate::column::{Column, SeriesColumn};
use crate::error::Error;
use crate::{numbers, syntax};

use super::classic::{self, Bucket};
use super::{Argument, Call, Function, notes};

/// The label of a classic bucket's bound.
const BOUND: &str = "le";

/// The code of a function of one native histogram; floats have no place in it.
macro_rules! of_histogram {
    ($function:expr) => {
        Function::Instant(|_, value, _| match value {
            Value::Histogram(histogram) => {
                let function: fn(&Histogram) -> f64 = $function;
                Some(Value::Float(function(histogram)))
            }
            Value::Float(_) => None,
        })
    };
}

/// The function of a name, if it is here.
pub(super) fn find(function: syntax::Function) -> Option<Function> {
    use syntax::Function as F;
    Some(match function {
        F::HistogramAvg => of_histogram!(Histogram::mean),
        F::HistogramCount => of_histogram!(|histogram| histogram.count),
        F::HistogramStddev => of_histogram!(|histogram| histogram.variance().sqrt()),
        F::HistogramStdvar => of_histogram!(Histogram::variance),
        F::HistogramSum => of_histogram!(|histogram| histogram.sum),
        F::HistogramFraction => Function::Vector(fraction),
        F::HistogramQuantile => Function::Vector(quantile),
        F::HistogramQuantiles => Function::Vector(quantiles),
        _ => return None,
    })
}

fn quantile(
    call: &Call<'_>,
    series: Vec<SeriesColumn>,
    notes: &mut Annotations,
) -> Result<Vec<SeriesColumn>, Error> {
    let steps = step_count(&series);
    warn_quantiles(call, 0, notes);
    let groups = grouped(series, call.positions[1], notes);
    let results = groups.into_iter().map(|group| {
        let column = group.each_step(steps, |found, step| {
            let q = call.scalar_at(0, step);
            Some(quantile_at(call, &group, found, (q, step, 1), notes))
        });
        group.result(column)
    });
    Ok(results.collect())
}

fn fraction(
    call: &Call<'_>,
    series: Vec<SeriesColumn>,
    notes: &mut Annotations,
) -> Result<Vec<SeriesColumn>, Error> {
    let steps = step_count(&series);
    let groups = grouped(series, call.positions[2], notes);
    let results = groups.into_iter().map(|group| {
        let column = group.each_step(steps, |found, step| {
            let (lower, upper) = (call.scalar_at(0, step), call.scalar_at(1, step));
            match found {
                Found::Classic(buckets) => Some(classic::fraction(lower, upper, buckets)),
                Found::Native(histogram) => {
                    let (fraction, note) = histogram.fraction(lower, upper);
                    if note == Some(FractionNote::NanExcluded) {
                        notes.info(call.positions[2], notes::nan_excluded(group.metric()));
                    }
                    Some(fraction)
                }
            }
        });
        group.result(column)
    });
    Ok(results.collect())
}

/// Several quantiles at once, each under its value in a label.
fn quantiles(
    call: &Call<'_>,
    series: Vec<SeriesColumn>,
    notes: &mut Annotations,
) -> Result<Vec<SeriesColumn>, Error> {
    let steps = step_count(&series);
    let arguments = 2..call.arguments.len();
    for argument in arguments.clone() {
        warn_quantiles(call, argument, notes);
    }
    let label = call.text(1);
    let mut results = Vec::new();
    for group in grouped(series, call.positions[0], notes) {
        for argument in arguments.clone() {
            let mut columns: BTreeMap<String, Column> = BTreeMap::new();
            group.each_step(steps, |found, step| {
                let q = call.scalar_at(argument, step);
                let value = quantile_at(call, &group, found, (q, step, 0), notes);
                let column = columns
                    .entry(label_value(q))
                    .or_insert_with(|| Column::new(steps));
                column.set_float(step, value);
                None
            });
            for (value, column) in columns {
                let mut labels = group.labels.to_builder();
                labels.set(label, value);
                results.push(SeriesColumn {
                    labels: labels.build(),
                    drop_name: true,
                    column,
                });
            }
        }
    }
    Ok(results)
}

fn quantile_at(
    call: &Call<'_>,
    group: &Group,
    found: Found<'_>,
    (q, step, argument): (f64, usize, usize),
    notes: &mut Annotations,
) -> f64 {
    let position = call.positions[argument];
    let histogram = match found {
        Found::Native(histogram) => histogram,
        Found::Classic(buckets) => {
            let (value, forced) = classic::quantile(q, buckets);
            if let Some(forced) = forced {
                let step = i64::try_from(step).unwrap_or(i64::MAX);
                let time_ms = call
                    .time_ms
                    .saturating_add(call.step_ms.saturating_mul(step));
                let metric = if call.names_kept { group.metric() } else { "" };
                let figures = Monotonicity {
                    from_ms: time_ms,
                    to_ms: time_ms,
                    bucket_min: forced.bucket_min,
                    bucket_max: forced.bucket_max,
                    difference_max: forced.difference_max,
                    samples: 1,
                };
                notes.monotonicity(position, notes::not_monotonic(metric), figures);
            }
            return value;
        }
    };
    let (value, note) = histogram.quantile(q);
    match note {
        Some(QuantileNote::NanResult) => {
            notes.info(position, notes::nan_result(group.metric()));
        }
        Some(QuantileNote::NanSkew) => {
            notes.info(position, notes::nan_skew(group.metric()));
        }
        None => {}
    }
    value
}

/// Series that are one histogram: classic buckets, a native one, or by mistake both.
struct Group {
    /// Without the bound; with the metric's name.
    labels: Labels,
    /// By ascending bound.
    buckets: Vec<(f64, Column)>,
    native: Option<Column>,
    /// Steps at which it is both.
    mixed: Vec<bool>,
}

/// What a group is at one step.
enum Found<'a> {
    Classic(&'a mut Vec<Bucket>),
    Native(&'a Histogram),
}

impl Group {
    fn metric(&self) -> &str {
        self.labels.metric()
    }

    fn each_step(
        &self,
        steps: usize,
        mut value: impl FnMut(Found<'_>, usize) -> Option<f64>,
    ) -> Column {
        let mut column = Column::new(steps);
        let mut buckets = Vec::with_capacity(self.buckets.len());
        for step in (0..steps).filter(|step| !self.mixed.get(*step).is_some_and(|mixed| *mixed)) {
            let found = match self
                .native
                .as_ref()
                .and_then(|native| native.histogram(step))
            {
                Some(histogram) => Found::Native(histogram),
                None => {
                    self.fill(step, &mut buckets);
                    if buckets.is_empty() {
                        continue;
                    }
                    Found::Classic(&mut buckets)
                }
            };
            if let Some(value) = value(found, step) {
                column.set_float(step, value);
            }
        }
        column
    }

    fn fill(&self, step: usize, into: &mut Vec<Bucket>) {
        into.clear();
        for (upper, column) in &self.buckets {
            if let Some(count) = column.float(step) {
                let upper = *upper;
                into.push(Bucket { upper, count });
            }
        }
    }

    fn result(&self, column: Column) -> SeriesColumn {
        SeriesColumn {
            labels: self.labels.clone(),
            drop_name: true,
            column,
        }
    }

    /// Finds the steps at which it is classic and native, and warns of them.
    fn find_mixed(&mut self, position: usize, notes: &mut Annotations) {
        let Some(native) = &self.native else {
            return;
        };
        let both = |step| {
            let classic = self
                .buckets
                .iter()
                .any(|(_, column)| column.float(step).is_some());
            classic && native.histogram(step).is_some()
        };
        self.mixed = (0..native.steps()).map(both).collect();
        if self.mixed.contains(&true) {
            notes.warn(position, notes::mixed_kinds(self.labels.metric()));
        }
    }
}

fn grouped(series: Vec<SeriesColumn>, position: usize, notes: &mut Annotations) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut place = |labels: Labels, groups: &mut Vec<Group>| {
        *places.entry(labels).or_insert_with_key(|labels| {
            groups.push(Group {
                labels: labels.clone(),
                buckets: Vec::new(),
                native: None,
                mixed: Vec::new(),
            });
            groups.len() - 1
        })
    };
    for found in series {
        let steps = 0..found.column.steps();
        if steps
            .clone()
            .any(|step| found.column.histogram(step).is_some())
        {
            let place = place(found.labels.clone(), &mut groups);
            groups[place].native = Some(found.column.clone());
        }
        if !steps.clone().any(|step| found.column.float(step).is_some()) {
            continue;
        }
        let label = found.labels.get(BOUND).unwrap_or("");
        let Some(upper) = classic::bound(label) else {
            notes.warn(position, notes::bad_bucket(found.labels.metric(), label));
            continue;
        };
        let mut labels = found.labels.to_builder();
        labels.remove(BOUND);
        let place = place(labels.build(), &mut groups);
        groups[place].buckets.push((upper, found.column));
    }
    for group in &mut groups {
        group.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        group.find_mixed(position, notes);
    }
    groups
}

fn warn_quantiles(call: &Call<'_>, argument: usize, notes: &mut Annotations) {
    let values = match &call.arguments[argument] {
        Argument::Scalar(values) => values.as_slice(),
        _ => &[],
    };
    for q in values.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
        notes.warn(call.positions[argument], notes::bad_quantile(*q));
    }
}

fn step_count(series: &[SeriesColumn]) -> usize {
    series.first().map_or(0, |series| series.column.steps())
}

/// A quantile as a label has it: always with a point or an exponent.
fn label_value(q: f64) -> String {
    let text = numbers::general(q);
    match q.is_finite() && !text.contains(['.', 'e']) {
        true => format!("{text}.0"),
        false => text,
    }
}
