//! The loop: it waits, hands samples and time to the engine, and has evaluated what is due.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use portique_monitor::{DueRule, Reason, Surroundings};
use tokio::runtime::Handle;

use super::Shared;
use super::arrivals::Taken;
use super::pool::Pool;

/// The loop looks at the clock at least this often: the engine has to see it when it is set.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most threads that evaluate groups at their intervals, and as many again for rules that are due because of a
/// sample, which must not wait for a group's long queries. Each may take a core.
const THREADS_MAX: usize = 4;

/// Runs until the hub ends; what is being evaluated then is concluded before it returns.
pub(super) fn run(shared: &Arc<Shared>, handle: &Handle) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads_max = cores.clamp(1, THREADS_MAX);
    let (groups, singles) = (Pool::new(threads_max), Pool::new(threads_max));
    let mut patience = Duration::ZERO;
    loop {
        let taken = shared.arrivals.wait(patience);
        if shared.stop.is_cancelled() {
            break;
        }
        for list in look(shared, &taken) {
            let is_quick = |due: &DueRule| due.is_quick() && !asks(due);
            if list.iter().all(is_quick) {
                evaluate(shared, list);
                continue;
            }
            let is_group = list.iter().any(|due| due.reason == Reason::Tick);
            let pool = if is_group { &groups } else { &singles };
            let evaluating = Arc::clone(shared);
            pool.give(list, handle, move |list| {
                evaluate(&evaluating, list);
                // What is due next may be due sooner than the loop knows.
                evaluating.arrivals.ring();
            });
        }
        patience = patience_of(shared);
    }
    while !(groups.is_idle() && singles.is_idle()) {
        shared.arrivals.wait(LOOK_EVERY / 10);
    }
}

/// Tells the engine of samples and time; what is due.
fn look(shared: &Shared, taken: &Taken) -> Vec<Vec<DueRule>> {
    let mut core = shared.core();
    let now = shared.now();
    for arrived in &taken.arrived {
        let (labels, at_ms) = (&arrived.labels, arrived.at_ms);
        match &arrived.value {
            Some(value) => core.engine.appended(labels, at_ms, value, now),
            None => core.engine.touched(labels, at_ms, now),
        };
    }
    if taken.is_lossy {
        core.engine.lost_track(now);
        shared.figures.lost_track();
    }
    let mut work = core.engine.tick(now);
    shared.note_work(&mut core, &mut work);
    work.due
}

fn patience_of(shared: &Shared) -> Duration {
    let next = shared.core().engine.next_due();
    let now = shared.now();
    let until = next.map_or(LOOK_EVERY, |next| next.since(now));
    until.min(LOOK_EVERY)
}

/// Whether a template of the rule queries the store.
fn asks(due: &DueRule) -> bool {
    let rule = &due.rule;
    let labels = rule.labels.iter().map(|(_, text)| text.as_str());
    let alerting = rule.alerting();
    let annotations = alerting.into_iter().flat_map(|a| a.annotations.iter());
    let params = alerting.and_then(|a| a.action.as_ref());
    let params = params.into_iter().flat_map(|action| action.params.iter());
    let mut texts = labels.chain(annotations.chain(params).map(|(_, text)| text));
    texts.any(|text| text.contains("query"))
}

/// Evaluates rules one after the other.
fn evaluate(shared: &Shared, list: Vec<DueRule>) {
    let labels = shared.external_labels.read();
    let labels = Arc::clone(&labels.unwrap_or_else(PoisonError::into_inner));
    let url = shared.core().engine.options().external_url.clone();
    let surroundings = Surroundings {
        language: &shared.language,
        external_labels: &labels,
        external_url: &url,
    };
    for due in list {
        if shared.stop.is_cancelled() {
            return;
        }
        let Some(due) = shared.core().engine.begin(due) else {
            continue;
        };
        evaluate_one(shared, due, &surroundings);
    }
}

fn evaluate_one(shared: &Shared, due: DueRule, surroundings: &Surroundings<'_>) {
    let clock = &shared.telemetry.clock;
    if let Some(since) = due.since {
        shared.figures.lag(clock.now().since(since));
    }
    let begin = clock.monotonic();
    let spare = due.clone();
    let store = &*shared.telemetry.store;
    let evaluated = catch_unwind(AssertUnwindSafe(|| due.evaluate(store, surroundings)));
    let evaluated = evaluated.unwrap_or_else(|_| {
        // A rule that trips over a mistake of ours must neither stop the others nor stay away unseen.
        tracing::error!(
            rule = spare.rule.name(),
            "the evaluation of a rule panicked"
        );
        spare.failed("its evaluation broke down: this is a fault of the hub, see its log")
    });
    // A query that was called off says nothing about the rule.
    if shared.stop.is_cancelled() {
        return;
    }
    let took = clock.monotonic().saturating_sub(begin);
    shared.figures.evaluated(took);
    shared.conclude(evaluated, took);
}
