//! Scraping: the targets of a `prometheus.yml` are asked, and what they answer goes where all samples go.
//!
//! ```text
//!   prometheus.yml --> load --> Worker: one loop --> a task for each target:  sleep, ask, decode, absorb, sink
//!   files, HTTP    --> discovery tasks ----^                       |
//!   GET /prometheus/api/v1/targets <-- Registry <------------------+
//! ```
//!
//! What is decided (rules, schedules, stale markers, `up`) is `portique_monitor::scrape`; here are the clock, the
//! network and the tasks. All is bounded: targets, bodies in memory, bodies decoded at once, time. A reload is read
//! whole before anything changes.

mod discovery;
mod figures;
mod load;
mod pool;
mod registry;
mod target;
mod visit;
mod worker;
mod workshop;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::forward::Forwarding;
use crate::outbound::Trust;
use crate::telemetry::Telemetry;
pub(crate) use load::{Loaded, load};
pub(crate) use registry::{Registry, Watched};
pub(crate) use worker::Worker;

/// Reloads and findings of discovery that wait for the loop; who finds more waits.
const INPUTS_MAX: usize = 64;

/// What the rest of the hub knows of scraping; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Scraping {
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
    /// Who sends on what the file says; told of changes too.
    forwarding: Option<Forwarding>,
}

struct Shared {
    telemetry: Telemetry,
    /// The file that is read, if one is named.
    path: Option<PathBuf>,
    /// What it said last.
    loaded: Mutex<Arc<Loaded>>,
    registry: Registry,
    workshop: workshop::Workshop,
    trust: Trust,
    figures: figures::Totals,
}

/// What the loop is told.
enum Input {
    /// What a file says now; answered once it is in effect.
    Apply(Arc<Loaded>, oneshot::Sender<()>),
    /// What discovery found.
    Found(discovery::Found),
}

impl Scraping {
    /// What does what the file says, once the worker runs.
    pub(crate) fn new(
        path: Option<&Path>,
        loaded: Arc<Loaded>,
        telemetry: Telemetry,
        forwarding: Option<Forwarding>,
        trust: Trust,
    ) -> (Self, Worker) {
        let (inputs, received) = mpsc::channel(INPUTS_MAX);
        let shared = Arc::new(Shared {
            telemetry,
            path: path.map(Path::to_path_buf),
            loaded: Mutex::new(loaded),
            registry: Registry::default(),
            workshop: workshop::Workshop::default(),
            trust,
            figures: figures::Totals::default(),
        });
        let worker = Worker::new(shared.clone(), received, inputs.clone());
        let scraping = Self {
            shared,
            inputs,
            forwarding,
        };
        (scraping, worker)
    }

    /// What the file says.
    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        self.shared.loaded()
    }

    /// The targets and how they are.
    pub(crate) fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// What is counted of all targets.
    pub(crate) fn figures(&self) -> Vec<crate::http::Figure> {
        self.shared.figures.figures(&self.shared.registry)
    }

    /// Reads the file again; nothing is changed yet. None when no file is named.
    ///
    /// # Errors
    /// As [`load`].
    pub(crate) async fn read_again(&self) -> Result<Option<Arc<Loaded>>, Error> {
        let Some(path) = self.shared.path.clone() else {
            return Ok(None);
        };
        let read = tokio::task::spawn_blocking(move || load::load(&path)).await;
        let read = read.map_err(|error| Error::TaskFailed {
            task: "reload".into(),
            message: error.to_string(),
        })?;
        Ok(Some(Arc::new(read?)))
    }

    /// Puts in effect what [`read_again`](Self::read_again) read: jobs that did not change go on undisturbed, series
    /// of targets that are gone go stale.
    pub(crate) async fn apply(&self, loaded: Arc<Loaded>) {
        *self.shared.lock() = loaded.clone();
        if let Some(forwarding) = &self.forwarding {
            forwarding.apply(loaded.clone()).await;
        }
        let (done, is_done) = oneshot::channel();
        if self.inputs.send(Input::Apply(loaded, done)).await.is_ok() {
            // Without an answer the hub is stopping.
            let _ = is_done.await;
        }
    }

    /// Reads the file again and does what it says now.
    ///
    /// # Errors
    /// As [`load`]: everything goes on as before.
    pub(crate) async fn reload(&self) -> Result<(), Error> {
        if let Some(loaded) = self.read_again().await? {
            self.apply(loaded).await;
        }
        Ok(())
    }
}

impl Shared {
    fn loaded(&self) -> Arc<Loaded> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        self.telemetry.clock.now().as_millis()
    }
}
