//! What pools count, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_fleet::Policy;

use super::desk::{Desk, State};
use super::view::WorkerStateView;
use crate::http::{LabelledFigure, Labels, Samples};

type Of<T> = fn(&State, &Policy) -> T;

/// What goes both ways, where it is known.
const GAUGES: [(&str, &str, Of<Option<f64>>); 7] = [
    (
        "fleet_target_workers",
        "Workers that there are to be",
        |state, _| Some(state.decision.as_ref()?.target.into()),
    ),
    (
        "fleet_wanted_workers",
        "Workers that the backlog needs",
        |state, _| Some(state.decision.as_ref()?.wanted.into()),
    ),
    (
        "fleet_needed_workers",
        "Workers that the backlog needs, whatever the bounds",
        |state, policy| {
            let terms = state.decision.as_ref()?.terms?;
            Some((terms.slots() / f64::from(policy.slots)).ceil())
        },
    ),
    (
        "fleet_backlog_jobs",
        "Jobs that a worker could claim now",
        |state, _| Some(state.decision.as_ref()?.inputs.backlog?.ready as f64),
    ),
    (
        "fleet_room_workers",
        "Workers that the machine has room for",
        |state, _| Some(state.decision.as_ref()?.inputs.room.into()),
    ),
    (
        "fleet_start_seconds",
        "What the start of a worker takes",
        |state, _| Some(state.decision.as_ref()?.inputs.start_time.as_secs_f64()),
    ),
    (
        "fleet_crash_looping",
        "1 while workers die again and again",
        |state, _| Some(f64::from(u8::from(state.is_looping))),
    ),
];

/// What only grows.
const COUNTERS: [(&str, &str, Of<u64>); 5] = [
    ("fleet_starts", "Workers started", |state, _| {
        state.counts.starts
    }),
    (
        "fleet_drains",
        "Workers that were asked to go",
        |state, _| state.counts.drains,
    ),
    (
        "fleet_looks_failed",
        "Looks at a queue that told nothing",
        |state, _| state.counts.looks_failed,
    ),
    (
        "fleet_lines_left_out",
        "Lines of workers that are not in the log",
        |state, _| state.counts.lines_left_out,
    ),
    (
        "fleet_facts_lost",
        "Facts of the fleet that were not written",
        |state, _| state.counts.facts_lost,
    ),
];

pub(super) fn of(desks: &[Arc<Desk>]) -> Vec<LabelledFigure> {
    let of_desk = |desk: &Arc<Desk>| {
        let labels = vec![("pool", desk.config.name.clone())];
        (labels, desk.state().clone(), desk.config.policy.clone())
    };
    let states: Vec<(Labels, State, Policy)> = desks.iter().map(of_desk).collect();
    let mut figures = vec![
        LabelledFigure {
            name: "fleet_workers",
            help: "Workers by where they are in their life",
            samples: Samples::Gauges(states.iter().flat_map(by_state).collect()),
        },
        labelled(
            "fleet_deaths",
            "Workers that died or were ended because something was wrong with them",
            "reason",
            states
                .iter()
                .map(|(labels, state, _)| (labels, &state.counts.deaths)),
            ["exit", "signal", "not_started", "given_up"],
        ),
        labelled(
            "fleet_decisions",
            "Changes of the number of workers",
            "move",
            states
                .iter()
                .map(|(labels, state, _)| (labels, &state.counts.decisions)),
            ["up", "down", "stay"],
        ),
    ];
    figures.extend(GAUGES.map(|(name, help, value)| {
        let samples = states
            .iter()
            .filter_map(|(labels, state, policy)| Some((labels.clone(), value(state, policy)?)));
        let samples = Samples::Gauges(samples.collect());
        LabelledFigure {
            name,
            help,
            samples,
        }
    }));
    figures.extend(COUNTERS.map(|(name, help, value)| {
        let samples = states.iter();
        let samples = samples.map(|(labels, state, policy)| (labels.clone(), value(state, policy)));
        let samples = Samples::Counters(samples.collect());
        LabelledFigure {
            name,
            help,
            samples,
        }
    }));
    figures
}

fn labelled<'a, const N: usize>(
    name: &'static str,
    help: &'static str,
    label: &'static str,
    counts: impl Iterator<Item = (&'a Labels, &'a BTreeMap<&'static str, u64>)>,
    words: [&'static str; N],
) -> LabelledFigure {
    let mut samples = Vec::new();
    for (labels, counts) in counts {
        for word in words {
            let mut labels = labels.clone();
            labels.push((label, word.to_owned()));
            samples.push((labels, counts.get(word).copied().unwrap_or_default()));
        }
    }
    LabelledFigure {
        name,
        help,
        samples: Samples::Counters(samples),
    }
}

fn by_state((labels, state, _): &(Labels, State, Policy)) -> Vec<(Labels, f64)> {
    let of_state = WorkerStateView::ALL.into_iter().map(|(wanted, word)| {
        let workers = state.workers.iter();
        let count = workers
            .filter(|seen| WorkerStateView::from(seen.worker.state) == wanted)
            .count();
        let mut labels = labels.clone();
        labels.push(("state", word.to_owned()));
        (labels, count as f64)
    });
    of_state.collect()
}
