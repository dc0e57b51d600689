//! Warnings and infos that come with a result.

use std::collections::BTreeMap;

use crate::numbers;
use crate::syntax::Span;

/// How serious an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The result is probably not what was asked for.
    Warning,
    /// Something worth knowing.
    Info,
}

/// Where functions and operators put what they noticed; equal ones are kept once.
#[derive(Debug, Clone, Default)]
pub struct Annotations {
    notes: BTreeMap<(Level, usize, String), Detail>,
}

/// What is merged when the same annotation comes again.
#[derive(Debug, Clone, Copy, Default)]
struct Detail {
    monotonicity: Option<Monotonicity>,
}

/// Where and how far the buckets of a classic histogram were not monotonic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Monotonicity {
    /// First step at which it was so, Unix milliseconds.
    pub(crate) from_ms: i64,
    /// Last step.
    pub(crate) to_ms: i64,
    /// Lowest upper bound of a bucket that was set right.
    pub(crate) bucket_min: f64,
    /// Highest one.
    pub(crate) bucket_max: f64,
    /// The largest difference.
    pub(crate) difference_max: f64,
    /// How many samples were concerned.
    pub(crate) samples: usize,
}

impl Annotations {
    /// Adds a warning; `text` is without the prefix `PromQL warning: ` and without the position.
    pub(crate) fn warn(&mut self, position: usize, text: impl Into<String>) {
        self.add(Level::Warning, position, text.into(), Detail::default());
    }

    /// Adds an info, as [`warn`](Self::warn) does a warning.
    pub(crate) fn info(&mut self, position: usize, text: impl Into<String>) {
        self.add(Level::Info, position, text.into(), Detail::default());
    }

    /// Adds an info of `histogram_quantile` whose figures are merged over steps.
    pub(crate) fn monotonicity(
        &mut self,
        position: usize,
        text: impl Into<String>,
        figures: Monotonicity,
    ) {
        let detail = Detail {
            monotonicity: Some(figures),
        };
        self.add(Level::Info, position, text.into(), detail);
    }

    /// Takes over what another one has.
    pub(crate) fn merge(&mut self, other: Self) {
        for ((level, position, text), detail) in other.notes {
            self.add(level, position, text, detail);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// Warnings or infos as texts, each with its prefix and where in the query it arose (`line:column`).
    pub fn texts(&self, wanted: Level, query: &str) -> Vec<String> {
        let notes = self
            .notes
            .iter()
            .filter(|((level, ..), _)| *level == wanted);
        let texts = notes.map(|((level, position, text), detail)| {
            let prefix = match level {
                Level::Warning => "PromQL warning",
                Level::Info => "PromQL info",
            };
            let figures = detail.monotonicity.map(Monotonicity::describe);
            let figures = figures.unwrap_or_default();
            let place = Span::new(*position, *position).position(query);
            format!("{prefix}: {text}{figures} ({place})")
        });
        texts.collect()
    }

    fn add(&mut self, level: Level, position: usize, text: String, detail: Detail) {
        let entry = self.notes.entry((level, position, text));
        entry
            .and_modify(|kept| {
                if let (Some(kept), Some(new)) = (&mut kept.monotonicity, detail.monotonicity) {
                    *kept = kept.with(new);
                }
            })
            .or_insert(detail);
    }
}

impl Monotonicity {
    fn with(self, other: Self) -> Self {
        Self {
            from_ms: self.from_ms.min(other.from_ms),
            to_ms: self.to_ms.max(other.to_ms),
            bucket_min: self.bucket_min.min(other.bucket_min),
            bucket_max: self.bucket_max.max(other.bucket_max),
            difference_max: self.difference_max.max(other.difference_max),
            samples: self.samples + other.samples,
        }
    }

    fn describe(self) -> String {
        format!(
            ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
            numbers::general(self.bucket_min),
            numbers::general(self.bucket_max),
            numbers::general_digits(self.difference_max, 2),
            self.samples,
            numbers::rfc3339(self.from_ms.div_euclid(1000)),
            numbers::rfc3339(self.to_ms.div_euclid(1000)),
        )
    }
}
