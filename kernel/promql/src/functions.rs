//! What a function of the language gets and gives.
//!
//! The evaluator asks [`find`] once per call in a query, then applies the function to one series
//! after another. The evaluator's own, and not found here: `absent`, `absent_over_time`, `info`,
//! `label_*`, `scalar`, `sort*`, `start_timestamp`, `time`, `timestamp`, `vector`, and the scalars
//! `start`, `end`, `range` and `step`.

mod classic;
mod date;
mod extended;
mod histograms;
mod latest;
mod math;
pub(crate) mod notes;
mod over_time;
mod rate;
mod rise;
mod samples;
mod sliding;
#[cfg(test)]
mod tests;
mod trend;
mod turns;

use std::sync::Arc;

use portique_series::{Histogram, Value};

use crate::annotations::Annotations;
use crate::column::SeriesColumn;
use crate::error::Error;
use crate::syntax;

pub(crate) use over_time::quantile_of;
pub(crate) use rate::{Bounds, FloatSeries, sliding_rate};
pub(crate) use sliding::sliding;

/// A function's code, by what it is applied to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Function {
    /// One value of one series at one step: `abs`, `clamp`, `histogram_sum`, `hour`, …
    /// Of `hour()` and the like without an argument the value is the time in seconds.
    Instant(fn(&Call<'_>, &Value, &mut Annotations) -> Option<Value>),
    /// The samples of one series in one range: `rate`, `avg_over_time`, …
    Range(RangeFunction),
    /// All series of a vector at once, classic buckets among them: `histogram_quantile`,
    /// `histogram_fraction`, `histogram_quantiles`. What comes back is in any order.
    Vector(VectorFunction),
    /// Numbers only: `pi`, `min_of`, `max_of`; `time` and the like are the evaluator's.
    Scalar(fn(&Call<'_>) -> f64),
}

/// See [`Function::Range`].
pub(crate) type RangeFunction = fn(&Call<'_>, &Window<'_>, &mut Annotations) -> Option<Value>;

/// See [`Function::Vector`].
pub(crate) type VectorFunction =
    fn(&Call<'_>, Vec<SeriesColumn>, &mut Annotations) -> Result<Vec<SeriesColumn>, Error>;

/// The code of a function; `None` for the evaluator's own.
pub(crate) fn find(function: syntax::Function) -> Option<Function> {
    range_function(function)
        .map(Function::Range)
        .or_else(|| math::find(function))
        .or_else(|| date::find(function))
        .or_else(|| histograms::find(function))
}

/// Whether a function looks for falling floats, so that counting them once for a whole series pays.
pub(crate) fn counts_falls(function: syntax::Function) -> bool {
    use syntax::Function as F;
    matches!(function, F::Increase | F::Rate | F::Resets)
}

/// Refuses arguments that no series can be computed with.
///
/// # Errors
/// As Prometheus words it.
pub(crate) fn check(function: syntax::Function, arguments: &[Argument]) -> Result<(), Error> {
    if function != syntax::Function::DoubleExponentialSmoothing {
        return Ok(());
    }
    for (argument, name) in [(1, "smoothing"), (2, "trend")] {
        let Some(Argument::Scalar(factors)) = arguments.get(argument) else {
            continue;
        };
        if let Some(bad) = factors
            .iter()
            .find(|factor| **factor <= 0.0 || **factor >= 1.0)
        {
            return Err(Error::execution(format!(
                "invalid {name} factor. Expected: 0 < {}f < 1, got: {bad:.6}",
                &name[..1]
            )));
        }
    }
    Ok(())
}

fn range_function(function: syntax::Function) -> Option<RangeFunction> {
    use syntax::Function as F;
    Some(match function {
        F::AvgOverTime => over_time::avg,
        F::Changes => turns::changes,
        F::CountOverTime => over_time::count,
        F::Delta => rate::delta,
        F::Deriv => trend::deriv,
        F::DoubleExponentialSmoothing => trend::double_exponential_smoothing,
        F::FirstOverTime => over_time::first,
        F::Idelta => latest::idelta,
        F::Increase => rate::increase,
        F::Irate => latest::irate,
        F::LastOverTime => over_time::last,
        F::MadOverTime => over_time::mad,
        F::MaxOverTime => over_time::max,
        F::MinOverTime => over_time::min,
        F::PredictLinear => trend::predict_linear,
        F::PresentOverTime => over_time::present,
        F::QuantileOverTime => over_time::quantile,
        F::Rate => rate::rate,
        F::Resets => turns::resets,
        F::StddevOverTime => over_time::stddev,
        F::StdvarOverTime => over_time::stdvar,
        F::SumOverTime => over_time::sum,
        F::TsOfFirstOverTime => over_time::time_of_first,
        F::TsOfLastOverTime => over_time::time_of_last,
        F::TsOfMaxOverTime => over_time::time_of_max,
        F::TsOfMinOverTime => over_time::time_of_min,
        _ => return None,
    })
}

/// An argument that is not the vector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    /// The vector or matrix that the function is applied to.
    Series,
    /// A number for each step; one only, when it is the same at all steps.
    Scalar(Vec<f64>),
    /// A string.
    Text(String),
}

/// A call, and where it stands: everything but the samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Where each argument begins, in bytes.
    pub(crate) positions: &'a [usize],
    /// The arguments as written, the vector among them as [`Argument::Series`].
    pub(crate) arguments: &'a [Argument],
    /// The name of the series' metric, which may be empty; for [`Function::Vector`] it always is.
    pub(crate) metric: &'a str,
    /// Delayed name removal: labels keep the metric's name, and annotations of classic histograms show it.
    pub(crate) names_kept: bool,
    /// Which step this is, from 0.
    pub(crate) step: usize,
    /// The time of that step, Unix milliseconds; of [`Function::Vector`], of the first step.
    pub(crate) time_ms: i64,
    /// Distance of steps in milliseconds; 0 for an instant query.
    pub(crate) step_ms: i64,
}

impl Call<'_> {
    /// The number in an argument at this step.
    ///
    /// # Panics
    /// When the argument is not a scalar: the syntax has checked that before.
    pub(crate) fn scalar(&self, argument: usize) -> f64 {
        self.scalar_at(argument, self.step)
    }

    /// The number in an argument at any step, for [`Function::Vector`].
    ///
    /// # Panics
    /// As [`scalar`](Self::scalar).
    pub(crate) fn scalar_at(&self, argument: usize, step: usize) -> f64 {
        match &self.arguments[argument] {
            Argument::Scalar(values) if values.len() == 1 => values[0],
            Argument::Scalar(values) => values[step],
            _ => panic!("the syntax refuses other arguments than a scalar here"),
        }
    }

    /// The string in an argument.
    ///
    /// # Panics
    /// When it is not a string.
    pub(crate) fn text(&self, argument: usize) -> &str {
        match &self.arguments[argument] {
            Argument::Text(text) => text,
            _ => panic!("the syntax refuses other arguments than a string here"),
        }
    }
}

/// Whether a range takes samples around it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edges {
    /// Only what is in the range.
    Inside,
    /// `anchored`: also everything from one lookback before the start, to choose from.
    Anchored,
    /// `smoothed`: besides that everything to one lookback after the end.
    Smoothed,
}

/// The samples of one series from `start_ms` (exclusive) to `end_ms` (inclusive), or more as
/// [`Edges`] says; without stale markers; floats and histograms apart, each by ascending time.
/// Never both empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// Times, values and start timestamps of the floats.
    pub(crate) floats: Points<'a, f64>,
    /// The same of the histograms.
    pub(crate) histograms: Points<'a, Arc<Histogram>>,
    /// After `@` and offset, Unix milliseconds.
    pub(crate) start_ms: i64,
    /// `start_ms` plus the range.
    pub(crate) end_ms: i64,
    /// What may lie outside the range.
    pub(crate) edges: Edges,
    /// How often the series' floats had fallen by the time of each float; empty when nobody counted.
    pub(crate) falls: &'a [u32],
}

/// Samples of one kind.
#[derive(Debug)]
pub(crate) struct Points<'a, T> {
    /// Unix milliseconds, ascending.
    pub(crate) times: &'a [i64],
    /// As long as `times`.
    pub(crate) values: &'a [T],
    /// Start timestamps, 0 for unknown; either empty (none known) or as long as `times`.
    pub(crate) starts: &'a [i64],
}

// Derived, they would ask the same of the samples.
impl<T> Copy for Points<'_, T> {}

impl<T> Clone for Points<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
