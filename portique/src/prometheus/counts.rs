//! What became of queries, for the metrics page.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use portique_clock::Clock;

use crate::http::{Durations, LabelledFigure, Labels, Samples};

/// Queries since the hub was opened; a clone is cheap.
#[derive(Clone, Default)]
pub(crate) struct QueryCounts(Arc<Counts>);

#[derive(Default)]
struct Counts {
    running: AtomicI64,
    answered: AtomicU64,
    refused: AtomicU64,
    abandoned: AtomicU64,
    durations: Durations,
}

/// A query under way; dropped before its end it counts as abandoned.
pub(super) struct UnderWay {
    counts: QueryCounts,
    clock: Arc<dyn Clock>,
    begun: Duration,
    is_over: bool,
}

impl QueryCounts {
    pub(super) fn begin(&self, clock: Arc<dyn Clock>) -> UnderWay {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        UnderWay {
            counts: self.clone(),
            begun: clock.monotonic(),
            clock,
            is_over: false,
        }
    }

    pub(crate) fn figures(&self) -> Vec<LabelledFigure> {
        let counts = &*self.0;
        let outcomes = [
            ("answered", &counts.answered),
            ("refused", &counts.refused),
            ("abandoned", &counts.abandoned),
        ];
        let outcomes = outcomes.map(|(outcome, count)| {
            let labels = vec![("outcome", outcome.to_owned())];
            (labels, count.load(Ordering::Relaxed))
        });
        let running = counts.running.load(Ordering::Relaxed) as f64;
        vec![
            LabelledFigure {
                name: "queries",
                help: "Queries of telemetry that ended, by what became of them",
                samples: Samples::Counters(outcomes.into()),
            },
            LabelledFigure {
                name: "queries_running",
                help: "Queries of telemetry under way, those that wait for their turn among them",
                samples: Samples::Gauges(vec![(Labels::new(), running)]),
            },
            LabelledFigure {
                name: "query_duration_seconds",
                help: "Time that queries of telemetry took, with their wait",
                samples: Samples::Histograms(vec![(Labels::new(), counts.durations.histogram())]),
            },
        ]
    }
}

impl UnderWay {
    pub(super) fn end(mut self, is_answered: bool) {
        self.is_over = true;
        let counts = &self.counts.0;
        let outcome = if is_answered {
            &counts.answered
        } else {
            &counts.refused
        };
        outcome.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let counts = &self.counts.0;
        counts.running.fetch_sub(1, Ordering::Relaxed);
        let took = self.clock.monotonic().saturating_sub(self.begun);
        counts.durations.observe(took);
        if !self.is_over {
            counts.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use portique_clock::WallClock;

    use super::*;

    #[test]
    fn what_nobody_waits_for_any_more_is_abandoned() {
        let counts = QueryCounts::default();
        let clock = Arc::new(WallClock::new());
        counts.begin(clock.clone()).end(true);
        counts.begin(clock.clone()).end(false);
        drop(counts.begin(clock.clone()));
        let _running = counts.begin(clock);
        let shown = format!("{:?}", counts.figures());
        for outcome in ["answered", "refused", "abandoned"] {
            let one = format!("([(\"outcome\", \"{outcome}\")], 1)");
            assert!(shown.contains(&one), "{one} is not in {shown}");
        }
        assert!(shown.contains("Gauges([([], 1.0)])"), "{shown}");
    }
}
