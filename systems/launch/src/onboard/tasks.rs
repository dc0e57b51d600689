//! The two tasks of a computer, each supervised for itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;

use crate::backoff::Backoff;
use crate::onboard::cell::Cell;
use crate::onboard::control::{self, ControlEnd};
use crate::onboard::{Identity, Outcome, telemetry};

/// Waits before a crashed task is started again. The first is short: the vehicle flies on meanwhile.
const RESTART: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// A task that ran this long is well: its earlier crashes do not delay the next start.
const WELL_AFTER: Duration = Duration::from_secs(5);

/// Where the two tasks work.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) cell: Arc<Cell>,
    pub(crate) identity: Arc<Identity>,
    /// The way to the simulated world, if there is one.
    pub(crate) world: Option<Channel>,
}

impl Place {
    /// Starts both tasks and whoever watches them.
    pub(crate) fn start(
        self,
        tracker: &TaskTracker,
        outcomes: &mpsc::Sender<Outcome>,
        stop: &CancellationToken,
    ) {
        let watch_telemetry = self.clone().keep_telemetry(tracker.clone());
        let stopped = stop.clone();
        tracker.spawn(async move {
            _ = stopped.run_until_cancelled(watch_telemetry).await;
        });
        let watch_control = self.keep_control(tracker.clone());
        let (outcomes, stopped) = (outcomes.clone(), stop.clone());
        tracker.spawn(async move {
            if let Some(outcome) = stopped.run_until_cancelled(watch_control).await {
                _ = outcomes.send(outcome).await;
            }
        });
    }

    async fn keep_control(self, tracker: TaskTracker) -> Outcome {
        let mut restart = RESTART;
        loop {
            let (cell, identity) = (self.cell.clone(), self.identity.clone());
            let started = Instant::now();
            let task = match self.world.clone() {
                Some(world) => Watched::spawn(&tracker, control::fly(cell, identity, world)),
                None => Watched::spawn(&tracker, control::stand_by(cell, identity)),
            };
            let why = match task.end().await {
                Ok(ControlEnd::ModuleEnded) => return Outcome::Destroyed,
                Ok(ControlEnd::ComputerCrash) => return Outcome::Crashed,
                Ok(ControlEnd::NoWorld(why)) => why,
                Err(error) => panic_text(error),
            };
            if started.elapsed() > WELL_AFTER {
                restart.succeeded();
            }
            let wait = restart.failed();
            self.cell.log(format!(
                "control is down ({why}); next start in {} ms",
                wait.as_millis()
            ));
            tokio::time::sleep(wait).await;
        }
    }

    async fn keep_telemetry(self, tracker: TaskTracker) {
        let mut restart = RESTART;
        loop {
            let started = Instant::now();
            let work =
                telemetry::tell(self.cell.clone(), self.identity.clone(), self.world.clone());
            let why = match Watched::spawn(&tracker, work).end().await {
                Ok(()) => "it returned".to_owned(),
                Err(error) => panic_text(error),
            };
            if started.elapsed() > WELL_AFTER {
                restart.succeeded();
            }
            let wait = restart.failed();
            tracing::warn!(why, wait_ms = wait.as_millis(), "telemetry is down");
            tokio::time::sleep(wait).await;
        }
    }
}

/// A task that ends when its watcher does.
struct Watched<T>(tokio::task::JoinHandle<T>);

impl<T: Send + 'static> Watched<T> {
    fn spawn(tracker: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tracker.spawn(work))
    }

    async fn end(mut self) -> Result<T, JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn panic_text(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else {
        return "it was aborted".to_owned();
    };
    match payload.downcast::<&'static str>() {
        Ok(text) => (*text).to_owned(),
        Err(payload) => payload
            .downcast::<String>()
            .map_or_else(|_| "it panicked".to_owned(), |text| *text),
    }
}
