use proptest::prelude::*;

use super::compacted;
use crate::{Histogram, Span, Trim};

fn arbitrary() -> impl Strategy<Value = Histogram> {
    let side = || (-6_i32..6, prop::collection::vec(0_u32..5, 0..12));
    let zero = (prop::sample::select(vec![0.0, 0.001, 0.3, 1.0]), 0_u32..4);
    (-2_i32..4, zero, side(), side())
        .prop_map(|(schema, zero, positive, negative)| {
            let counts = |side: &[u32]| side.iter().map(|c| f64::from(*c)).collect::<Vec<_>>();
            let span = |side: &(i32, Vec<u32>)| Span {
                offset: side.0,
                length: side.1.len() as u32,
            };
            let total: u32 = positive.1.iter().chain(&negative.1).sum();
            Histogram {
                schema,
                zero_threshold: zero.0,
                zero_count: f64::from(zero.1),
                count: f64::from(total + zero.1),
                sum: f64::from(total),
                positive_spans: vec![span(&positive)],
                positive_buckets: counts(&positive.1),
                negative_spans: vec![span(&negative)],
                negative_buckets: counts(&negative.1),
                ..Histogram::default()
            }
        })
        .prop_filter("no bucket lies in the zero bucket", |h| {
            h.buckets().is_sorted_by(|a, b| a.upper <= b.lower)
        })
}

fn counted(histogram: &Histogram) -> f64 {
    histogram.buckets().iter().map(|bucket| bucket.count).sum()
}

proptest! {
    #[test]
    fn addition_commutes_and_keeps_every_observation(one in arbitrary(), other in arbitrary()) {
        let (mut left, mut right) = (one.clone(), other.clone());
        prop_assert!(left.add(&other).is_some() && right.add(&one).is_some());
        prop_assert_eq!(counted(&left), counted(&one) + counted(&other));
        prop_assert!(compacted(left).equals(&compacted(right)));
    }

    #[test]
    fn a_histogram_less_itself_is_empty(histogram in arbitrary()) {
        let mut left = histogram.clone();
        prop_assert!(left.subtract(&histogram).is_some());
        left.compact();
        prop_assert_eq!((left.count, left.zero_count), (0.0, 0.0));
        prop_assert!(left.positive_buckets.is_empty() && left.negative_buckets.is_empty());
    }

    #[test]
    fn reduction_keeps_every_observation(histogram in arbitrary(), schema in -4_i32..4) {
        let mut reduced = histogram.clone();
        reduced.reduce(schema);
        prop_assert_eq!(reduced.schema, schema.min(histogram.schema));
        prop_assert_eq!(counted(&reduced), counted(&histogram));
        prop_assert!(!reduced.is_reset_after(&histogram));
    }

    #[test]
    fn quantiles_ascend_and_fractions_undo_them(histogram in arbitrary()) {
        prop_assume!(histogram.count > 0.0);
        let mut before = f64::NEG_INFINITY;
        for tenth in 0..=10 {
            let q = f64::from(tenth) / 10.0;
            let (value, _) = histogram.quantile(q);
            prop_assert!(value >= before - before.abs() * 1e-9, "{} after {}", value, before);
            before = value;
            let (fraction, _) = histogram.fraction(f64::NEG_INFINITY, value);
            prop_assert!(fraction >= q - 1e-9 || histogram.zero_threshold == 0.0, "{} of {}", fraction, q);
        }
    }

    #[test]
    fn both_sides_of_a_cut_make_the_whole(histogram in arbitrary(), at in -9.0..9.0_f64) {
        let (mut low, mut high) = (histogram.clone(), histogram.clone());
        low.trim(Trim::Below, at);
        high.trim(Trim::Above, at);
        let both = low.count + high.count;
        prop_assert!((both - histogram.count).abs() < 1e-9, "{} of {}", both, histogram.count);
    }

    #[test]
    fn hostile_layouts_do_no_harm(one in hostile(), other in hostile(), at in any::<f64>()) {
        let mut sum = one.clone();
        let _ = sum.add(&other);
        let _ = sum.subtract(&one);
        sum.reduce(other.schema);
        let _ = (sum.quantile(at), sum.fraction(at, 1.0), sum.variance(), sum.buckets());
        let _ = (one.is_reset_after(&other), one.equals(&other));
        sum.trim(Trim::Above, at);
        sum.compact();
        let counts = one.positive_buckets.len() + one.negative_buckets.len();
        prop_assert!(one.buckets().len() <= counts + 1);
    }

    #[test]
    fn what_passes_the_check_stays_well_formed(one in arbitrary(), other in arbitrary()) {
        prop_assert_eq!((one.check(), other.check()), (Ok(()), Ok(())));
        let mut sum = one;
        prop_assert!(sum.add(&other).is_some());
        prop_assert_eq!(sum.check(), Ok(()));
        sum.compact();
        prop_assert_eq!(sum.check(), Ok(()));
    }
}

/// Anything that can come over a wire.
fn hostile() -> impl Strategy<Value = Histogram> {
    let spans = || {
        let offset = prop_oneof![-3_i32..4, any::<i32>()];
        let length = prop_oneof![0_u32..3, any::<u32>()];
        let span = (offset, length).prop_map(|(offset, length)| Span { offset, length });
        prop::collection::vec(span, 0..3)
    };
    let number = || prop_oneof![Just(0.0), 0.0..5.0_f64, any::<f64>()];
    let counts = || prop::collection::vec(number(), 0..5);
    let schema = prop_oneof![-4_i32..9, Just(-53), any::<i32>()];
    let bounds = prop::collection::vec(number(), 0..3);
    let side = || (spans(), counts());
    let whole = (number(), number(), number(), number());
    (schema, whole, side(), side(), bounds).prop_map(
        |(schema, whole, positive, negative, bounds)| Histogram {
            schema,
            zero_threshold: whole.0,
            zero_count: whole.1,
            count: whole.2,
            sum: whole.3,
            positive_spans: positive.0,
            positive_buckets: positive.1,
            negative_spans: negative.0,
            negative_buckets: negative.1,
            custom_bounds: bounds,
            ..Histogram::default()
        },
    )
}
