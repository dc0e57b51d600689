//! From alerts to people, as the hub runs it: `portique_monitor::notify` decides, and here is what stands around.
//!
//! ```text
//!   rules --> Notifier::tell ------.                     .--> facts: monitor.notifications.> on the bus
//!   POST /api/v2/alerts, silences --+--> desk (one loop) -+--> jobs: the queue monitor.notifications
//!   time --------------------------'        ^                            |
//!                                           '-- settled -- couriers <----'--> HTTP, SMTP, actions
//! ```
//!
//! The [`desk`] owns the dispatcher. Facts and the jobs that they decide are one frame, so that after a crash
//! either both are there or neither; what a courier did is told to the desk, which keeps it in one frame with the
//! job's end. A notification may therefore be sent twice, with the same idempotency key, and is never lost.
//! Nothing here is said with a secret in it.

mod api;
mod attempts;
mod courier;
mod desk;
mod explain;
mod figures;
mod handle;
mod queue;
mod send;
mod setup;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use portique_clock::{Random as _, Seeded};
use portique_jobs::{Jobs, Transaction};
use portique_monitor::notify::{Dispatcher, Options};
use portique_monitor::{Actions, Problem};
use tokio::sync::{Notify as Wake, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::config::NotificationsConfig;
use crate::error::Error;
use crate::http::Ask;
use crate::monitor::keeper::{Keeper, KeeperPorts};
pub(crate) use api::ROOT;
use courier::Couriers;
use desk::Desk;
pub(crate) use explain::routes_of;
pub(crate) use handle::Notifier;
use handle::Shared;
pub(crate) use queue::QUEUE;
use send::Sender;
use setup::Setup;

/// Inputs that wait for the desk; more wait outside.
const INPUTS_MAX: usize = 1_024;

/// What the notifier stands on.
pub(crate) struct Parts {
    pub(crate) keeper: KeeperPorts,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) random: Seeded,
    /// What receivers may call.
    pub(crate) actions: Actions,
    pub(crate) config: NotificationsConfig,
    /// Where people find the hub, when the configuration does not say.
    pub(crate) url: String,
}

/// A notifier that is brought back and works once it is [run](Self::run).
pub(crate) struct NotifierWorker {
    notifier: Notifier,
    desk: Desk,
    couriers: Couriers,
}

impl NotifierWorker {
    /// Reads the configuration, and brings alerts, silences and what was said back.
    ///
    /// # Errors
    /// [`Error::Notifications`] with every mistake of the files, or [`Error::Part`].
    pub(crate) async fn open(parts: Parts) -> Result<Self, Error> {
        let setup = load(&parts.config, &parts.actions).await?;
        let clock = Arc::clone(&parts.keeper.clock);
        let options = Options {
            external_url: parts.config.external_url.clone().unwrap_or(parts.url),
            start_delay: Duration::ZERO,
        };
        let mut dispatcher = Dispatcher::new(Arc::clone(&setup.config), options);
        let part = |error: &dyn portique_fault::Fault| Error::part("the notifier", error);
        let apply = |fact| dispatcher.apply(&fact);
        let keeper = Keeper::open(parts.keeper, apply).await;
        let mut keeper = keeper.map_err(|error| part(&error))?;
        if let Some(fact) = dispatcher.resume(clock.now()) {
            let kept = keeper.keep(std::slice::from_ref(&fact), Transaction::default());
            kept.await.map_err(|error| part(&error))?;
            dispatcher.apply(&fact);
        }
        let queue = queue::name();
        let defined = parts.jobs.define_queue(&queue, queue::options());
        defined.await.map_err(|error| part(&error))?;
        let (inputs, asked) = mpsc::channel(INPUTS_MAX);
        let shared = Arc::new(Shared {
            dispatcher: RwLock::new(dispatcher),
            setups: RwLock::new(VecDeque::from([Arc::new(setup)])),
            told: Mutex::new(BTreeMap::new()),
            wake: Wake::new(),
            attempts: attempts::Attempts::default(),
            figures: figures::Figures::default(),
            since: clock.now(),
            clock,
            actions: parts.actions.clone(),
            from: parts.config,
            bodies: api::bodies(),
        });
        let notifier = Notifier {
            shared: Arc::clone(&shared),
            inputs,
        };
        let sender = Sender {
            actions: parts.actions,
        };
        let mut random = parts.random;
        Ok(Self {
            couriers: Couriers::new(Arc::clone(&parts.jobs), notifier.clone(), sender),
            desk: Desk {
                shared,
                inputs: asked,
                keeper,
                jobs: parts.jobs,
                random: Seeded::new(random.next_u64()),
                paused_until: Duration::ZERO,
                reconciled_at: Duration::ZERO,
            },
            notifier,
        })
    }

    /// How others reach it.
    pub(crate) fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Runs until `stop`: first the couriers end, then the desk, which keeps what they did.
    ///
    /// # Errors
    /// When a part of it ended by itself.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), String> {
        let desk_stop = CancellationToken::new();
        let mut desk = JoinSet::new();
        desk.spawn(self.desk.run(desk_stop.clone()));
        drop(self.notifier);
        tokio::select! {
            () = self.couriers.run(stop) => {}
            ended = desk.join_next() => {
                return Err(format!("the notifier's desk ended: {ended:?}"));
            }
        }
        desk_stop.cancel();
        match desk.join_next().await {
            Some(Err(error)) => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}

impl Notifier {
    /// Alertmanager's API, and the hub's own routes beside it.
    pub(crate) fn routes(&self) -> OpenApiRouter {
        api::router(self.clone())
    }

    /// What it counts.
    pub(crate) fn ask_figures(&self) -> Ask {
        figures::ask(Arc::clone(&self.shared))
    }
}

/// Reads a configuration as a hub would; blocks on the disk. Actions are checked when a hub loads it.
///
/// # Errors
/// All that is wrong with its files.
pub(crate) fn check(config: &NotificationsConfig) -> Result<Checked, Vec<Problem>> {
    Setup::load(config, None).map(|setup| Checked {
        receivers: setup.config.receivers.len(),
        routes: setup.config.route.all().len(),
        inhibit_rules: setup.config.inhibit_rules.len(),
        time_intervals: setup.config.time_intervals.len(),
        template_files: setup.template_files,
        config: setup.config,
    })
}

/// What a configuration that is right has.
pub(crate) struct Checked {
    pub(crate) config: Arc<portique_monitor::notify::Config>,
    pub(crate) receivers: usize,
    pub(crate) routes: usize,
    pub(crate) inhibit_rules: usize,
    pub(crate) time_intervals: usize,
    pub(crate) template_files: usize,
}

async fn load(config: &NotificationsConfig, actions: &Actions) -> Result<Setup, Error> {
    let (from, actions) = (config.clone(), actions.clone());
    let loaded = tokio::task::spawn_blocking(move || Setup::load(&from, Some(&actions))).await;
    let loaded = loaded.map_err(|error| Error::TaskFailed {
        task: "the notifier".into(),
        message: error.to_string(),
    })?;
    loaded.map_err(|problems| Error::Notifications {
        problems: problems.iter().map(ToString::to_string).collect(),
    })
}
