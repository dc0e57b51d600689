use portique_series::{Histogram, MetricKind, Span, Value, is_stale};
use proptest::prelude::*;

use super::*;
use crate::Reason;

type Read = (Result<OtlpCounts, Error>, Batch, Rejections);

fn read(body: &[u8], format: OtlpFormat) -> Read {
    let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
    let counts = read_otlp(body, format, &mut batch, &mut rejections);
    (counts, batch, rejections)
}

/// A request of one resource, `shop/cart` at `pod-1`, with these metrics in JSON.
fn request(metrics: &str) -> String {
    let attribute = |key: &str, value: &str| {
        format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
    };
    let attributes = [
        attribute("service.namespace", "shop"),
        attribute("service.name", "cart"),
        attribute("service.instance.id", "pod-1"),
        attribute("host.name", "h"),
    ]
    .join(",");
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{attributes}]}},
            "scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#
    )
}

fn read_metrics(metrics: &str) -> Read {
    read(request(metrics).as_bytes(), OtlpFormat::Json)
}

/// Series but the last, which is `target_info`, without their job and instance.
fn shown(batch: &Batch) -> Vec<String> {
    let show = |series: portique_series::BatchSeries<'_>| {
        let mut labels = series.to_labels().to_builder();
        labels.remove("job").remove("instance");
        let (labels, at, start) = (labels.build(), series.timestamps()[0], series.start(0));
        format!("{labels} {} @{at} since {start}", series.floats()[0])
    };
    let all: Vec<_> = batch.iter().map(show).collect();
    all[..all.len() - 1].to_vec()
}

const TIMES: &str = r#""startTimeUnixNano":"1000000","timeUnixNano":5000000"#;

#[test]
fn sums_and_gauges_get_names_and_labels_of_prometheus() {
    let (counts, batch, rejections) = read_metrics(&format!(
        r#"{{"name":"http.requests","unit":"{{request}}","description":"So many.","sum":{{"isMonotonic":true,"aggregationTemporality":2,
            "dataPoints":[{{{TIMES},"asInt":"7","attributes":[
                {{"key":"http.method","value":{{"stringValue":"GET"}}}},{{"key":"a","value":{{"intValue":"3"}}}},
                {{"key":"b.c","value":{{"boolValue":true}}}},{{"key":"b/c","value":{{"doubleValue":1.5}}}},
                {{"key":"d","value":{{"arrayValue":{{"values":[{{"stringValue":"x"}},{{"intValue":1}}]}}}}}}],
              "exemplars":[{{"timeUnixNano":"4000000","asDouble":2,"traceId":"00ff"}}]}}]}}}},
          {{"name":"cpu.load","unit":"1","gauge":{{"dataPoints":[{{{TIMES},"asDouble":0.5}},{{{TIMES},"flags":1}}]}}}}"#
    ));
    let counts = counts.unwrap();
    assert_eq!(
        (counts.points, counts.rejected_points, counts.samples),
        (3, 0, 4)
    );
    assert!(rejections.is_empty());
    let expected = [
        r#"http_requests_total{a="3",b_c="true;1.5",d="[\"x\",1]",http_method="GET"} 7 @5 since 1"#,
        "cpu_load_ratio 0.5 @5 since 1",
        "cpu_load_ratio NaN @5 since 1",
    ];
    assert_eq!(shown(&batch), expected);
    assert!(is_stale(batch.at(2).floats()[0]));
    let info = batch.at(3).to_labels().to_string();
    assert_eq!(
        info,
        r#"target_info{host_name="h",instance="pod-1",job="shop/cart"}"#
    );
    let (_, exemplar) = batch.exemplars().next().unwrap();
    assert_eq!(
        (exemplar.labels.get("trace_id"), exemplar.timestamp_ms),
        (Some("00ff"), 4)
    );
    let (name, metadata) = batch.all_metadata().next().unwrap();
    assert_eq!(
        (name, metadata.kind, &*metadata.help),
        ("http_requests_total", MetricKind::Counter, "So many.")
    );
}

#[test]
fn histograms_become_cumulative_buckets() {
    let (_, batch, rejections) = read_metrics(&format!(
        r#"{{"name":"d","unit":"s","histogram":{{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE",
            "dataPoints":[{{{TIMES},"count":"6","sum":3.5,"bucketCounts":["1",2,3],"explicitBounds":[0.5,1],
              "exemplars":[{{"asDouble":0.75,"spanId":"ab"}}]}}]}}}}"#
    ));
    assert!(rejections.is_empty());
    let expected = [
        "d_seconds_sum 3.5",
        "d_seconds_count 6",
        "d_seconds_bucket{le=\"0.5\"} 1",
        "d_seconds_bucket{le=\"1.0\"} 3",
        "d_seconds_bucket{le=\"+Inf\"} 6",
    ];
    assert_eq!(
        shown(&batch),
        expected.map(|series| format!("{series} @5 since 1"))
    );
    let (series, _) = batch.exemplars().next().unwrap();
    assert_eq!(
        series, 3,
        "the exemplar is with the bucket that it falls into"
    );
}

#[test]
fn exponential_histograms_become_native_ones() {
    let (_, batch, rejections) = read_metrics(&format!(
        r#"{{"name":"d","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[{{{TIMES},
            "count":"7","sum":3.5,"scale":9,"zeroCount":1,"positive":{{"offset":-2,"bucketCounts":[1,2,0,3]}}}}]}}}}"#
    ));
    assert!(rejections.is_empty());
    let expected = Histogram {
        schema: 8,
        zero_threshold: 1e-128,
        zero_count: 1.0,
        count: 7.0,
        sum: 3.5,
        positive_spans: vec![Span {
            offset: 0,
            length: 2,
        }],
        positive_buckets: vec![3.0, 3.0],
        ..Histogram::default()
    };
    assert_eq!(
        batch.at(0).value(0),
        Value::Histogram(std::sync::Arc::new(expected))
    );
}

#[test]
fn summaries_become_quantiles() {
    let (_, batch, _) = read_metrics(&format!(
        r#"{{"name":"d","summary":{{"dataPoints":[{{{TIMES},"count":2,"sum":3,"quantileValues":[{{"quantile":0.5,"value":1}}]}}]}}}}"#
    ));
    let expected = ["d_sum 3", "d_count 2", "d{quantile=\"0.5\"} 1"];
    assert_eq!(
        shown(&batch),
        expected.map(|series| format!("{series} @5 since 1"))
    );
}

#[test]
fn what_cannot_be_taken_is_named_and_the_rest_is_kept() {
    let good = format!(r#"{{"name":"good","gauge":{{"dataPoints":[{{{TIMES},"asDouble":1}}]}}}}"#);
    for (metric, reason, rejected, said) in [
        (
            r#"{"name":"x","sum":{"aggregationTemporality":1,"dataPoints":[{},{}]}}"#,
            Reason::Delta,
            2,
            "metric 1: the metric is a delta since the last report: set the exporter's temporality preference to cumulative: \"x\"",
        ),
        (
            r#"{"name":"x","histogram":{"dataPoints":[{}]}}"#,
            Reason::Delta,
            1,
            "metric 1: the metric does not say since when it counts: set its temporality to cumulative: \"x\"",
        ),
        (
            r#"{"name":"..","gauge":{"dataPoints":[{}]}}"#,
            Reason::NoName,
            1,
            "metric 1: the metric's name has neither a letter nor a digit of ASCII: \"..\"",
        ),
        (
            r#"{"name":"x","histogram":{"aggregationTemporality":2,"dataPoints":[{"bucketCounts":[1],"explicitBounds":[1]}]}}"#,
            Reason::BadHistogram,
            1,
            "metric 1: 1 buckets and 1 bounds: send one bucket more than bounds: \"x\"",
        ),
        (
            r#"{"name":"x","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"scale":-5}]}}"#,
            Reason::BadHistogram,
            1,
            "metric 1: the scale -5 is coarser than -4: use a finer one: \"x\"",
        ),
    ] {
        let (counts, batch, rejections) = read_metrics(&format!("{metric},{good}"));
        let counts = counts.unwrap();
        assert_eq!(
            (counts.points, counts.rejected_points),
            (1, rejected),
            "{metric}"
        );
        assert_eq!(rejections.kept()[0].to_string(), said);
        assert_eq!(rejections.counts().collect::<Vec<_>>(), [(reason, 1)]);
        assert_eq!(shown(&batch), ["good 1 @5 since 1"]);
    }
}

#[test]
fn json_that_does_not_fit_is_named_with_its_path() {
    for (body, said) in [
        ("{", "not OTLP JSON at line 1 column 1: this is no JSON"),
        ("[]", "not OTLP JSON at the top: an object is expected"),
        (
            r#"{"resourceMetrics":{}}"#,
            "not OTLP JSON at resourceMetrics: an array is expected",
        ),
        (
            r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":1}]}]}]}"#,
            "not OTLP JSON at resourceMetrics[0].scopeMetrics[0].metrics[0].name: a text is expected",
        ),
        (
            r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"timeUnixNano":"x"}]}}]}]}]}"#,
            "not OTLP JSON at resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0].timeUnixNano: \
             an integer from 0, or one in quotes is expected",
        ),
    ] {
        let (counts, ..) = read(body.as_bytes(), OtlpFormat::Json);
        assert_eq!(counts.unwrap_err().to_string(), said);
    }
}

#[test]
fn one_point_with_many_buckets_and_long_attributes_does_not_fill_the_memory() {
    let long = "x".repeat(1 << 20);
    let (bounds, counts): (Vec<_>, Vec<_>) = (0..200).map(|bound| (bound.to_string(), "1")).unzip();
    let (counts, ..) = read_metrics(&format!(
        r#"{{"name":"d","histogram":{{"aggregationTemporality":2,"dataPoints":[{{"count":1,
            "attributes":[{{"key":"a","value":{{"stringValue":"{long}"}}}}],
            "bucketCounts":[1,{}],"explicitBounds":[{}]}}]}}}}"#,
        counts.join(","),
        bounds.join(","),
    ));
    let said = counts.unwrap_err().to_string();
    assert!(
        said.starts_with("what the labels unfold to takes"),
        "{said}"
    );
}

#[test]
fn a_partial_success_says_how_much() {
    assert_eq!(otlp_response(0, "fine"), b"");
    assert_eq!(otlp_response(3, "no"), b"\x0a\x06\x08\x03\x12\x02no");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at: usize, with: u8) {
        let _ = read(&bytes, OtlpFormat::Protobuf);
        let _ = read(&bytes, OtlpFormat::Json);
        let good = request(&format!(
            r#"{{"name":"a","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[{{{TIMES},"count":"7",
                "scale":9,"positive":{{"offset":-2,"bucketCounts":[1,2,0,3]}}}}]}}}},
              {{"name":"b","histogram":{{"aggregationTemporality":2,"dataPoints":[{{"count":6,"bucketCounts":[1,2],
                "explicitBounds":[0.5],"attributes":[{{"key":"k","value":{{"kvlistValue":{{"values":[]}}}}}}]}}]}}}}"#
        ));
        let mut protobuf = json::to_protobuf(good.as_bytes()).unwrap();
        let place = at % protobuf.len();
        protobuf[place] = with;
        let _ = read(&protobuf, OtlpFormat::Protobuf);
        let mut text = good.into_bytes();
        let place = at % text.len();
        text[place] = with;
        let _ = read(&text, OtlpFormat::Json);
    }
}
