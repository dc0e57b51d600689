//! What pools count, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::desk::{Desk, State};
use super::view::WorkerStateView;
use crate::http::{LabelledFigure, Labels, Samples};

type Of<T> = fn(&State) -> T;

pub(super) fn of(desks: &[Arc<Desk>]) -> Vec<LabelledFigure> {
    let states: Vec<(Labels, State)> = desks
        .iter()
        .map(|desk| {
            (
                vec![("pool", desk.config.name.clone())],
                desk.state().clone(),
            )
        })
        .collect();
    let gauge = |name, help, value: Of<Option<f64>>| {
        let samples = states
            .iter()
            .filter_map(|(labels, state)| Some((labels.clone(), value(state)?)));
        LabelledFigure {
            name,
            help,
            samples: Samples::Gauges(samples.collect()),
        }
    };
    let counter = |name, help, value: Of<u64>| LabelledFigure {
        name,
        help,
        samples: Samples::Counters(
            states
                .iter()
                .map(|(labels, state)| (labels.clone(), value(state)))
                .collect(),
        ),
    };
    vec![
        LabelledFigure {
            name: "fleet_workers",
            help: "Workers by where they are in their life",
            samples: Samples::Gauges(states.iter().flat_map(by_state).collect()),
        },
        gauge(
            "fleet_target_workers",
            "Workers that there are to be",
            |state| {
                state
                    .decision
                    .as_ref()
                    .map(|decision| decision.target.into())
            },
        ),
        gauge(
            "fleet_wanted_workers",
            "Workers that the backlog needs",
            |state| {
                state
                    .decision
                    .as_ref()
                    .map(|decision| decision.wanted.into())
            },
        ),
        gauge(
            "fleet_room_workers",
            "Workers that the machine has room for",
            |state| {
                state
                    .decision
                    .as_ref()
                    .map(|decision| decision.inputs.room.into())
            },
        ),
        gauge(
            "fleet_start_seconds",
            "What the start of a worker takes",
            |state| {
                let decision = state.decision.as_ref()?;
                Some(decision.inputs.start_time.as_secs_f64())
            },
        ),
        gauge(
            "fleet_crash_looping",
            "1 while workers die again and again",
            |state| Some(f64::from(u8::from(state.is_looping))),
        ),
        counter("fleet_starts", "Workers started", |state| {
            state.counts.starts
        }),
        counter("fleet_drains", "Workers that were asked to go", |state| {
            state.counts.drains
        }),
        labelled(
            "fleet_deaths",
            "Workers that died or were ended because something was wrong with them",
            "reason",
            states
                .iter()
                .map(|(labels, state)| (labels, &state.counts.deaths)),
            ["exit", "signal", "not_started", "given_up"],
        ),
        labelled(
            "fleet_decisions",
            "Changes of the number of workers",
            "move",
            states
                .iter()
                .map(|(labels, state)| (labels, &state.counts.decisions)),
            ["up", "down", "stay"],
        ),
        counter(
            "fleet_looks_failed",
            "Looks at a queue that told nothing",
            |state| state.counts.looks_failed,
        ),
        counter(
            "fleet_lines_left_out",
            "Lines of workers that are not in the log",
            |state| state.counts.lines_left_out,
        ),
        counter(
            "fleet_facts_lost",
            "Facts of the fleet that were not written",
            |state| state.counts.facts_lost,
        ),
    ]
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

fn by_state((labels, state): &(Labels, State)) -> Vec<(Labels, f64)> {
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
