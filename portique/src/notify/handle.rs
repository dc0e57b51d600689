//! How others reach the notifier.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use portique_clock::{Clock, Timestamp};
use portique_fault::{Code, Report, Retry};
use portique_jobs::Lease;
use portique_monitor::notify::{Dispatcher, Outcome, Posted, SilenceRequest};
use portique_monitor::{Actions, Alert, AlertState, Fingerprint, Problem};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use super::attempts::Attempts;
use super::figures::Figures;
use super::setup::Setup;
use crate::config::NotificationsConfig;

/// Configurations that are kept for notifications that were decided by them.
const SETUPS_MAX: usize = 4;

/// What the desk is asked to do.
pub(super) enum Input {
    /// Take alerts in; says which were refused.
    Post(Vec<Posted>, Reply<Vec<(usize, String)>>),
    /// Make or change a silence; says its id.
    SetSilence(Box<SilenceRequest>, Reply<String>),
    /// End a silence.
    ExpireSilence(String, Reply<()>),
    /// A notification ended.
    Settle(Settlement, Reply<()>),
    /// Go by another configuration.
    Configure(Arc<Setup>, Reply<()>),
}

/// What became of a notification.
pub(super) struct Settlement {
    pub(super) id: u64,
    pub(super) outcome: Outcome,
    /// Of the job that is done with it, when it is done.
    pub(super) lease: Option<Lease>,
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, Report>>;

/// The notifier's door; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Notifier {
    pub(super) shared: Arc<Shared>,
    pub(super) inputs: mpsc::Sender<Input>,
}

/// What the desk, the couriers and visitors share.
pub(super) struct Shared {
    /// Changed by the desk alone, by facts that are kept.
    pub(super) dispatcher: RwLock<Dispatcher>,
    /// The configuration, then those before it.
    pub(super) setups: RwLock<VecDeque<Arc<Setup>>>,
    /// Alerts of the hub's own rules that the desk has not seen, by fingerprint: of each the last word.
    pub(super) told: Mutex<BTreeMap<Fingerprint, Posted>>,
    pub(super) wake: Notify,
    pub(super) attempts: Attempts,
    pub(super) figures: Figures,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) since: Timestamp,
    pub(super) actions: Actions,
    pub(super) from: NotificationsConfig,
    /// Room for bodies with alerts.
    pub(super) bodies: Arc<Semaphore>,
}

impl Shared {
    /// Reads the state; `read` must not take long.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Dispatcher) -> T) -> T {
        read(
            &self
                .dispatcher
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(super) fn setup(&self) -> Arc<Setup> {
        let setups = self.setups.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            setups
                .front()
                .expect("there is a configuration from the start"),
        )
    }

    /// The configurations, the newest first.
    pub(super) fn setups(&self) -> Vec<Arc<Setup>> {
        let setups = self.setups.read().unwrap_or_else(PoisonError::into_inner);
        setups.iter().cloned().collect()
    }

    pub(super) fn put_setup(&self, setup: Arc<Setup>) {
        let mut setups = self.setups.write().unwrap_or_else(PoisonError::into_inner);
        setups.push_front(setup);
        setups.truncate(SETUPS_MAX);
    }
}

impl Notifier {
    /// Tells of alerts of the hub's own rules, pending ones left out. It does not wait: of each alert the last
    /// word counts, and what is durable at the caller's is told again after a start.
    pub(crate) fn tell(&self, alerts: Vec<Alert>) {
        let raised = alerts
            .iter()
            .filter(|alert| alert.state != AlertState::Pending);
        let posted = raised.map(|alert| (alert.fingerprint, Posted::from(alert)));
        let told = &self.shared.told;
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend(posted);
        drop(told);
        self.shared.wake.notify_one();
    }

    /// Reads its configuration's files again, and goes by them.
    ///
    /// # Errors
    /// All that is wrong with the files; then it goes on as before.
    pub(crate) async fn reload(&self) -> Result<(), Vec<Problem>> {
        let (from, actions) = (self.shared.from.clone(), self.shared.actions.clone());
        let file = from.file.as_ref().map(|path| path.display().to_string());
        let failed = |message: String| {
            vec![Problem {
                file: Arc::from(file.as_deref().unwrap_or("notifications")),
                line: 1,
                column: 1,
                message,
            }]
        };
        let load = move || Setup::load(&from, Some(&actions));
        let loaded = tokio::task::spawn_blocking(load).await;
        let loaded = loaded.unwrap_or_else(|error| Err(failed(error.to_string())));
        self.shared.figures.reloaded(loaded.is_ok());
        let setup = Arc::new(loaded?);
        let asked = self.ask(|reply| Input::Configure(setup, reply)).await;
        asked.map_err(|report| failed(report.message))
    }

    /// Takes alerts in; says at which places are some that are refused, and why.
    ///
    /// # Errors
    /// When they cannot be kept, or the hub is stopping.
    pub(super) async fn post(&self, alerts: Vec<Posted>) -> Result<Vec<(usize, String)>, Report> {
        self.ask(|reply| Input::Post(alerts, reply)).await
    }

    /// Makes or changes a silence; says its id.
    ///
    /// # Errors
    /// As the dispatcher says, or as [`post`](Self::post).
    pub(super) async fn set_silence(&self, request: SilenceRequest) -> Result<String, Report> {
        self.ask(|reply| Input::SetSilence(Box::new(request), reply))
            .await
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// As the dispatcher says, or as [`post`](Self::post).
    pub(super) async fn expire_silence(&self, id: String) -> Result<(), Report> {
        self.ask(|reply| Input::ExpireSilence(id, reply)).await
    }

    /// Says what became of a notification; its job is done with that, if it has a lease.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub(super) async fn settle(&self, settlement: Settlement) -> Result<(), Report> {
        self.ask(|reply| Input::Settle(settlement, reply)).await
    }

    async fn ask<T>(&self, input: impl FnOnce(Reply<T>) -> Input) -> Result<T, Report> {
        let (reply, answer) = oneshot::channel();
        let stopping = || Report {
            code: Code::Unavailable,
            message: "the hub is stopping".into(),
            retry: Retry::No,
        };
        let sent = self.inputs.send(input(reply)).await;
        sent.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}
