//! What the notifier counts, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use portique_monitor::notify::SilenceState;

use super::handle::Shared;
use crate::http::{Ask, LabelledFigure, LabelledHistogram, Labels, Samples};

/// From a receiver on this machine to one that was down for a while.
const LATENCY_BUCKETS_S: [f64; 12] = [
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.5,
    1.0,
    5.0,
    20.0,
    60.0,
    600.0,
    f64::INFINITY,
];

/// Counts since the start, by kind of integration.
#[derive(Clone, Default)]
pub(super) struct Figures(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    by_kind: BTreeMap<String, Kind>,
    posted: u64,
    refused: u64,
    reloads: u64,
    reloads_failed: u64,
}

/// What is counted of one kind, such as `webhook`.
#[derive(Clone)]
struct Kind {
    attempts: u64,
    attempts_failed: u64,
    sent: u64,
    given_up: u64,
    in_flight: i64,
    latency: LabelledHistogram,
}

impl Default for Kind {
    fn default() -> Self {
        let buckets = LATENCY_BUCKETS_S.iter().map(|bound| (*bound, 0)).collect();
        Self {
            attempts: 0,
            attempts_failed: 0,
            sent: 0,
            given_up: 0,
            in_flight: 0,
            latency: LabelledHistogram { buckets, sum: 0.0 },
        }
    }
}

impl Figures {
    fn change(&self, kind: &str, change: impl FnOnce(&mut Kind)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.by_kind.entry(kind.to_owned()).or_default());
    }

    /// An attempt begins.
    pub(super) fn begin(&self, kind: &str) {
        self.change(kind, |kind| {
            kind.attempts += 1;
            kind.in_flight += 1;
        });
    }

    /// An attempt ended.
    pub(super) fn end(&self, kind: &str, is_good: bool) {
        self.change(kind, |kind| {
            kind.in_flight -= 1;
            kind.attempts_failed += u64::from(!is_good);
        });
    }

    /// A notification arrived so long after it was decided.
    pub(super) fn sent(&self, kind: &str, after: Duration) {
        let seconds = after.as_secs_f64();
        self.change(kind, |kind| {
            kind.sent += 1;
            kind.latency.sum += seconds;
            let mut buckets = kind.latency.buckets.iter_mut();
            if let Some((_, count)) = buckets.find(|(bound, _)| seconds <= *bound) {
                *count += 1;
            }
        });
    }

    /// A notification was given up.
    pub(super) fn given_up(&self, kind: &str) {
        self.change(kind, |kind| kind.given_up += 1);
    }

    /// Alerts came in.
    pub(super) fn posted(&self, taken: usize, refused: usize) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.posted += taken as u64;
        counts.refused += refused as u64;
    }

    /// The configuration was read again.
    pub(super) fn reloaded(&self, is_good: bool) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.reloads += 1;
        counts.reloads_failed += u64::from(!is_good);
    }

    fn figures(&self) -> Vec<LabelledFigure> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = |name: &str| -> Labels { vec![("integration", name.to_owned())] };
        let counter = |name, help, value: fn(&Kind) -> u64| LabelledFigure {
            name,
            help,
            samples: Samples::Counters(
                counts
                    .by_kind
                    .iter()
                    .map(|(kind, counts)| (of_kind(kind), value(counts)))
                    .collect(),
            ),
        };
        let in_flight = counts.by_kind.iter();
        let in_flight = in_flight.map(|(kind, counts)| (of_kind(kind), counts.in_flight as f64));
        let latency = counts.by_kind.iter();
        let latency = latency.map(|(kind, counts)| (of_kind(kind), counts.latency.clone()));
        vec![
            counter("notifications_sent", "Notifications that arrived", |k| {
                k.sent
            }),
            counter(
                "notifications_failed",
                "Notifications that were given up",
                |k| k.given_up,
            ),
            counter("notification_attempts", "Attempts to tell somebody", |k| {
                k.attempts
            }),
            counter(
                "notification_attempts_failed",
                "Attempts that came to nothing",
                |k| k.attempts_failed,
            ),
            LabelledFigure {
                name: "notifications_in_flight",
                help: "Attempts under way",
                samples: Samples::Gauges(in_flight.collect()),
            },
            LabelledFigure {
                name: "notification_latency_seconds",
                help: "Time from the decision to tell somebody until it arrived",
                samples: Samples::Histograms(latency.collect()),
            },
            LabelledFigure::counter("notifier_alerts_received", "Alerts told of", counts.posted),
            LabelledFigure::counter("notifier_alerts_refused", "Alerts refused", counts.refused),
            LabelledFigure::counter(
                "notifier_reloads",
                "Times the configuration was read again",
                counts.reloads,
            ),
            LabelledFigure::counter(
                "notifier_reloads_failed",
                "Times it was wrong",
                counts.reloads_failed,
            ),
        ]
    }
}

/// Asks for the counts, and for what is held now.
pub(super) fn ask(shared: Arc<Shared>) -> Ask {
    Box::new(move || {
        let shared = shared.clone();
        async move {
            let mut figures = shared.figures.figures();
            figures.extend(held(&shared));
            figures
        }
        .boxed()
    })
}

/// Alerts and silences by state.
fn held(shared: &Shared) -> [LabelledFigure; 2] {
    let now = shared.clock.now();
    let (firing, resolved, silences) = shared.read(|dispatcher| {
        let resolved = dispatcher
            .alerts()
            .filter(|alert| alert.is_resolved(now))
            .count();
        let firing = dispatcher.alerts().count() - resolved;
        let mut silences = [
            SilenceState::Active,
            SilenceState::Pending,
            SilenceState::Expired,
        ]
        .map(|state| (state, 0_usize));
        for silence in dispatcher.silences() {
            let state = silence.state(now);
            let mut known = silences.iter_mut();
            if let Some((_, count)) = known.find(|(known, _)| *known == state) {
                *count += 1;
            }
        }
        (firing, resolved, silences)
    });
    let gauge = |state: &str, count: usize| (vec![("state", state.to_owned())], count as f64);
    let alerts = vec![gauge("firing", firing), gauge("resolved", resolved)];
    let silences = silences.iter().map(|(state, count)| {
        let word = match state {
            SilenceState::Active => "active",
            SilenceState::Pending => "pending",
            SilenceState::Expired => "expired",
        };
        gauge(word, *count)
    });
    [
        LabelledFigure {
            name: "notifier_alerts",
            help: "Alerts that the notifier holds",
            samples: Samples::Gauges(alerts),
        },
        LabelledFigure {
            name: "notifier_silences",
            help: "Silences that are kept",
            samples: Samples::Gauges(silences.collect()),
        },
    ]
}
