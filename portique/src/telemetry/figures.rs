//! What the store of telemetry says of itself, to monitors and to who asks whether the hub is ready.

use futures_util::FutureExt;

use crate::http::{Ask, Figure, LabelledFigure, PartState, Samples};

use super::Telemetry;

/// Metrics that have a figure of their own, when they have the most series or were refused some:
/// whoever scrapes keeps a series for each.
const METRICS_MAX: usize = 10;
/// The part's name, in the readiness.
const PART: &str = "telemetry";

impl Telemetry {
    /// The store's figures.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let figures = self.store.figures();
        let refused = self.refused().into_iter().map(|(_, count)| count).sum();
        vec![
            Figure::counter(
                "telemetry_samples",
                "Samples taken since the start",
                figures.samples_total,
            ),
            Figure::counter(
                "telemetry_samples_refused",
                "Samples refused since the start; /api/v1/telemetry/intake says why",
                refused,
            ),
            Figure::counter(
                "telemetry_series_created",
                "Series made since the start",
                figures.created_total,
            ),
            Figure::gauge(
                "telemetry_series",
                "Series with recent samples",
                figures.series as f64,
            ),
            Figure::gauge(
                "telemetry_series_max",
                "Series with recent samples that there may be",
                self.limits.series_max as f64,
            ),
            Figure::gauge(
                "telemetry_blocks",
                "Blocks of older samples",
                figures.blocks as f64,
            ),
            Figure::gauge(
                "telemetry_block_bytes",
                "Bytes of those blocks",
                figures.block_bytes as f64,
            ),
            Figure::gauge(
                "telemetry_damaged_blocks",
                "Blocks whose samples are missing from queries because they are damaged",
                figures.damaged_blocks as f64,
            ),
            Figure::gauge(
                "telemetry_lost_blocks",
                "Blocks whose files were taken away, so that their samples are missing from queries",
                figures.lost_blocks as f64,
            ),
            Figure::gauge(
                "telemetry_failing_compactions",
                "Steps of compaction that fail; /api/v1/telemetry/store says why",
                figures.failing_steps as f64,
            ),
            Figure::counter(
                "telemetry_log_reopened",
                "Times the log was opened again after its disk had failed",
                figures.reopened_total,
            ),
            Figure::gauge(
                "telemetry_replay_bytes",
                "Bytes of log that a start now would read",
                figures.replay_bytes as f64,
            ),
        ]
    }

    /// What was refused and why, and who has the most series; asks on a thread that may block.
    pub(crate) fn labelled_figures(&self) -> Ask {
        let telemetry = self.clone();
        Box::new(move || {
            let telemetry = telemetry.clone();
            let asked = tokio::task::spawn_blocking(move || telemetry.labelled());
            asked.map(Result::unwrap_or_default).boxed()
        })
    }

    fn labelled(&self) -> Vec<LabelledFigure> {
        let refused = self.refused().into_iter();
        let refused =
            refused.map(|(kind, count)| (vec![("reason", kind.as_str().to_owned())], count));
        let by_metric = self.store.refused_metrics().into_iter().take(METRICS_MAX);
        let by_metric = by_metric.map(|(metric, count)| (vec![("metric", metric)], count));
        let largest = self.store.largest(METRICS_MAX).series_by_metric.into_iter();
        let largest = largest.map(|(metric, count)| (vec![("metric", metric)], count as f64));
        let classes = self.store.class_bytes().into_iter();
        let classes = classes.map(|(class, bytes)| (vec![("class", class)], bytes as f64));
        vec![
            LabelledFigure {
                name: "telemetry_refusals",
                help: "Samples refused since the start, by reason",
                samples: Samples::Counters(refused.collect()),
            },
            LabelledFigure {
                name: "telemetry_metric_refusals",
                help: "Samples refused because their series would have been one too many, of the metrics with the most",
                samples: Samples::Counters(by_metric.collect()),
            },
            LabelledFigure {
                name: "telemetry_metric_series",
                help: "Series of the metrics that have the most",
                samples: Samples::Gauges(largest.collect()),
            },
            LabelledFigure {
                name: "telemetry_class_bytes",
                help: "Bytes of the blocks of each class of retention",
                samples: Samples::Gauges(classes.collect()),
            },
        ]
    }

    /// Whether samples are taken.
    pub(crate) fn state(&self) -> PartState {
        let Some(why) = self.store.figures().refuses else {
            return PartState::open(PART);
        };
        let reason = format!(
            "samples are refused for now, queries are answered: {why}; it goes on by itself when the disk allows it"
        );
        PartState::not_ready(PART, "failing", reason)
    }
}
