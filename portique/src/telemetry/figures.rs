//! What the store of telemetry says of itself, to monitors and to who asks whether the hub is ready.

use crate::http::{Figure, PartState, Value};

use super::Telemetry;

/// The part's name, in the readiness.
const PART: &str = "telemetry";

impl Telemetry {
    /// The store's figures.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let figures = self.store.figures();
        let refused = figures.refused_total.iter().map(|(_, count)| count).sum();
        vec![
            counter(
                "telemetry_samples",
                "Samples taken since the start",
                figures.samples_total,
            ),
            counter(
                "telemetry_samples_refused",
                "Samples refused since the start; /api/v1/telemetry/intake says why",
                refused,
            ),
            counter(
                "telemetry_series_created",
                "Series made since the start",
                figures.created_total,
            ),
            gauge(
                "telemetry_series",
                "Series with recent samples",
                figures.series as f64,
            ),
            gauge(
                "telemetry_series_max",
                "Series with recent samples that there may be",
                self.series_max as f64,
            ),
            gauge(
                "telemetry_blocks",
                "Blocks of older samples",
                figures.blocks as f64,
            ),
            gauge(
                "telemetry_block_bytes",
                "Bytes of those blocks",
                figures.block_bytes as f64,
            ),
            gauge(
                "telemetry_damaged_blocks",
                "Blocks whose samples are missing from queries because they are damaged",
                figures.damaged_blocks as f64,
            ),
            gauge(
                "telemetry_replay_bytes",
                "Bytes of log that a start now would read",
                figures.replay_bytes as f64,
            ),
        ]
    }

    /// Whether samples are taken.
    pub(crate) fn state(&self) -> PartState {
        if self.store.figures().is_open {
            return PartState::open(PART);
        }
        let reason = "its log takes no samples, queries are answered: see whether the disk is full or \
                      has failed, and start the hub again if it does not go on by itself";
        PartState::not_ready(PART, "failing", reason.into())
    }
}

fn counter(name: &'static str, help: &'static str, value: u64) -> Figure {
    let value = Value::Counter(value);
    Figure { name, help, value }
}

fn gauge(name: &'static str, help: &'static str, value: f64) -> Figure {
    let value = Value::Gauge(value);
    Figure { name, help, value }
}
