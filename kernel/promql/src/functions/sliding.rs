//! Aggregates over windows that overlap, without looking at every sample again for every window.
//!
//! A window is two parts. Of the older part there is, for each of its samples, what comes of that one and all later
//! ones; of the newer part only what comes of all. A sample that leaves takes its place in the older part with it, a
//! sample that comes is joined to the newer part; when the older part is used up, all becomes older part. So each
//! sample is looked at twice, however many windows it is in, and nothing is ever subtracted.

use std::ops::Range;

use portique_series::Compensated;

use crate::column::Column;
use crate::syntax;

use super::over_time;

/// Fills a column with an aggregate of one window of floats after another. Windows begin and end never before the one
/// before; an empty one has no value.
pub(crate) type SlidingFunction = fn(&[f64], &mut dyn Iterator<Item = Range<usize>>, &mut Column);

/// The code of a function that can slide; it only holds where there are no histograms.
pub(crate) fn sliding(function: syntax::Function) -> Option<SlidingFunction> {
    use syntax::Function as F;
    Some(match function {
        F::AvgOverTime => slide::<Mean>,
        F::CountOverTime => count,
        F::MaxOverTime => slide::<Max>,
        F::MinOverTime => slide::<Min>,
        F::SumOverTime => slide::<Sum>,
        _ => return None,
    })
}

/// Something that can be made of parts, as long as their order is kept.
trait Aggregate {
    type Part: Copy;

    /// The part of no samples.
    const NOTHING: Self::Part;

    fn of(value: f64) -> Self::Part;

    fn join(older: Self::Part, newer: Self::Part) -> Self::Part;

    /// What the aggregate of all is; the samples are there for what parts cannot say.
    fn result(all: Self::Part, samples: &[f64]) -> f64;
}

fn slide<A: Aggregate>(
    values: &[f64],
    windows: &mut dyn Iterator<Item = Range<usize>>,
    column: &mut Column,
) {
    // What comes of the samples from `middle` back to each of the older part, the latest first.
    let mut older: Vec<A::Part> = Vec::new();
    let mut newer = A::NOTHING;
    let (mut middle, mut end) = (0, 0);
    for (step, window) in windows.enumerate() {
        if window.is_empty() {
            continue;
        }
        if window.start >= end {
            (middle, end) = (window.start, window.start);
            newer = A::NOTHING;
        }
        for value in &values[end..window.end] {
            newer = A::join(newer, A::of(*value));
        }
        end = window.end;
        if window.start >= middle {
            older.clear();
            let mut all = A::NOTHING;
            older.extend(values[window.start..end].iter().rev().map(|value| {
                all = A::join(A::of(*value), all);
                all
            }));
            (middle, newer) = (end, A::NOTHING);
        }
        let all = A::join(older[middle - 1 - window.start], newer);
        column.set_float(step, A::result(all, &values[window]));
    }
}

fn count(_: &[f64], windows: &mut dyn Iterator<Item = Range<usize>>, column: &mut Column) {
    for (step, window) in windows.enumerate() {
        if !window.is_empty() {
            column.set_float(step, window.len() as f64);
        }
    }
}

struct Sum;
struct Mean;
struct Max;
struct Min;

impl Aggregate for Sum {
    type Part = Compensated;

    const NOTHING: Compensated = Compensated {
        value: 0.0,
        lost: 0.0,
    };

    fn of(value: f64) -> Compensated {
        Compensated::new(value)
    }

    fn join(mut older: Compensated, newer: Compensated) -> Compensated {
        older.add(newer.value);
        older.lost += newer.lost;
        older
    }

    fn result(all: Compensated, samples: &[f64]) -> f64 {
        // Whether a sum overflows on the way depends on the order.
        match all.value.is_finite() {
            true => all.total(),
            false => over_time::sum_of(samples),
        }
    }
}

impl Aggregate for Mean {
    type Part = Compensated;

    const NOTHING: Compensated = Sum::NOTHING;

    fn of(value: f64) -> Compensated {
        Sum::of(value)
    }

    fn join(older: Compensated, newer: Compensated) -> Compensated {
        Sum::join(older, newer)
    }

    fn result(all: Compensated, samples: &[f64]) -> f64 {
        let count = samples.len() as f64;
        match all.value.is_finite() {
            true => all.value / count + all.lost / count,
            false => over_time::mean(samples),
        }
    }
}

impl Aggregate for Max {
    type Part = f64;

    const NOTHING: f64 = f64::NAN;

    fn of(value: f64) -> f64 {
        value
    }

    fn join(older: f64, newer: f64) -> f64 {
        match newer > older || older.is_nan() {
            true => newer,
            false => older,
        }
    }

    fn result(all: f64, _: &[f64]) -> f64 {
        all
    }
}

impl Aggregate for Min {
    type Part = f64;

    const NOTHING: f64 = f64::NAN;

    fn of(value: f64) -> f64 {
        value
    }

    fn join(older: f64, newer: f64) -> f64 {
        match newer < older || older.is_nan() {
            true => newer,
            false => older,
        }
    }

    fn result(all: f64, _: &[f64]) -> f64 {
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sliding;
    use crate::column::Column;
    use crate::functions::over_time::{extreme, mean, sum_of};
    use crate::syntax::Function;

    type Direct = fn(&[f64]) -> f64;

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![
            8 => -100_i32..100,
            1 => Just(i32::MAX),
        ]
        .prop_map(f64::from);
        // Large, but not so large that sums depend on their order.
        let odd = prop::sample::select(vec![
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e15,
            -1e15,
        ]);
        let mixed = prop_oneof![6 => value, 1 => odd];
        prop::collection::vec(mixed, 1..60)
    }

    /// Windows that move on by so much at either end.
    fn windows(moves: &[(usize, usize)], length: usize) -> Vec<std::ops::Range<usize>> {
        let (mut start, mut end) = (0, 0);
        let next = |(first, last): &(usize, usize)| {
            end = (end + last).min(length);
            start = (start + first).min(end);
            start..end
        };
        moves.iter().map(next).collect()
    }

    #[test]
    fn sums_that_overflow_are_those_of_each_window() {
        let mut column = Column::new(2);
        let mut slide = |function, values: &[f64]| {
            let slide = sliding(function).expect("it slides");
            slide(values, &mut [0..2, 1..3].into_iter(), &mut column);
            [column.float(0), column.float(1)].map(Option::unwrap_or_default)
        };
        let values = [f64::MAX, f64::MAX, 1.0];
        assert_eq!(
            slide(Function::SumOverTime, &values),
            [f64::INFINITY, f64::MAX]
        );
        assert_eq!(
            slide(Function::AvgOverTime, &values),
            [f64::MAX, f64::MAX / 2.0]
        );
        let values = [f64::INFINITY, f64::NEG_INFINITY, 1.0];
        let [mixed, negative] = slide(Function::SumOverTime, &values);
        assert!(mixed.is_nan());
        assert_eq!(negative, f64::NEG_INFINITY);
    }

    proptest! {
        #[test]
        fn sliding_is_as_good_as_looking_at_each_window(
            values in values(),
            moves in prop::collection::vec((0_usize..4, 0_usize..5), 1..40),
        ) {
            let windows = windows(&moves, values.len());
            let direct: [(Function, Direct); 4] = [
                (Function::SumOverTime, sum_of),
                (Function::AvgOverTime, mean),
                (Function::MaxOverTime, |v| v[extreme(v, |a, b| a > b)]),
                (Function::MinOverTime, |v| v[extreme(v, |a, b| a < b)]),
            ];
            for (function, direct) in direct {
                let mut column = Column::new(windows.len());
                let slide = sliding(function).expect("it slides");
                slide(&values, &mut windows.iter().cloned(), &mut column);
                for (step, window) in windows.iter().enumerate() {
                    let wanted = (!window.is_empty()).then(|| direct(&values[window.clone()]));
                    let found = column.float(step);
                    let same = match (found, wanted) {
                        (Some(found), Some(wanted)) => {
                            let close = (found - wanted).abs() <= 1e-12 * wanted.abs();
                            found == wanted || close || (found.is_nan() && wanted.is_nan())
                        }
                        (found, wanted) => found == wanted,
                    };
                    prop_assert!(same, "{function} of {window:?}: {found:?}, not {wanted:?}");
                }
            }
        }
    }
}
