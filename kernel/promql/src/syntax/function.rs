//! Every function of the language and what it takes.

use std::fmt;

use super::operator::ValueType::{self, Matrix, Scalar, String, Vector};

/// How many arguments beyond the listed ones, or how many fewer, a call may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variadic {
    /// Exactly those listed.
    Exact,
    /// The last listed is optional, and may come up to this often.
    Optional(usize),
    /// The last listed is optional, and may come any number of times.
    Repeated,
}

/// What a function takes and gives.
#[derive(Debug, PartialEq, Eq)]
pub struct Signature {
    /// As written.
    pub name: &'static str,
    /// The types of its arguments; of a variadic function the last is that of all further ones.
    pub args: &'static [ValueType],
    /// How the number of arguments may differ from `args`.
    pub variadic: Variadic,
    /// What it gives.
    pub returns: ValueType,
    /// Whether it must be asked for.
    pub experimental: bool,
}

macro_rules! functions {
    ($($id:ident, $name:literal, [$($arg:ident),*], $variadic:expr, $returns:ident, $experimental:literal;)*) => {
        /// A function of the language.
        ///
        /// Source: Prometheus 3.14.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Function {
            $(
                #[doc = concat!("`", $name, "`")]
                $id,
            )*
        }

        impl Function {
            /// Every one of them, by name.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];

            /// What it takes and gives.
            pub fn signature(self) -> &'static Signature {
                match self {
                    $(Self::$id => const {
                        &Signature {
                            name: $name,
                            args: &[$($arg),*],
                            variadic: $variadic,
                            returns: $returns,
                            experimental: $experimental,
                        }
                    },)*
                }
            }
        }
    };
}

use Variadic::{Exact, Optional, Repeated};

functions! {
    Abs, "abs", [Vector], Exact, Vector, false;
    Absent, "absent", [Vector], Exact, Vector, false;
    AbsentOverTime, "absent_over_time", [Matrix], Exact, Vector, false;
    Acos, "acos", [Vector], Exact, Vector, false;
    Acosh, "acosh", [Vector], Exact, Vector, false;
    Asin, "asin", [Vector], Exact, Vector, false;
    Asinh, "asinh", [Vector], Exact, Vector, false;
    Atan, "atan", [Vector], Exact, Vector, false;
    Atanh, "atanh", [Vector], Exact, Vector, false;
    AvgOverTime, "avg_over_time", [Matrix], Exact, Vector, false;
    Ceil, "ceil", [Vector], Exact, Vector, false;
    Changes, "changes", [Matrix], Exact, Vector, false;
    Clamp, "clamp", [Vector, Scalar, Scalar], Exact, Vector, false;
    ClampMax, "clamp_max", [Vector, Scalar], Exact, Vector, false;
    ClampMin, "clamp_min", [Vector, Scalar], Exact, Vector, false;
    Cos, "cos", [Vector], Exact, Vector, false;
    Cosh, "cosh", [Vector], Exact, Vector, false;
    CountOverTime, "count_over_time", [Matrix], Exact, Vector, false;
    DayOfMonth, "day_of_month", [Vector], Optional(1), Vector, false;
    DayOfWeek, "day_of_week", [Vector], Optional(1), Vector, false;
    DayOfYear, "day_of_year", [Vector], Optional(1), Vector, false;
    DaysInMonth, "days_in_month", [Vector], Optional(1), Vector, false;
    Deg, "deg", [Vector], Exact, Vector, false;
    Delta, "delta", [Matrix], Exact, Vector, false;
    Deriv, "deriv", [Matrix], Exact, Vector, false;
    DoubleExponentialSmoothing, "double_exponential_smoothing", [Matrix, Scalar, Scalar], Exact, Vector, true;
    End, "end", [], Exact, Scalar, true;
    Exp, "exp", [Vector], Exact, Vector, false;
    FirstOverTime, "first_over_time", [Matrix], Exact, Vector, false;
    Floor, "floor", [Vector], Exact, Vector, false;
    HistogramAvg, "histogram_avg", [Vector], Exact, Vector, false;
    HistogramCount, "histogram_count", [Vector], Exact, Vector, false;
    HistogramFraction, "histogram_fraction", [Scalar, Scalar, Vector], Exact, Vector, false;
    HistogramQuantile, "histogram_quantile", [Scalar, Vector], Exact, Vector, false;
    HistogramQuantiles, "histogram_quantiles", [Vector, String, Scalar, Scalar], Optional(9), Vector, true;
    HistogramStddev, "histogram_stddev", [Vector], Exact, Vector, false;
    HistogramStdvar, "histogram_stdvar", [Vector], Exact, Vector, false;
    HistogramSum, "histogram_sum", [Vector], Exact, Vector, false;
    Hour, "hour", [Vector], Optional(1), Vector, false;
    Idelta, "idelta", [Matrix], Exact, Vector, false;
    Increase, "increase", [Matrix], Exact, Vector, false;
    Info, "info", [Vector, Vector], Optional(1), Vector, true;
    Irate, "irate", [Matrix], Exact, Vector, false;
    LabelJoin, "label_join", [Vector, String, String, String], Repeated, Vector, false;
    LabelReplace, "label_replace", [Vector, String, String, String, String], Exact, Vector, false;
    LastOverTime, "last_over_time", [Matrix], Exact, Vector, false;
    Ln, "ln", [Vector], Exact, Vector, false;
    Log10, "log10", [Vector], Exact, Vector, false;
    Log2, "log2", [Vector], Exact, Vector, false;
    MadOverTime, "mad_over_time", [Matrix], Exact, Vector, true;
    MaxOf, "max_of", [Scalar, Scalar], Exact, Scalar, true;
    MaxOverTime, "max_over_time", [Matrix], Exact, Vector, false;
    MinOf, "min_of", [Scalar, Scalar], Exact, Scalar, true;
    MinOverTime, "min_over_time", [Matrix], Exact, Vector, false;
    Minute, "minute", [Vector], Optional(1), Vector, false;
    Month, "month", [Vector], Optional(1), Vector, false;
    Pi, "pi", [], Exact, Scalar, false;
    PredictLinear, "predict_linear", [Matrix, Scalar], Exact, Vector, false;
    PresentOverTime, "present_over_time", [Matrix], Exact, Vector, false;
    QuantileOverTime, "quantile_over_time", [Scalar, Matrix], Exact, Vector, false;
    Rad, "rad", [Vector], Exact, Vector, false;
    Range, "range", [], Exact, Scalar, true;
    Rate, "rate", [Matrix], Exact, Vector, false;
    Resets, "resets", [Matrix], Exact, Vector, false;
    Round, "round", [Vector, Scalar], Optional(1), Vector, false;
    Scalar, "scalar", [Vector], Exact, Scalar, false;
    Sgn, "sgn", [Vector], Exact, Vector, false;
    Sin, "sin", [Vector], Exact, Vector, false;
    Sinh, "sinh", [Vector], Exact, Vector, false;
    Sort, "sort", [Vector], Exact, Vector, false;
    SortByLabel, "sort_by_label", [Vector, String], Repeated, Vector, true;
    SortByLabelDesc, "sort_by_label_desc", [Vector, String], Repeated, Vector, true;
    SortDesc, "sort_desc", [Vector], Exact, Vector, false;
    Sqrt, "sqrt", [Vector], Exact, Vector, false;
    Start, "start", [], Exact, Scalar, true;
    StartTimestamp, "start_timestamp", [Vector], Exact, Vector, true;
    StddevOverTime, "stddev_over_time", [Matrix], Exact, Vector, false;
    StdvarOverTime, "stdvar_over_time", [Matrix], Exact, Vector, false;
    Step, "step", [], Exact, Scalar, true;
    SumOverTime, "sum_over_time", [Matrix], Exact, Vector, false;
    Tan, "tan", [Vector], Exact, Vector, false;
    Tanh, "tanh", [Vector], Exact, Vector, false;
    Time, "time", [], Exact, Scalar, false;
    Timestamp, "timestamp", [Vector], Exact, Vector, false;
    TsOfFirstOverTime, "ts_of_first_over_time", [Matrix], Exact, Vector, true;
    TsOfLastOverTime, "ts_of_last_over_time", [Matrix], Exact, Vector, true;
    TsOfMaxOverTime, "ts_of_max_over_time", [Matrix], Exact, Vector, true;
    TsOfMinOverTime, "ts_of_min_over_time", [Matrix], Exact, Vector, true;
    Vector, "vector", [Scalar], Exact, Vector, false;
    Year, "year", [Vector], Optional(1), Vector, false;
}

impl Function {
    /// The function of a name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.binary_search_by(|function| function.name().cmp(name));
        found.ok().map(|index| Self::ALL[index])
    }

    /// As written.
    pub fn name(self) -> &'static str {
        self.signature().name
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        for function in Function::ALL {
            assert_eq!(Function::named(function.name()), Some(*function));
        }
        assert_eq!(Function::named("holt_winters"), None);
        let experimental = Function::ALL.iter().filter(|f| f.signature().experimental);
        assert_eq!((Function::ALL.len(), experimental.count()), (90, 17));
    }
}
