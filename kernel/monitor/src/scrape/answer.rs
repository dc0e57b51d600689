//! What becomes of a target's answer.

mod labels;
mod limits;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use portique_series::{Batch, BatchSeries, Labels, Metadata, STALE, Value};

use super::config::JobConfig;

/// What a target says of its metrics is kept for so many of them.
const METADATA_MAX: usize = 10_000;
/// Samples that every scrape adds, whatever the answer was.
const REPORTED: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// What is known of a target's series: how their labels become those that are kept, and which were there last time.
///
/// In the steady state a sample costs one look-up, and no labels are built.
#[derive(Debug)]
pub struct SeriesCache {
    target: Labels,
    reported: [Labels; REPORTED.len()],
    /// By the labels as the target sends them.
    known: HashMap<Box<str>, Known>,
    /// Series that were there before the rules changed.
    before: Vec<Labels>,
    metadata: BTreeMap<String, Metadata>,
    /// Counts scrapes.
    scrape: u64,
}

#[derive(Debug)]
struct Known {
    /// None when the rules drop it.
    labels: Option<Labels>,
    /// The scrape that had it first, of those without a gap.
    since: u64,
    /// The last scrape that had it.
    seen: u64,
    /// Whether it goes stale when it is gone.
    is_tracked: bool,
}

/// What an answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Absorbed {
    /// Samples that the target sent.
    pub scraped: usize,
    /// Those that were left after relabelling.
    pub kept: usize,
    /// Series that were not there last time.
    pub added: usize,
    /// Samples of a series that was in the same answer already; left out.
    pub duplicates: usize,
}

/// Why an answer counts for nothing, and what it came to until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFault {
    /// For people.
    pub message: String,
    /// What is reported all the same.
    pub absorbed: Absorbed,
}

/// How a scrape went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Whether the answer counts.
    pub is_up: bool,
    /// How long it took.
    pub duration_s: f64,
    /// What it came to.
    pub absorbed: Absorbed,
}

impl SeriesCache {
    /// Of a target with these labels.
    pub fn new(target: Labels) -> Self {
        let reported = REPORTED.map(|metric| labels::reported(metric, &target));
        Self {
            target,
            reported,
            known: HashMap::new(),
            before: Vec::new(),
            metadata: BTreeMap::new(),
            scrape: 0,
        }
    }

    /// Forgets how labels are rewritten: the job's rules have changed. What was there is known to have been there.
    pub fn forget_rules(&mut self) {
        let known = self.known.drain().map(|(_, known)| known);
        let tracked = known.filter(|known| known.is_tracked);
        self.before.extend(tracked.filter_map(|known| known.labels));
    }

    /// How many series are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What the target says of its metrics, by name.
    pub fn metadata(&self) -> &BTreeMap<String, Metadata> {
        &self.metadata
    }

    /// Fills a batch with what an answer holds, as the job's rules make it, and with a stale marker for each series
    /// that is gone; `at_ms` is the time of the scrape.
    ///
    /// # Errors
    /// When a limit of the job is passed or a sample has no name left: the batch is empty then, and
    /// [`fail`](Self::fail) is next.
    pub fn absorb(
        &mut self,
        answer: &Batch,
        job: &JobConfig,
        at_ms: i64,
        into: &mut Batch,
    ) -> Result<Absorbed, AnswerFault> {
        into.clear();
        self.scrape += 1;
        let mut absorbed = Absorbed::default();
        let filled = self.fill(answer, job, at_ms, into, &mut absorbed);
        let filled = filled.and_then(|()| limits::check_samples(absorbed.kept, &job.limits));
        if let Err(message) = filled {
            into.clear();
            let scrape = self.scrape;
            // What was never kept does not go stale.
            self.known.retain(|_, known| known.since < scrape);
            return Err(AnswerFault { message, absorbed });
        }
        self.describe(answer, into);
        self.mark_gone(at_ms, into);
        Ok(absorbed)
    }

    fn fill(
        &mut self,
        answer: &Batch,
        job: &JobConfig,
        at_ms: i64,
        into: &mut Batch,
        absorbed: &mut Absorbed,
    ) -> Result<(), String> {
        let scrape = self.scrape;
        let mut exemplars = answer.exemplars().peekable();
        for (index, series) in answer.iter().enumerate() {
            absorbed.scraped += series.timestamps().len();
            let known = self.look_up(&series, job)?;
            let is_again = known.seen == scrape;
            known.seen = scrape;
            let Some(labels) = &known.labels else {
                continue;
            };
            absorbed.added += usize::from(known.since == scrape && !is_again);
            let mut is_begun = false;
            for (nth, stamp_ms) in series.timestamps().iter().enumerate() {
                let value = series.value(nth);
                if is_again && *stamp_ms == at_ms {
                    absorbed.duplicates += 1;
                    continue;
                } else if matches!(value, Value::Histogram(_)) && !job.native_histograms {
                    continue;
                }
                if !is_begun {
                    into.series(labels).map_err(|fault| fault.to_string())?;
                    is_begun = true;
                }
                absorbed.kept += 1;
                put(into, *stamp_ms, value, series.start(nth));
                known.is_tracked = *stamp_ms == at_ms || job.tracks_timestamps_staleness;
            }
            while let Some((_, exemplar)) = exemplars.next_if(|(of, _)| *of <= index) {
                if is_begun {
                    let (labels, at_ms) = (exemplar.labels.clone(), exemplar.timestamp_ms);
                    into.exemplar(labels, exemplar.value, at_ms);
                }
            }
        }
        Ok(())
    }

    /// Fills a batch with a stale marker for each series that was there: the answer could not be used.
    pub fn fail(&mut self, at_ms: i64, into: &mut Batch) {
        into.clear();
        self.scrape += 1;
        self.mark_gone(at_ms, into);
    }

    /// Adds what every scrape says of itself.
    pub fn report(&self, at_ms: i64, report: &Report, into: &mut Batch) {
        let Absorbed {
            scraped,
            kept,
            added,
            ..
        } = report.absorbed;
        let up = if report.is_up { 1.0 } else { 0.0 };
        let values = [
            up,
            report.duration_s,
            scraped as f64,
            kept as f64,
            added as f64,
        ];
        for (labels, value) in self.reported.iter().zip(values) {
            float(into, labels, at_ms, value);
        }
    }

    /// Fills a batch with a stale marker for everything: nobody asks the target any more.
    pub fn end(&mut self, at_ms: i64, into: &mut Batch) {
        self.fail(at_ms, into);
        for labels in &self.reported {
            float(into, labels, at_ms, STALE);
        }
    }

    fn look_up(&mut self, series: &BatchSeries<'_>, job: &JobConfig) -> Result<&mut Known, String> {
        if !self.known.contains_key(series.key()) {
            let labels = labels::rewritten(series, &self.target, job);
            if let Some(labels) = &labels {
                if labels.metric().is_empty() {
                    return Err("a sample has no metric name: a rule removes __name__".to_owned());
                }
                limits::check(labels, &job.limits)?;
            }
            let known = Known {
                labels,
                since: self.scrape,
                seen: 0,
                is_tracked: false,
            };
            self.known.insert(Box::from(series.key()), known);
        }
        Ok(self
            .known
            .get_mut(series.key())
            .expect("it is there or was put there"))
    }

    /// Hands on what is new of what the target says of its metrics.
    fn describe(&mut self, answer: &Batch, into: &mut Batch) {
        for (metric, metadata) in answer.all_metadata() {
            if self.metadata.get(metric) == Some(metadata) {
                continue;
            }
            into.metadata(metric, metadata.kind, &metadata.help, &metadata.unit);
            if self.metadata.len() < METADATA_MAX || self.metadata.contains_key(metric) {
                self.metadata.insert(metric.to_owned(), metadata.clone());
            }
        }
    }

    /// Marks what was there last time and is not now, and forgets it.
    fn mark_gone(&mut self, at_ms: i64, into: &mut Batch) {
        let now = self.scrape;
        let mut gone = std::mem::take(&mut self.before);
        self.known.retain(|_, known| {
            if known.seen == now {
                return true;
            }
            if known.is_tracked {
                gone.extend(known.labels.take());
            }
            false
        });
        if gone.is_empty() {
            return;
        }
        // Two series of the target may have become one: it is there as long as either is.
        let there: HashSet<&Labels> = self
            .known
            .values()
            .filter_map(|known| known.labels.as_ref())
            .collect();
        gone.sort_unstable();
        gone.dedup();
        for labels in gone.iter().filter(|labels| !there.contains(labels)) {
            float(into, labels, at_ms, STALE);
        }
    }
}

fn put(into: &mut Batch, at_ms: i64, value: Value, start_ms: i64) {
    match value {
        Value::Float(value) => into.float(at_ms, value),
        Value::Histogram(histogram) => into.histogram(at_ms, histogram),
    }
    into.start(start_ms);
}

/// A batch that is full holds some hundred million series: what does not fit is left out.
fn float(into: &mut Batch, labels: &Labels, at_ms: i64, value: f64) {
    if into.series(labels).is_ok() {
        into.float(at_ms, value);
    }
}
