use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::lines::{lines, text_of};
use crate::text::TextFormat;
use crate::text::line::Line;
use crate::text::sample::{Sample, Scratch};

/// Labels that tell the parts of one histogram or summary apart: the start is that of the whole.
const PART_LABELS: [&str; 2] = ["le", "quantile"];
const SUFFIX: &str = "_created";

/// When counters began, from the `_created` lines of a body: they may come before or after what they speak of.
#[derive(Debug, Default)]
pub(super) struct Starts {
    by_series: HashMap<u64, i64>,
    hasher: RandomState,
}

impl Starts {
    pub(super) fn of(body: &[u8]) -> Self {
        let mut starts = Self::default();
        if memchr::memmem::find(body, SUFFIX.as_bytes()).is_none() {
            return starts;
        }
        let mut scratch = Scratch::default();
        for line in lines(body).filter(|line| !line.starts_with(b"#")) {
            // What is wrong with a line is said when it is read for its sample.
            if memchr::memmem::find(line, SUFFIX.as_bytes()).is_some()
                && let Ok(text) = text_of(line)
                && let Ok(sample) =
                    Sample::scan(Line::new(text), TextFormat::OpenMetrics, &mut scratch)
            {
                starts.add(&sample, text, &scratch);
            }
        }
        starts
    }

    /// The start of a series in Unix milliseconds; 0 when it is not known.
    pub(super) fn find<'a>(
        &self,
        family: &str,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> i64 {
        if self.by_series.is_empty() {
            return 0;
        }
        let key = self.key(family, labels);
        self.by_series.get(&key).copied().unwrap_or(0)
    }

    fn add(&mut self, sample: &Sample, line: &str, scratch: &Scratch) {
        let texts = scratch.texts(line);
        let milliseconds = sample.value * 1000.0;
        if let Some(family) = texts.at(sample.name).strip_suffix(SUFFIX)
            && milliseconds.is_finite()
        {
            let key = self.key(family, texts.labels());
            self.by_series.insert(key, milliseconds.round() as i64);
        }
    }

    /// The same for the same labels in any order.
    fn key<'a>(&self, family: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
        let whole = labels.filter(|(name, _)| !PART_LABELS.contains(name));
        whole.fold(self.hasher.hash_one(family), |key, label| {
            key.wrapping_add(self.hasher.hash_one(label))
        })
    }
}
