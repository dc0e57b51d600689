//! Values of one series over the steps of a query.

use std::sync::Arc;

use portique_series::{Histogram, Labels, Value};

/// A series and its values; what every operator takes and gives.
#[derive(Debug, Clone)]
pub(crate) struct SeriesColumn {
    /// Its labels, the metric's name among them while `drop_name` is set.
    pub(crate) labels: Labels,
    /// Whether the metric's name goes when the query is done (delayed name removal).
    pub(crate) drop_name: bool,
    /// One place for each step.
    pub(crate) column: Column,
}

/// One place for each step of a query: nothing, a float or a histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Column {
    present: Vec<Presence>,
    floats: Vec<f64>,
    /// Empty while there is none, else as long as the others.
    histograms: Vec<Option<Arc<Histogram>>>,
}

/// What is in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Presence {
    /// Nothing.
    #[default]
    Absent,
    /// A number.
    Float,
    /// A histogram.
    Histogram,
}

impl Column {
    /// A column with nothing in it.
    pub(crate) fn new(steps: usize) -> Self {
        let mut column = Self::default();
        column.reset(steps);
        column
    }

    /// Takes everything out, keeps the room.
    pub(crate) fn reset(&mut self, steps: usize) {
        self.present.clear();
        self.present.resize(steps, Presence::Absent);
        self.floats.clear();
        self.floats.resize(steps, 0.0);
        self.histograms.clear();
    }

    /// How many samples it holds, a histogram counting as several.
    pub(crate) fn size(&self) -> usize {
        let floats = self
            .present
            .iter()
            .filter(|p| **p == Presence::Float)
            .count();
        let histograms = self.histograms.iter().flatten();
        floats + histograms.map(|histogram| weight(histogram)).sum::<usize>()
    }

    /// How many steps there are.
    pub(crate) fn steps(&self) -> usize {
        self.present.len()
    }

    /// Whether no step has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.present.iter().all(|p| *p == Presence::Absent)
    }

    /// What is at a step.
    pub(crate) fn presence(&self, step: usize) -> Presence {
        self.present[step]
    }

    /// The float at a step, if one is there.
    pub(crate) fn float(&self, step: usize) -> Option<f64> {
        (self.present[step] == Presence::Float).then(|| self.floats[step])
    }

    /// The histogram at a step, if one is there.
    pub(crate) fn histogram(&self, step: usize) -> Option<&Arc<Histogram>> {
        match self.present[step] {
            Presence::Histogram => self.histograms[step].as_ref(),
            _ => None,
        }
    }

    /// The value at a step.
    pub(crate) fn value(&self, step: usize) -> Option<Value> {
        match self.present[step] {
            Presence::Absent => None,
            Presence::Float => Some(Value::Float(self.floats[step])),
            Presence::Histogram => self.histogram(step).cloned().map(Value::Histogram),
        }
    }

    /// Puts a float in.
    pub(crate) fn set_float(&mut self, step: usize, value: f64) {
        self.present[step] = Presence::Float;
        self.floats[step] = value;
    }

    /// Puts a histogram in.
    pub(crate) fn set_histogram(&mut self, step: usize, histogram: Arc<Histogram>) {
        if self.histograms.is_empty() {
            self.histograms.resize(self.present.len(), None);
        }
        self.present[step] = Presence::Histogram;
        self.histograms[step] = Some(histogram);
    }

    /// Puts a value in, or takes out what is there.
    pub(crate) fn set(&mut self, step: usize, value: Option<Value>) {
        match value {
            None => self.present[step] = Presence::Absent,
            Some(Value::Float(value)) => self.set_float(step, value),
            Some(Value::Histogram(histogram)) => self.set_histogram(step, histogram),
        }
    }
}

/// How many floats a histogram counts as in limits: it takes about as much memory.
pub(crate) fn weight(histogram: &Histogram) -> usize {
    let buckets = histogram.positive_buckets.len() + histogram.negative_buckets.len();
    let bounds = histogram.custom_bounds.len();
    let spans = histogram.positive_spans.len() + histogram.negative_spans.len();
    // The fixed fields and the reference count are about 13 floats' worth; a sample of floats is 16 bytes.
    (13 + buckets + bounds + spans).div_ceil(2)
}
