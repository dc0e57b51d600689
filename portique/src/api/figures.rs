//! What queues and consumers count, for `/metrics`.

use std::sync::Arc;

use futures_util::FutureExt;
use portique_bus::{Bus, ConsumerState};
use portique_jobs::{Jobs, QueueState};

use crate::http::{Ask, LabelledFigure, LabelledHistogram, Labels, Samples};

/// Queues and consumers with figures of their own: what reads the page keeps a series for each.
const NAMES_MAX: usize = 200;

/// Asks the ports for their figures.
pub(crate) fn figures(bus: Arc<dyn Bus>, jobs: Arc<dyn Jobs>) -> Vec<Ask> {
    vec![
        Box::new(move || {
            let jobs = jobs.clone();
            async move {
                jobs.queues()
                    .await
                    .map(|all| queues(&all))
                    .unwrap_or_default()
            }
            .boxed()
        }),
        Box::new(move || {
            let bus = bus.clone();
            async move {
                bus.consumers()
                    .await
                    .map(|all| consumers(&all))
                    .unwrap_or_default()
            }
            .boxed()
        }),
    ]
}

fn queues(all: &[QueueState]) -> Vec<LabelledFigure> {
    let shown = &all[..all.len().min(NAMES_MAX)];
    let counter = |name, help, value: fn(&QueueState) -> u64| LabelledFigure {
        name,
        help,
        samples: Samples::Counters(shown.iter().map(|q| (of_queue(q), value(q))).collect()),
    };
    let gauge = |name, help, value: fn(&QueueState) -> f64| LabelledFigure {
        name,
        help,
        samples: Samples::Gauges(shown.iter().map(|q| (of_queue(q), value(q))).collect()),
    };
    vec![
        left_out(
            "queues_without_figures",
            "Queues beyond the limit of this page",
            all.len(),
        ),
        LabelledFigure {
            name: "queue_jobs",
            help: "Jobs by state",
            samples: Samples::Gauges(shown.iter().flat_map(by_state).collect()),
        },
        LabelledFigure {
            name: "queue_waiting_jobs",
            help: "Due jobs by what keeps them",
            samples: Samples::Gauges(shown.iter().flat_map(by_reason).collect()),
        },
        gauge(
            "queue_ready_jobs",
            "Due jobs that a worker would be given now",
            |q| q.ready as f64,
        ),
        gauge("queue_oldest_seconds", "Age of the oldest due job", |q| {
            q.oldest.as_secs_f64()
        }),
        counter("queue_enqueued", "Jobs taken in", |q| q.totals.enqueued),
        counter("queue_completed", "Jobs done", |q| q.totals.completed),
        counter("queue_failures", "Attempts that failed", |q| {
            q.totals.failures
        }),
        counter("queue_losses", "Leases lost", |q| q.totals.losses),
        counter("queue_dead", "Jobs given up on", |q| q.totals.dead),
        counter("queue_cancelled", "Jobs cancelled", |q| q.totals.cancelled),
        LabelledFigure {
            name: "queue_job_duration_seconds",
            help: "From the claim until completed",
            samples: Samples::Histograms(
                shown.iter().map(|q| (of_queue(q), durations(q))).collect(),
            ),
        },
    ]
}

fn consumers(all: &[ConsumerState]) -> Vec<LabelledFigure> {
    let shown = &all[..all.len().min(NAMES_MAX)];
    let counter = |name, help, value: fn(&ConsumerState) -> u64| LabelledFigure {
        name,
        help,
        samples: Samples::Counters(shown.iter().map(|c| (of_consumer(c), value(c))).collect()),
    };
    let gauge = |name, help, value: fn(&ConsumerState) -> f64| LabelledFigure {
        name,
        help,
        samples: Samples::Gauges(shown.iter().map(|c| (of_consumer(c), value(c))).collect()),
    };
    vec![
        left_out(
            "consumers_without_figures",
            "Consumers beyond the limit of this page",
            all.len(),
        ),
        gauge(
            "consumer_lag_events",
            "Events that were not delivered yet, at most",
            |c| c.lag as f64,
        ),
        gauge(
            "consumer_in_flight_events",
            "Deliveries not acknowledged",
            |c| c.in_flight as f64,
        ),
        gauge(
            "consumer_oldest_unacked_seconds",
            "Age of the oldest delivery in flight",
            |c| c.oldest_unacked.unwrap_or_default().as_secs_f64(),
        ),
        counter("consumer_delivered", "Deliveries since the start", |c| {
            c.delivered
        }),
        counter(
            "consumer_redelivered",
            "Repeated deliveries since the start",
            |c| c.redelivered,
        ),
        counter(
            "consumer_acked",
            "Events acknowledged since the start",
            |c| c.acked,
        ),
        counter("consumer_dead", "Events given up on", |c| c.dead),
    ]
}

fn of_queue(queue: &QueueState) -> Labels {
    vec![("queue", queue.name.to_string())]
}

fn of_consumer(consumer: &ConsumerState) -> Labels {
    vec![("consumer", consumer.name.to_string())]
}

fn left_out(name: &'static str, help: &'static str, all: usize) -> LabelledFigure {
    let beyond = all.saturating_sub(NAMES_MAX);
    LabelledFigure {
        name,
        help,
        samples: Samples::Gauges(vec![(Labels::new(), beyond as f64)]),
    }
}

fn by_state(queue: &QueueState) -> impl Iterator<Item = (Labels, f64)> + use<> {
    let counts = queue.counts;
    let states = [
        ("waiting", counts.waiting),
        ("prioritized", counts.prioritized),
        ("delayed", counts.delayed),
        ("failed", counts.failed),
        ("blocked", counts.blocked),
        ("active", counts.active),
        ("dead", counts.dead),
        ("finished", counts.finished),
    ];
    let labels = of_queue(queue);
    states.into_iter().map(move |(state, count)| {
        let mut labels = labels.clone();
        labels.push(("state", state.into()));
        (labels, count as f64)
    })
}

fn by_reason(queue: &QueueState) -> Vec<(Labels, f64)> {
    let reasons = queue.waits.iter().map(|(reason, count)| {
        let mut labels = of_queue(queue);
        labels.push(("reason", (*reason).into()));
        (labels, *count as f64)
    });
    reasons.collect()
}

/// The port counts up to each bound, the page between them.
fn durations(queue: &QueueState) -> LabelledHistogram {
    let mut before = 0;
    let buckets = queue.totals.durations.iter().map(|(bound, count)| {
        let above = count.saturating_sub(before);
        before = *count;
        (*bound, above)
    });
    LabelledHistogram {
        buckets: buckets.collect(),
        sum: queue.totals.durations_sum_s,
    }
}
