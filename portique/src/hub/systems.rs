use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;
use portique_launch::link::{Vehicles, VehiclesOptions};
use portique_launch::service::{self, Launch, Parts, Worker};
use portique_monitor::Actions;
use utoipa_axum::router::OpenApiRouter;

use super::engines::{Engines, seeded};
use crate::api::Owned;
use crate::error::Error;
use crate::http::{Figure, Part, PartState, Source, Value};
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

/// The systems of this hub: launch control, and the vehicles it reaches.
pub(super) struct Systems {
    pub(super) vehicles: Vehicles,
    launch: Launch,
    worker: Worker,
}

impl Systems {
    /// Brings every mission back; nothing runs yet.
    ///
    /// # Errors
    /// [`Error::Part`].
    pub(super) async fn open(engines: &Engines, vehicles: VehiclesOptions) -> Result<Self, Error> {
        let vehicles = Vehicles::new(vehicles);
        let parts = Parts {
            bus: engines.broker.bus(),
            records: engines.records.clone(),
            sink: engines.telemetry.sink.clone(),
            series: engines.telemetry.store.clone(),
            clock: engines.clock.clone(),
            random: Box::new(seeded()?),
            connector: Arc::new(vehicles.clone()),
            config: service::Config::default(),
        };
        let (launch, worker) = Launch::open(parts)
            .await
            .map_err(|error| Error::part("launch control", &error))?;
        Ok(Self {
            vehicles,
            launch,
            worker,
        })
    }

    /// What they serve.
    pub(super) fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new().nest("/api/v1", portique_launch::api::router(self.launch.clone()))
    }

    /// What is theirs, and the monitor's, and is not changed from outside.
    pub(super) fn owned() -> Owned {
        Owned::new(
            &[LAUNCH_SUBJECTS, keeper::SUBJECTS],
            &[LAUNCH_CONSUMERS, keeper::CONSUMERS],
        )
    }

    /// What rules and receivers can have them do.
    pub(super) fn actions(&self) -> Actions {
        Actions::new(self.launch.actions())
    }

    /// The rules that they come with.
    pub(super) fn rules() -> Vec<ShippedRules> {
        let files = portique_launch::rules::RULE_FILES.into_iter();
        files
            .map(|(name, text)| ShippedRules { name, text })
            .collect()
    }

    /// How each of them is, for whoever asks whether the hub can serve.
    pub(super) fn parts(&self, control: &TaskGroup) -> Vec<Part> {
        let (control, launch) = (control.clone(), self.launch.clone());
        vec![Box::new(move || {
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
        })]
    }

    /// What they count.
    pub(super) fn sources(&self) -> Vec<Source> {
        let launch = self.launch.clone();
        vec![Source(Box::new(move || launch_figures(&launch)))]
    }

    /// Starts them.
    pub(super) fn spawn(self, control: &TaskGroup) {
        let stop = control.token();
        let worker = self.worker;
        control.spawn(LAUNCH_TASK, async move {
            worker.run(stop).await;
            Ok(())
        });
    }
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
