//! Native histograms that do not hold together.

use super::*;

#[test]
fn histograms_whose_parts_do_not_fit_are_named() {
    type Spoil = fn(&mut Histogram);
    let cases: &[(Spoil, &str)] = &[
        (
            |h| h.schema = 9,
            "the schema 9 is not known: use -4 to 8, or -53 for custom bounds",
        ),
        (
            |h| h.positive_buckets.push(1.0),
            "positive spans hold 3 buckets, but 4 came: send one count for each",
        ),
        (
            |h| h.positive_spans[1].offset = -1,
            "positive span 2 begins before the last ended",
        ),
        (
            |h| h.positive_spans[0].offset = i32::MAX,
            "positive spans reach past bucket 2147483647",
        ),
        (|h| h.negative_buckets[0] = -1.5, "a count is below 0"),
        (
            |h| h.zero_threshold = f64::NAN,
            "the zero threshold is below 0 or no number",
        ),
        (
            |h| h.custom_bounds.push(1.0),
            "custom bounds need the schema -53",
        ),
        (|h| h.schema = -53, "spans reach past the custom bounds"),
    ];
    for (spoil, said) in cases {
        let mut histogram = native(CounterReset::Unknown);
        spoil(&mut histogram);
        let mut samples = Samples::default();
        samples.push_histogram(1, Arc::new(histogram));
        let mut writer = Writer::default();
        let labels = Labels::from_pairs([("__name__", "h")]);
        writer.message(1, |out| write_series_v1(out, &labels, &samples));
        let (counts, batch, rejections) = read_plain(WriteVersion::V1, writer);
        assert_eq!(counts.unwrap(), WriteCounts::default());
        assert_eq!(rejections.kept()[0].detail, *said);
        assert_eq!(
            (rejections.kept()[0].reason, batch.samples()),
            (Reason::BadHistogram, 0)
        );
    }
}

#[test]
fn integer_buckets_add_up_to_the_count() {
    let of = |count: u64, sum: f64| {
        let mut writer = Writer::default();
        writer.message(1, |series| {
            label(series, b"__name__", b"h");
            series.message(4, |histogram| {
                histogram.uint(1, count);
                histogram.double(3, sum);
                histogram.message(11, |span| span.uint(2, 2));
                histogram.varints(12, [6, 1]);
            });
        });
        let (_, batch, rejections) = read_plain(WriteVersion::V1, writer);
        (
            batch.samples(),
            rejections.kept().first().map(|kept| kept.detail.clone()),
        )
    };
    assert_eq!(of(5, 1.0), (1, None));
    assert_eq!(of(9, f64::NAN), (1, None));
    let said = "the buckets hold 5 observations, the count says 6";
    assert_eq!(of(6, 1.0), (0, Some(said.to_owned())));
}
