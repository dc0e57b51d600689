use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{Labels, Value};

use super::histogram::parse_histogram;
use super::notation::{parse_float, parse_series, parse_values};
use super::{AlertCase, ExpressionCase, Test, UnitTests};
use crate::Problem;
use crate::yaml::{Fields, Node, Reader};

const FILE_KEYS: [&str; 5] = [
    "rule_files",
    "evaluation_interval",
    "group_eval_order",
    "fuzzy_compare",
    "tests",
];
const TEST_KEYS: [&str; 8] = [
    "name",
    "interval",
    "start_timestamp",
    "input_series",
    "alert_rule_test",
    "promql_expr_test",
    "external_labels",
    "external_url",
];
/// One minute, as in Prometheus.
const INTERVAL: Duration = Duration::from_mins(1);

/// Reads a file of unit tests; `file` is the name that problems and failures carry.
///
/// # Errors
/// Every mistake with its place, when there is one.
pub fn read_unit_tests(file: &str, text: &str) -> Result<UnitTests, Vec<Problem>> {
    let mut reader = Reader::new(file);
    let tests = read_file(&mut reader, file, text);
    let problems = reader.into_problems();
    match tests {
        Some(tests) if problems.is_empty() => Ok(tests),
        _ => Err(problems),
    }
}

fn read_file(reader: &mut Reader, file: &str, text: &str) -> Option<UnitTests> {
    let Some(root) = reader.document(text) else {
        reader.problem_at_start("there are no tests in the file");
        return None;
    };
    let fields = reader.fields(&root, "a test file", &FILE_KEYS)?;
    let interval = reader.duration(fields.get("evaluation_interval"), "evaluation_interval");
    let interval = interval.filter(|i| !i.is_zero()).unwrap_or(INTERVAL);
    let is_fuzzy = reader.flag(fields.get("fuzzy_compare"), "fuzzy_compare");
    let tests = reader.items(fields.get("tests"), "tests");
    let tests: Vec<Test> = tests
        .iter()
        .filter_map(|node| read_test(reader, node, interval))
        .collect();
    Some(UnitTests {
        file: Arc::from(file),
        rule_files: read_texts(reader, &fields, "rule_files"),
        interval,
        order: read_texts(reader, &fields, "group_eval_order"),
        is_fuzzy: is_fuzzy.unwrap_or(false),
        tests,
    })
}

fn read_texts(reader: &mut Reader, fields: &Fields<'_>, key: &str) -> Vec<String> {
    let items = reader.items(fields.get(key), key);
    items
        .iter()
        .filter_map(|node| reader.text(Some(node), key))
        .collect()
}

fn read_test(reader: &mut Reader, node: &Node, evaluation_interval: Duration) -> Option<Test> {
    let fields = reader.fields(node, "a test", &TEST_KEYS)?;
    let interval = reader.duration(fields.get("interval"), "interval");
    let start = read_start(reader, fields.get("start_timestamp"));
    let external_url = reader.text(fields.get("external_url"), "external_url");
    let series = reader.items(fields.get("input_series"), "input_series");
    let alerts = reader.items(fields.get("alert_rule_test"), "alert_rule_test");
    let expressions = reader.items(fields.get("promql_expr_test"), "promql_expr_test");
    Some(Test {
        line: node.line,
        name: reader.text(fields.get("name"), "name").unwrap_or_default(),
        start: start.unwrap_or(Timestamp::EPOCH),
        interval: interval
            .filter(|i| !i.is_zero())
            .unwrap_or(evaluation_interval),
        series: series
            .iter()
            .filter_map(|n| read_series(reader, n))
            .collect(),
        alerts: alerts
            .iter()
            .filter_map(|n| read_alert_case(reader, n))
            .collect(),
        expressions: expressions
            .iter()
            .filter_map(|n| read_expression_case(reader, n))
            .collect(),
        external_labels: read_labels(reader, &fields, "external_labels"),
        external_url: external_url.unwrap_or_default(),
    })
}

/// Unix seconds or RFC 3339.
fn read_start(reader: &mut Reader, node: Option<&Node>) -> Option<Timestamp> {
    let node = node?;
    let text = node.scalar().unwrap_or("");
    let seconds = text.parse::<i64>().ok();
    let millis = seconds.and_then(|seconds| seconds.checked_mul(1_000));
    let start = millis
        .map(Timestamp::from_millis)
        .or_else(|| text.parse().ok());
    if start.is_none() {
        let message = "start_timestamp is Unix seconds or a time such as 2026-01-31T12:00:00Z";
        reader.problem(node, message);
    }
    start
}

fn read_series(reader: &mut Reader, node: &Node) -> Option<(Labels, Vec<Option<Value>>)> {
    let fields = reader.fields(node, "a series", &["series", "values"])?;
    let labels = required(reader, &fields, node, "series", parse_series);
    let values = required(reader, &fields, node, "values", parse_values);
    Some((labels?, values?))
}

fn read_alert_case(reader: &mut Reader, node: &Node) -> Option<AlertCase> {
    let keys = ["eval_time", "alertname", "exp_alerts"];
    let fields = reader.fields(node, "an alert test", &keys)?;
    let expected = reader.items(fields.get("exp_alerts"), "exp_alerts");
    let expected = expected.iter().filter_map(|node| {
        let keys = ["exp_labels", "exp_annotations"];
        let fields = reader.fields(node, "an expected alert", &keys)?;
        let labels = read_labels(reader, &fields, "exp_labels");
        Some((labels, read_labels(reader, &fields, "exp_annotations")))
    });
    let expected = expected.collect();
    let name = required(reader, &fields, node, "alertname", |text| {
        Ok(text.to_owned())
    });
    Some(AlertCase {
        line: node.line,
        at: reader
            .duration(fields.get("eval_time"), "eval_time")
            .unwrap_or_default(),
        name: name?,
        expected,
    })
}

fn read_expression_case(reader: &mut Reader, node: &Node) -> Option<ExpressionCase> {
    let keys = ["expr", "eval_time", "exp_samples"];
    let fields = reader.fields(node, "an expression test", &keys)?;
    let expected = reader.items(fields.get("exp_samples"), "exp_samples");
    let expected = expected
        .iter()
        .filter_map(|n| read_sample(reader, n))
        .collect();
    let expression = required(reader, &fields, node, "expr", |text| Ok(text.to_owned()));
    Some(ExpressionCase {
        line: node.line,
        at: reader
            .duration(fields.get("eval_time"), "eval_time")
            .unwrap_or_default(),
        expression: expression?,
        expected,
    })
}

fn read_sample(reader: &mut Reader, node: &Node) -> Option<(Labels, Value)> {
    let fields = reader.fields(
        node,
        "an expected sample",
        &["labels", "value", "histogram"],
    )?;
    let labels = match fields.get("labels").map(|labels| (labels, labels.scalar())) {
        None | Some((_, Some(""))) => Some(Labels::empty()),
        Some(_) => required(reader, &fields, node, "labels", parse_series),
    };
    let value = if fields.get("histogram").is_some() {
        let histogram = required(
            reader,
            &fields,
            node,
            "histogram",
            |text| match parse_histogram(text.trim())? {
                (histogram, "") => Ok(histogram),
                (_, rest) => Err(format!("{rest:?} follows the histogram")),
            },
        );
        histogram.map(|histogram| Value::Histogram(Arc::new(histogram)))
    } else if fields.get("value").is_some() {
        let number = required(reader, &fields, node, "value", |text| {
            parse_float(text).ok_or_else(|| format!("{text:?} is no number"))
        });
        number.map(Value::Float)
    } else {
        Some(Value::Float(0.0))
    };
    Some((labels?, value?))
}

fn read_labels(reader: &mut Reader, fields: &Fields<'_>, key: &str) -> Labels {
    let pairs = reader.pairs(fields.get(key), key);
    Labels::from_pairs(pairs.into_iter().map(|(_, name, value)| (name, value)))
}

/// A text that must be there and be well formed.
fn required<T>(
    reader: &mut Reader,
    fields: &Fields<'_>,
    node: &Node,
    key: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Some(value) = fields.get(key) else {
        reader.problem(node, format!("{key} is missing"));
        return None;
    };
    let text = reader.text(Some(value), key)?;
    match parse(&text) {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            reader.problem(value, format!("{key}: {error}"));
            None
        }
    }
}
