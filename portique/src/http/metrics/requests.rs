use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::figure::{Histogram, LabelledFigure, Labels, Samples};

/// From a read out of memory to an order that waits for a module.
const DURATION_BUCKETS_S: [f64; 10] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0,
];

/// What is counted of a request; the route is the pattern, so that labels stay few.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) struct RequestLabels {
    pub(in crate::http) method: &'static str,
    pub(in crate::http) route: String,
    pub(in crate::http) status: u16,
}

/// The requests since the hub was opened.
#[derive(Debug, Default)]
pub(in crate::http) struct Requests {
    answered: RwLock<BTreeMap<RequestLabels, AtomicU64>>,
    in_flight: AtomicI64,
    durations: Durations,
}

/// How long things took, in buckets.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    counts: [AtomicU64; DURATION_BUCKETS_S.len() + 1],
    sum: Mutex<Duration>,
}

impl Requests {
    /// Counts a request whose answer begins.
    pub(in crate::http) fn answered(&self, labels: RequestLabels, after: Duration) {
        self.durations.observe(after);
        let answered = self.answered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = answered.get(&labels) {
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        drop(answered);
        let mut answered = self
            .answered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *answered.entry(labels).or_default().get_mut() += 1;
    }

    pub(in crate::http) fn begun(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> Vec<LabelledFigure> {
        let answered = self.answered.read().unwrap_or_else(PoisonError::into_inner);
        let counts = answered.iter().map(|(request, count)| {
            let labels = vec![
                ("method", request.method.to_owned()),
                ("route", request.route.clone()),
                ("status", request.status.to_string()),
            ];
            (labels, count.load(Ordering::Relaxed))
        });
        let in_flight = self.in_flight.load(Ordering::Relaxed) as f64;
        vec![
            LabelledFigure {
                name: "http_requests",
                help: "HTTP requests answered",
                samples: Samples::Counters(counts.collect()),
            },
            LabelledFigure {
                name: "http_requests_in_flight",
                help: "HTTP requests being answered",
                samples: Samples::Gauges(vec![(Labels::new(), in_flight)]),
            },
            LabelledFigure {
                name: "http_request_duration_seconds",
                help: "Time until the answer begins",
                samples: Samples::Histograms(vec![(Labels::new(), self.durations.histogram())]),
            },
        ]
    }
}

impl Durations {
    pub(crate) fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = DURATION_BUCKETS_S.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        *self.sum.lock().unwrap_or_else(PoisonError::into_inner) += duration;
    }

    pub(crate) fn histogram(&self) -> Histogram {
        let bounds = DURATION_BUCKETS_S.into_iter().chain([f64::INFINITY]);
        let counts = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let sum = *self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        Histogram {
            buckets: bounds.zip(counts).collect(),
            sum: sum.as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let durations = Durations::default();
        for ms in [1, 2, 20_000] {
            durations.observe(Duration::from_millis(ms));
        }
        let counts: Vec<u64> = durations.histogram().buckets.iter().map(|b| b.1).collect();
        assert_eq!(counts, [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(durations.histogram().sum, 20.003);
    }
}
