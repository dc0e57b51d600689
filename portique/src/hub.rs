//! The life of a hub: build everything, bind, run, stop in order.

mod build;
mod engines;
mod figures;
mod listeners;
mod rules;
mod scrapes;
mod systems;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use portique_access::approval::DeskWorker;
use portique_launch::link::{SimulationOptions, VehiclesOptions};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::api::{Ports, Pusher};
use crate::config::{Config, Data};
use crate::data_folder::{Addresses, DataFolder};
use crate::error::Error;
use crate::fleet::FleetWorker;
use crate::grpc;
use crate::http::{self, HEADER_READ_TIMEOUT, Patience, Readiness};
use crate::intake::{Graphite, Intake};
use crate::lifetime::TaskGroup;
use crate::monitor::{Monitor, MonitorWorker};
use crate::notify::NotifierWorker;
use crate::prometheus;
use crate::reload::Reloader;
use crate::scrape;
use crate::supervisor::Processes;
use crate::telemetry::OwnWatch;
use crate::tls::{self, Tls};
use crate::token::{MODULE_TOKEN_FILE, TOKEN_FILE, Token};
use build::Inside;
use engines::Engines;
use listeners::Listeners;
use scrapes::ScrapeWorkers;
use systems::Systems;

pub(crate) use engines::JOURNAL_FOLDER;

/// What the names of metrics begin with that only the systems of the hub write.
pub(crate) const RESERVED_METRICS: [&str; 1] = Systems::METRICS;

/// The first fall stops the hub; later ones are its consequence.
const FALLS_MAX: usize = 1;
/// Edges have half of the grace to drain: what they lean on has to stop in order too.
const EDGES_GRACE_DIVISOR: u32 = 2;
/// gRPC stops with what the edges lean on, and has half of what is left at least: who connected and
/// says nothing must not hold up the others.
const GRPC_GRACE_DIVISOR: u32 = 4;

/// A hub that is built and bound, and serves once it is [run](Hub::run).
///
/// Two of them can live in one process, on two data folders.
pub struct Hub {
    data: DataFolder,
    addresses: Addresses,
    /// None where nothing is encrypted.
    tls: Option<Tls>,
    token: Token,
    stop_grace: Duration,
    doors: Doors,
    /// With how many connections at once.
    grpc: (TcpListener, usize),
    engines: Engines,
    systems: Systems,
    groups: Groups,
    grpc_routes: Routes,
    pusher: Pusher,
    access: (portique_access::Worker, DeskWorker),
    invitation: Option<portique_access::Secret>,
    monitor: MonitorWorker,
    notifier: NotifierWorker,
    scrape_workers: ScrapeWorkers,
    fleet: FleetWorker,
    reloader: Reloader,
    /// None when the hub is told not to keep its own figures.
    own_watch: Option<OwnWatch>,
}

/// Who runs in a hub, in the order in which they stop.
struct Groups {
    /// Workers of pools: they end what they have in hand while the hub still takes their results.
    fleet: TaskGroup,
    /// What visitors and modules reach.
    edges: TaskGroup,
    /// What the edges lean on.
    control: TaskGroup,
    /// Tasks of either that ended although nothing asked them to.
    falls: mpsc::Receiver<Error>,
}

impl Groups {
    fn new() -> Self {
        let (fallen, falls) = mpsc::channel(FALLS_MAX);
        Self {
            fleet: TaskGroup::new(fallen.clone()),
            edges: TaskGroup::new(fallen.clone()),
            control: TaskGroup::new(fallen),
            falls,
        }
    }
}

impl Hub {
    /// Opens the data folder and the engines, and binds the addresses: visitors may come, and are
    /// answered once it [runs](Hub::run).
    ///
    /// # Errors
    /// [`Error::DataFolderLocked`], [`Error::PortInUse`], [`Error::Damaged`], and what else keeps a
    /// part from starting.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let loaded = match &config.telemetry.prometheus_file {
            Some(path) => scrape::load(path)?,
            None => scrape::Loaded::default(),
        };
        let data = match &config.data {
            Data::Folder(path) => DataFolder::open(path)?,
            Data::Ephemeral => DataFolder::open_ephemeral()?,
        };
        let listeners = Listeners::bind(&config).await?;
        let listens = [
            Some(config.listen),
            Some(config.grpc_listen),
            config.prometheus_listen,
        ];
        let listens: Vec<_> = listens.into_iter().flatten().collect();
        let tls = Tls::open(&config.tls, data.path(), &listens)?;
        let addresses = listeners.addresses(&config, tls.as_ref())?;
        let token = Token::open(data.path(), TOKEN_FILE)?;
        let groups = Groups::new();
        let path = data.path();
        let inside = Box::pin(Inside::open(
            &config,
            path,
            &addresses,
            loaded,
            tls.as_ref(),
        ))
        .await?;
        let surface = inside.surface(&config, path, &addresses, &token, &groups);
        let surface = surface.await?;
        data.write_addresses(&addresses)?;
        let places = inside.places;
        let graphite = |listener| Graphite::new(listener, surface.intake, places.graphite);
        let for_http = tls.as_ref().map(Tls::for_http);
        Ok(Self {
            data,
            addresses,
            tls,
            token,
            stop_grace: config.stop_grace,
            doors: Doors {
                listener: listeners.http,
                prometheus: listeners.prometheus,
                graphite: listeners.graphite.map(graphite),
                router: surface.router,
                acceptor: for_http,
                places: places.http,
            },
            grpc: (listeners.grpc, places.grpc),
            engines: inside.engines,
            systems: inside.systems,
            groups,
            grpc_routes: surface.grpc_routes,
            pusher: surface.pusher,
            access: (surface.access, surface.desk),
            invitation: surface.invitation,
            monitor: inside.monitor_worker,
            notifier: inside.notifier,
            scrape_workers: inside.scrape_workers,
            fleet: inside.fleet,
            reloader: inside.reloader,
            own_watch: surface.own_watch,
        })
    }

    /// Has what was configured in files read again, while the hub runs.
    pub(crate) fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Where it listens, with the ports that were chosen.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Where Graphite lines are taken, if they are.
    pub fn graphite_address(&self) -> Option<SocketAddr> {
        let graphite = self.doors.graphite.as_ref();
        graphite.and_then(Graphite::address)
    }

    /// The folder that holds its data, also when that is a temporary one.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Whether the data goes with the hub.
    pub fn is_ephemeral(&self) -> bool {
        self.data.is_ephemeral()
    }

    /// What whoever changes something shows.
    pub fn token(&self) -> &str {
        self.token.as_str()
    }

    /// The code by which the first user is made within an hour, once; none when there are users.
    pub fn invitation(&self) -> Option<&str> {
        self.invitation
            .as_ref()
            .map(portique_access::Secret::as_str)
    }

    /// Serves until `stop` is ready or a part falls, then stops in order: no new requests, streams
    /// ended, launch control stopped, journal synced, folder released.
    ///
    /// # Errors
    /// [`Error::JournalPoisoned`] when nothing could be made durable any more, [`Error::TaskFailed`]
    /// when another part fell, [`Error::StopTimedOut`] when some part did not stop.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let Self {
            data,
            addresses,
            tls,
            stop_grace,
            doors,
            grpc,
            engines,
            systems,
            grpc_routes,
            pusher,
            access,
            monitor,
            notifier,
            scrape_workers,
            fleet,
            own_watch,
            groups,
            ..
        } = self;
        let Groups {
            fleet: workers,
            edges,
            control,
            mut falls,
        } = groups;
        engines.spawn(&control);
        let (listener, places) = grpc;
        let acceptor = tls.as_ref().map(Tls::for_grpc);
        let grpc = tls::incoming(listener, acceptor, places);
        spawn_grpc(&control, grpc, grpc_routes, stop_grace);
        systems.spawn(&control);
        monitor.spawn(&control);
        spawn_pusher(&control, pusher);
        spawn_access(&control, access);
        control.spawn("notifier", notifier.run(control.token()));
        scrape_workers.spawn(&control);
        spawn_fleet(&workers, fleet);
        if let Some(own_watch) = own_watch {
            spawn_own_watch(&control, own_watch);
        }
        doors.spawn(&edges, stop_grace);
        tracing::info!(
            http = addresses.http_url(),
            grpc = addresses.grpc_url(),
            "ready"
        );
        let fall = tokio::select! {
            () = stop => None,
            fall = falls.recv() => fall,
            poison = engines.poisoned() => Some(poison),
        };
        // What falls first may be a part that the journal took with it.
        let fall = engines.poison().or(fall);
        match &fall {
            Some(error) => tracing::error!(%error, "a part fell: stopping the others"),
            None => tracing::info!("stopping"),
        }
        data.remove_addresses();
        let stopped = stop_in_order([&workers, &edges, &control], engines, stop_grace).await;
        match (fall, stopped) {
            (Some(fall), Err(error)) => {
                tracing::warn!(%error, "and the stop was not in order");
                Err(fall)
            }
            (Some(fall), Ok(())) => Err(fall),
            (None, stopped) => stopped,
        }
    }
}

/// The ports that are served over gRPC too.
fn over_grpc(ports: &Ports, intake: &Intake) -> grpc::Ports {
    grpc::Ports {
        bus: ports.bus.clone(),
        jobs: ports.jobs.clone(),
        transact: ports.transact.clone(),
        intake: Some(intake.clone()),
    }
}

/// How modules are attached, and what simulated ones are processes of.
fn vehicles(
    engines: &Engines,
    config: &Config,
    data: &Path,
    (addresses, tls): (&Addresses, Option<&Tls>),
) -> Result<VehiclesOptions, Error> {
    let module_token = Token::open(data, MODULE_TOKEN_FILE)?;
    let mut processes =
        Processes::new(&config.executable, addresses.grpc_url()).with_logs(engines.logs.clone());
    if let Some(tls) = tls.cloned() {
        processes = processes.pinned(Arc::new(move || Some(tls.fingerprint())));
    }
    Ok(VehiclesOptions {
        clock: engines.clock.clone(),
        attach_token: module_token.as_str().to_owned(),
        host: Arc::new(processes),
        simulation: SimulationOptions::default(),
    })
}

/// Where visitors come in over HTTP, and lines of Graphite.
struct Doors {
    listener: TcpListener,
    /// Where Prometheus' clients find its interface at the root.
    prometheus: Option<TcpListener>,
    graphite: Option<Graphite>,
    router: axum::Router,
    acceptor: Option<TlsAcceptor>,
    /// Connections of HTTP at once, wherever they come in.
    places: usize,
}

impl Doors {
    fn spawn(self, edges: &TaskGroup, grace: Duration) {
        if let Some(graphite) = self.graphite {
            spawn_graphite(edges, graphite);
        }
        let patience = Patience {
            header: HEADER_READ_TIMEOUT,
            drain: grace / EDGES_GRACE_DIVISOR,
        };
        let at_root = |listener| (listener, prometheus::at_root(self.router.clone()));
        let at_root = self.prometheus.map(at_root);
        let own = Some((self.listener, self.router.clone()));
        let places = Arc::new(Semaphore::new(self.places));
        for (name, door) in [("prometheus", at_root), ("http", own)] {
            let Some((listener, router)) = door else {
                continue;
            };
            let (acceptor, places, stop) =
                (self.acceptor.clone(), Arc::clone(&places), edges.token());
            edges.spawn(name, async move {
                http::serve(listener, router, acceptor, places, patience, stop).await;
                Ok(())
            });
        }
    }
}

fn spawn_graphite(edges: &TaskGroup, graphite: Graphite) {
    let stop = edges.token();
    edges.spawn("graphite", async move {
        graphite.serve(stop).await;
        Ok(())
    });
}

fn spawn_pusher(control: &TaskGroup, pusher: Pusher) {
    let stop = control.token();
    control.spawn("webhooks", async move {
        pusher.run(stop).await;
        Ok(())
    });
}

fn spawn_access(control: &TaskGroup, (access, desk): (portique_access::Worker, DeskWorker)) {
    let stop = control.token();
    let both = async move {
        let given = CancellationToken::new();
        let writing = access.run(given.clone());
        let giving = async {
            desk.run(stop).await;
            // What was approved is given and written down before nothing is any more.
            given.cancel();
        };
        tokio::join!(writing, giving);
        Ok(())
    };
    control.spawn("access", Box::pin(both));
}

fn spawn_fleet(workers: &TaskGroup, fleet: FleetWorker) {
    let stop = workers.token();
    workers.spawn("fleet", async move {
        fleet.run(stop).await;
        Ok(())
    });
}

fn spawn_own_watch(control: &TaskGroup, own_watch: OwnWatch) {
    let stop = control.token();
    control.spawn("own-figures", async move {
        own_watch.run(stop).await;
        Ok(())
    });
}

fn spawn_grpc(
    control: &TaskGroup,
    incoming: impl Stream<Item = Result<tls::Stream, Infallible>> + Send + 'static,
    routes: Routes,
    grace: Duration,
) {
    let server = grpc::serve(incoming, routes, control.token());
    let stop = control.token();
    let patience_ends = async move {
        stop.cancelled().await;
        tokio::time::sleep(grace / GRPC_GRACE_DIVISOR).await;
    };
    control.spawn("grpc", async move {
        tokio::select! {
            served = server => served.map_err(|error| portique_fault::chain(&error)),
            () = patience_ends => {
                tracing::warn!("leaving gRPC connections that did not end with the hub");
                Ok(())
            }
        }
    });
}

fn readiness(
    engines: &Engines,
    systems: &Systems,
    monitor: &Monitor,
    control: &TaskGroup,
) -> Readiness {
    Readiness {
        parts: engines
            .parts()
            .into_iter()
            .chain(systems.parts(control))
            .chain([monitor.part(control)])
            .collect(),
    }
}

/// Workers first, then edges, so that nothing new arrives at what they lean on; the journal last.
async fn stop_in_order(
    groups: [&TaskGroup; 3],
    engines: Engines,
    grace: Duration,
) -> Result<(), Error> {
    let start = tokio::time::Instant::now();
    let mut left = Vec::new();
    for group in groups {
        let rest = grace.saturating_sub(start.elapsed());
        left.extend(group.stop(rest).await.err().unwrap_or_default());
    }
    let closed = engines.close().await;
    if left.is_empty() {
        return closed;
    }
    Err(Error::StopTimedOut {
        grace_s: grace.as_secs_f64(),
        left: left.join(", "),
    })
}
