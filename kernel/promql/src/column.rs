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
///
/// Only the places from the first that is taken to the last are stored: a series that lived for an hour costs an
/// hour also in a query over a year.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    steps: usize,
    /// The step of the first place stored.
    first: usize,
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
        Self {
            steps,
            ..Self::default()
        }
    }

    /// Takes everything out, keeps the room.
    pub(crate) fn reset(&mut self, steps: usize) {
        self.steps = steps;
        self.first = 0;
        self.present.clear();
        self.floats.clear();
        self.histograms.clear();
    }

    /// How many samples it takes the room of; a histogram counts as several.
    pub(crate) fn size(&self) -> usize {
        let histograms = self.histograms.iter().flatten();
        self.present.len() + histograms.map(|histogram| weight(histogram)).sum::<usize>()
    }

    /// How many steps there are.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Whether no step has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.present.iter().all(|p| *p == Presence::Absent)
    }

    /// What is at a step.
    pub(crate) fn presence(&self, step: usize) -> Presence {
        self.present
            .get(step.wrapping_sub(self.first))
            .copied()
            .unwrap_or_default()
    }

    /// The float at a step, if one is there.
    pub(crate) fn float(&self, step: usize) -> Option<f64> {
        (self.presence(step) == Presence::Float).then(|| self.floats[step - self.first])
    }

    /// The histogram at a step, if one is there.
    pub(crate) fn histogram(&self, step: usize) -> Option<&Arc<Histogram>> {
        match self.presence(step) {
            Presence::Histogram => self.histograms[step - self.first].as_ref(),
            _ => None,
        }
    }

    /// The value at a step.
    pub(crate) fn value(&self, step: usize) -> Option<Value> {
        match self.presence(step) {
            Presence::Absent => None,
            Presence::Float => Some(Value::Float(self.floats[step - self.first])),
            Presence::Histogram => self.histogram(step).cloned().map(Value::Histogram),
        }
    }

    /// Puts a float in.
    ///
    /// # Panics
    /// When the step is not below [`steps`](Self::steps).
    pub(crate) fn set_float(&mut self, step: usize, value: f64) {
        let place = self.place(step);
        self.present[place] = Presence::Float;
        self.floats[place] = value;
    }

    /// Puts a histogram in.
    ///
    /// # Panics
    /// As [`set_float`](Self::set_float).
    pub(crate) fn set_histogram(&mut self, step: usize, histogram: Arc<Histogram>) {
        let place = self.place(step);
        if self.histograms.is_empty() {
            self.histograms.resize(self.present.len(), None);
        }
        self.present[place] = Presence::Histogram;
        self.histograms[place] = Some(histogram);
    }

    /// Puts a value in, or takes out what is there.
    ///
    /// # Panics
    /// As [`set_float`](Self::set_float).
    pub(crate) fn set(&mut self, step: usize, value: Option<Value>) {
        match value {
            None => {
                if let Some(present) = self.present.get_mut(step.wrapping_sub(self.first)) {
                    *present = Presence::Absent;
                }
            }
            Some(Value::Float(value)) => self.set_float(step, value),
            Some(Value::Histogram(histogram)) => self.set_histogram(step, histogram),
        }
    }

    /// Where a step's value is stored; makes room for it.
    fn place(&mut self, step: usize) -> usize {
        assert!(
            step < self.steps,
            "step {step} of a column of {} steps",
            self.steps
        );
        if self.present.is_empty() {
            self.first = step;
        }
        if step < self.first {
            let more = self.first - step;
            self.present
                .splice(..0, (0..more).map(|_| Presence::Absent));
            self.floats.splice(..0, (0..more).map(|_| 0.0));
            if !self.histograms.is_empty() {
                self.histograms.splice(..0, (0..more).map(|_| None));
            }
            self.first = step;
        }
        let place = step - self.first;
        if place >= self.present.len() {
            self.present.resize(place + 1, Presence::Absent);
            self.floats.resize(place + 1, 0.0);
            if !self.histograms.is_empty() {
                self.histograms.resize(place + 1, None);
            }
        }
        place
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_may_be_filled_in_any_order() {
        let mut column = Column::new(10);
        column.set_float(5, 5.0);
        column.set_histogram(7, Arc::default());
        column.set_float(2, 2.0);
        let present: Vec<usize> = (0..10)
            .filter(|step| column.presence(*step) != Presence::Absent)
            .collect();
        assert_eq!(present, [2, 5, 7]);
        assert_eq!(
            (column.float(2), column.float(5), column.float(7)),
            (Some(2.0), Some(5.0), None)
        );
        assert!(column.histogram(7).is_some());
        column.set(5, None);
        column.set(9, None);
        assert_eq!(column.value(5), None);
        assert!(!column.is_empty());
    }

    #[test]
    fn a_short_life_costs_little_in_a_long_query() {
        let mut column = Column::new(1_000_000);
        column.set_float(999_990, 1.0);
        column.set_float(999_999, 1.0);
        assert_eq!(column.size(), 10);
    }
}
