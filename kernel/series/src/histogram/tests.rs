//! Arithmetic of histograms against numbers worked out by hand; what holds for all of them is in `properties`.

mod properties;

use super::{
    CounterReset, Histogram, HistogramMean, HistogramSum, Merged, QuantileNote, Span, Trim,
};

/// Positive buckets beginning at index 0 of schema 0: (0.5, 1], (1, 2], (2, 4] ...
fn of(counts: &[f64]) -> Histogram {
    Histogram {
        positive_spans: vec![Span {
            offset: 0,
            length: counts.len() as u32,
        }],
        positive_buckets: counts.to_vec(),
        count: counts.iter().sum(),
        ..Histogram::default()
    }
}

fn custom(bounds: &[f64], counts: &[f64]) -> Histogram {
    Histogram {
        schema: -53,
        custom_bounds: bounds.to_vec(),
        ..of(counts)
    }
}

fn compacted(mut histogram: Histogram) -> Histogram {
    histogram.compact();
    histogram
}

fn bounds_and_counts(histogram: &Histogram) -> Vec<(f64, f64, f64)> {
    let shown = histogram.buckets();
    shown.iter().map(|b| (b.lower, b.upper, b.count)).collect()
}

#[track_caller]
fn assert_close(found: f64, wanted: f64) {
    let error = (found - wanted).abs() / wanted.abs().max(1e-300);
    assert!(
        found == wanted || error < 1e-12,
        "{found} instead of {wanted}"
    );
}

#[test]
fn buckets_go_from_the_lowest_to_the_highest() {
    let mut histogram = of(&[1.0, 2.0]);
    histogram.negative_spans = vec![Span {
        offset: 1,
        length: 1,
    }];
    histogram.negative_buckets = vec![3.0];
    histogram.zero_count = 4.0;
    histogram.zero_threshold = 0.75;
    let wanted = [
        (-2.0, -1.0, 3.0),
        (-0.75, 0.75, 4.0),
        (0.75, 1.0, 1.0),
        (1.0, 2.0, 2.0),
    ];
    assert_eq!(bounds_and_counts(&histogram), wanted);
}

#[test]
fn compaction_drops_empty_buckets_and_joins_spans() {
    let mut histogram = of(&[0.0, 1.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
    histogram.compact();
    let spans = [(1, 1), (2, 2)].map(|(offset, length)| Span { offset, length });
    assert_eq!(histogram.positive_spans, spans);
    assert_eq!(histogram.positive_buckets, [1.0, 2.0, 3.0]);
}

#[test]
fn equality_does_not_see_how_spans_are_cut() {
    let one = of(&[1.0, 2.0]);
    let mut other = one.clone();
    other.positive_spans = [(0, 1), (0, 0), (0, 1)]
        .map(|(offset, length)| Span { offset, length })
        .into();
    other.counter_reset = CounterReset::Gauge;
    assert!(one.equals(&other));
    other.positive_buckets[1] = 3.0;
    assert!(!one.equals(&other));
}

#[test]
fn addition_inserts_buckets_that_were_missing() {
    let mut sum = of(&[1.0, 2.0]);
    let mut other = of(&[5.0]);
    other.positive_spans[0].offset = 4;
    assert_eq!(sum.add(&other), Some(Merged::default()));
    let spans = [(0, 2), (2, 1)].map(|(offset, length)| Span { offset, length });
    assert_eq!(sum.positive_spans, spans);
    assert_eq!(sum.positive_buckets, [1.0, 2.0, 5.0]);
    assert_eq!(sum.count, 8.0);
}

#[test]
fn the_coarser_schema_wins() {
    let mut fine = of(&[1.0, 2.0, 3.0, 4.0]);
    fine.schema = 1;
    let coarse = of(&[10.0, 20.0]);
    let mut sum = fine.clone();
    assert!(sum.add(&coarse).is_some());
    // Schema 1: (0.7, 1], (1, 1.4], (1.4, 2], (2, 2.8]; halved: (0.5, 1], (1, 2], (2, 4].
    assert_eq!(sum.schema, 0);
    assert_eq!(sum.positive_buckets, [11.0, 25.0, 4.0]);
    let mut turned = coarse;
    assert!(turned.add(&fine).is_some());
    assert!(turned.equals(&sum));
}

#[test]
fn the_wider_zero_bucket_swallows_whole_buckets() {
    let mut narrow = of(&[1.0, 2.0, 4.0]);
    narrow.zero_threshold = 0.001;
    narrow.zero_count = 8.0;
    let mut wide = of(&[]);
    wide.positive_spans.clear();
    wide.zero_threshold = 1.5;
    wide.zero_count = 16.0;
    assert!(narrow.add(&wide).is_some());
    // 1.5 cuts (1, 2], so zero reaches to 2.
    assert_eq!(narrow.zero_threshold, 2.0);
    assert_eq!(narrow.zero_count, 27.0);
    assert_eq!(
        bounds_and_counts(&narrow),
        [(-2.0, 2.0, 27.0), (2.0, 4.0, 4.0)]
    );
}

#[test]
fn different_custom_bounds_keep_what_they_share() {
    let mut one = custom(&[1.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 4.0]);
    let other = custom(&[2.0, 5.0, 9.0], &[10.0, 20.0, 30.0, 40.0]);
    let merged = one.add(&other).expect("both have custom bounds");
    assert!(merged.bounds_reconciled);
    assert_eq!(one.custom_bounds, [2.0, 5.0]);
    assert_eq!(one.positive_buckets, [13.0, 23.0, 74.0]);
}

#[test]
fn exponential_and_custom_do_not_go_together() {
    let mut one = of(&[1.0]);
    let before = one.clone();
    assert_eq!(one.add(&custom(&[1.0], &[1.0])), None);
    assert!(one.equals(&before));
}

#[test]
fn factors_scale_every_count() {
    let mut histogram = of(&[1.0, 2.0]);
    histogram.zero_count = 4.0;
    histogram.scale(0.5);
    let counts = (
        histogram.zero_count,
        histogram.count,
        histogram.positive_buckets.clone(),
    );
    assert_eq!(counts, (2.0, 1.5, vec![0.5, 1.0]));
    assert_eq!(histogram.counter_reset, CounterReset::Unknown);
    histogram.scale(-2.0);
    assert_eq!(
        (histogram.count, histogram.counter_reset),
        (-3.0, CounterReset::Gauge)
    );
    histogram.divide(0.0);
    assert_eq!(histogram.count, f64::NEG_INFINITY);
    assert_eq!(histogram.buckets().len(), 0);
}

#[test]
fn hints_collide_only_when_they_contradict() {
    use CounterReset::{Gauge, NotReset, Reset, Unknown};
    let cases = [
        (Reset, NotReset, Unknown, true),
        (NotReset, Reset, Unknown, true),
        (Reset, Reset, Reset, false),
        (Gauge, NotReset, Gauge, false),
        (Reset, Gauge, Gauge, false),
        (Unknown, Reset, Unknown, false),
        (NotReset, Unknown, Unknown, false),
    ];
    for (one, other, combined, collide) in cases {
        assert_eq!(
            one.combine(other),
            (combined, collide),
            "{one:?} with {other:?}"
        );
    }
}

#[test]
fn resets_are_seen_in_any_part() {
    let before = of(&[1.0, 2.0]);
    let changed = |change: fn(&mut Histogram)| {
        let mut after = before.clone();
        after.count += 5.0;
        change(&mut after);
        after.is_reset_after(&before)
    };
    assert!(!changed(|_| {}));
    assert!(changed(|h| h.count = 2.0));
    assert!(changed(|h| h.positive_buckets[0] = 0.0));
    assert!(changed(|h| h.schema = 1));
    assert!(!changed(|h| h.zero_threshold = 1e-9));
    assert!(changed(|h| h.zero_threshold = 0.6));
    assert!(changed(
        |h| (h.positive_buckets, h.positive_spans) = (vec![], vec![])
    ));
    assert!(changed(|h| h.counter_reset = CounterReset::Reset));
    let mut unknown = of(&[]);
    unknown.counter_reset = CounterReset::NotReset;
    assert!(!unknown.is_reset_after(&before));
}

#[test]
fn coarser_buckets_and_other_bounds_are_no_reset() {
    let mut before = of(&[1.0, 2.0, 3.0]);
    before.schema = 1;
    let after = of(&[1.0, 5.0]);
    assert!(!after.is_reset_after(&before));
    let before = custom(&[1.0, 2.0], &[1.0, 2.0, 0.0]);
    assert!(!custom(&[2.0], &[3.0, 1.0]).is_reset_after(&before));
    assert!(custom(&[2.0], &[2.0, 5.0]).is_reset_after(&before));
}

#[test]
fn quantiles_interpolate_on_the_scale_of_their_bucket() {
    let histogram = of(&[1.0, 2.0, 1.0]);
    assert_close(histogram.quantile(0.5).0, 2_f64.sqrt());
    assert_close(histogram.quantile(0.25).0, 1.0);
    assert_close(histogram.quantile(1.0).0, 4.0);
    assert_close(histogram.quantile(0.0).0, 0.5);
    assert_eq!(histogram.quantile(-0.1).0, f64::NEG_INFINITY);
    assert_eq!(histogram.quantile(1.1).0, f64::INFINITY);
    assert!(of(&[]).quantile(0.5).0.is_nan());
    let linear = custom(&[10.0, 20.0], &[2.0, 2.0, 2.0]);
    assert_close(linear.quantile(0.5).0, 15.0);
    assert_close(linear.quantile(1.0 / 6.0).0, 5.0);
    assert_close(linear.quantile(0.9).0, 20.0);
    let below_zero = custom(&[-10.0], &[2.0, 2.0]);
    assert_close(below_zero.quantile(0.1).0, -10.0);
}

#[test]
fn the_zero_bucket_leans_to_where_observations_are() {
    let mut histogram = of(&[2.0]);
    histogram.zero_threshold = 0.5;
    histogram.zero_count = 2.0;
    histogram.count = 4.0;
    assert_close(histogram.quantile(0.25).0, 0.25);
    assert_close(histogram.fraction(0.0, 0.25).0, 0.25);
    std::mem::swap(&mut histogram.positive_spans, &mut histogram.negative_spans);
    std::mem::swap(
        &mut histogram.positive_buckets,
        &mut histogram.negative_buckets,
    );
    assert_close(histogram.quantile(0.75).0, -0.25);
}

#[test]
fn nan_observations_are_told() {
    let mut histogram = of(&[1.0, 1.0]);
    histogram.count = 4.0;
    histogram.sum = f64::NAN;
    let (value, note) = histogram.quantile(0.9);
    assert!(value.is_nan());
    assert_eq!(note, Some(QuantileNote::NanResult));
    assert_eq!(histogram.quantile(0.5), (2.0, Some(QuantileNote::NanSkew)));
    let (fraction, note) = histogram.fraction(f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(fraction, 0.5);
    assert!(note.is_some());
}

#[test]
fn variance_uses_the_middle_of_buckets() {
    // (0.5, 1] and (1, 2] have the middles sqrt(0.5) and sqrt(2).
    let mut histogram = of(&[1.0, 1.0]);
    let middles = [0.5_f64.sqrt(), 2_f64.sqrt()];
    histogram.sum = middles.iter().sum();
    assert_close(
        histogram.variance(),
        ((middles[1] - middles[0]) / 2.0).powi(2),
    );
    let mut linear = custom(&[2.0, 4.0], &[0.0, 2.0, 0.0]);
    linear.sum = 8.0;
    assert_close(linear.variance(), 1.0);
}

#[test]
fn trimming_cuts_the_bucket_at_the_value() {
    let mut low = of(&[1.0, 2.0, 1.0]);
    let mut high = low.clone();
    low.trim(Trim::Below, 2_f64.sqrt());
    high.trim(Trim::Above, 2_f64.sqrt());
    assert_close(low.count, 2.0);
    assert_close(high.count, 2.0);
    assert_close(low.sum, 0.5_f64.sqrt() + 2_f64.powf(0.25));
    assert_close(high.sum, 2_f64.powf(0.75) + 8_f64.sqrt());
    let mut all = of(&[1.0, 2.0]);
    all.sum = 100.0;
    all.trim(Trim::Above, 0.5);
    assert_eq!((all.count, all.sum), (3.0, 100.0));
}

#[test]
fn means_survive_sums_that_do_not() {
    let mut mean = HistogramMean::new(&of(&[f64::MAX]));
    for _ in 0..3 {
        assert!(mean.add(&of(&[f64::MAX])).is_some());
    }
    assert_close(mean.into_mean().count, f64::MAX);
    let mut mean = HistogramMean::new(&of(&[1.0]));
    assert!(mean.add(&of(&[3.0])).is_some());
    assert_eq!(mean.into_mean().positive_buckets, [2.0]);
}

#[test]
fn sums_do_not_lose_small_counts() {
    let mut sum = HistogramSum::new(&of(&[1e100]));
    assert!(sum.add(&of(&[1.0])).is_some());
    assert!(sum.add(&of(&[-1e100])).is_some());
    assert_eq!(sum.into_total().positive_buckets, [1.0]);
}
