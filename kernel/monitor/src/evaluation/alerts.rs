use std::collections::BTreeSet;
use std::sync::Arc;

use portique_series::{Labels, LabelsBuilder, Source, Value};

use super::{DueRule, Raised, SAME_LABELS, Wanted, number, unnamed};
use crate::expand::{Surroundings, Texts};
use crate::{ALERT_NAME, Alerting, OnStale, Point, Query, QueryError};

impl DueRule {
    pub(super) fn raised(
        &self,
        alerting: &Alerting,
        source: &dyn Source,
        surroundings: &Surroundings<'_>,
    ) -> Result<Raised, QueryError> {
        let mut raised = Raised::default();
        let texts = surroundings.texts(source, self.at, self.query_at);
        for point in self.values(&self.rule.query, source)? {
            self.want(&mut raised, alerting, &texts, Sign::of(&point))?;
        }
        let sensed = match (&alerting.resolve, alerting.on_stale) {
            (None, OnStale::Resolve) => return Ok(raised),
            (Some(resolve), _) => self.hold(&mut raised, resolve, source)?,
            (None, OnStale::Alarm) => self.sensed(&self.rule.query, source)?,
        };
        if alerting.on_stale == OnStale::Alarm {
            let expected = self.expected.iter();
            let in_scope = expected.filter(|source| self.concerns(source));
            let gone: Vec<&Labels> = in_scope.filter(|s| !sensed.contains(*s)).collect();
            let (missed, taken_away) = self.missed(alerting, gone, source)?;
            for gone in missed {
                self.want(&mut raised, alerting, &texts, Sign::missing(gone))?;
            }
            raised.taken_away = taken_away.into_iter().cloned().collect();
            raised.present = sensed;
        }
        Ok(raised)
    }

    /// Whether the evaluation looked at a source's series.
    pub(crate) fn concerns(&self, source: &Labels) -> bool {
        let scope = self.touched.as_ref();
        scope.is_none_or(|touched| touched.contains_key(source))
    }

    /// An expression's elements; of the touched series only, when they are all that is new.
    fn values(
        &self,
        query: &Arc<dyn Query>,
        source: &dyn Source,
    ) -> Result<Vec<Point>, QueryError> {
        let (Some(touched), Some(threshold)) = (&self.touched, query.threshold()) else {
            return query.instant(source, self.query_at.as_millis());
        };
        let points = touched.values().filter(|t| match &t.value {
            Value::Float(value) => {
                !t.value.is_stale() && threshold.op.holds(*value, threshold.bound)
            }
            Value::Histogram(_) => false,
        });
        let points = points.map(|t| Point {
            labels: t.labels.clone(),
            value: t.value.clone(),
        });
        Ok(points.collect())
    }

    /// What an expression compares, before it is compared.
    fn subjects(
        &self,
        query: &Arc<dyn Query>,
        source: &dyn Source,
    ) -> Result<Vec<Point>, QueryError> {
        if let Some(touched) = &self.touched {
            let alive = touched.values().filter(|t| !t.value.is_stale());
            let points = alive.map(|t| Point {
                labels: t.labels.clone(),
                value: t.value.clone(),
            });
            return Ok(points.collect());
        }
        match query.threshold() {
            Some(threshold) => threshold.subject.instant(source, self.query_at.as_millis()),
            None => Ok(Vec::new()),
        }
    }

    /// The sources that have a value.
    fn sensed(
        &self,
        query: &Arc<dyn Query>,
        source: &dyn Source,
    ) -> Result<BTreeSet<Labels>, QueryError> {
        let points = self.subjects(query, source)?;
        Ok(points.iter().map(|point| unnamed(&point.labels)).collect())
    }

    /// Of the sources that are gone, those whose silence is an alarm, and those that were taken away.
    fn missed<'a>(
        &self,
        alerting: &Alerting,
        gone: Vec<&'a Labels>,
        source: &dyn Source,
    ) -> Result<(Vec<&'a Labels>, Vec<&'a Labels>), QueryError> {
        let Some(query) = alerting.stale_while.as_ref().filter(|_| !gone.is_empty()) else {
            return Ok((gone, Vec::new()));
        };
        let points = query.instant(source, self.query_at.as_millis())?;
        let there: BTreeSet<Labels> = points.iter().map(|p| unnamed(&p.labels)).collect();
        let is_missed = |gone: &&Labels| {
            let is_of = |labels: &Labels| labels.iter().all(|(name, v)| gone.get(name) == Some(v));
            there.iter().any(is_of)
        };
        Ok(gone.into_iter().partition(is_missed))
    }

    /// Notes the sources that have a value at which alerts do not resolve; returns all that have one.
    fn hold(
        &self,
        raised: &mut Raised,
        resolve: &Arc<dyn Query>,
        source: &dyn Source,
    ) -> Result<BTreeSet<Labels>, QueryError> {
        let mut sensed = BTreeSet::new();
        for point in self.subjects(resolve, source)? {
            let resolves = resolve
                .threshold()
                .is_some_and(|t| t.op.holds(number(&point), t.bound));
            let source = unnamed(&point.labels);
            if !resolves {
                raised.held.insert(source.clone());
            }
            sensed.insert(source);
        }
        Ok(sensed)
    }

    fn want(
        &self,
        raised: &mut Raised,
        alerting: &Alerting,
        texts: &Texts<'_>,
        sign: Sign<'_>,
    ) -> Result<(), QueryError> {
        let source = unnamed(sign.labels);
        let expand = |text: &str| texts.expand(text, sign.labels, sign.value);
        let mut labels = source.to_builder();
        for (name, text) in &self.rule.labels {
            labels.set(name, cut(expand(text), LABEL_BYTES_MAX));
        }
        labels.set(ALERT_NAME, &*alerting.alert);
        let params = alerting.action.as_ref().map(|action| &action.params);
        let wanted = Wanted {
            annotations: expanded(&alerting.annotations, expand),
            params: params.map_or_else(Labels::empty, |params| expanded(params, expand)),
            source,
            value: sign.value,
            is_stale: sign.is_stale,
        };
        match raised.wanted.insert(labels.build(), wanted) {
            None => Ok(()),
            Some(_) => Err(QueryError::new(format!("{SAME_LABELS} alert labels"))),
        }
    }
}

/// Templates expanded, within the room that there is for them.
fn expanded(templates: &Labels, expand: impl Fn(&str) -> String) -> Labels {
    let mut room = ANNOTATIONS_BYTES_MAX;
    let mut texts = LabelsBuilder::default();
    for (name, text) in templates.iter() {
        let text = cut(expand(text), room);
        room -= text.len();
        texts.set(name, text);
    }
    texts.build()
}

/// A label that a template makes is cut to this: longer ones tell nobody apart.
const LABEL_BYTES_MAX: usize = 4 << 10;
/// The annotations of an alert are cut to this together: no receiver takes more, and facts hold them. So are
/// the parameters of its action.
const ANNOTATIONS_BYTES_MAX: usize = 64 << 10;

/// The beginning of a text, in whole letters.
fn cut(mut text: String, bytes_max: usize) -> String {
    let end = (0..=bytes_max.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}

/// Why there should be an alert: an element of the result, or one that is missing.
struct Sign<'a> {
    labels: &'a Labels,
    value: f64,
    is_stale: bool,
}

impl<'a> Sign<'a> {
    fn of(point: &'a Point) -> Self {
        Self {
            labels: &point.labels,
            value: number(point),
            is_stale: false,
        }
    }

    fn missing(source: &'a Labels) -> Self {
        Self {
            labels: source,
            value: f64::NAN,
            is_stale: true,
        }
    }
}
