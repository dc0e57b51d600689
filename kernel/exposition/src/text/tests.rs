//! Lines, good and bad, and what is written read back.

use std::sync::Arc;

use portique_series::{Histogram, Labels, Metadata, MetricKind, Span, is_stale};
use proptest::prelude::*;

use super::*;
use crate::{LINE_BYTES_MAX, Rejection};

mod bad_lines;

const NOW_MS: i64 = 1_700_000_000_000;

fn read(format: TextFormat, body: &[u8]) -> (ScrapeCounts, Batch, Rejections) {
    let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
    let options = ScrapeOptions {
        default_timestamp_ms: NOW_MS,
        honors_timestamps: true,
    };
    let counts = read_text(body, format, &options, &mut batch, &mut rejections);
    (counts, batch, rejections)
}

/// Each series as `labels value @timestamp`.
fn shown(batch: &Batch) -> Vec<String> {
    let show = |series: portique_series::BatchSeries<'_>| {
        let (labels, at) = (series.to_labels(), series.timestamps()[0]);
        format!("{labels} {} @{}", series.floats()[0], at - NOW_MS)
    };
    batch.iter().map(show).collect()
}

#[test]
fn good_lines_of_the_prometheus_format() {
    for (line, expected) in [
        ("a 1", "a 1 @0"),
        ("  a\t 1  ", "a 1 @0"),
        ("a{} 1", "a 1 @0"),
        ("a { b = \"c\" , } 1", "a{b=\"c\"} 1 @0"),
        ("a{b=\"c\"}1", "a{b=\"c\"} 1 @0"),
        ("a:b_c9{_d=\"e\"} -1.5e3", "a:b_c9{_d=\"e\"} -1500 @0"),
        ("a +Inf 1700000000001", "a inf @1"),
        ("a NaN -1", "a NaN @-1700000000001"),
        ("a 12345678901234567890", "a 12345678901234567000 @0"),
        (r#"a{b="x\\y\"z\n\q"} 1"#, r#"a{b="x\\y\"z\n\\q"} 1 @0"#),
        (r#"{"a.b","c d"="é",e="}"} 1"#, r#"a.b{c d="é",e="}"} 1 @0"#),
        (r#"a{z="1",b="2"} 1"#, r#"a{b="2",z="1"} 1 @0"#),
        (r#"a{b=""} 1"#, "a 1 @0"),
    ] {
        let (counts, batch, rejections) = read(TextFormat::Prometheus, line.as_bytes());
        assert_eq!(
            (shown(&batch), rejections.kept()),
            (vec![expected.to_owned()], &[][..])
        );
        assert!(counts.is_complete);
    }
}

#[test]
fn lines_of_open_metrics() {
    for (line, expected) in [
        ("a 1 1700000000.002", Ok("a 1 @2")),
        ("a 1 1700000000", Ok("a 1 @0")),
        (
            "a_bucket{le=\"1.0\"} 3 # {trace_id=\"x\"} 0.5 1700000000.5",
            Ok("a_bucket{le=\"1.0\"} 3 @0"),
        ),
        ("a 1 1700000000.001 # {} 0.5", Ok("a 1 @1")),
        ("", Err("column 1: a metric name is missing")),
        ("# free", Err("OpenMetrics has no comments")),
        (
            "a 1 1e300",
            Err("column 5: the timestamp \"1e300\" is not in seconds since 1970"),
        ),
        (
            "a 1 NaN",
            Err("column 5: the timestamp \"NaN\" is not in seconds since 1970"),
        ),
        ("a{b=\"c\"}1", Err("column 9: a space is missing after }")),
        (
            "a 1 # trace",
            Err("column 7: an exemplar begins with its labels in {}"),
        ),
    ] {
        let body = format!("{line}\n# EOF\n");
        let (counts, batch, rejections) = read(TextFormat::OpenMetrics, body.as_bytes());
        assert!(counts.is_complete);
        match expected {
            Ok(expected) => assert_eq!(
                (shown(&batch), rejections.total()),
                (vec![expected.to_owned()], 0)
            ),
            Err(said) => {
                let detail = &rejections.kept()[0].detail;
                assert!(
                    detail.starts_with(said) && batch.is_empty(),
                    "{line}: {detail}"
                );
            }
        }
    }
}

#[test]
fn the_end_of_open_metrics_is_told_from_a_cut() {
    let (counts, batch, rejections) = read(TextFormat::OpenMetrics, b"a 1\nb 2");
    assert!(!counts.is_complete);
    assert_eq!(batch.samples(), 2);
    let said = "line 3: the last line is not # EOF: the body may have been cut";
    assert_eq!(rejections.kept()[0].to_string(), said);
    let (counts, batch, rejections) = read(TextFormat::OpenMetrics, b"a 1\n# EOF\nb 2\n");
    assert!(counts.is_complete);
    assert_eq!(batch.samples(), 1);
    assert_eq!(
        rejections.kept()[0].to_string(),
        "line 3: there is more after # EOF: \"b 2\""
    );
}

#[test]
fn metadata_is_gathered_by_metric() {
    let body = b"# HELP a An \\\\ and\\na \"q\".\n# TYPE a counter\n# a comment\na_total 1\n\
        # TYPE b untyped\n# UNIT c seconds\n# HELP \"d.e\" x\n";
    let (_, batch, rejections) = read(TextFormat::Prometheus, body);
    assert!(rejections.is_empty());
    let of = |kind, help: &str, unit: &str| Metadata {
        kind,
        help: help.to_owned(),
        unit: unit.to_owned(),
    };
    let found: Vec<_> = batch
        .all_metadata()
        .map(|(name, data)| (name, data.clone()))
        .collect();
    let expected = [
        ("a", of(MetricKind::Counter, "An \\ and\na \"q\".", "")),
        ("b", of(MetricKind::Unknown, "", "")),
        ("c", of(MetricKind::Unknown, "", "seconds")),
        ("d.e", of(MetricKind::Unknown, "x", "")),
    ];
    assert_eq!(found, expected);
}

#[test]
fn created_lines_become_starts_wherever_they_stand() {
    let body = b"# TYPE a counter\na_total{x=\"1\",y=\"2\"} 5\na_created{y=\"2\",x=\"1\"} 10.5\na_total 6\n\
        # TYPE h histogram\nh_created 20\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n\
        # TYPE g gauge\ng_created 30\n# EOF\n";
    let (_, batch, rejections) = read(TextFormat::OpenMetrics, body);
    assert!(rejections.is_empty());
    let starts: Vec<_> = batch
        .iter()
        .map(|series| (series.to_labels().to_string(), series.start(0)))
        .collect();
    let expected = [
        ("a_total{x=\"1\",y=\"2\"}", 10_500),
        ("a_total", 0),
        ("h_bucket{le=\"+Inf\"}", 20_000),
        ("h_count", 20_000),
        ("g_created", 0),
    ];
    assert_eq!(
        starts,
        expected.map(|(labels, start)| (labels.to_owned(), start))
    );
}

#[test]
fn bounds_have_one_spelling() {
    let body = b"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1000000\"} 1\n\
        h_bucket{le=\"+Inf\"} 1\n# TYPE s summary\ns{quantile=\"0.50\"} 1\ns{le=\"1\"} 1\n# TYPE g gauge\ng{le=\"1\"} 1\n";
    let (_, batch, _) = read(TextFormat::Prometheus, body);
    let found = shown(&batch).join("\n");
    let expected = "h_bucket{le=\"1.0\"} 1 @0\nh_bucket{le=\"1e+06\"} 1 @0\nh_bucket{le=\"+Inf\"} 1 @0\n\
        s{quantile=\"0.5\"} 1 @0\ns{le=\"1\"} 1 @0\ng{le=\"1\"} 1 @0";
    assert_eq!(found, expected);
}

#[test]
fn exemplars_come_along_and_bad_ones_do_not_cost_the_sample() {
    let long = "x".repeat(121);
    let body = format!("a 1 # {{id=\"é\"}} 2 3.5\nb 1 # {{trace_id=\"{long}\"}} 2\n# EOF\n");
    let (counts, batch, rejections) = read(TextFormat::OpenMetrics, body.as_bytes());
    assert_eq!((counts.samples, counts.exemplars), (2, 1));
    let (_, exemplar) = batch.exemplars().next().unwrap();
    assert_eq!((exemplar.value, exemplar.timestamp_ms), (2.0, 3500));
    let said = "the labels of an exemplar take 129 characters, at most 128 are allowed";
    assert_eq!(rejections.kept()[0].detail, said);
}

#[test]
fn timestamps_count_only_where_they_are_honoured_and_nan_is_never_the_stale_marker() {
    let options = ScrapeOptions {
        default_timestamp_ms: NOW_MS,
        honors_timestamps: false,
    };
    let mut batch = Batch::new();
    read_text(
        b"a nan 5\n",
        TextFormat::Prometheus,
        &options,
        &mut batch,
        &mut Rejections::new(),
    );
    let series = batch.at(0);
    assert_eq!(series.timestamps(), [NOW_MS]);
    assert!(series.floats()[0].is_nan() && !is_stale(series.floats()[0]));
}

#[test]
fn lines_over_the_limit_are_not_scanned() {
    let body = [b"a 1\nb{c=\"", &[b'x'; LINE_BYTES_MAX][..], b"\"} 1\nd 1\n"].concat();
    let (_, batch, rejections) = read(TextFormat::Prometheus, &body);
    assert_eq!(shown(&batch), ["a 1 @0", "d 1 @0"]);
    assert_eq!(rejections.count(Reason::LineTooLong), 1);
}

#[test]
fn all_rejections_are_counted_and_few_are_kept() {
    let (_, _, rejections) = read(TextFormat::Prometheus, &b"9\n".repeat(1000));
    assert_eq!(
        (rejections.total(), rejections.kept().len()),
        (1000, crate::REJECTIONS_KEPT_MAX)
    );
}

#[test]
fn histograms_are_written_as_text_can() {
    let mut writer = TextWriter::new(TextFormat::OpenMetrics, NameEscaping::AllowUtf8);
    let labels = Labels::from_pairs([(METRIC_NAME, "h.x"), ("a", "b")]);
    let histogram = Arc::new(Histogram {
        schema: -53,
        count: 6.0,
        sum: 2.5,
        positive_spans: vec![Span {
            offset: 1,
            length: 2,
        }],
        positive_buckets: vec![2.0, 4.0],
        custom_bounds: vec![0.5, 1.0],
        ..Histogram::default()
    });
    writer.histogram(&labels, &histogram, Some(-1500));
    let expected = "{\"h.x_bucket\",a=\"b\",le=\"0.5\"} 0 -1.500\n\
        {\"h.x_bucket\",a=\"b\",le=\"1.0\"} 2 -1.500\n\
        {\"h.x_bucket\",a=\"b\",le=\"+Inf\"} 6 -1.500\n\
        {\"h.x_sum\",a=\"b\"} 2.5 -1.500\n{\"h.x_count\",a=\"b\"} 6 -1.500\n# EOF\n";
    assert_eq!(writer.finish(), expected);
}

#[test]
fn names_of_other_characters_become_underscores_for_older_readers() {
    let mut writer = TextWriter::new(TextFormat::Prometheus, NameEscaping::Underscores);
    let labels = Labels::from_pairs([(METRIC_NAME, "9.é"), ("a:b", "c")]);
    writer.float(&labels, 1e300, None);
    assert_eq!(
        writer.finish(),
        "____{a_b=\"c\"} 1e+300\n".replace("____", "___")
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        series in proptest::collection::vec(
            ("\\PC{1,6}", proptest::collection::btree_map("\\PC{1,6}", "[\\PC\n]{1,8}", 0..4), any::<f64>(), -1_i64 << 50..1_i64 << 50),
            0..6,
        ),
        is_open: bool,
    ) {
        let format = if is_open { TextFormat::OpenMetrics } else { TextFormat::Prometheus };
        let mut writer = TextWriter::new(format, NameEscaping::AllowUtf8);
        let mut expected = Vec::new();
        for (name, labels, value, at_ms) in &series {
            let metadata = Metadata { kind: MetricKind::Gauge, help: format!("{name}\n\\\""), unit: String::new() };
            let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let labels = Labels::from_pairs(pairs.chain([(METRIC_NAME, name.as_str())]));
            writer.family(name, &metadata);
            writer.float(&labels, *value, Some(*at_ms));
            let value = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
            expected.push((labels, value, *at_ms));
        }
        let (counts, batch, rejections) = read(format, writer.finish().as_bytes());
        prop_assert_eq!(rejections, Rejections::new());
        prop_assert!(counts.is_complete);
        let found: Vec<_> = batch.iter().map(|series| {
            let value = series.floats()[0];
            let value = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
            (series.to_labels(), value, series.timestamps()[0])
        }).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[a-z{}\"\\\\=,# 0-9.é\n\r\t]{0,80}") {
        for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
            read(format, &bytes);
            read(format, text.as_bytes());
            read(format, format!("# TYPE a counter\na_created{text}\n{text}\n# EOF").as_bytes());
        }
    }
}
