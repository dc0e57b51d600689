//! Queries that ask for too much, are no longer wanted, or make no sense.

use std::sync::atomic::AtomicBool;

use portique_promql::{
    Config, Engine, ErrorKind, Interrupt, Interruption, Level, Options, QueryValue, TimeRange,
};
use portique_series::{Labels, Value};

use crate::data::Memory;
use crate::run;

fn loaded(series: usize, samples: i64) -> Memory {
    let mut memory = Memory::default();
    for n in 0..series {
        let labels = Labels::from_pairs([("__name__", "m_total".to_owned()), ("n", n.to_string())]);
        let values = (0..samples).map(|i| (i * 10_000, Value::Float(i as f64), 0));
        memory.add(&labels, &values.collect::<Vec<_>>());
    }
    memory
}

fn limited(samples_max: usize) -> Engine {
    Engine::new(Config {
        samples_max,
        ..run::config()
    })
}

fn over(steps: i64) -> TimeRange {
    TimeRange {
        from_ms: 0,
        to_ms: steps * 10_000,
        step_ms: 10_000,
    }
}

#[test]
fn too_many_samples_are_refused_as_prometheus_words_it() {
    let memory = loaded(10, 100);
    let refused = |query: &str, samples_max: usize| {
        let options = Options::default();
        limited(samples_max)
            .instant(&memory, query, 990_000, &options)
            .err()
            .map(|e| e.to_string())
    };
    let words =
        "query processing would load too many samples into memory in query execution".to_owned();
    assert_eq!(refused("m_total[20m]", 999), Some(words.clone()));
    // The series that is being read counts besides those that are kept.
    assert_eq!(refused("m_total[20m]", 1_100), None);
    assert_eq!(refused("m_total", 9), Some(words.clone()));
    assert_eq!(refused("sort(m_total)", 9), Some(words.clone()));
    assert_eq!(refused("rate(m_total[20m])", 99), Some(words.clone()));
    // One series after another is in memory, not all at once.
    assert_eq!(refused("sum(rate(m_total[20m]))", 101), None);
    assert_eq!(
        refused("sum_over_time(vector(1)[10000d:1ms])", 1_000),
        Some(words)
    );
}

#[test]
fn what_was_given_back_can_be_used_again() {
    let memory = loaded(10, 100);
    let query = "max(m_total + m_total) + max(m_total + m_total) + max(sort(m_total))";
    let result = limited(45).instant(&memory, query, 990_000, &Options::default());
    assert!(result.is_ok(), "{:?}", result.err());
}

#[test]
fn a_range_may_have_so_many_steps_and_no_more() {
    let engine = Engine::new(run::config());
    let memory = loaded(1, 1);
    let range = |to_ms: i64| TimeRange {
        from_ms: 0,
        to_ms,
        step_ms: 1,
    };
    assert!(
        engine
            .range(&memory, "1", range(11_000), &Options::default())
            .is_ok()
    );
    let error = engine
        .range(&memory, "1", range(11_001), &Options::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadData);
    assert!(
        error
            .to_string()
            .starts_with("exceeded maximum resolution of 11000 points"),
        "{error}"
    );
}

#[test]
fn ranges_and_texts_have_no_range_query() {
    let engine = Engine::new(run::config());
    for (query, kind) in [("m_total[1m]", "range vector"), ("\"a\"", "string")] {
        let result = engine.range(&loaded(1, 1), query, over(1), &Options::default());
        let wanted = format!(
            "invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector"
        );
        assert_eq!(result.unwrap_err().to_string(), wanted);
    }
}

/// Ends a query when it has been asked so often.
struct After(std::sync::atomic::AtomicUsize, Interruption);

impl Interrupt for After {
    fn interruption(&self) -> Option<Interruption> {
        let before = self.0.fetch_update(
            std::sync::atomic::Ordering::Relaxed,
            std::sync::atomic::Ordering::Relaxed,
            |left| left.checked_sub(1),
        );
        before.is_err().then_some(self.1)
    }
}

#[test]
fn a_query_ends_when_nobody_waits_or_time_is_up() {
    let memory = loaded(100, 10);
    let engine = Engine::new(run::config());
    let ended = |interrupt: &dyn Interrupt| {
        let options = Options {
            interrupt: Some(interrupt),
            ..Options::default()
        };
        engine
            .instant(&memory, "sum(rate(m_total[1m]))", 90_000, &options)
            .unwrap_err()
    };
    assert_eq!(ended(&AtomicBool::new(true)).kind(), ErrorKind::Canceled);
    let late = ended(&After(50.into(), Interruption::TimedOut));
    assert_eq!(late.kind(), ErrorKind::Timeout);
    assert_eq!(late.to_string(), "query timed out in expression evaluation");
}

#[test]
fn names_may_go_at_once_as_prometheus_does_by_default() {
    let mut memory = loaded(1, 100);
    let other = Labels::from_pairs([("__name__", "other_total"), ("n", "0")]);
    memory.add(&other, &[(990_000, Value::Float(7.0), 0)]);
    let engine = Engine::new(Config {
        delayed_name_removal: false,
        ..run::config()
    });
    let instant = |query: &str| engine.instant(&memory, query, 990_000, &Options::default());
    let error = instant("sum(abs({n=\"0\"}))").unwrap_err();
    assert_eq!(
        error.to_string(),
        "vector cannot contain metrics with the same labelset"
    );
    let gone = instant("sum by (__name__) (abs(m_total))").unwrap();
    let QueryValue::Vector(samples) = gone.value else {
        panic!("a vector")
    };
    assert_eq!(samples[0].labels, Labels::empty());
    let kept = instant("sum by (__name__) (m_total)").unwrap();
    let QueryValue::Vector(samples) = kept.value else {
        panic!("a vector")
    };
    assert_eq!(samples[0].labels.metric(), "m_total");
}

#[test]
fn the_lookback_of_one_query_may_differ() {
    let memory = loaded(1, 1);
    let engine = Engine::new(run::config());
    let seen = |lookback_ms: Option<i64>| {
        let options = Options {
            lookback_ms,
            ..Options::default()
        };
        let output = engine
            .instant(&memory, "m_total", 60_000, &options)
            .unwrap();
        matches!(output.value, QueryValue::Vector(samples) if samples.len() == 1)
    };
    assert!(seen(None));
    assert!(seen(Some(60_001)));
    assert!(!seen(Some(60_000)));
}

#[test]
fn annotations_name_line_and_column() {
    let engine = Engine::new(run::config());
    let mut memory = Memory::default();
    let labels = Labels::from_pairs([("__name__", "height")]);
    memory.add(
        &labels,
        &[(0, Value::Float(1.0), 0), (10_000, Value::Float(2.0), 0)],
    );
    let query = "sum(\n  rate(height[1m])\n)";
    let output = engine
        .instant(&memory, query, 10_000, &Options::default())
        .unwrap();
    let infos = output.annotations.texts(Level::Info, query);
    assert_eq!(infos.len(), 1);
    assert!(infos[0].ends_with("\"height\" (2:8)"), "{infos:?}");
}

#[test]
fn deep_queries_are_evaluated_or_refused_within_a_thread_s_stack() {
    let engine = Engine::new(run::config());
    let memory = loaded(2, 10);
    let deep = |levels: usize| {
        let nested = levels.min(100);
        let chain = " + 1".repeat(levels - nested);
        format!(
            "{}m_total{}{chain}",
            "abs(".repeat(nested),
            ")".repeat(nested)
        )
    };
    let instant = |query: &str| engine.instant(&memory, query, 90_000, &Options::default());
    assert!(instant(&deep(250)).is_ok());
    assert!(
        engine
            .range(&memory, &deep(250), over(9), &Options::default())
            .is_ok()
    );
    assert!(instant(&deep(100_000)).is_err());
    assert!(instant(&format!("sum({})", "m_total + ".repeat(200) + "m_total")).is_ok());
}

#[test]
fn times_no_clock_shows_are_refused() {
    let engine = Engine::new(run::config());
    let memory = loaded(1, 1);
    let query = "rate(m_total[100y] offset 100y)";
    for time_ms in [i64::MIN, -(1 << 52) - 1, (1 << 52) + 1, i64::MAX] {
        let error = engine
            .instant(&memory, query, time_ms, &Options::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadData);
    }
    for time_ms in [-(1 << 52), 1 << 52] {
        assert!(
            engine
                .instant(&memory, query, time_ms, &Options::default())
                .is_ok()
        );
    }
    let pinned = engine.instant(&memory, "m_total @ 9e15", 0, &Options::default());
    assert_eq!(pinned.unwrap_err().kind(), ErrorKind::BadData);
}

#[test]
fn several_threads_give_the_same_answer_as_one() {
    let memory = loaded(2_500, 20);
    let answer = |threads: usize, query: &str| {
        let engine = Engine::new(Config {
            threads,
            ..run::config()
        });
        let output = engine
            .range(&memory, query, over(19), &Options::default())
            .unwrap();
        (output.annotations.texts(Level::Info, query), output.value)
    };
    for query in [
        "sum(rate(m_total[1m]))",
        "avg_over_time(m_total[1m])",
        "m_total offset 10s",
    ] {
        assert_eq!(answer(3, query), answer(1, query), "{query}");
    }
}

#[test]
fn labels_that_grow_without_end_are_refused() {
    let memory = loaded(3, 1);
    let engine = Engine::new(run::config());
    let refused = |query: &str| {
        let options = Options::default();
        let error = engine
            .instant(&memory, query, 0, &options)
            .expect_err(query);
        error.to_string()
    };
    // Each one is a hundred times as long as the one before.
    let many = vec!["\"__name__\""; 100].join(",");
    let again = vec!["\"a\""; 100].join(",");
    let mut joined = format!("label_join(m_total, \"a\", \"-\", {many})");
    for _ in 0..3 {
        joined = format!("label_join({joined}, \"a\", \"-\", {again})");
    }
    assert!(refused(&joined).contains("label_join() makes a label of up to"));
    let groups = "$0".repeat(100_000);
    let replaced = format!("label_replace(m_total, \"a\", \"{groups}\", \"__name__\", \".*\")");
    assert!(refused(&replaced).contains("label_replace() makes a label of up to"));
}
