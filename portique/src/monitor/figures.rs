//! What rules and alerts count, and whether they do their work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::ready;
use portique_monitor::{AlertState, Health};

use super::{LOOP_TASK, Monitor};
use crate::http::{Ask, LabelledFigure, LabelledHistogram, Labels, Part, PartState, Samples};
use crate::lifetime::TaskGroup;

/// From a comparison in memory to a query over years.
const DURATION_BOUNDS_S: [f64; 8] = [0.000_1, 0.000_5, 0.002, 0.01, 0.05, 0.25, 1.0, 10.0];
/// From a thread that was waiting to a rule that rests.
const LAG_BOUNDS_S: [f64; 8] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.1, 1.0];
const BOUNDS: usize = 8;

/// Observations, counted by whoever makes them.
#[derive(Debug, Default)]
struct Spread {
    counts: [AtomicU64; BOUNDS + 1],
    sum_ns: AtomicU64,
}

/// What is counted since the start.
#[derive(Debug, Default)]
pub(super) struct Figures {
    duration: Spread,
    lag: Spread,
    calls: AtomicU64,
    calls_failed: AtomicU64,
    samples_refused: AtomicU64,
    lost_track: AtomicU64,
    reload_failed: AtomicBool,
    keeping_failed: AtomicBool,
}

impl Spread {
    fn add(&self, bounds_s: &[f64; BOUNDS], value: Duration) {
        let seconds = value.as_secs_f64();
        let bucket = bounds_s.iter().position(|bound| seconds <= *bound);
        self.counts[bucket.unwrap_or(BOUNDS)].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(nanos, Ordering::Relaxed);
    }

    fn read(&self, bounds_s: &[f64; BOUNDS]) -> LabelledHistogram {
        let bounds = bounds_s.iter().copied().chain([f64::INFINITY]);
        let counts = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let nanos = Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed));
        LabelledHistogram {
            buckets: bounds.zip(counts).collect(),
            sum: nanos.as_secs_f64(),
        }
    }
}

impl Figures {
    pub(super) fn evaluated(&self, took: Duration) {
        self.duration.add(&DURATION_BOUNDS_S, took);
    }

    pub(super) fn lag(&self, lag: Duration) {
        self.lag.add(&LAG_BOUNDS_S, lag);
    }

    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn call_failed(&self) {
        self.calls_failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, samples: usize) {
        self.samples_refused
            .fetch_add(samples as u64, Ordering::Relaxed);
    }

    pub(super) fn lost_track(&self) {
        self.lost_track.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn loaded(&self, is_good: bool) {
        self.reload_failed.store(!is_good, Ordering::Relaxed);
    }

    pub(super) fn kept(&self, is_kept: bool) {
        self.keeping_failed.store(!is_kept, Ordering::Relaxed);
    }
}

impl Monitor {
    /// Asks for all figures.
    pub(crate) fn ask_figures(&self) -> Ask {
        let monitor = self.clone();
        Box::new(move || ready(monitor.figures()).boxed())
    }

    /// Says whether rules are evaluated and what they decide is kept.
    pub(crate) fn part(&self, control: &TaskGroup) -> Part {
        let (monitor, control) = (self.clone(), control.clone());
        Box::new(move || {
            let figures = &monitor.shared.figures;
            let state = if !control.runs(LOOP_TASK) {
                PartState::not_ready("rules", "stopped", "rules are not evaluated".into())
            } else if figures.keeping_failed.load(Ordering::Relaxed) {
                let reason = "what is decided about alerts is not kept, though it counts: see the journal and \
                              the log";
                PartState::not_ready("rules", "failing", reason.into())
            } else {
                PartState::open("rules")
            };
            ready(state).boxed()
        })
    }

    fn figures(&self) -> Vec<LabelledFigure> {
        let counted = self.counted();
        let mut all = self.of_rules(&counted);
        all.extend(self.of_work());
        all.push(LabelledFigure {
            name: "alerts",
            help: "Alerts by state; resolved ones for a quarter of an hour",
            samples: Samples::Gauges(counted.alerts),
        });
        all
    }

    /// What is loaded, and how it goes.
    fn of_rules(&self, counted: &Counted) -> Vec<LabelledFigure> {
        let is_good = !self.shared.figures.reload_failed.load(Ordering::Relaxed);
        vec![
            LabelledFigure::gauge("rules", "Rules loaded", counted.rules as f64),
            LabelledFigure::gauge(
                "rule_groups",
                "Groups of rules loaded",
                counted.groups as f64,
            ),
            LabelledFigure::gauge(
                "rules_failing",
                "Rules whose last evaluation failed",
                counted.failing as f64,
            ),
            LabelledFigure::gauge(
                "rules_last_reload_successful",
                "1 when the last reload of rule files succeeded, or there was none",
                if is_good { 1.0 } else { 0.0 },
            ),
            LabelledFigure::counter(
                "rule_evaluations",
                "Evaluations of the rules that are loaded",
                counted.evaluations,
            ),
            LabelledFigure::counter(
                "rule_evaluation_failures",
                "Evaluations of the rules that are loaded that failed",
                counted.failures,
            ),
            LabelledFigure::counter(
                "rule_group_iterations_missed",
                "Intervals of groups that passed without an evaluation",
                counted.missed,
            ),
        ]
    }

    /// What evaluations take, and what comes of them.
    fn of_work(&self) -> Vec<LabelledFigure> {
        let figures = &self.shared.figures;
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        vec![
            spread(
                "rule_evaluation_duration_seconds",
                "How long evaluations took",
                figures.duration.read(&DURATION_BOUNDS_S),
            ),
            spread(
                "rule_lag_seconds",
                "Time from the arrival of a sample to the evaluation of a rule that reads it",
                figures.lag.read(&LAG_BOUNDS_S),
            ),
            LabelledFigure::counter(
                "rule_arrivals_overflowed",
                "Bursts of samples too large to be told to rules one by one",
                load(&figures.lost_track),
            ),
            LabelledFigure::counter(
                "rule_samples_refused",
                "Samples that rules yielded and the store did not take",
                load(&figures.samples_refused),
            ),
            LabelledFigure::counter(
                "alert_actions",
                "Calls of actions because an alert began to fire",
                load(&figures.calls),
            ),
            LabelledFigure::counter(
                "alert_actions_failed",
                "Calls of actions that were given up on",
                load(&figures.calls_failed),
            ),
        ]
    }

    fn counted(&self) -> Counted {
        let core = self.shared.core();
        let mut counted = Counted::default();
        for group in core.engine.groups() {
            counted.groups += 1;
            counted.rules += group.rules.len();
            counted.missed += group.missed;
            for rule in &group.rules {
                counted.evaluations += rule.evaluations;
                counted.failures += rule.failures;
                counted.failing += usize::from(matches!(rule.health, Health::Bad(_)));
            }
        }
        let states = [
            AlertState::Pending,
            AlertState::Firing,
            AlertState::Resolved,
        ];
        counted.alerts = states
            .into_iter()
            .map(|state| {
                let all = core.engine.book().all();
                let count = all.filter(|episode| episode.state == state).count();
                let labels: Labels = vec![("state", state.as_str().to_owned())];
                (labels, count as f64)
            })
            .collect();
        counted
    }
}

#[derive(Default)]
struct Counted {
    groups: usize,
    rules: usize,
    failing: usize,
    evaluations: u64,
    failures: u64,
    missed: u64,
    alerts: Vec<(Labels, f64)>,
}

fn spread(name: &'static str, help: &'static str, value: LabelledHistogram) -> LabelledFigure {
    let samples = Samples::Histograms(vec![(Vec::new(), value)]);
    LabelledFigure {
        name,
        help,
        samples,
    }
}
