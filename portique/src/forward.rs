//! Remote write, out: what the store takes is sent on to the receivers of a `prometheus.yml`.
//!
//! ```text
//!   sink --> Tap --> store                       live: queue --> request --> receiver
//!             '----> Outlet of each receiver --<
//!                                                behind: nothing waits in memory; the sender reads the store
//! ```
//!
//! A receiver that answers is sent samples as they arrive, out of a queue that is bounded by samples and bytes. When it
//! is full the receiver is *behind*: the queue is emptied, and as soon as the receiver answers again the sender reads
//! from the store what was not acknowledged, then goes live. So a receiver may be away for as long as the store keeps
//! samples, and memory does not grow. Up to where it is acknowledged is written to a file: a restart goes on from
//! there. One sender for each receiver keeps the order of each series.

mod catch_up;
mod cursor;
mod outlet;
mod report;
mod request;
mod sender;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use portique_monitor::scrape::RemoteWriteConfig;
use portique_series::{Batch, Error, Labels, Sink, Store, Submitted};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::http::Figure;
use crate::outbound::{Endpoint, Trust};
use crate::scrape::Loaded;
use crate::telemetry::Telemetry;
use outlet::Outlet;
pub(crate) use report::router;
use sender::Sender;

/// The folder of how far receivers are, in the data folder.
const FOLDER: &str = "remote-write";

/// Stands before the store, and lets receivers see what it takes.
#[derive(Default)]
pub(crate) struct Taps {
    outlets: RwLock<Arc<[Arc<Outlet>]>>,
}

impl Taps {
    fn outlets(&self) -> Arc<[Arc<Outlet>]> {
        let outlets = self.outlets.read().unwrap_or_else(PoisonError::into_inner);
        outlets.clone()
    }

    fn set(&self, all: Vec<Arc<Outlet>>) {
        let mut outlets = self.outlets.write().unwrap_or_else(PoisonError::into_inner);
        *outlets = all.into();
    }
}

/// The store with its taps.
pub(crate) struct Tapped {
    store: Arc<Store>,
    taps: Arc<Taps>,
}

impl Tapped {
    pub(crate) fn new(store: Arc<Store>, taps: Arc<Taps>) -> Self {
        Self { store, taps }
    }
}

impl Sink for Tapped {
    fn submit(&self, batch: &Batch) -> Result<Submitted, Error> {
        let submitted = self.store.submit(batch)?;
        for outlet in self.taps.outlets().iter() {
            outlet.offer(batch, submitted.appended());
        }
        Ok(submitted)
    }
}

/// What the rest of the hub knows of remote write; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Forwarding {
    shared: Arc<Shared>,
    changed: mpsc::Sender<Arc<Loaded>>,
}

struct Shared {
    telemetry: Telemetry,
    folder: PathBuf,
    trust: Trust,
    first: Arc<Loaded>,
}

/// Owns the senders.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    changed: mpsc::Receiver<Arc<Loaded>>,
    running: BTreeMap<String, Running>,
    tasks: JoinSet<()>,
}

struct Running {
    config: Arc<RemoteWriteConfig>,
    external: Labels,
    outlet: Arc<Outlet>,
    stop: CancellationToken,
    ended: Arc<Notify>,
}

impl Forwarding {
    /// Sends what the file says, once the worker runs; how far receivers are is in the data folder.
    pub(crate) fn new(
        loaded: Arc<Loaded>,
        data: &Path,
        telemetry: Telemetry,
        trust: Trust,
    ) -> (Self, Worker) {
        // One change waits: who changes again waits for it.
        let (changed, changes) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            telemetry,
            folder: data.join(FOLDER),
            trust,
            first: loaded,
        });
        let worker = Worker {
            shared: shared.clone(),
            changed: changes,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
        };
        (Self { shared, changed }, worker)
    }

    /// Does what the file says now: receivers that are the same go on undisturbed.
    pub(crate) async fn apply(&self, loaded: Arc<Loaded>) {
        // Without a worker the hub is stopping.
        let _ = self.changed.send(loaded).await;
    }

    fn outlets(&self) -> Arc<[Arc<Outlet>]> {
        self.shared.telemetry.taps.outlets()
    }

    /// What is counted of all receivers.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        report::figures(&self.outlets())
    }
}

impl Worker {
    /// Sends until the hub stops; what was acknowledged is written down then.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let first = self.shared.first.clone();
        self.apply(&first).await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!(%error, "a sender fell: its receiver is sent nothing until a reload");
                    }
                }
                changed = self.changed.recv() => match changed {
                    Some(loaded) => self.apply(&loaded).await,
                    None => break,
                },
            }
        }
        for running in self.running.values() {
            running.stop.cancel();
        }
        while self.tasks.join_next().await.is_some() {}
    }

    async fn apply(&mut self, loaded: &Loaded) {
        let external = &loaded.file.global.external_labels;
        let mut before = std::mem::take(&mut self.running);
        let mut wanted = Vec::new();
        for config in &loaded.file.remote_writes {
            match before.remove(&config.name) {
                Some(running) if running.config == *config && running.external == *external => {
                    self.running.insert(config.name.clone(), running);
                }
                Some(running) => {
                    before.insert(config.name.clone(), running);
                    wanted.push(config.clone());
                }
                None => wanted.push(config.clone()),
            }
        }
        // Who follows reads how far the one before came.
        for running in before.values() {
            running.stop.cancel();
        }
        for running in before.values() {
            running.ended.notified().await;
        }
        for config in wanted {
            self.start(config, external.clone(), &loaded.folder);
        }
        let outlets = self.running.values().map(|running| running.outlet.clone());
        self.shared.telemetry.taps.set(outlets.collect());
    }

    fn start(&mut self, config: Arc<RemoteWriteConfig>, external: Labels, folder: &Path) {
        let cursor = cursor::Cursor::new(&self.shared.folder, &config);
        let outlet = Arc::new(Outlet::new(config.clone(), external.clone(), cursor.read()));
        let (stop, ended) = (CancellationToken::new(), Arc::new(Notify::new()));
        let sender = Sender::new(
            outlet.clone(),
            Endpoint::new(config.endpoint.clone(), folder, self.shared.trust.clone()),
            self.shared.telemetry.clone(),
            cursor,
        );
        let (stopped, end) = (stop.clone(), ended.clone());
        self.tasks.spawn(async move {
            sender.run(stopped).await;
            end.notify_one();
        });
        let running = Running {
            outlet,
            external,
            stop,
            ended,
            config: config.clone(),
        };
        self.running.insert(config.name.clone(), running);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
