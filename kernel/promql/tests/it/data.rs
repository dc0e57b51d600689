//! Series in memory.

use std::collections::BTreeMap;

use portique_series::{Error, Labels, Samples, Selected, Selection, Source, Value};

/// All series a script has loaded.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    series: BTreeMap<Labels, Kept>,
}

impl Memory {
    /// Adds samples; of one time the last counts.
    pub(crate) fn add(&mut self, labels: &Labels, samples: &[(i64, Value, i64)]) {
        let kept = self.series.entry(labels.clone()).or_default();
        for (time_ms, value, start_ms) in samples {
            kept.insert(*time_ms, (value.clone(), *start_ms));
        }
    }

    /// Whether a series that matches has a histogram, and whether one has a start timestamp.
    pub(crate) fn kinds(&self, matches: impl Fn(&Labels) -> bool) -> (bool, bool) {
        let samples = self.series.iter().filter(|(labels, _)| matches(labels));
        let mut kinds = (false, false);
        for (value, start) in samples.flat_map(|(_, samples)| samples.values()) {
            kinds.0 |= matches!(value, Value::Histogram(_));
            kinds.1 |= *start != 0;
        }
        kinds
    }
}

impl Source for Memory {
    fn select(&self, selection: &Selection) -> Result<Box<dyn Selected>, Error> {
        let matches = |labels: &Labels| {
            let matchers = &selection.matchers;
            matchers
                .iter()
                .all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
        };
        let found = self.series.iter().filter(|(labels, _)| matches(labels));
        Ok(Box::new(Found(
            found.map(|(l, s)| (l.clone(), s.clone())).collect(),
        )))
    }
}

/// Time to value and start timestamp.
type Kept = BTreeMap<i64, (Value, i64)>;

struct Found(Vec<(Labels, Kept)>);

impl Selected for Found {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.0[index].0
    }

    fn read(
        &self,
        index: usize,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        into.clear();
        if from_ms > to_ms {
            return Ok(());
        }
        for (time_ms, (value, start_ms)) in self.0[index].1.range(from_ms..=to_ms) {
            match value {
                Value::Float(value) => into.push_float(*time_ms, *value),
                Value::Histogram(histogram) => into.push_histogram(*time_ms, histogram.clone()),
            }
            into.set_last_start(*start_ms);
        }
        Ok(())
    }
}
