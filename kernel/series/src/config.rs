//! How a store keeps telemetry.

use std::time::Duration;

use crate::{CompactionConfig, Error, Labels, Matcher, TierConfig};

/// An hour covers a sender that was cut off over a restart of the network.
const OUT_OF_ORDER_WINDOW: Duration = Duration::from_secs(60 * 60);
/// A clock that is further ahead is wrong, and one sample of it would shut out all that follow.
const AHEAD_MAX: Duration = Duration::from_secs(60 * 60);
/// At a kilobyte each: what a hub of a few gigabytes bears.
const SERIES_MAX: usize = 2_000_000;
/// Half of all: one metric gone wrong leaves room for the others.
const SERIES_PER_METRIC_MAX: usize = 1_000_000;
/// As of a metric: no sender takes all of the room.
const SERIES_PER_JOB_MAX: usize = 1_000_000;
/// Twice what Kubernetes' richest metrics carry.
const LABELS_MAX: usize = 64;
/// Longer values are documents, not labels.
const LABEL_BYTES_MAX: usize = 4096;
/// The newest of many series, in some ten megabytes.
const EXEMPLARS_MAX: usize = 50_000;
/// About two million samples: a tenth of a second of replay.
const CHECKPOINT_BYTES: u64 = 16 << 20;
/// The log is cut behind a checkpoint segment by segment; two are allotted in advance.
const SEGMENT_BYTES: u64 = 16 << 20;
/// A batch's part, with the largest histogram behind it, fits a frame of half a segment.
const SEGMENT_BYTES_MIN: u64 = 4 << 20;
/// A larger frame only adds latency.
const FRAME_BYTES_MAX: u64 = 4 << 20;
/// More classes than anybody keeps in mind; a series holds one byte for its own.
const CLASSES_MAX: usize = 64;

/// How a store is laid out and limited.
#[derive(Debug, Clone)]
pub struct Config {
    /// How far a sample may lie before the newest of its series; default 1 h.
    pub out_of_order_window: Duration,
    /// How far a sample may lie after the present; default 1 h, `None` for no limit.
    pub ahead_max: Option<Duration>,
    /// What new series are refused for.
    pub limits: Limits,
    /// How long samples are kept.
    pub retention: Retention,
    /// How many exemplars are kept; default 50,000.
    pub exemplars_max: usize,
    /// A checkpoint is due when the log has grown by this much, and by half of the last checkpoint;
    /// default 16 MiB.
    pub checkpoint_bytes: u64,
    /// Bytes of a segment of the log, a multiple of 8,192 from 4 MiB on; default 16 MiB.
    pub segment_bytes: u64,
    /// Free space on the disk below which appends are refused; default 32 MiB.
    pub reserve_bytes: u64,
}

/// What new series are refused for; series that are known go on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Series with samples in the head; default 2,000,000.
    pub series_max: usize,
    /// Series of one metric; default 1,000,000.
    pub series_per_metric_max: usize,
    /// Series of one source, the value of the label `job`; default 1,000,000. Series without that label are of no
    /// source.
    pub series_per_job_max: usize,
    /// Labels of one series, at most 256; default 64.
    pub labels_max: usize,
    /// Bytes of a label's name, and of its value; default 4,096.
    pub label_bytes_max: usize,
}

/// How long samples are kept: ages count back from the newest sample of the store, never from the wall clock.
#[derive(Debug, Clone, Default)]
pub struct Retention {
    /// Age at which samples go, for series of no class; `None` keeps them.
    pub age: Option<Duration>,
    /// Downsampled tiers that outlive the samples, for series of no class.
    pub tiers: Vec<TierConfig>,
    /// Bytes of all blocks together; the oldest go first, of whatever class.
    pub bytes: Option<u64>,
    /// The first class with a selector that matches decides for a series.
    pub classes: Vec<RetentionClass>,
}

/// Series that are kept for a time of their own.
#[derive(Debug, Clone)]
pub struct RetentionClass {
    /// What people call it, and its folder: lower-case letters, digits and `-`; not `default`.
    pub name: String,
    /// Which series: those that all matchers of one of these lists match.
    pub selectors: Vec<Vec<Matcher>>,
    /// Age at which their samples go; `None` keeps them.
    pub age: Option<Duration>,
    /// Bytes of their blocks together, beside the limit of all; the oldest go first.
    pub bytes: Option<u64>,
    /// How far a sample may lie before the newest of its series; `None` for what the store has.
    pub out_of_order_window: Option<Duration>,
    /// Downsampled tiers that outlive the samples.
    pub tiers: Vec<TierConfig>,
}

impl Retention {
    /// The class of a series: 0 for none, else one more than its index.
    pub(crate) fn class_of(&self, labels: &Labels) -> u8 {
        let value = |matcher: &Matcher| labels.get(matcher.name()).unwrap_or("");
        let all_match = |matchers: &Vec<Matcher>| {
            let mut matchers = matchers.iter();
            matchers.all(|matcher| matcher.matches(value(matcher)))
        };
        let accepts = |class: &RetentionClass| class.selectors.iter().any(all_match);
        let found = self.classes.iter().position(accepts);
        found.map_or(0, |index| index as u8 + 1)
    }

    /// How the blocks of a class are compacted.
    pub(crate) fn compaction(&self, class: u8) -> CompactionConfig {
        let tiers = match class {
            0 => Some(&self.tiers),
            _ => self
                .classes
                .get(usize::from(class) - 1)
                .map(|class| &class.tiers),
        };
        CompactionConfig {
            retention_ms: self.age_ms(class),
            tiers: tiers.cloned().unwrap_or_default(),
            ..CompactionConfig::default()
        }
    }

    /// How far out of order samples of a class may be, in milliseconds, when the store says
    /// otherwise for all.
    pub(crate) fn window_ms(&self, class: u8, all: Duration) -> i64 {
        let class = usize::from(class).checked_sub(1);
        let class = class.and_then(|class| self.classes.get(class));
        millis(
            class
                .and_then(|class| class.out_of_order_window)
                .unwrap_or(all),
        )
    }

    fn names_are_folders(&self) -> bool {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let mut names: Vec<&str> = self.classes.iter().map(|class| &*class.name).collect();
        names.push("default");
        names.sort_unstable();
        let is_folder = |name: &&str| !name.is_empty() && name.chars().all(is_plain);
        names.iter().all(is_folder) && names.is_sorted_by(|a, b| a < b)
    }

    /// How long samples of a class are kept, in milliseconds.
    pub(crate) fn age_ms(&self, class: u8) -> Option<i64> {
        let age = match class {
            0 => self.age,
            _ => self
                .classes
                .get(usize::from(class) - 1)
                .and_then(|class| class.age),
        };
        age.map(millis)
    }
}

/// Milliseconds of a duration, at most as many as there are.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            out_of_order_window: OUT_OF_ORDER_WINDOW,
            ahead_max: Some(AHEAD_MAX),
            limits: Limits::default(),
            retention: Retention::default(),
            exemplars_max: EXEMPLARS_MAX,
            checkpoint_bytes: CHECKPOINT_BYTES,
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: 2 * SEGMENT_BYTES,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            series_max: SERIES_MAX,
            series_per_metric_max: SERIES_PER_METRIC_MAX,
            series_per_job_max: SERIES_PER_JOB_MAX,
            labels_max: LABELS_MAX,
            label_bytes_max: LABEL_BYTES_MAX,
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |name, problem| Err(Error::Config { name, problem });
        if self.limits.labels_max > crate::LABELS_MAX {
            return refuse("labels_max", "over 256");
        }
        if self.retention.classes.len() > CLASSES_MAX {
            return refuse("retention.classes", "a list of more than 64 classes");
        }
        if !self.retention.names_are_folders() {
            return refuse(
                "retention.classes",
                "a list in which names are double or not of a-z, 0-9 and -",
            );
        }
        if self.segment_bytes < SEGMENT_BYTES_MIN {
            return refuse("segment_bytes", "below 4 MiB");
        }
        if u32::try_from(self.limits.series_max).is_err() {
            return refuse("series_max", "over 4,294,967,295");
        }
        Ok(())
    }

    /// The journal's own options.
    pub(crate) fn journal(&self) -> portique_journal::Config {
        let frame_bytes_max = FRAME_BYTES_MAX.min(self.segment_bytes / 2);
        portique_journal::Config {
            segment_bytes: self.segment_bytes,
            frame_bytes_max: frame_bytes_max as usize,
            reserve_bytes: self.reserve_bytes,
            // What a checkpoint holds is of no use in the log.
            retention: portique_journal::Retention {
                age: None,
                bytes: Some(0),
            },
            ..portique_journal::Config::default()
        }
    }
}
