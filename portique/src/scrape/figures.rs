//! What is counted of all targets.

use std::sync::atomic::{AtomicU64, Ordering};

use super::registry::Registry;
use super::target::Health;
use crate::http::{Figure, Value};

/// Totals since the hub started.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) scrapes: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) samples: AtomicU64,
    pub(super) rejected: AtomicU64,
}

impl Totals {
    pub(super) fn figures(&self, registry: &Registry) -> Vec<Figure> {
        let (mut targets, mut down, mut problems) = (0_u64, 0_u64, 0_usize);
        for pool in registry.pools().values() {
            problems += pool.problems.len();
            for watched in &pool.active {
                targets += 1;
                down += u64::from(watched.lock().health == Health::Down);
            }
        }
        let counter = |name, help, total: &AtomicU64| Figure {
            name,
            help,
            value: Value::Counter(total.load(Ordering::Relaxed)),
        };
        let gauge = |name, help, value: f64| Figure {
            name,
            help,
            value: Value::Gauge(value),
        };
        vec![
            gauge("scrape_targets", "Targets that are asked", targets as f64),
            gauge(
                "scrape_targets_down",
                "Of these, targets whose last answer did not count",
                down as f64,
            ),
            gauge(
                "scrape_discovery_problems",
                "Files, addresses and limits of discovery with something wrong",
                problems as f64,
            ),
            counter("scrapes", "Answers asked for", &self.scrapes),
            counter("scrapes_failed", "Answers that did not count", &self.failed),
            counter(
                "scraped_samples",
                "Samples taken from targets",
                &self.samples,
            ),
            counter(
                "scraped_rejected",
                "Lines of targets that could not be read, and samples of theirs that the store refused",
                &self.rejected,
            ),
        ]
    }
}
