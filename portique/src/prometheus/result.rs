//! What queries come to, as JSON.

use portique_promql::{MatrixSeries, QueryValue, VectorSample};
use portique_series::{Bucket, Histogram, Labels, Value};

use super::answer::{Refusal, RefusalKind};
use super::number::{push_number, push_time};

/// More than a browser bears, and little enough for twenty at once.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// The data of an answer, with at most so many series; and whether there were more.
///
/// # Errors
/// When it would be too large.
pub(super) fn write(value: QueryValue, limit: usize) -> Result<(String, bool), Refusal> {
    let mut data = String::from("{\"resultType\":\"");
    let mut truncated = false;
    match value {
        QueryValue::Scalar(ms, number) => {
            data.push_str("scalar\",\"result\":");
            push_point(&mut data, ms, &Value::Float(number));
        }
        QueryValue::String(ms, text) => {
            data.push_str("string\",\"result\":[");
            push_time(&mut data, ms);
            data.push(',');
            push_text(&mut data, &text);
            data.push(']');
        }
        QueryValue::Vector(mut samples) => {
            truncated = samples.len() > limit;
            samples.truncate(limit);
            data.push_str("vector\",\"result\":");
            push_list(&mut data, &samples, push_sample)?;
        }
        QueryValue::Matrix(mut series) => {
            truncated = series.len() > limit;
            series.truncate(limit);
            data.push_str("matrix\",\"result\":");
            push_list(&mut data, &series, push_series)?;
        }
    }
    data.push('}');
    Ok((data, truncated))
}

fn push_list<T>(
    data: &mut String,
    entries: &[T],
    push: fn(&mut String, &T),
) -> Result<(), Refusal> {
    data.push('[');
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            data.push(',');
        }
        push(data, entry);
        if data.len() > ANSWER_BYTES_MAX {
            let message = format!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
            return Err(Refusal::new(RefusalKind::Execution, message));
        }
    }
    data.push(']');
    Ok(())
}

fn push_sample(data: &mut String, sample: &VectorSample) {
    data.push_str("{\"metric\":");
    push_labels(data, &sample.labels);
    data.push_str(match &sample.value {
        Value::Float(_) => ",\"value\":",
        Value::Histogram(_) => ",\"histogram\":",
    });
    push_point(data, sample.timestamp_ms, &sample.value);
    data.push('}');
}

fn push_series(data: &mut String, series: &MatrixSeries) {
    data.push_str("{\"metric\":");
    push_labels(data, &series.labels);
    let is_float = |value: &Value| matches!(value, Value::Float(_));
    for (name, wants_floats) in [("values", true), ("histograms", false)] {
        let mut separator = format!(",\"{name}\":[");
        let points = series.points.iter();
        for (ms, value) in points.filter(|(_, value)| is_float(value) == wants_floats) {
            data.push_str(&separator);
            separator.clear();
            separator.push(',');
            push_point(data, *ms, value);
        }
        if separator == "," {
            data.push(']');
        }
    }
    data.push('}');
}

/// A series' labels as an object.
pub(super) fn push_labels(data: &mut String, labels: &Labels) {
    data.push('{');
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            data.push(',');
        }
        push_text(data, name);
        data.push(':');
        push_text(data, value);
    }
    data.push('}');
}

/// A text in quotes.
pub(super) fn push_text(data: &mut String, text: &str) {
    data.push_str(&serde_json::to_string(text).expect("any text is JSON"));
}

fn push_point(data: &mut String, ms: i64, value: &Value) {
    data.push('[');
    push_time(data, ms);
    data.push(',');
    match value {
        Value::Float(number) => push_quoted(data, *number),
        Value::Histogram(histogram) => push_histogram(data, histogram),
    }
    data.push(']');
}

/// A number in quotes, because JSON has no infinities.
pub(super) fn push_quoted(data: &mut String, number: f64) {
    data.push('"');
    push_number(data, number);
    data.push('"');
}

fn push_histogram(data: &mut String, histogram: &Histogram) {
    data.push_str("{\"count\":");
    push_quoted(data, histogram.count);
    data.push_str(",\"sum\":");
    push_quoted(data, histogram.sum);
    let buckets = buckets(histogram);
    let mut separator = ",\"buckets\":[";
    for bucket in buckets.iter().filter(|bucket| bucket.count != 0.0) {
        data.push_str(separator);
        separator = ",";
        // Which bounds belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
        let bounds = match (bucket.lower_inclusive, bucket.upper_inclusive) {
            (true, true) => '3',
            (false, false) => '2',
            (true, false) => '1',
            (false, true) => '0',
        };
        data.push('[');
        data.push(bounds);
        for number in [bucket.lower, bucket.upper, bucket.count] {
            data.push(',');
            push_quoted(data, number);
        }
        data.push(']');
    }
    if separator == "," {
        data.push(']');
    }
    data.push('}');
}

/// All buckets from the lowest to the highest. Arithmetic can leave less than nothing in the zero bucket, which
/// the histogram's own list has no use for; it is shown all the same.
fn buckets(histogram: &Histogram) -> Vec<Bucket> {
    let mut buckets = histogram.buckets();
    let is_listed = histogram.zero_count > 0.0;
    if !is_listed && histogram.zero_count != 0.0 {
        buckets.insert(histogram.negative().count(), histogram.zero_bucket());
    }
    buckets
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portique_series::Span;

    use super::*;

    fn written(value: QueryValue) -> String {
        write(value, usize::MAX).unwrap().0
    }

    #[test]
    fn each_kind_of_value_has_its_form() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a\"b")]);
        let sample = VectorSample {
            labels,
            timestamp_ms: 1500,
            value: Value::Float(f64::INFINITY),
        };
        let expected = r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\"b"},"value":[1.500,"+Inf"]}]}"#;
        assert_eq!(written(QueryValue::Vector(vec![sample])), expected);
        let expected = r#"{"resultType":"scalar","result":[0,"1"]}"#;
        assert_eq!(written(QueryValue::Scalar(0, 1.0)), expected);
        let expected = r#"{"resultType":"string","result":[0,"é"]}"#;
        assert_eq!(written(QueryValue::String(0, "é".into())), expected);
        let histogram = Value::Histogram(Arc::new(Histogram {
            zero_threshold: 0.5,
            zero_count: 2.0,
            count: 5.0,
            sum: 4.5,
            positive_spans: vec![Span {
                offset: 0,
                length: 2,
            }],
            positive_buckets: vec![0.0, 3.0],
            ..Histogram::default()
        }));
        let series = MatrixSeries {
            labels: Labels::empty(),
            points: vec![(0, Value::Float(1.0)), (1000, histogram)],
        };
        let expected = r#"{"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"]],"histograms":[[1,{"count":"5","sum":"4.5","buckets":[[3,"-0.5","0.5","2"],[0,"1","2","3"]]}]]}]}"#;
        assert_eq!(written(QueryValue::Matrix(vec![series])), expected);
    }

    #[test]
    fn buckets_below_nothing_are_shown() {
        let histogram = Histogram {
            zero_threshold: 0.001,
            zero_count: -3.0,
            count: -9.0,
            negative_spans: vec![Span {
                offset: 0,
                length: 1,
            }],
            negative_buckets: vec![-6.0],
            ..Histogram::default()
        };
        let mut data = String::new();
        push_histogram(&mut data, &histogram);
        let buckets = r#""buckets":[[1,"-1","-0.5","-6"],[3,"-0.001","0.001","-3"]]"#;
        assert!(data.contains(buckets), "{data}");
    }

    #[test]
    fn more_than_asked_for_is_cut_off() {
        let sample = |name: &str| VectorSample {
            labels: Labels::from_pairs([("a", name)]),
            timestamp_ms: 0,
            value: Value::Float(0.0),
        };
        let two = QueryValue::Vector(vec![sample("1"), sample("2")]);
        let (data, truncated) = write(two.clone(), 1).unwrap();
        assert!(truncated && !data.contains("\"2\""), "{data}");
        assert!(!write(two, 2).unwrap().1);
    }
}
