//! What every way in fills and the store takes: series with their samples, column by column.

use std::ops::Range;
use std::sync::Arc;

use crate::labels::{LABEL_BYTES_MAX, pack, unpack};
use crate::{Exemplar, Histogram, Labels, METRIC_NAME, Metadata, MetricKind, Samples, Value};

/// Most labels of one series: beyond it something writes data into labels.
pub const LABELS_MAX: usize = 256;

/// Series with samples, exemplars and metadata on their way into a store; made to be filled again and again, so that
/// the steady state allocates nothing.
///
/// A series is [`begin`](Self::begin), [`label`](Self::label)s, [`end_labels`](Self::end_labels), then its samples:
/// the newest of several calls of `begin` is the series that samples and exemplars go to. What follows labels that
/// were refused, or no labels at all, is left out.
#[derive(Debug, Default)]
pub struct Batch {
    packed: String,
    series: Vec<Entry>,
    samples: Samples,
    exemplars: Vec<(u32, Exemplar)>,
    metadata: Vec<(String, Metadata)>,
    open: bool,
    text: String,
    pending: Vec<Pending>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    labels_begin: u32,
    labels_end: u32,
    samples_begin: u32,
}

/// A label not yet packed: where its name and its value end in `text`, and where the name begins.
#[derive(Debug, Clone, Copy)]
struct Pending {
    begin: usize,
    middle: usize,
    end: usize,
}

/// Why the labels of a series were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsFault {
    /// Not one label with a value.
    #[error("a series needs at least one label")]
    None,
    /// A label without a name.
    #[error("a label with the value {value:?} has no name")]
    EmptyName {
        /// Its value, cut to its beginning.
        value: String,
    },
    /// A name twice.
    #[error("the label {name:?} occurs twice")]
    Duplicate {
        /// The name, cut to its beginning.
        name: String,
    },
    /// A name or value that is too long.
    #[error("the label {name:?} takes {bytes} bytes, at most {bytes_max} are allowed")]
    TooLong {
        /// The name, cut to its beginning.
        name: String,
        /// How long the longer of name and value is.
        bytes: usize,
        /// How long they may be.
        bytes_max: usize,
    },
    /// Too many labels.
    #[error("the series has {labels} labels, at most {LABELS_MAX} are allowed")]
    TooMany {
        /// How many came.
        labels: usize,
    },
    /// The batch is full: append it and begin another.
    #[error("the batch holds as much as a batch can hold")]
    BatchFull,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes everything out and keeps the room.
    pub fn clear(&mut self) {
        self.packed.clear();
        self.series.clear();
        self.samples.clear();
        self.exemplars.clear();
        self.metadata.clear();
        self.open = false;
    }

    /// Begins a series; its labels follow.
    pub fn begin(&mut self) {
        self.open = false;
        self.text.clear();
        self.pending.clear();
    }

    /// A label of the series begun, in any order; an empty value means no label.
    pub fn label(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let begin = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        self.text.push_str(value);
        self.pending.push(Pending {
            begin,
            middle,
            end: self.text.len(),
        });
    }

    /// Sorts and checks the labels; samples may follow.
    ///
    /// # Errors
    /// Why no series can have these labels; samples that follow are left out until the next
    /// [`begin`](Self::begin).
    pub fn end_labels(&mut self) -> Result<(), LabelsFault> {
        self.check_labels()?;
        let labels_begin = self.packed.len();
        for label in &self.pending {
            pack(&mut self.packed, &self.text[label.begin..label.middle]);
            pack(&mut self.packed, &self.text[label.middle..label.end]);
        }
        self.add(labels_begin)
    }

    /// Begins a series whose labels are at hand already, in place of the three calls.
    ///
    /// # Errors
    /// When there is no label, or the batch is full.
    pub fn series(&mut self, labels: &Labels) -> Result<(), LabelsFault> {
        self.begin();
        if labels.is_empty() {
            return Err(LabelsFault::None);
        }
        let labels_begin = self.packed.len();
        self.packed.push_str(labels.packed());
        self.add(labels_begin)
    }

    /// Adds a series of another batch, with its samples.
    pub(crate) fn copy(&mut self, series: &BatchSeries<'_>) {
        self.begin();
        let labels_begin = self.packed.len();
        self.packed.push_str(series.labels);
        // What was in one batch fits in another.
        let _ = self.add(labels_begin);
        for (index, at_ms) in series.timestamps().iter().enumerate() {
            match series.value(index) {
                Value::Float(value) => self.float(*at_ms, value),
                Value::Histogram(value) => self.histogram(*at_ms, value),
            }
            if series.start(index) != 0 {
                self.start(series.start(index));
            }
        }
    }

    /// Adds a float to the series begun last, [`STALE`](crate::STALE) too; timestamps are Unix milliseconds.
    pub fn float(&mut self, timestamp_ms: i64, value: f64) {
        if self.open {
            self.samples.push_float(timestamp_ms, value);
        }
    }

    /// Adds a native histogram to the series begun last.
    pub fn histogram(&mut self, timestamp_ms: i64, histogram: Arc<Histogram>) {
        if self.open {
            self.samples.push_histogram(timestamp_ms, histogram);
        }
    }

    /// Says when the counter behind the newest sample of the series began, in Unix milliseconds; 0 means unknown.
    pub fn start(&mut self, start_ms: i64) {
        let begun = self.series.last().map(|entry| entry.samples_begin as usize);
        if self.open && begun.is_some_and(|begun| self.samples.len() > begun) {
            self.samples.set_last_start(start_ms);
        }
    }

    /// Adds an exemplar to the series begun last.
    pub fn exemplar(&mut self, labels: Labels, value: f64, timestamp_ms: i64) {
        if self.open {
            let series = self.series.len() as u32 - 1;
            let exemplar = Exemplar {
                labels,
                value,
                timestamp_ms,
            };
            self.exemplars.push((series, exemplar));
        }
    }

    /// Says what a metric is; needs no series.
    pub fn metadata(&mut self, metric: &str, kind: MetricKind, help: &str, unit: &str) {
        let metadata = Metadata {
            kind,
            help: help.to_owned(),
            unit: unit.to_owned(),
        };
        self.metadata.push((metric.to_owned(), metadata));
    }

    /// How many series were begun; one that comes twice counts twice.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is nothing in it, not even metadata.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.metadata.is_empty()
    }

    /// Samples of all series.
    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    /// The series, in the order they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = BatchSeries<'_>> {
        (0..self.series.len()).map(|index| self.at(index))
    }

    /// The series at an index.
    ///
    /// # Panics
    /// When the index is not below [`len`](Self::len).
    pub fn at(&self, index: usize) -> BatchSeries<'_> {
        let entry = self.series[index];
        let next = self.series.get(index + 1);
        let samples_end = next.map_or(self.samples.len(), |next| next.samples_begin as usize);
        BatchSeries {
            labels: &self.packed[entry.labels_begin as usize..entry.labels_end as usize],
            samples: &self.samples,
            range: entry.samples_begin as usize..samples_end,
        }
    }

    /// The exemplars, each with the index of its series, ascending.
    pub fn exemplars(&self) -> impl ExactSizeIterator<Item = (usize, &Exemplar)> {
        let all = self.exemplars.iter();
        all.map(|(series, exemplar)| (*series as usize, exemplar))
    }

    /// What metrics are said to be, by name.
    pub fn all_metadata(&self) -> impl ExactSizeIterator<Item = (&str, &Metadata)> {
        self.metadata.iter().map(|(name, data)| (&**name, data))
    }

    pub(crate) fn has_starts(&self) -> bool {
        !self.samples.starts.is_empty()
    }

    fn add(&mut self, labels_begin: usize) -> Result<(), LabelsFault> {
        let ends = [labels_begin, self.packed.len(), self.samples.len()];
        let [Ok(labels_begin), Ok(labels_end), Ok(samples_begin)] = ends.map(u32::try_from) else {
            self.packed.truncate(labels_begin);
            return Err(LabelsFault::BatchFull);
        };
        self.series.push(Entry {
            labels_begin,
            labels_end,
            samples_begin,
        });
        self.open = true;
        Ok(())
    }

    fn check_labels(&mut self) -> Result<(), LabelsFault> {
        let text = &self.text;
        let name = |label: &Pending| &text[label.begin..label.middle];
        let labels = self.pending.len();
        if labels > LABELS_MAX {
            return Err(LabelsFault::TooMany { labels });
        }
        // Most senders sort; a sort of what is sorted still compares every pair twice.
        if !self.pending.is_sorted_by(|a, b| name(a) < name(b)) {
            self.pending.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        }
        let mut last = None;
        for label in &self.pending {
            let (name, value) = (name(label), &text[label.middle..label.end]);
            let bytes = name.len().max(value.len());
            if name.is_empty() {
                return Err(LabelsFault::EmptyName { value: cut(value) });
            } else if last == Some(name) {
                return Err(LabelsFault::Duplicate { name: cut(name) });
            } else if bytes > LABEL_BYTES_MAX {
                return Err(LabelsFault::TooLong {
                    name: cut(name),
                    bytes,
                    bytes_max: LABEL_BYTES_MAX,
                });
            }
            last = Some(name);
        }
        last.map(|_| ()).ok_or(LabelsFault::None)
    }
}

/// One series of a [`Batch`].
#[derive(Debug, Clone)]
pub struct BatchSeries<'a> {
    labels: &'a str,
    samples: &'a Samples,
    range: Range<usize>,
}

impl<'a> BatchSeries<'a> {
    /// Names and values, sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        unpack(self.labels)
    }

    /// The metric's name, or an empty string.
    pub fn metric(&self) -> &'a str {
        // They are sorted, and hardly any name is before this one.
        let mut first = self.labels().take_while(|(name, _)| *name <= METRIC_NAME);
        let found = first.find(|(name, _)| *name == METRIC_NAME);
        found.map_or("", |(_, metric)| metric)
    }

    /// The labels in an allocation of their own.
    pub fn to_labels(&self) -> Labels {
        Labels::from_packed(self.labels)
    }

    /// The labels as one text, which no other labels have: a key for whoever remembers series.
    pub fn key(&self) -> &'a str {
        self.labels
    }

    /// Timestamps in the order they came, Unix milliseconds.
    pub fn timestamps(&self) -> &'a [i64] {
        &self.samples.timestamps[self.range.clone()]
    }

    /// The floats beside the timestamps; 0 where the sample is a histogram.
    pub fn floats(&self) -> &'a [f64] {
        &self.samples.floats[self.range.clone()]
    }

    /// The sample at an index of this series.
    ///
    /// # Panics
    /// When the index is out of range.
    pub fn value(&self, index: usize) -> Value {
        assert!(index < self.range.len(), "no such sample in this series");
        self.samples.value(self.range.start + index)
    }

    /// When the counter behind a sample began, Unix milliseconds; 0 when that is not known.
    pub fn start(&self, index: usize) -> i64 {
        let starts = self.samples.starts.get(self.range.start + index);
        starts.copied().unwrap_or(0)
    }

    pub(crate) fn packed(&self) -> &'a str {
        self.labels
    }

    pub(crate) fn histogram(&self, index: usize) -> Option<&'a Arc<Histogram>> {
        let all = self.samples.histograms.get(self.range.start + index);
        all.and_then(Option::as_ref)
    }
}

/// So much of a hostile name or value goes into a message.
const SHOWN_CHARS_MAX: usize = 64;

fn cut(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(batch: &mut Batch, pairs: &[(&str, &str)]) -> Result<(), LabelsFault> {
        batch.begin();
        for (name, value) in pairs {
            batch.label(name, value);
        }
        batch.end_labels()
    }

    #[test]
    fn series_come_back_sorted_with_their_own_samples() {
        let mut batch = Batch::new();
        labels(&mut batch, &[("b", "2"), ("a", "1"), ("c", "")]).unwrap();
        batch.float(1, 1.5);
        batch.float(2, 2.5);
        batch.start(1);
        labels(&mut batch, &[("a", "2")]).unwrap();
        batch.start(9);
        batch.histogram(3, Arc::default());
        let all: Vec<_> = batch.iter().collect();
        let expected = Labels::from_pairs([("a", "1"), ("b", "2")]);
        assert_eq!(all[0].to_labels(), expected);
        assert_eq!(
            (all[0].timestamps(), all[0].floats()),
            (&[1, 2][..], &[1.5, 2.5][..])
        );
        assert_eq!(
            (all[0].start(0), all[0].start(1), all[1].start(0)),
            (0, 1, 0)
        );
        assert_eq!(all[1].value(0), Value::Histogram(Arc::default()));
    }

    #[test]
    fn labels_that_no_series_can_have_are_refused_and_their_samples_left_out() {
        let mut batch = Batch::new();
        labels(&mut batch, &[("a", "1")]).unwrap();
        let long = "x".repeat(LABEL_BYTES_MAX + 1);
        for (pairs, said) in [
            (&[("a", "1"), ("a", "2")][..], "twice"),
            (&[("", "1")], "no name"),
            (&[("a", "")], "at least one"),
            (&[("a", &long)], "bytes"),
            (&[("a", "1"); LABELS_MAX + 1], "labels"),
        ] {
            let fault = labels(&mut batch, pairs).unwrap_err();
            assert!(fault.to_string().contains(said), "{fault}");
            batch.float(1, 1.0);
            batch.exemplar(Labels::empty(), 1.0, 1);
        }
        assert_eq!(
            (batch.len(), batch.samples(), batch.exemplars().len()),
            (1, 0, 0)
        );
    }

    #[test]
    fn a_cleared_batch_is_as_new() {
        let mut batch = Batch::new();
        labels(&mut batch, &[("a", "1")]).unwrap();
        batch.float(1, 1.0);
        batch.metadata("a", MetricKind::Counter, "help", "s");
        batch.clear();
        batch.float(2, 2.0);
        assert!(batch.is_empty() && batch.samples() == 0);
        batch.series(&Labels::from_pairs([("z", "1")])).unwrap();
        batch.float(3, 3.0);
        assert_eq!(batch.at(0).timestamps(), [3]);
    }
}
