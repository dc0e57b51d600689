use std::collections::BTreeMap;

use portique_series::{Error, Labels, Samples, Selected, Selection, Source, Value};

/// The samples of one test.
#[derive(Debug, Default)]
pub(super) struct Memory {
    series: BTreeMap<Labels, BTreeMap<i64, Value>>,
}

impl Memory {
    /// Adds a sample; a later one of the same time replaces it.
    pub(super) fn append(&mut self, labels: Labels, at_ms: i64, value: Value) {
        self.series.entry(labels).or_default().insert(at_ms, value);
    }
}

impl Source for Memory {
    fn select(&self, selection: &Selection) -> Result<Box<dyn Selected>, Error> {
        let range = selection.from_ms..=selection.to_ms;
        let matching = self.series.iter().filter(|(labels, samples)| {
            let mut matchers = selection.matchers.iter();
            matchers.all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
                && samples.range(range.clone()).next().is_some()
        });
        let found = matching.map(|(labels, samples)| {
            let samples = samples.range(range.clone());
            let samples = samples.map(|(at, value)| (*at, value.clone()));
            (labels.clone(), samples.collect())
        });
        Ok(Box::new(Found(found.collect())))
    }
}

struct Found(Vec<(Labels, Vec<(i64, Value)>)>);

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
        let samples = self.0[index].1.iter();
        for (at, value) in samples.filter(|(at, _)| (from_ms..=to_ms).contains(at)) {
            match value {
                Value::Float(value) => into.push_float(*at, *value),
                Value::Histogram(histogram) => into.push_histogram(*at, histogram.clone()),
            }
        }
        Ok(())
    }
}
