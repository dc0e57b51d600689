//! A range query yields at each step what an instant query yields at that time.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_promql::{Engine, Options, QueryValue, TimeRange};
use portique_series::{Histogram, Labels, STALE, Span, Value};
use proptest::prelude::*;

use crate::data::Memory;
use crate::run;

const QUERIES: [&str; 36] = [
    "a_total",
    "a_total offset 37s",
    "{job=\"x\"}",
    "a_total @ 95",
    "rate(a_total[70s])",
    "increase(a_total[45s] anchored)",
    "rate(a_total[45s] smoothed)",
    "a_total smoothed",
    "sum by (job) (rate(a_total[1m]))",
    "avg(a_total)",
    "max_over_time(a_total[50s] offset -20s)",
    "sum_over_time(rate(a_total[40s])[1m:15s])",
    "count_over_time(a_total[1m:7s] offset 3s)",
    "min_over_time(a_total[30s] @ 100)",
    "a_total + b",
    "a_total / on (n) group_left () b",
    "b * on (n) group_right () a_total",
    "a_total + fill (1) b",
    "a_total and b > 1",
    "a_total or b",
    "a_total unless on (n) b",
    "a_total > 2",
    "topk(2, a_total)",
    "limitk by (job) (1, {n=~\".*\", __name__=~\".+\"})",
    "quantile(0.4, b)",
    "count_values(\"value\", b)",
    "absent(a_total{n=\"1\"})",
    "sum_over_time(b[70s])",
    "avg_over_time(b[50s]) + min_over_time(b[50s])",
    "stddev_over_time(b[90s])",
    "quantile_over_time(0.3, b[90s])",
    "last_over_time(b[40s]) - first_over_time(b[40s])",
    "delta(b[80s]) or irate(a_total[80s])",
    "resets(a_total[90s]) + changes(a_total[90s])",
    "timestamp(a_total) - time()",
    "histogram_count(sum(a_total))",
];

fn value() -> impl Strategy<Value = Option<Value>> {
    let histogram = |count: u8| {
        Value::Histogram(Arc::new(Histogram {
            count: f64::from(count),
            sum: f64::from(count) * 2.0,
            positive_spans: vec![Span {
                offset: 0,
                length: 1,
            }],
            positive_buckets: vec![f64::from(count)],
            ..Histogram::default()
        }))
    };
    prop_oneof![
        6 => (0_u8..5).prop_map(|value| Some(Value::Float(f64::from(value)))),
        3 => Just(None),
        1 => Just(Some(Value::Float(STALE))),
        1 => (1_u8..5).prop_map(move |count| Some(histogram(count))),
    ]
}

fn memory() -> impl Strategy<Value = Memory> {
    let series = (
        "(a_total|b)",
        "[xy]",
        "[123]",
        prop::collection::vec(value(), 0..25),
    );
    prop::collection::vec(series, 1..8).prop_map(|all| {
        let mut memory = Memory::default();
        for (name, job, n, values) in all {
            let labels = Labels::from_pairs([("__name__", name), ("job", job), ("n", n)]);
            let samples = values.into_iter().enumerate().filter_map(|(index, value)| {
                // Not quite evenly spaced, as in life.
                value.map(|value| (index as i64 * 13_000 + index as i64 % 3 * 500, value, 0))
            });
            memory.add(&labels, &samples.collect::<Vec<_>>());
        }
        memory
    })
}

/// Labels and values at each time; an error counts as its words.
type Answer = Result<BTreeMap<(i64, Labels), String>, String>;

fn by_instants(engine: &Engine, memory: &Memory, query: &str, range: TimeRange) -> Answer {
    let mut answer = BTreeMap::new();
    for time_ms in (range.from_ms..=range.to_ms).step_by(range.step_ms as usize) {
        let output = engine.instant(memory, query, time_ms, &Options::default());
        let QueryValue::Vector(samples) = output.map_err(|error| error.to_string())?.value else {
            return Err("not a vector".to_owned());
        };
        for sample in samples {
            answer.insert((time_ms, sample.labels), format!("{:?}", sample.value));
        }
    }
    Ok(answer)
}

fn by_range(engine: &Engine, memory: &Memory, query: &str, range: TimeRange) -> Answer {
    let output = engine.range(memory, query, range, &Options::default());
    let QueryValue::Matrix(series) = output.map_err(|error| error.to_string())?.value else {
        return Err("not a matrix".to_owned());
    };
    let mut answer = BTreeMap::new();
    for series in series {
        for (time_ms, value) in series.points {
            answer.insert((time_ms, series.labels.clone()), format!("{value:?}"));
        }
    }
    Ok(answer)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn steps_are_instants(memory in memory(), from_s in -20_i64..60, step_s in 1_i64..40) {
        let engine = Engine::new(run::config());
        let from_ms = from_s * 1_000;
        let range = TimeRange { from_ms, to_ms: from_ms + step_s * 9_000, step_ms: step_s * 1_000 };
        for query in QUERIES {
            let instants = by_instants(&engine, &memory, query, range);
            let steps = by_range(&engine, &memory, query, range);
            // Of several errors either may be met first.
            match (&instants, &steps) {
                (Err(_), Err(_)) => {}
                _ => prop_assert_eq!(instants, steps, "{}", query),
            }
        }
    }
}
