use portique_series::{Histogram, MetricKind, Span, Value};
use proptest::prelude::*;

use super::*;
use crate::wire::Writer;

const OPTIONS: ScrapeOptions = ScrapeOptions {
    default_timestamp_ms: 1000,
    honors_timestamps: true,
};

type Read = (Result<ScrapeCounts, Error>, Batch, Rejections);

fn read(body: &[u8]) -> Read {
    let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
    let counts = read_scrape(
        body,
        ScrapeFormat::Protobuf,
        &OPTIONS,
        &mut batch,
        &mut rejections,
    );
    (counts, batch, rejections)
}

/// A family of one metric with the label `a="b"`, whose value has the number `number`.
fn family(name: &str, kind: u64, number: u32, value: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut body = Writer::default();
    body.delimited(|family| {
        family.text(1, name);
        family.text(2, "Some help.");
        family.uint(3, kind);
        family.message(4, |metric| {
            metric.message(1, |label| {
                label.text(1, "a");
                label.text(2, "b");
            });
            metric.message(number, value);
        });
    });
    body.into_bytes()
}

fn shown(batch: &Batch) -> Vec<String> {
    let show = |series: portique_series::BatchSeries<'_>| {
        let (labels, at, start) = (series.to_labels(), series.timestamps()[0], series.start(0));
        format!("{labels} {} @{at} since {start}", series.floats()[0])
    };
    batch.iter().map(show).collect()
}

#[test]
fn content_types_say_which_format() {
    let delimited = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    for (content_type, format) in [
        (
            "text/plain; version=0.0.4; charset=utf-8",
            Some(ScrapeFormat::Text(TextFormat::Prometheus)),
        ),
        (
            "application/openmetrics-text; version=1.0.0",
            Some(ScrapeFormat::Text(TextFormat::OpenMetrics)),
        ),
        (delimited, Some(ScrapeFormat::Protobuf)),
        ("application/vnd.google.protobuf; encoding=text", None),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(
            ScrapeFormat::of_content_type(content_type),
            format,
            "{content_type}"
        );
    }
}

#[test]
fn counters_have_starts_and_exemplars() {
    let body = family("a_total", 0, 3, |counter| {
        counter.double(1, 5.0);
        counter.message(2, |exemplar| {
            exemplar.message(1, |label| {
                label.text(1, "trace_id");
                label.text(2, "x");
            });
            exemplar.double(2, 2.0);
            exemplar.message(3, |at| {
                at.uint(1, 3);
                at.uint(2, 5_000_000);
            });
        });
        counter.message(3, |start| start.uint(1, 7));
    });
    let (counts, batch, rejections) = read(&body);
    let counts = counts.unwrap();
    assert_eq!(
        (counts.samples, counts.exemplars, rejections.total()),
        (1, 1, 0)
    );
    assert_eq!(shown(&batch), ["a_total{a=\"b\"} 5 @1000 since 7000"]);
    let (_, exemplar) = batch.exemplars().next().unwrap();
    assert_eq!(exemplar.timestamp_ms, 3005);
    let (name, metadata) = batch.all_metadata().next().unwrap();
    assert_eq!(
        (name, metadata.kind, &*metadata.help),
        ("a_total", MetricKind::Counter, "Some help.")
    );
}

#[test]
fn summaries_and_classic_histograms_become_several_series() {
    let summary = family("s", 2, 4, |summary| {
        summary.uint(1, 4);
        summary.double(2, 8.0);
        summary.message(3, |quantile| {
            quantile.double(1, 0.5);
            quantile.double(2, 3.0);
        });
    });
    let histogram = family("h", 4, 7, |histogram| {
        histogram.uint(1, 4);
        histogram.double(2, 8.0);
        histogram.message(3, |bucket| {
            bucket.uint(1, 3);
            bucket.double(2, 1.0);
        });
    });
    let (counts, batch, rejections) = read(&[summary, histogram].concat());
    assert_eq!((counts.unwrap().samples, rejections.total()), (7, 0));
    let expected = [
        "s{a=\"b\",quantile=\"0.5\"} 3",
        "s_sum{a=\"b\"} 8",
        "s_count{a=\"b\"} 4",
        "h_bucket{a=\"b\",le=\"1.0\"} 3",
        "h_bucket{a=\"b\",le=\"+Inf\"} 4",
        "h_sum{a=\"b\"} 8",
        "h_count{a=\"b\"} 4",
    ];
    assert_eq!(
        shown(&batch),
        expected.map(|series| format!("{series} @1000 since 0"))
    );
}

#[test]
fn native_histograms_stay_whole() {
    let body = family("h", 4, 7, |histogram| {
        histogram.uint(1, 5);
        histogram.double(2, 8.0);
        histogram.sint32(5, 3);
        histogram.double(6, 0.001);
        histogram.uint(7, 1);
        histogram.message(12, |span| {
            span.sint32(1, -2);
            span.uint(2, 2);
        });
        histogram.varints(13, [2, 4]);
        histogram.message(3, |bucket| bucket.uint(1, 3));
    });
    let (counts, batch, rejections) = read(&body);
    assert_eq!(
        (counts.unwrap().samples, rejections.total(), batch.len()),
        (1, 0, 1)
    );
    let expected = Histogram {
        schema: 3,
        zero_threshold: 0.001,
        zero_count: 1.0,
        count: 5.0,
        sum: 8.0,
        positive_spans: vec![Span {
            offset: -2,
            length: 2,
        }],
        positive_buckets: vec![1.0, 3.0],
        ..Histogram::default()
    };
    assert_eq!(
        batch.at(0).value(0),
        Value::Histogram(std::sync::Arc::new(expected))
    );
}

#[test]
fn bad_metrics_are_named_and_a_cut_body_is_an_error() {
    let bad = family("h", 4, 7, |histogram| histogram.sint32(5, 9));
    let good = family("g", 1, 2, |gauge| gauge.double(1, 1.0));
    let (counts, batch, rejections) = read(&[&bad[..], &good].concat());
    assert_eq!((counts.unwrap().samples, batch.samples()), (1, 1));
    let said = "metric 1: the schema 9 is not known: use -4 to 8, or -53 for custom bounds: \"h\"";
    assert_eq!(rejections.kept()[0].to_string(), said);
    let nameless = family("", 1, 2, |gauge| gauge.double(1, 1.0));
    let (_, batch, rejections) = read(&nameless);
    assert_eq!(
        (batch.len(), rejections.count(crate::Reason::NoName)),
        (0, 1)
    );
    let (counts, batch, _) = read(&[&good[..], &good[..good.len() - 1]].concat());
    let said = counts.unwrap_err().to_string();
    assert_eq!(batch.samples(), 1, "what came before is there");
    assert!(
        said.starts_with("not a io.prometheus.client.MetricFamily message at byte"),
        "{said}"
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at: usize, with: u8) {
        let _ = read(&bytes);
        let mut body = family("h", 4, 7, |histogram| {
            histogram.uint(1, 4);
            histogram.message(3, |bucket| bucket.uint(1, 3));
            histogram.message(12, |span| span.uint(2, 2));
            histogram.varints(13, [2, 4]);
        });
        let at = at % body.len();
        body[at] = with;
        let _ = read(&body);
    }
}
