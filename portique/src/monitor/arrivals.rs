//! Samples on their way past the store: which of them concern rules, and the bell that wakes the loop.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use portique_monitor::Interest;
use portique_series::{Appended, Batch, BatchSeries, Error, Labels, Sink, Submitted, Value};

/// Samples that the loop has not taken: of more it only knows that there were some, and looks at everything. A
/// burst of one body fits.
const ARRIVALS_MAX: usize = 65_536;

/// The sink before the store: it lets everything through, and notes what concerns rules.
pub(crate) struct WatchingSink {
    store: Arc<dyn Sink>,
    arrivals: Arc<Arrivals>,
}

impl WatchingSink {
    pub(crate) fn new(store: Arc<dyn Sink>, arrivals: Arc<Arrivals>) -> Self {
        Self { store, arrivals }
    }
}

impl Sink for WatchingSink {
    fn submit(&self, batch: &Batch) -> Result<Submitted, Error> {
        let submitted = self.store.submit(batch)?;
        self.arrivals.note(batch, submitted.appended());
        Ok(submitted)
    }
}

/// The newest sample of a series.
pub(super) struct Arrived {
    pub(super) labels: Labels,
    pub(super) at_ms: i64,
    /// Absent when the store may not have taken it.
    pub(super) value: Option<Value>,
}

/// What the loop is woken for.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) arrived: Vec<Arrived>,
    /// Whether there were more than are listed.
    pub(super) is_lossy: bool,
}

/// What arrived and the loop has not seen.
#[derive(Default)]
pub(crate) struct Arrivals {
    /// Asked for each series, and so without the engine's lock.
    interest: RwLock<Arc<Interest>>,
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    taken: Taken,
    is_rung: bool,
}

impl Arrivals {
    /// Notes what concerns rules from now on.
    pub(super) fn watch(&self, interest: Interest) {
        let mut watched = self
            .interest
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *watched = Arc::new(interest);
    }

    /// Wakes the loop.
    pub(super) fn ring(&self) {
        self.waiting().is_rung = true;
        self.bell.notify_one();
    }

    /// Waits for something to arrive, a ring, or until the time is over; takes what arrived.
    pub(super) fn wait(&self, at_most: Duration) -> Taken {
        let is_quiet = |waiting: &mut Waiting| !waiting.is_rung;
        let waited = self
            .bell
            .wait_timeout_while(self.waiting(), at_most, is_quiet);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.is_rung = false;
        std::mem::take(&mut waiting.taken)
    }

    fn note(&self, batch: &Batch, appended: &Appended) {
        let interest = {
            let watched = self.interest.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&watched)
        };
        if interest.is_empty() {
            return;
        }
        let refused = Refused::of(appended);
        let concerning = batch.iter().enumerate();
        let concerning = concerning.filter(|(_, series)| interest.has(series));
        let arrived = concerning.filter_map(|(index, series)| newest(&series, refused.has(index)));
        let arrived: Vec<Arrived> = arrived.take(ARRIVALS_MAX + 1).collect();
        if arrived.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.taken.arrived.len() + arrived.len() > ARRIVALS_MAX {
            waiting.taken = Taken {
                arrived: Vec::new(),
                is_lossy: true,
            };
        } else if !waiting.taken.is_lossy {
            waiting.taken.arrived.extend(arrived);
        }
        waiting.is_rung = true;
        drop(waiting);
        self.bell.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which series of a batch the store refused something of.
enum Refused {
    Nothing,
    These(Vec<usize>),
    /// More than are listed.
    Many,
}

impl Refused {
    fn of(appended: &Appended) -> Self {
        match appended.refused_samples() {
            0 => Self::Nothing,
            count if count > appended.refused.len() => Self::Many,
            _ => Self::These(appended.refused.iter().map(|r| r.series).collect()),
        }
    }

    fn has(&self, index: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::These(listed) => listed.contains(&index),
            Self::Many => true,
        }
    }
}

fn newest(series: &BatchSeries<'_>, is_refused: bool) -> Option<Arrived> {
    let times = series.timestamps().iter().enumerate();
    let (index, at_ms) = times.max_by_key(|(_, at_ms)| **at_ms)?;
    Some(Arrived {
        labels: series.to_labels(),
        at_ms: *at_ms,
        value: (!is_refused).then(|| series.value(index)),
    })
}

#[cfg(test)]
mod tests {
    use portique_monitor::{Engine, EngineOptions, PromQl, RuleDefaults, read_rule_file};
    use portique_series::METRIC_NAME;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn watching(rules: &str) -> Arrivals {
        let engine = portique_promql::Engine::new(portique_promql::Config::default());
        let language = PromQl::new(Arc::new(engine));
        let defaults = RuleDefaults::default();
        let groups = read_rule_file("r.yml", rules, &language, &defaults).unwrap();
        let mut engine = Engine::new(EngineOptions::default());
        engine.load(groups, portique_clock::Timestamp::EPOCH);
        let arrivals = Arrivals::default();
        arrivals.watch(engine.interest());
        arrivals
    }

    const RULES: &str =
        "groups: [{name: a, trigger: ingest, rules: [{alert: A, expr: temp > 90}]}]";

    fn batch(metrics: &[&str]) -> Batch {
        let mut batch = Batch::new();
        for metric in metrics {
            let labels = Labels::from_pairs([(METRIC_NAME, *metric)]);
            batch.series(&labels).unwrap();
            batch.float(2, 20.0);
            batch.float(3, 30.0);
            batch.float(1, 10.0);
        }
        batch
    }

    #[test]
    fn the_newest_samples_of_what_rules_read_are_noted() {
        let arrivals = watching(RULES);
        arrivals.note(&batch(&["temp", "level"]), &Appended::default());
        let taken = arrivals.wait(NOW);
        assert_eq!(taken.arrived.len(), 1);
        assert_eq!(taken.arrived[0].at_ms, 3);
        assert_eq!(taken.arrived[0].value, Some(Value::Float(30.0)));
        assert!(arrivals.wait(NOW).arrived.is_empty());
    }

    #[test]
    fn what_the_store_refused_may_not_be_there() {
        let arrivals = watching(RULES);
        let mut appended = Appended {
            refused: vec![portique_series::Refusal {
                series: 1,
                timestamp_ms: 3,
                reason: portique_series::RefusalReason::Duplicate,
            }],
            ..Appended::default()
        };
        appended.refused_counts[portique_series::RefusalKind::Duplicate as usize] = 1;
        arrivals.note(&batch(&["temp", "temp"]), &appended);
        let taken = arrivals.wait(NOW).arrived;
        let known: Vec<bool> = taken.iter().map(|a| a.value.is_some()).collect();
        assert_eq!(known, [true, false]);

        appended.refused_counts[portique_series::RefusalKind::Duplicate as usize] = 2;
        arrivals.note(&batch(&["temp", "temp"]), &appended);
        let taken = arrivals.wait(NOW).arrived;
        assert!(taken.iter().all(|a| a.value.is_none()));
    }

    #[test]
    fn more_than_there_is_room_for_is_known_to_have_been() {
        let arrivals = watching(RULES);
        let many = batch(&vec!["temp"; ARRIVALS_MAX]);
        arrivals.note(&many, &Appended::default());
        arrivals.note(&batch(&["temp"]), &Appended::default());
        let taken = arrivals.wait(NOW);
        assert!(taken.is_lossy && taken.arrived.is_empty());
        arrivals.note(&batch(&["temp"]), &Appended::default());
        let taken = arrivals.wait(NOW);
        assert!(!taken.is_lossy && taken.arrived.len() == 1);
    }
}
