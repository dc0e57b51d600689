//! Calls of functions.

use portique_series::{Labels, METRIC_NAME, MatchOp, Value};

use crate::annotations::Annotations;
use crate::column::{Column, Presence};
use crate::error::Error;
use crate::functions::{self, Argument};
use crate::steps::Steps;
use crate::syntax::{Call, Expr, Function, ValueType};

use super::labels::without_metadata;
use super::scalar::places;
use super::select::Reading;
use super::{Evaluation, Item, Merger, Sink};

impl Evaluation<'_> {
    /// Hands the series that a function yields on.
    pub(super) fn call(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match call.function {
            Function::Absent => self.absent(call, steps, sink),
            Function::AbsentOverTime => self.absent_over_time(call, steps, sink),
            Function::Info => self.info(call, steps, sink),
            Function::LabelJoin | Function::LabelReplace => self.relabel(call, steps, sink),
            Function::Sort
            | Function::SortDesc
            | Function::SortByLabel
            | Function::SortByLabelDesc => self.sort(call, steps, sink),
            Function::StartTimestamp => self.time_of_samples(call, Reading::Start, steps, sink),
            Function::Timestamp => self.time_of_samples(call, Reading::Timestamp, steps, sink),
            Function::Vector => self.each_or_scalar(&call.args[0], steps, sink),
            _ => self.found(call, steps, sink),
        }
    }

    fn found(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match functions::find(call.function) {
            Some(functions::Function::Instant(apply)) => self.instant(call, apply, steps, sink),
            Some(functions::Function::Range(apply)) => self.over_range(call, apply, steps, sink),
            Some(functions::Function::Vector(apply)) => self.whole(call, apply, steps, sink),
            Some(functions::Function::Scalar(_)) | None => Err(Error::execution(format!(
                "the function {} is not supported",
                call.function
            ))),
        }
    }

    /// A function of one value.
    fn instant(
        &self,
        call: &Call,
        apply: fn(&functions::Call<'_>, &Value, &mut Annotations) -> Option<Value>,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let arguments = self.arguments(&call.args, steps)?;
        let places = places(call);
        let context = self.call_context(&places, &arguments, steps);
        let mut notes = Annotations::default();
        let mut column = Column::default();
        let mut one = |item: Item<'_>, sink: &mut Sink<'_>| {
            column.reset(steps.count);
            let metric = item.labels.metric();
            for step in 0..steps.count {
                let Some(value) = item.column.value(step) else {
                    continue;
                };
                let time_ms = steps.time(step);
                let here = functions::Call {
                    metric,
                    step,
                    time_ms,
                    ..context
                };
                column.set(step, apply(&here, &value, &mut notes));
            }
            match column.is_empty() {
                true => Ok(()),
                false => sink(Item {
                    drop_name: true,
                    column: &column,
                    ..item
                }),
            }
        };
        match series_argument(call) {
            None => {
                let mut times = Column::new(steps.count);
                for step in 0..steps.count {
                    times.set_float(step, steps.time(step) as f64 / 1000.0);
                }
                let labels = Labels::empty();
                let item = Item {
                    labels: &labels,
                    drop_name: false,
                    column: &times,
                };
                one(item, sink)?;
            }
            Some(operand) => self.unnamed(operand, steps, sink, |sink| {
                self.each(operand, steps, &mut |item| one(item, sink))
            })?,
        }
        self.note(notes);
        Ok(())
    }

    /// A function of all series at once.
    fn whole(
        &self,
        call: &Call,
        apply: functions::VectorFunction,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let Some(operand) = series_argument(call) else {
            return Err(Error::execution("expected an instant vector"));
        };
        let arguments = self.arguments(&call.args, steps)?;
        let places = places(call);
        let context = self.call_context(&places, &arguments, steps);
        let held = self.vector(operand, steps)?;
        let size = held.iter().map(|series| series.column.size()).sum();
        let mut notes = Annotations::default();
        let result = apply(&context, held, &mut notes)?;
        self.note(notes);
        self.budget.release(size);
        let mut merger = Merger::new(steps.count);
        for mut series in result {
            series.drop_name = true;
            if !self.config.delayed_name_removal {
                series.labels = without_metadata(&series.labels);
                series.drop_name = false;
            }
            merger.add(series)?;
        }
        for series in merger.into_series() {
            if !series.column.is_empty() {
                sink(series.item())?;
            }
        }
        Ok(())
    }

    /// `timestamp` and `start_timestamp`: of a selector those of the samples, else the time of the step.
    fn time_of_samples(
        &self,
        call: &Call,
        reading: Reading,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let operand = call.args[0].without_parens();
        self.unnamed(operand, steps, sink, |sink| {
            if let Expr::Vector(selector) = operand {
                return self.read_instants(selector, reading, steps, &mut |item| {
                    sink(Item {
                        drop_name: true,
                        ..item
                    })
                });
            }
            let mut column = Column::default();
            self.each(operand, steps, &mut |item| {
                column.reset(steps.count);
                for step in 0..steps.count {
                    if item.column.presence(step) != Presence::Absent {
                        let time = steps.time(step) as f64 / 1000.0;
                        let known = reading == Reading::Timestamp;
                        column.set_float(step, if known { time } else { 0.0 });
                    }
                }
                sink(Item {
                    drop_name: true,
                    column: &column,
                    ..item
                })
            })
        })
    }

    /// Runs an operation whose results marked with `drop_name` lose the metric's name: at the end of the query, or
    /// at once where that is not delayed.
    pub(super) fn unnamed(
        &self,
        operand: &Expr,
        steps: Steps,
        sink: &mut Sink<'_>,
        run: impl FnOnce(&mut Sink<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.config.delayed_name_removal {
            return run(sink);
        }
        if has_one_name(operand) {
            return run(&mut |item| match item.drop_name {
                false => sink(item),
                true => sink(Item {
                    labels: &without_metadata(item.labels),
                    drop_name: false,
                    column: item.column,
                }),
            });
        }
        let mut merger = Merger::new(steps.count);
        run(&mut |item| {
            self.budget.charge(item.column.size())?;
            merger.add(crate::column::SeriesColumn {
                labels: match item.drop_name {
                    true => without_metadata(item.labels),
                    false => item.labels.clone(),
                },
                drop_name: false,
                column: item.column.clone(),
            })
        })?;
        self.drain(merger.into_series(), sink)
    }

    /// The arguments that are not series.
    pub(super) fn arguments(&self, args: &[Expr], steps: Steps) -> Result<Vec<Argument>, Error> {
        let arguments = args.iter().map(|arg| match arg.value_type() {
            ValueType::Vector | ValueType::Matrix => Ok(Argument::Series),
            ValueType::Scalar => Ok(Argument::Scalar(self.scalar(arg, steps)?)),
            ValueType::String => Ok(Argument::Text(text(arg)?)),
        });
        arguments.collect()
    }

    /// What a function is told, but for the series and the step.
    pub(super) fn call_context<'c>(
        &self,
        positions: &'c [usize],
        arguments: &'c [Argument],
        steps: Steps,
    ) -> functions::Call<'c> {
        functions::Call {
            positions,
            arguments,
            metric: "",
            names_kept: self.config.delayed_name_removal,
            step: 0,
            time_ms: steps.start_ms,
            step_ms: steps.step_ms,
        }
    }
}

/// The argument that is a vector or a range.
pub(super) fn series_argument(call: &Call) -> Option<&Expr> {
    let series = |arg: &&Expr| matches!(arg.value_type(), ValueType::Vector | ValueType::Matrix);
    call.args.iter().find(series).map(Expr::without_parens)
}

/// A string argument.
pub(super) fn text(expr: &Expr) -> Result<String, Error> {
    match expr.without_parens() {
        Expr::String(literal) => Ok(String::from_utf8_lossy(&literal.bytes).into_owned()),
        _ => Err(Error::execution("expected a string")),
    }
}

/// Whether all series of an expression have the same metric's name, so that none meet without it.
fn has_one_name(expr: &Expr) -> bool {
    let selector = match expr {
        Expr::Vector(selector) => selector,
        Expr::Matrix(matrix) => &matrix.selector,
        _ => return false,
    };
    let names = |m: &portique_series::Matcher| m.name() == METRIC_NAME && m.op() == MatchOp::Equal;
    selector.matchers.iter().any(names)
}
