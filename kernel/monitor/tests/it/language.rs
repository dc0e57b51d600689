//! A query language just large enough for rules: `[sum|count|absent](selector) [op number]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_monitor::{Comparison, Language, Point, Query, QueryError, Threshold};
use portique_series::{Labels, METRIC_NAME, MatchOp, Matcher, Samples, Selection, Source, Value};

const LOOKBACK_MS: i64 = 5 * 60 * 1_000;

pub(crate) struct Mini;

#[derive(Clone)]
enum Subject {
    Selector,
    Sum,
    Count,
    Absent,
}

struct Expression {
    text: String,
    selectors: Vec<Vec<Matcher>>,
    subject: Subject,
    threshold: Option<Threshold>,
}

impl Language for Mini {
    fn compile(&self, text: &str) -> Result<Arc<dyn Query>, QueryError> {
        let bad = || QueryError::new(format!("1:1: parse error: {text:?}"));
        let ops = [
            (">=", Comparison::GreaterOrEqual),
            ("<=", Comparison::LessOrEqual),
            ("==", Comparison::Equal),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ];
        let found = ops.iter().find_map(|(sign, op)| {
            let (subject, bound) = text.split_once(&format!(" {sign} "))?;
            Some((subject, *op, bound))
        });
        let Some((subject, op, bound)) = found else {
            return Ok(Arc::new(parse(text).ok_or_else(bad)?));
        };
        let bound = bound.trim().parse().map_err(|_| bad())?;
        let subject = parse(subject).ok_or_else(bad)?;
        let is_plain = matches!(subject.subject, Subject::Selector);
        let selectors = subject.selectors.clone();
        let threshold = Threshold {
            subject: Arc::new(subject),
            op,
            bound,
            is_plain,
        };
        Ok(Arc::new(Expression {
            text: text.to_owned(),
            selectors,
            subject: Subject::Selector,
            threshold: Some(threshold),
        }))
    }
}

fn parse(text: &str) -> Option<Expression> {
    let text = text.trim();
    let functions = [
        ("sum(", Subject::Sum),
        ("count(", Subject::Count),
        ("absent(", Subject::Absent),
    ];
    for (start, subject) in functions {
        if let Some(inner) = text.strip_prefix(start) {
            let inner = parse(inner.strip_suffix(')')?)?;
            return Some(Expression {
                text: text.to_owned(),
                subject,
                ..inner
            });
        }
    }
    let matchers = matchers(text)?;
    Some(Expression {
        text: text.to_owned(),
        selectors: vec![matchers],
        subject: Subject::Selector,
        threshold: None,
    })
}

fn matchers(text: &str) -> Option<Vec<Matcher>> {
    let name = text.split('{').next()?;
    if name.contains(|c: char| !c.is_alphanumeric() && c != '_' && c != ':') {
        return None;
    }
    let mut matchers = Vec::new();
    if !name.is_empty() {
        matchers.push(Matcher::equal(METRIC_NAME, name));
    }
    let Some(braces) = text.strip_prefix(name)?.strip_prefix('{') else {
        return (!matchers.is_empty()).then_some(matchers);
    };
    for pair in braces.strip_suffix('}')?.split(',').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let (op, value) = match value.strip_prefix('~') {
            Some(value) => (MatchOp::Regex, value),
            None => (MatchOp::Equal, value),
        };
        matchers.push(Matcher::new(name.trim(), op, value.trim_matches('"')).ok()?);
    }
    Some(matchers)
}

/// A series as the language writes it.
pub(crate) fn labels(text: &str) -> Labels {
    let matchers = matchers(text).expect("a script writes series well");
    Labels::from_pairs(matchers.iter().map(|m| (m.name(), m.value())))
}

impl Expression {
    fn select(&self, source: &dyn Source, at_ms: i64) -> Result<Vec<Point>, QueryError> {
        let from_ms = at_ms - LOOKBACK_MS + 1;
        let selection = Selection {
            matchers: self.selectors[0].clone(),
            from_ms,
            to_ms: at_ms,
        };
        let failed = |error: portique_series::Error| QueryError::new(error.to_string());
        let selected = source.select(&selection).map_err(failed)?;
        let mut points = Vec::new();
        for index in 0..selected.len() {
            let mut samples = Samples::default();
            let read = selected.read_last(index, from_ms, at_ms, &mut samples);
            read.map_err(failed)?;
            if !samples.is_empty() && !samples.value(0).is_stale() {
                points.push(Point {
                    labels: selected.labels(index).clone(),
                    value: samples.value(0),
                });
            }
        }
        Ok(points)
    }
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Float(value) => *value,
        Value::Histogram(_) => f64::NAN,
    }
}

impl Query for Expression {
    fn text(&self) -> &str {
        &self.text
    }

    fn instant(&self, source: &dyn Source, at_ms: i64) -> Result<Vec<Point>, QueryError> {
        if let Some(threshold) = &self.threshold {
            let mut points = threshold.subject.instant(source, at_ms)?;
            points.retain(|p| threshold.op.holds(float(&p.value), threshold.bound));
            return Ok(points);
        }
        let points = self.select(source, at_ms)?;
        let values = points.iter().map(|p| float(&p.value));
        let one = |labels: BTreeMap<String, String>, value: f64| {
            let labels = Labels::from_pairs(labels);
            let value = Value::Float(value);
            Ok(vec![Point { labels, value }])
        };
        match self.subject {
            Subject::Selector => Ok(points),
            Subject::Absent if points.is_empty() => {
                let equal = self.selectors[0].iter().filter(|m| {
                    m.op() == MatchOp::Equal && m.name() != METRIC_NAME
                });
                one(
                    equal.map(|m| (m.name().to_owned(), m.value().to_owned())).collect(),
                    1.0,
                )
            }
            Subject::Absent => Ok(Vec::new()),
            _ if points.is_empty() => Ok(Vec::new()),
            Subject::Sum => one(BTreeMap::new(), values.sum()),
            Subject::Count => one(BTreeMap::new(), values.map(|_| 1.0).sum()),
        }
    }

    fn selectors(&self) -> &[Vec<Matcher>] {
        &self.selectors
    }

    fn threshold(&self) -> Option<&Threshold> {
        self.threshold.as_ref()
    }
}
