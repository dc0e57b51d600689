//! Whether a series that is new may be made.

use crate::batch::BatchSeries;
use crate::head::Head;
use crate::{Config, LABELS_MAX, METRIC_NAME, RefusalReason};

/// Names and values of one series together: one record must hold them, whatever the limits of single labels are.
const PACKED_BYTES_MAX: usize = 64 << 10;

/// The label that tells who sends a series, as in Prometheus.
const SOURCE: &str = "job";

/// The metric with the most series and the label with the most values: looked for once a batch.
#[derive(Debug, Clone)]
pub(super) struct Blame {
    metric: (String, usize),
    label: (String, usize),
}

/// Why a series that is new may not be made.
pub(super) fn admit(
    series: &BatchSeries<'_>,
    head: &Head,
    config: &Config,
    blame: &mut Option<Blame>,
) -> Result<(), RefusalReason> {
    let limits = &config.limits;
    let (mut labels, mut metric, mut job, mut packed_bytes) = (0, "", None, 0);
    for (name, value) in series.labels() {
        let bytes = name.len().max(value.len());
        packed_bytes += name.len() + value.len();
        if bytes > limits.label_bytes_max || packed_bytes > PACKED_BYTES_MAX {
            return Err(RefusalReason::LabelTooLong {
                name: name.chars().take(64).collect(),
                bytes,
                bytes_max: limits.label_bytes_max.min(PACKED_BYTES_MAX),
            });
        }
        labels += 1;
        match name {
            METRIC_NAME => metric = value,
            SOURCE => job = Some(value),
            _ => {}
        }
    }
    let labels_max = limits.labels_max.min(LABELS_MAX);
    if labels > labels_max {
        return Err(RefusalReason::TooManyLabels { labels, labels_max });
    }
    if head.table.len() >= limits.series_max {
        let blame = blame.get_or_insert_with(|| Blame {
            metric: head.index.largest_metric(),
            label: head.index.largest_label(),
        });
        return Err(RefusalReason::TooManySeries {
            series_max: limits.series_max,
            metric: blame.metric.clone(),
            label: blame.label.clone(),
        });
    }
    if head.index.series_with(METRIC_NAME, metric) >= limits.series_per_metric_max {
        return Err(RefusalReason::TooManyOfMetric {
            series_max: limits.series_per_metric_max,
            metric: metric.to_owned(),
            label: largest_label_of(series, head),
        });
    }
    let of_job = job.map_or(0, |job| head.index.series_with(SOURCE, job));
    if of_job >= limits.series_per_job_max {
        return Err(RefusalReason::TooManyOfSource {
            series_max: limits.series_per_job_max,
            job: job.unwrap_or_default().to_owned(),
            label: largest_label_of(series, head),
        });
    }
    Ok(())
}

/// Of the labels of a series the one that has the most values in the whole store.
fn largest_label_of(series: &BatchSeries<'_>, head: &Head) -> (String, usize) {
    let others = series.labels().filter(|(name, _)| *name != METRIC_NAME);
    let sizes = others.map(|(name, _)| (name, head.index.values_of(name)));
    let (name, values) = sizes.max_by_key(|(_, values)| *values).unwrap_or_default();
    (name.to_owned(), values)
}
