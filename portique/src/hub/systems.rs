use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::ready;
use portique_access::approval::{Desk, Guarded};
use portique_launch::destruction::Destruction;
use portique_launch::link::{Vehicles, VehiclesOptions};
use portique_launch::service::{self, Launch, Parts, Worker};
use portique_monitor::Actions;
use portique_payments::service as payments;
use portique_payments::service::Payments;
use utoipa_axum::router::OpenApiRouter;

use super::engines::{Engines, seeded};
use crate::api::{Owned, OwnedQueue};
use crate::config::{PaymentWorkers, PaymentsConfig};
use crate::error::Error;
use crate::http::{Ask, Figure, LabelledFigure, Labels, Part, PartState, Samples, Source, Value};
use crate::lifetime::TaskGroup;
use crate::monitor::{ShippedRules, keeper};

/// Events that the mission log may be behind: a second's worth of a busy hub.
const LOG_LAG_MAX: u64 = 1_000;
/// The first token of the subjects of launch control's events: it folds what it finds there into the
/// state of missions.
const LAUNCH_SUBJECTS: &str = "launch";
/// What the names of its consumers begin with.
const LAUNCH_CONSUMERS: &str = "launch-";
/// The task that owns all missions.
const LAUNCH_TASK: &str = "launch";

/// The first token of the subjects of payments' events: the ledger is folded from what is there.
const PAYMENTS_SUBJECTS: &str = "payments";
/// Where anybody asks for transactions.
const PAYMENTS_ASKED: &str = "payments.requested";
/// What the names of their consumers begin with.
const PAYMENTS_CONSUMERS: &str = "payments-";
/// The task that owns the ledger.
const PAYMENTS_TASK: &str = "payments";

/// The systems of this hub: launch control with the vehicles it reaches, and payments.
pub(super) struct Systems {
    pub(super) vehicles: Vehicles,
    launch: Launch,
    worker: Worker,
    payments: Payments,
    payments_worker: payments::Worker,
}

impl Systems {
    /// What the names of the metrics begin with that are theirs alone: their rules act on what is measured there.
    pub(super) const METRICS: [&'static str; 1] = [service::METRICS];

    /// Brings every mission back; nothing runs yet.
    ///
    /// # Errors
    /// [`Error::Part`].
    pub(super) async fn open(
        engines: &Engines,
        vehicles: VehiclesOptions,
        config: &PaymentsConfig,
    ) -> Result<Self, Error> {
        let vehicles = Vehicles::new(vehicles);
        let parts = Parts {
            bus: engines.broker.bus(),
            records: engines.records.clone(),
            sink: engines.telemetry.owners.clone(),
            series: engines.telemetry.store.clone(),
            clock: engines.clock.clone(),
            random: Box::new(seeded()?),
            connector: Arc::new(vehicles.clone()),
            config: service::Config::default(),
        };
        let (launch, worker) = Launch::open(parts)
            .await
            .map_err(|error| Error::part("launch control", &error))?;
        let (payments, payments_worker) = open_payments(engines, config).await?;
        Ok(Self {
            vehicles,
            launch,
            worker,
            payments,
            payments_worker,
        })
    }

    /// What they serve.
    pub(super) fn routes(&self, desk: &Desk) -> OpenApiRouter {
        let launch = portique_launch::api::router(self.launch.clone(), desk.clone());
        let payments = portique_payments::api::router(self.payments.clone());
        OpenApiRouter::new().nest("/api/v1", launch.merge(payments))
    }

    /// What of them takes two people.
    pub(super) fn guarded(&self) -> Vec<Arc<dyn Guarded>> {
        vec![Arc::new(Destruction::new(self.launch.clone()))]
    }

    /// What is theirs, and the monitor's, and is not changed from outside.
    pub(super) fn owned(config: &PaymentsConfig) -> Owned {
        let queue = |name| OwnedQueue {
            name,
            can_pause: true,
            can_claim: config.workers == PaymentWorkers::Pools,
        };
        Owned::new(
            &[LAUNCH_SUBJECTS, PAYMENTS_SUBJECTS, keeper::SUBJECTS],
            &[LAUNCH_CONSUMERS, PAYMENTS_CONSUMERS, keeper::CONSUMERS],
        )
        .with_asked(&[PAYMENTS_ASKED])
        .with_queues(payments::QUEUES.map(queue))
    }

    /// What rules and receivers can have them do.
    pub(super) fn actions(&self) -> Actions {
        Actions::new(self.launch.actions())
    }

    /// The rules that they come with.
    pub(super) fn rules() -> Vec<ShippedRules> {
        let files = portique_launch::rules::RULE_FILES.into_iter();
        let files = files.chain(portique_payments::rules::RULE_FILES);
        files
            .map(|(name, text)| ShippedRules { name, text })
            .collect()
    }

    /// How each of them is, for whoever asks whether the hub can serve.
    pub(super) fn parts(&self, control: &TaskGroup) -> Vec<Part> {
        let payments = control.clone();
        let (control, launch) = (control.clone(), self.launch.clone());
        let launch: Part = Box::new(move || {
            let lag = launch.shared().projection_lag();
            let state = if !control.runs(LAUNCH_TASK) {
                PartState::not_ready("launch", "stopped", "launch control does not run".into())
            } else if lag > LOG_LAG_MAX {
                let reason = format!("the mission log is {lag} events behind the bus");
                PartState::not_ready("launch", "behind", reason)
            } else {
                PartState::open("launch")
            };
            ready(state).boxed()
        });
        let payments: Part = Box::new(move || {
            let state = match payments.runs(PAYMENTS_TASK) {
                true => PartState::open("payments"),
                false => PartState::not_ready("payments", "stopped", "payments do not run".into()),
            };
            ready(state).boxed()
        });
        vec![launch, payments]
    }

    /// What they count.
    pub(super) fn sources(&self) -> Vec<Source> {
        let (launch, payments) = (self.launch.clone(), self.payments.clone());
        vec![
            Source(Box::new(move || launch_figures(&launch))),
            Source(Box::new(move || payment_figures(&payments))),
        ]
    }

    /// What has to be asked for.
    pub(super) fn ask(&self) -> Ask {
        let payments = self.payments.clone();
        Box::new(move || {
            let payments = payments.clone();
            async move { payment_drift(&payments).await }.boxed()
        })
    }

    /// Starts them.
    pub(super) fn spawn(self, control: &TaskGroup) {
        let stop = control.token();
        let worker = self.worker;
        control.spawn(LAUNCH_TASK, async move {
            worker.run(stop).await;
            Ok(())
        });
        let stop = control.token();
        control.spawn(PAYMENTS_TASK, Box::pin(self.payments_worker.run(stop)));
    }
}

async fn open_payments(
    engines: &Engines,
    config: &PaymentsConfig,
) -> Result<(Payments, payments::Worker), Error> {
    let parts = payments::Parts {
        bus: engines.broker.bus(),
        jobs: engines.broker.jobs(),
        transact: engines.broker.transact(),
        records: engines.records.clone(),
        clock: engines.clock.clone(),
        random: Arc::new(Mutex::new(seeded()?)),
        config: payments::Config {
            workers_inside: config.workers == PaymentWorkers::Inside,
            ..payments::Config::default()
        },
    };
    let opened = Box::pin(Payments::open(parts)).await;
    opened.map_err(|error| Error::part("payments", &error))
}

/// Nothing when the queues do not answer: a figure that is missing is seen, one that is wrong is not.
async fn payment_drift(payments: &Payments) -> Vec<LabelledFigure> {
    let Ok(counts) = payments.counts().await else {
        return Vec::new();
    };
    let gauge = |name, help, value: u64| LabelledFigure {
        name,
        help,
        samples: Samples::Gauges(vec![(Labels::new(), value as f64)]),
    };
    vec![
        gauge(
            "payments_drift",
            "Transactions that are neither where they should be nor in the queue before it",
            counts.drift,
        ),
        gauge(
            "payments_accounts",
            "Accounts of the ledger",
            counts.accounts,
        ),
    ]
}

fn payment_figures(payments: &Payments) -> Vec<Figure> {
    let shared = payments.shared();
    let decided = shared.decided();
    let counter = |name, help, value| Figure {
        name,
        help,
        value: Value::Counter(value),
    };
    vec![
        counter(
            "payments_accepted",
            "Transactions taken in",
            shared.accepted(),
        ),
        counter(
            "payments_posted",
            "Transactions that have their effect",
            decided.posted,
        ),
        counter(
            "payments_rejected",
            "Transactions that the ledger refused",
            decided.rejected,
        ),
        counter(
            "payments_known",
            "Transactions that came before",
            decided.known,
        ),
        counter(
            "payments_journalled",
            "Transactions that can be searched",
            shared.journalled(),
        ),
    ]
}

fn launch_figures(launch: &Launch) -> Vec<Figure> {
    let shared = launch.shared();
    let rockets = shared.rockets();
    let modules = rockets.iter().map(|rocket| shared.modules(rocket));
    let (mut reporting, mut samples) = (0, 0);
    for live in modules.flat_map(|modules| modules.into_values()) {
        reporting += 1;
        samples += live.samples;
    }
    vec![
        Figure {
            name: "launch_rockets",
            help: "Rockets that launch control knows",
            value: Value::Gauge(rockets.len() as f64),
        },
        Figure {
            name: "launch_modules",
            help: "Modules whose telemetry was heard since the start",
            value: Value::Gauge(f64::from(reporting)),
        },
        Figure {
            name: "launch_samples",
            help: "Telemetry samples heard",
            value: Value::Counter(samples),
        },
        Figure {
            name: "launch_samples_left_out",
            help: "Telemetry samples heard and not stored",
            value: Value::Counter(shared.samples_left_out()),
        },
    ]
}
