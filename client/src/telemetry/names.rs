//! The series of a client, and what of them a stream was told.

use std::collections::HashMap;

use crate::Error;
use crate::proto::telemetry::v1 as pb;

/// Series of one client: what a hub takes on a stream.
const SERIES_MAX: usize = 200_000;

/// Texts that a stream is told before another one is opened, so that those of exemplars, which are hardly ever
/// used again, do not stay; a hub takes twice as many.
const TEXTS_MAX: usize = 500_000;

/// Names and values of one series, sorted.
type Labels = Vec<(String, String)>;

/// All series of a client, by the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Names {
    series: Vec<Labels>,
    by_labels: HashMap<Labels, u32>,
}

impl Names {
    pub(super) fn series(&mut self, labels: &[(&str, &str)]) -> Result<u32, Error> {
        let owned = labels.iter();
        let owned = owned.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut labels: Labels = owned.collect();
        labels.sort_unstable();
        if let Some(series) = self.by_labels.get(&labels) {
            return Ok(*series);
        }
        if self.series.len() >= SERIES_MAX {
            return Err(Error::TooMuch {
                what: "series",
                given: self.series.len() + 1,
                max: SERIES_MAX,
            });
        }
        let series = self.series.len() as u32;
        self.series.push(labels.clone());
        self.by_labels.insert(labels, series);
        Ok(series)
    }
}

/// What one stream was told: series by the index that they have on it.
#[derive(Debug, Default)]
pub(super) struct Told {
    texts: HashMap<String, u32>,
    series: HashMap<u32, u32>,
}

impl Told {
    /// The index of a series on the stream; what is new is added to the batch.
    pub(super) fn series(&mut self, names: &Names, series: u32, batch: &mut pb::PushBatch) -> u32 {
        if let Some(index) = self.series.get(&series) {
            return *index;
        }
        let mut labels = Vec::new();
        for (name, value) in names.series.get(series as usize).into_iter().flatten() {
            labels.push(self.text(name, batch));
            labels.push(self.text(value, batch));
        }
        batch.series.push(pb::Series { labels });
        let index = self.series.len() as u32;
        self.series.insert(series, index);
        index
    }

    /// Whether the stream is to be let go.
    pub(super) fn is_full(&self) -> bool {
        self.texts.len() >= TEXTS_MAX
    }

    /// The index of a text on the stream, likewise.
    pub(super) fn text(&mut self, text: &str, batch: &mut pb::PushBatch) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(index) = self.texts.get(text) {
            return *index;
        }
        // 0 is the empty text.
        let index = self.texts.len() as u32 + 1;
        self.texts.insert(text.to_owned(), index);
        batch.texts.push(text.to_owned());
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_was_told_enough_is_full() {
        let (mut told, mut batch) = (Told::default(), pb::PushBatch::default());
        for trace in 0..TEXTS_MAX {
            assert!(!told.is_full());
            told.text(&trace.to_string(), &mut batch);
        }
        assert!(told.is_full());
    }

    #[test]
    fn a_series_and_its_texts_are_told_once() {
        let mut names = Names::default();
        let up = names.series(&[("job", "a"), ("__name__", "up")]).unwrap();
        assert_eq!(
            names.series(&[("__name__", "up"), ("job", "a")]).unwrap(),
            up
        );
        let down = names.series(&[("__name__", "up"), ("job", "b")]).unwrap();
        let (mut told, mut batch) = (Told::default(), pb::PushBatch::default());
        assert_eq!(
            told.series(&names, down, &mut batch),
            0,
            "by the order on the stream"
        );
        assert_eq!(told.series(&names, up, &mut batch), 1);
        assert_eq!(told.series(&names, down, &mut batch), 0);
        assert_eq!(batch.texts, ["__name__", "up", "job", "b", "a"]);
        let labels: Vec<_> = batch
            .series
            .iter()
            .map(|series| series.labels.clone())
            .collect();
        assert_eq!(labels, [[1, 2, 3, 4], [1, 2, 3, 5]]);
    }
}
