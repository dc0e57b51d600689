//! The newest exemplars.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::{Exemplar, Labels};

/// A bounded list of exemplars; the oldest goes first.
#[derive(Debug, Default)]
pub(crate) struct ExemplarRing {
    ring: VecDeque<(Labels, Exemplar)>,
    /// The newest of each series.
    newest: HashMap<Labels, Exemplar>,
    exemplars_max: usize,
}

impl ExemplarRing {
    pub(crate) fn new(exemplars_max: usize) -> Self {
        Self {
            exemplars_max,
            ..Self::default()
        }
    }

    /// Whether it is the newest of its series already: scrapes bring the same one again and again.
    pub(crate) fn has(&self, series: &Labels, exemplar: &Exemplar) -> bool {
        self.newest.get(series) == Some(exemplar)
    }

    pub(crate) fn push(&mut self, series: Labels, exemplar: Exemplar) {
        if self.exemplars_max == 0 {
            return;
        }
        while self.ring.len() >= self.exemplars_max {
            if let Some((series, exemplar)) = self.ring.pop_front()
                && self.has(&series, &exemplar)
            {
                self.newest.remove(&series);
            }
        }
        self.newest.insert(series.clone(), exemplar.clone());
        self.ring.push_back((series, exemplar));
    }

    /// All of them with the labels of their series, in the order they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Labels, Exemplar)> {
        self.ring.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Forgets those of a series from `first_ms` to `last_ms`.
    pub(crate) fn delete(&mut self, series: &Labels, first_ms: i64, last_ms: i64) {
        let range = first_ms..=last_ms;
        let is_kept = |(labels, exemplar): &(Labels, Exemplar)| {
            labels != series || !range.contains(&exemplar.timestamp_ms)
        };
        self.ring.retain(is_kept);
        self.newest.remove(series);
    }
}
