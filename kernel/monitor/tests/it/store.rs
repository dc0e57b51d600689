//! A store in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use portique_series::{Error, Labels, Samples, Selected, Selection, Source, Value};

#[derive(Default)]
pub(crate) struct Store {
    series: Mutex<BTreeMap<Labels, BTreeMap<i64, Value>>>,
}

impl Store {
    /// Adds a sample; a series may have one at each time.
    pub(crate) fn append(&self, labels: &Labels, at_ms: i64, value: &Value) {
        let mut series = self.series.lock().unwrap();
        let samples = series.entry(labels.clone()).or_default();
        let before = samples.insert(at_ms, value.clone());
        assert!(
            before.is_none_or(|v| format!("{v:?}") == format!("{value:?}")),
            "{labels} has two values at {at_ms}"
        );
    }
}

struct Found(Vec<(Labels, BTreeMap<i64, Value>)>);

impl Source for Store {
    fn select(&self, selection: &Selection) -> Result<Box<dyn Selected>, Error> {
        let series = self.series.lock().unwrap();
        let matching = series.iter().filter(|(labels, _)| {
            let mut matchers = selection.matchers.iter();
            matchers.all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
        });
        let found = matching.map(|(labels, samples)| (labels.clone(), samples.clone()));
        Ok(Box::new(Found(found.collect())))
    }
}

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
        for (at, value) in self.0[index].1.range(from_ms..=to_ms) {
            match value {
                Value::Float(value) => into.push_float(*at, *value),
                Value::Histogram(histogram) => into.push_histogram(*at, histogram.clone()),
            }
        }
        Ok(())
    }
}
