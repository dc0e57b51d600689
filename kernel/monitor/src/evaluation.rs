//! One evaluation of one rule: what it found, before anything is decided.

mod alerts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::{Labels, METRIC_NAME, Source, Value};

use crate::expand::Surroundings;
use crate::{Point, QueryError, Rule, RuleKind};

/// Why a rule is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its group's interval has passed.
    Tick,
    /// A sample arrived that it reads.
    Ingest,
    /// An alert has held, or lingered, for as long as its rule says.
    Timer,
}

/// A rule to evaluate now.
#[derive(Debug, Clone)]
pub struct DueRule {
    /// Which.
    pub rule: Arc<Rule>,
    /// The time of the evaluation: alerts begin and end at it.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// When the first of the samples arrived that it is evaluated for.
    pub since: Option<Timestamp>,
    /// The time its queries look at.
    pub(crate) query_at: Timestamp,
    /// The only series whose samples are new, by source, when nothing else needs a look.
    pub(crate) touched: Option<BTreeMap<Labels, Touched>>,
    /// Sources that had a value before: an alarm if they have none now.
    pub(crate) expected: Arc<BTreeSet<Labels>>,
}

/// The newest sample of a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Touched {
    pub(crate) labels: Labels,
    pub(crate) value: Value,
}

/// A sample that a rule yields.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its series.
    pub labels: Labels,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Its value, [`STALE`](portique_series::STALE) when the series ends.
    pub value: Value,
}

/// What an evaluation found.
#[derive(Debug)]
pub struct Evaluated {
    pub(crate) due: DueRule,
    pub(crate) found: Result<Found, QueryError>,
}

#[derive(Debug)]
pub(crate) enum Found {
    Recorded(BTreeMap<Labels, Value>),
    Raised(Raised),
}

/// What an alerting rule's expressions say now.
#[derive(Debug, Default)]
pub(crate) struct Raised {
    /// The alerts there should be, by their labels.
    pub(crate) wanted: BTreeMap<Labels, Wanted>,
    /// Sources whose alerts must not resolve yet, when the rule has such a condition.
    pub(crate) held: BTreeSet<Labels>,
    /// Sources that have a value, when the rule's alarm is that they have none.
    pub(crate) present: BTreeSet<Labels>,
    /// Sources that have no value any more, and of which none is expected.
    pub(crate) taken_away: BTreeSet<Labels>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) source: Labels,
    pub(crate) annotations: Labels,
    pub(crate) value: f64,
    pub(crate) is_stale: bool,
    /// Of the rule's action, expanded.
    pub(crate) params: Labels,
}

/// Two elements of a result became one when the rule's labels were put on.
const SAME_LABELS: &str = "vector contains metrics with the same labelset after applying";

impl DueRule {
    /// Whether it is evaluated on the samples that arrived alone: it reads nothing, but for what its templates
    /// ask.
    pub fn is_quick(&self) -> bool {
        self.touched.is_some()
    }

    /// The evaluation could not be made, for a reason that is not the rule's.
    pub fn failed(self, reason: impl Into<String>) -> Evaluated {
        let found = Err(QueryError::new(reason));
        Evaluated { due: self, found }
    }

    /// Evaluates the rule: reads samples, expands templates, changes nothing.
    pub fn evaluate(self, source: &dyn Source, surroundings: &Surroundings<'_>) -> Evaluated {
        let found = match &self.rule.kind {
            RuleKind::Recording { record } => self.recorded(source, record).map(Found::Recorded),
            RuleKind::Alerting(alerting) => {
                let found = self.raised(alerting, source, surroundings);
                found.map(Found::Raised)
            }
        };
        Evaluated { due: self, found }
    }

    fn recorded(
        &self,
        source: &dyn Source,
        record: &str,
    ) -> Result<BTreeMap<Labels, Value>, QueryError> {
        let points = self.rule.query.instant(source, self.query_at.as_millis())?;
        let mut series = BTreeMap::new();
        for point in points {
            let mut labels = point.labels.to_builder();
            labels.set(METRIC_NAME, record);
            for (name, value) in &self.rule.labels {
                labels.set(name, value);
            }
            if series.insert(labels.build(), point.value).is_some() {
                return Err(QueryError::new(format!("{SAME_LABELS} rule labels")));
            }
        }
        Ok(series)
    }
}

/// Labels without the metric's name.
pub(crate) fn unnamed(labels: &Labels) -> Labels {
    if labels.metric().is_empty() {
        return labels.clone();
    }
    let mut builder = labels.to_builder();
    builder.remove(METRIC_NAME);
    builder.build()
}

/// The number that templates and people see; of a histogram, as in Prometheus, 0.
fn number(point: &Point) -> f64 {
    match point.value {
        Value::Float(value) => value,
        Value::Histogram(_) => 0.0,
    }
}
