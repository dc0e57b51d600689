//! Functions of the samples in a range.

use portique_series::{Aggregate, Labels, Samples};

use crate::annotations::Annotations;
use crate::column::Column;
use crate::error::Error;
use crate::functions::{self, Edges, FloatSeries};
use crate::steps::Steps;
use crate::syntax::{Call, Expr, Function, MatrixSelector};

use super::call::series_argument;
use super::parallel;
use super::range::{Decoded, RangeShape};
use super::scalar::places;
use super::{Evaluation, Item, Sink};

/// What `anchored` goes with.
const ANCHORED: [Function; 5] = [
    Function::Changes,
    Function::Delta,
    Function::Increase,
    Function::Rate,
    Function::Resets,
];
/// What `smoothed` goes with.
const SMOOTHED: [Function; 3] = [Function::Delta, Function::Increase, Function::Rate];
/// How the names of counters end.
const COUNTER_ENDINGS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

/// Windows after which a query looks whether it has to end: each may have millions of samples.
const STEPS_UNCHECKED: usize = 64;

/// A function over the windows of a series.
struct OverRange<'a> {
    function: Function,
    apply: functions::RangeFunction,
    context: functions::Call<'a>,
    shape: RangeShape,
    steps: Steps,
    type_and_unit_labels: bool,
}

/// What is used again from series to series.
#[derive(Default)]
struct Scratch {
    column: Column,
    falls: Vec<u32>,
    notes: Annotations,
}

/// What a function reads where only intervals are kept: what it would make of their samples, if it
/// makes the same of that again; else the last of each.
fn aggregate_of(function: Function) -> Aggregate {
    match function {
        Function::MinOverTime => Aggregate::Min,
        Function::MaxOverTime => Aggregate::Max,
        Function::SumOverTime => Aggregate::Sum,
        _ => Aggregate::Last,
    }
}

impl Evaluation<'_> {
    /// Hands what a function makes of the samples in a range on.
    pub(super) fn over_range(
        &self,
        call: &Call,
        apply: functions::RangeFunction,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let Some(operand) = series_argument(call) else {
            return Err(Error::execution("expected a range vector"));
        };
        let arguments = self.arguments(&call.args, steps)?;
        functions::check(call.function, &arguments)?;
        let places = places(call);
        let shape = self.range_shape(operand)?;
        check_edges(call.function, shape.edges)?;
        let over = OverRange {
            function: call.function,
            apply,
            context: self.call_context(&places, &arguments, steps),
            shape,
            steps,
            type_and_unit_labels: self.config.type_and_unit_labels,
        };
        self.unnamed(operand, steps, sink, |sink| match operand {
            Expr::Matrix(matrix) => self.over_matrix(matrix, &over, sink),
            _ => self.over_subquery(operand, &over, sink),
        })
    }

    fn over_subquery(
        &self,
        operand: &Expr,
        over: &OverRange<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut scratch = Scratch::default();
        self.each_range(
            operand,
            over.shape,
            over.steps,
            &mut |labels, drop_name, decoded| {
                over.compute(self, labels, decoded, &mut scratch)?;
                over.hand_on(labels, drop_name, &scratch.column, sink)
            },
        )?;
        self.note(scratch.notes);
        Ok(())
    }

    fn over_matrix(
        &self,
        matrix: &MatrixSelector,
        over: &OverRange<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut reader = self.reader(matrix, over.shape, over.steps)?;
        reader.aggregate = aggregate_of(over.function);
        let threads = self.config.threads;
        if threads < 2 || reader.len() < parallel::SERIES_MIN {
            let mut scratch = Scratch::default();
            self.each_read(&reader, &mut |labels, drop_name, decoded| {
                over.compute(self, labels, decoded, &mut scratch)?;
                over.hand_on(labels, drop_name, &scratch.column, sink)
            })?;
            self.note(scratch.notes);
            return Ok(());
        }
        let work = || {
            let (mut samples, mut decoded) = (Samples::default(), Decoded::default());
            let mut scratch = Scratch::default();
            let reader = &reader;
            move |index: usize| {
                self.check()?;
                reader.read(index, &mut samples, &mut decoded)?;
                let size = decoded.size();
                self.budget.charge(size)?;
                over.compute(self, reader.labels(index), &decoded, &mut scratch)?;
                self.budget.release(size);
                self.note(std::mem::take(&mut scratch.notes));
                Ok((!scratch.column.is_empty()).then(|| std::mem::take(&mut scratch.column)))
            }
        };
        parallel::in_order(
            reader.len(),
            threads,
            over.steps.count,
            work,
            &mut |index, column| over.hand_on(reader.labels(index), false, &column, sink),
        )
    }
}

impl OverRange<'_> {
    /// Fills the scratch's column.
    ///
    /// # Errors
    /// When the query has to end.
    fn compute(
        &self,
        evaluation: &Evaluation<'_>,
        labels: &Labels,
        decoded: &Decoded,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let steps = self.steps;
        scratch.column.reset(steps.count);
        scratch.falls.clear();
        let metric = labels.metric();
        if steps.count > 1 && functions::counts_falls(self.function) {
            decoded.count_falls(&mut scratch.falls);
        }
        if self.slide(decoded, scratch) {
            self.doubt(labels, scratch);
            return Ok(());
        }
        let windows = decoded
            .windows(self.shape, steps)
            .with_falls(&scratch.falls);
        for (step, window) in windows.enumerate() {
            let Some(window) = window else { continue };
            if step % STEPS_UNCHECKED == STEPS_UNCHECKED - 1 {
                evaluation.check()?;
            }
            let here = functions::Call {
                metric,
                step,
                time_ms: steps.time(step),
                ..self.context
            };
            let value = (self.apply)(&here, &window, &mut scratch.notes);
            scratch.column.set(step, value);
        }
        self.doubt(labels, scratch);
        Ok(())
    }

    /// Fills the column at once, when the series and the function allow it.
    fn slide(&self, decoded: &Decoded, scratch: &mut Scratch) -> bool {
        let Some(points) = decoded.only_floats() else {
            return false;
        };
        if self.steps.count < 2 || self.shape.edges != Edges::Inside {
            return false;
        }
        let mut windows = decoded.float_windows(self.shape, self.steps);
        if let Some(slide) = functions::sliding_rate(self.function) {
            let falls = &scratch.falls;
            let series = FloatSeries { points, falls };
            slide(series, &mut windows, &mut scratch.column);
            return true;
        }
        let Some(slide) = functions::sliding(self.function) else {
            return false;
        };
        let mut windows = windows.map(|(window, _)| window);
        slide(points.values, &mut windows, &mut scratch.column);
        true
    }

    fn doubt(&self, labels: &Labels, scratch: &mut Scratch) {
        if matches!(self.function, Function::Rate | Function::Increase) {
            self.doubt_counter(labels, &scratch.column, &mut scratch.notes);
        }
    }

    fn hand_on(
        &self,
        labels: &Labels,
        drop_name: bool,
        column: &Column,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if column.is_empty() {
            return Ok(());
        }
        let keeps_name = matches!(
            self.function,
            Function::FirstOverTime | Function::LastOverTime
        );
        sink(Item {
            labels,
            drop_name: drop_name || !keeps_name,
            column,
        })
    }

    /// Says so when `rate` is taken of what does not look like a counter.
    fn doubt_counter(&self, labels: &Labels, column: &Column, notes: &mut Annotations) {
        let name = labels.metric();
        let has_floats = || (0..column.steps()).any(|step| column.float(step).is_some());
        let position = self.context.positions[0];
        if self.type_and_unit_labels {
            let kind = labels.get("__type__").unwrap_or("");
            if !name.is_empty() && kind != "counter" && kind != "histogram" && has_floats() {
                notes.info(position, format!(
                    "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {kind:?}: {name:?}"
                ));
            }
            return;
        }
        let named_so = COUNTER_ENDINGS.iter().any(|ending| name.ends_with(ending));
        if !name.is_empty() && !named_so && has_floats() {
            notes.info(position, format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"
            ));
        }
    }
}

pub(super) fn check_edges(function: Function, edges: Edges) -> Result<(), Error> {
    let (modifier, allowed): (&str, &[Function]) = match edges {
        Edges::Inside => return Ok(()),
        Edges::Anchored => ("anchored", &ANCHORED),
        Edges::Smoothed => ("smoothed", &SMOOTHED),
    };
    if allowed.contains(&function) {
        return Ok(());
    }
    let names: Vec<_> = allowed.iter().map(|function| function.name()).collect();
    Err(Error::execution(format!(
        "{modifier} modifier can only be used with: {} - not with {function}",
        names.join(", ")
    )))
}
