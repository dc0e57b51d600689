//! What became of a batch.

use std::fmt;

/// So many refusals of one batch are listed; all of them are counted.
pub const REFUSALS_LISTED_MAX: usize = 100;

/// What a store took of a [`Batch`](crate::Batch): it is durable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Appended {
    /// Samples taken, those among them that were there already with the same value.
    pub samples: usize,
    /// Of these, samples before the newest of their series.
    pub out_of_order: usize,
    /// Exemplars taken.
    pub exemplars: usize,
    /// Series that were new.
    pub created: usize,
    /// What was not taken, the first [`REFUSALS_LISTED_MAX`] of them.
    pub refused: Vec<Refusal>,
    /// How many samples were refused, by [`RefusalKind`].
    pub refused_counts: [usize; RefusalKind::ALL.len()],
}

impl Appended {
    /// How many samples were refused, listed or not.
    pub fn refused_samples(&self) -> usize {
        self.refused_counts.iter().sum()
    }

    /// How many samples were refused for this reason.
    pub fn refused_for(&self, kind: RefusalKind) -> usize {
        self.refused_counts[kind as usize]
    }

    /// Counts refused samples and lists the refusal while there is room.
    pub(crate) fn refuse(&mut self, refusal: Refusal, samples: usize) {
        self.refused_counts[refusal.reason.kind() as usize] += samples;
        if self.refused.len() < REFUSALS_LISTED_MAX {
            self.refused.push(refusal);
        }
    }
}

/// One sample, or all samples of a series in the batch, that were not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Index of the series in the batch.
    pub series: usize,
    /// The sample, Unix milliseconds; of a series that was refused whole, its first.
    pub timestamp_ms: i64,
    /// Why.
    pub reason: RefusalReason,
}

/// Why samples are refused.
#[derive(Debug, Clone, PartialEq)]
pub enum RefusalReason {
    /// Older than the out-of-order window allows.
    TooOld {
        /// The oldest timestamp that would have been taken, Unix milliseconds.
        oldest_ms: i64,
    },
    /// Too far after the current time.
    TooNew {
        /// The newest timestamp that would have been taken, Unix milliseconds.
        newest_ms: i64,
    },
    /// There is another value at this time already.
    Duplicate,
    /// The series is new and the store has as many as it may.
    TooManySeries {
        /// How many it may have.
        series_max: usize,
        /// The metric with the most series, and how many.
        metric: (String, usize),
        /// The label with the most values, and how many.
        label: (String, usize),
    },
    /// The series is new and its metric has as many as it may.
    TooManyOfMetric {
        /// How many a metric may have.
        series_max: usize,
        /// The metric.
        metric: String,
        /// The metric's label with the most values, and how many.
        label: (String, usize),
    },
    /// The series is new and its source, the value of its label `job`, has as many as it may.
    TooManyOfSource {
        /// How many a source may have.
        series_max: usize,
        /// The source.
        job: String,
        /// The label with the most values of those that the series has, and how many in the whole store.
        label: (String, usize),
    },
    /// The series has more labels than allowed.
    TooManyLabels {
        /// How many it has.
        labels: usize,
        /// How many it may have.
        labels_max: usize,
    },
    /// A label's name or value is longer than allowed.
    LabelTooLong {
        /// The label's name.
        name: String,
        /// How long the longer of name and value is.
        bytes: usize,
        /// How long they may be.
        bytes_max: usize,
    },
    /// The histogram does not hold together.
    BadHistogram {
        /// What is wrong with it.
        problem: String,
    },
    /// The metric's name is somebody's own, who did not send this.
    Reserved {
        /// What names begin with that are kept.
        prefix: &'static str,
    },
}

/// A [`RefusalReason`] without its circumstances, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// See [`RefusalReason::TooOld`].
    TooOld,
    /// See [`RefusalReason::TooNew`].
    TooNew,
    /// See [`RefusalReason::Duplicate`].
    Duplicate,
    /// See [`RefusalReason::TooManySeries`], [`RefusalReason::TooManyOfMetric`] and
    /// [`RefusalReason::TooManyOfSource`].
    TooManySeries,
    /// See [`RefusalReason::TooManyLabels`].
    TooManyLabels,
    /// See [`RefusalReason::LabelTooLong`].
    LabelTooLong,
    /// See [`RefusalReason::BadHistogram`].
    BadHistogram,
    /// See [`RefusalReason::Reserved`].
    Reserved,
}

impl RefusalKind {
    /// All kinds, in the order of their counts.
    pub const ALL: [Self; 8] = [
        Self::TooOld,
        Self::TooNew,
        Self::Duplicate,
        Self::TooManySeries,
        Self::TooManyLabels,
        Self::LabelTooLong,
        Self::BadHistogram,
        Self::Reserved,
    ];

    /// As the label `reason` of a metric writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::Duplicate => "duplicate",
            Self::TooManySeries => "too_many_series",
            Self::TooManyLabels => "too_many_labels",
            Self::LabelTooLong => "label_too_long",
            Self::BadHistogram => "bad_histogram",
            Self::Reserved => "reserved_name",
        }
    }
}

impl RefusalReason {
    /// The reason without its circumstances.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::TooOld { .. } => RefusalKind::TooOld,
            Self::TooNew { .. } => RefusalKind::TooNew,
            Self::Duplicate => RefusalKind::Duplicate,
            Self::TooManySeries { .. }
            | Self::TooManyOfMetric { .. }
            | Self::TooManyOfSource { .. } => RefusalKind::TooManySeries,
            Self::TooManyLabels { .. } => RefusalKind::TooManyLabels,
            Self::LabelTooLong { .. } => RefusalKind::LabelTooLong,
            Self::BadHistogram { .. } => RefusalKind::BadHistogram,
            Self::Reserved { .. } => RefusalKind::Reserved,
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld { oldest_ms } => {
                write!(f, "out of order: the window begins at {oldest_ms} ms")
            }
            Self::TooNew { newest_ms } => {
                write!(f, "in the future: samples are taken up to {newest_ms} ms")
            }
            Self::Duplicate => f.write_str("duplicate sample for timestamp, with another value"),
            Self::TooManySeries {
                series_max,
                metric,
                label,
            } => write!(
                f,
                "the store has its {series_max} series: most have the metric {:?} ({}), and the label {:?} has {} values",
                metric.0, metric.1, label.0, label.1,
            ),
            Self::TooManyOfMetric {
                series_max,
                metric,
                label,
            } => write!(
                f,
                "the metric {metric:?} has its {series_max} series: its label {:?} has {} values",
                label.0, label.1,
            ),
            Self::TooManyOfSource {
                series_max,
                job,
                label,
            } => write!(
                f,
                "the source job={job:?} has its {series_max} series: the label {:?} has {} values",
                label.0, label.1,
            ),
            Self::TooManyLabels { labels, labels_max } => {
                write!(f, "{labels} labels, at most {labels_max} are allowed")
            }
            Self::LabelTooLong {
                name,
                bytes,
                bytes_max,
            } => {
                write!(
                    f,
                    "the label {name:?} takes {bytes} bytes, at most {bytes_max} are allowed"
                )
            }
            Self::BadHistogram { problem } => write!(f, "not a histogram: {problem}"),
            Self::Reserved { prefix } => write!(
                f,
                "metrics {prefix}* belong to a system of the hub, which acts on them: send it under another name"
            ),
        }
    }
}
