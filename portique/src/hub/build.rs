//! How the parts of a hub are joined: what is inside first, then what visitors reach.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use portique_access::Access;
use portique_access::approval::{Desk, DeskWorker};
use tonic::service::Routes;

use super::engines::{Engines, seeded};
use super::figures::Told;
use super::rules::{self, Joined};
use super::scrapes::{ScrapeWorkers, Scrapes};
use super::systems::Systems;
use super::{Groups, over_grpc, readiness, vehicles};
use crate::access::{self, Gate, Providers};
use crate::api::{self, Ports, Pusher};
use crate::config::Config;
use crate::console::{self, Settings};
use crate::data_folder::{self, Addresses};
use crate::error::Error;
use crate::fleet::{self, FleetWorker};
use crate::forward;
use crate::grpc::{self, Door};
use crate::http::{self, Ask, Front, Public};
use crate::intake::{self, Intake};
use crate::monitor::{Arrivals, Monitor, MonitorWorker, WatchingSink};
use crate::notify::NotifierWorker;
use crate::places::Places;
use crate::prometheus;
use crate::reload::{ReloadPart, Reloader};
use crate::scrape;
use crate::telemetry::{self, OwnWatch};
use crate::tls::Tls;
use crate::token::{SERVICE_TOKEN_FILE, Token};

/// Workers have a quarter of the grace to end what they have in hand: everybody else has to stop after them.
const FLEET_GRACE_DIVISOR: u32 = 4;

/// The engines, and what stands on them.
pub(super) struct Inside {
    pub(super) engines: Engines,
    pub(super) systems: Systems,
    pub(super) scrape_workers: ScrapeWorkers,
    pub(super) fleet: FleetWorker,
    pub(super) notifier: NotifierWorker,
    pub(super) monitor_worker: MonitorWorker,
    pub(super) reloader: Reloader,
    pub(super) places: Places,
    scrapes: Scrapes,
    monitor: Monitor,
}

/// What visitors reach.
pub(super) struct Surface {
    pub(super) router: axum::Router,
    pub(super) grpc_routes: Routes,
    pub(super) pusher: Pusher,
    pub(super) intake: Intake,
    /// Who writes people and the audit journal.
    pub(super) access: portique_access::Worker,
    /// Who gives what two people approved.
    pub(super) desk: DeskWorker,
    /// The code by which the first user is made; none when there are users.
    pub(super) invitation: Option<portique_access::Secret>,
    /// None when the hub is told not to keep its own figures.
    pub(super) own_watch: Option<OwnWatch>,
}

impl Inside {
    /// Opens everything on a data folder; nothing runs yet.
    ///
    /// # Errors
    /// What keeps a part from starting.
    pub(super) async fn open(
        config: &Config,
        data: &Path,
        addresses: &Addresses,
        loaded: scrape::Loaded,
        tls: Option<&Tls>,
    ) -> Result<Self, Error> {
        let mut engines = Engines::open(data, config, &Systems::owned(&config.payments)).await?;
        let arrivals = Arc::new(Arrivals::default());
        // Before anybody has it: everything that arrives passes those who watch.
        engines
            .telemetry
            .pass(|store| Arc::new(WatchingSink::new(store, arrivals.clone())));
        engines.telemetry.reserve(&Systems::METRICS);
        let vehicles = vehicles(&engines, config, data, (addresses, tls))?;
        let systems = Systems::open(&engines, vehicles, &config.payments)
            .await
            .map_err(|error| engines.poison().unwrap_or(error))?;
        let (scrapes, scrape_workers) = Scrapes::new(config, loaded, data, &engines);
        let url = addresses.http_url();
        let notifier = rules::notifier(&engines, config, systems.actions(), url.clone()).await?;
        let joined = || Joined {
            actions: systems.actions(),
            notifier: notifier.notifier(),
            scraping: &scrapes.scraping,
        };
        let (monitor, monitor_worker) =
            rules::open(&engines, config, arrivals, url, joined()).await?;
        let reloader = rules::reloader(
            &monitor,
            joined(),
            tls.map(|tls| certificate(tls, data, addresses)),
        );
        let fleet = open_fleet(&engines, config, data, addresses).await?;
        Ok(Self {
            engines,
            systems,
            scrape_workers,
            fleet,
            notifier,
            monitor_worker,
            reloader,
            places: Places::of_this_process(config.connections_max),
            scrapes,
            monitor,
        })
    }

    /// What is asked for its figures whenever somebody looks at them.
    fn asks(&self, ports: &Ports, access: &Access) -> Vec<Ask> {
        let mut asks = api::figures(ports.bus.clone(), ports.jobs.clone());
        asks.push(self.engines.telemetry.labelled_figures());
        asks.push(self.monitor.ask_figures());
        asks.push(self.notifier.notifier().ask_figures());
        asks.push(self.fleet.fleet().ask_figures());
        asks.push(access::lost_figure(access.clone()));
        asks
    }

    /// Makes what visitors reach; whoever shows `token` is the commander.
    ///
    /// # Errors
    /// What keeps a part from starting.
    pub(super) async fn surface(
        &self,
        config: &Config,
        data: &Path,
        addresses: &Addresses,
        token: &Token,
        groups: &Groups,
    ) -> Result<Surface, Error> {
        let engines = &self.engines;
        let service_token = Token::open(data, SERVICE_TOKEN_FILE)?;
        let ports = engines.ports(Systems::owned(&config.payments), self.places.waiting)?;
        let stop = groups.edges.token();
        let door = Door::new(Systems::owned(&config.payments), stop);
        let (gate, access_worker) =
            open_gate(config, engines, addresses, [token, &service_token]).await?;
        let access = gate.access().clone();
        let (desk, desk_worker) = Desk::new(access.clone(), self.systems.guarded());
        let invitation = invite(&access)?;
        let clock = engines.clock.clone();
        let providers = Providers::open(&config.access.oidc, &access, clock, addresses)?;
        let intake = Intake::new(engines.telemetry.clone());
        let grpc_ports = over_grpc(&ports, &intake);
        let grpc_routes = self.systems.vehicles.grpc_routes();
        let grpc_routes = grpc::add_to(grpc_routes, grpc_ports, door, gate.clone());
        let asks = self.asks(&ports, &access);
        let (api_routes, pusher) = api::open(ports)
            .await
            .map_err(|error| Error::part("the webhooks", &error))?;
        let readiness = readiness(engines, &self.systems, &self.monitor, &groups.control);
        let readiness = Arc::new(readiness);
        let told = Told {
            engines,
            systems: &self.systems,
            scrapes: &self.scrapes,
            readiness: &readiness,
            intake: &intake,
            pusher: &pusher,
            data,
        };
        let watched = told.watched(asks, addresses.http, config.telemetry.own_figures_every);
        let front = Front {
            gate: gate.clone(),
            readiness,
            metrics: watched.metrics,
            addresses: addresses.clone(),
            public: Public::new(self.places.public),
            stop: groups.edges.token(),
            document: OnceLock::new(),
        };
        let (telemetry, monitor) = (engines.telemetry.clone(), self.monitor.clone());
        let scraping = self.scrapes.scraping.clone();
        let settings = Settings::of(config, self.places);
        let routes = (self.systems.routes(&desk).merge(api_routes))
            .merge(console::router(gate, providers, settings))
            .merge(intake::router(intake.clone()))
            .merge(telemetry::router(telemetry.clone()))
            .merge(self.notifier.notifier().routes())
            .merge(forward::router(self.scrapes.forwarding.clone()))
            .merge(prometheus::router(telemetry, scraping, watched.queries))
            .merge(prometheus::rules_router(
                monitor.clone(),
                self.reloader.clone(),
            ))
            .merge(api::alerts_router(monitor, engines.clock.clone()))
            .merge(api::pools_router(self.fleet.fleet()))
            .merge(api::logs_router(engines.logs.clone()))
            .merge(api::access_router(desk));
        Ok(Surface {
            router: http::router(front, routes),
            grpc_routes,
            pusher,
            intake,
            access: access_worker,
            desk: desk_worker,
            invitation,
            own_watch: watched.own_watch,
        })
    }
}

/// Has the certificate read again, and tells those who know the hub by its folder.
fn certificate(tls: &Tls, data: &Path, addresses: &Addresses) -> ReloadPart {
    let (tls, data, addresses) = (tls.clone(), data.to_path_buf(), addresses.clone());
    Box::new(move || {
        let (tls, data, addresses) = (tls.clone(), data.clone(), addresses.clone());
        async move {
            let reloaded = tls.reload().await;
            let told = reloaded.and_then(|()| {
                let fingerprint = Some(tls.fingerprint().to_string());
                data_folder::write_addresses(
                    &data,
                    &Addresses {
                        fingerprint,
                        ..addresses
                    },
                )
            });
            told.map_err(|error| vec![portique_fault::chain(&error)])
        }
        .boxed()
    })
}

/// Who may do what, and who writes it down.
async fn open_gate(
    config: &Config,
    engines: &Engines,
    addresses: &Addresses,
    [commander, service]: [&Token; 2],
) -> Result<(Gate, portique_access::Worker), Error> {
    let parts = access::Parts {
        records: engines.records.clone(),
        clock: engines.clock.clone(),
        commander,
        service,
    };
    let (access, worker) = access::open(parts).await?;
    let (reads, writes) = (config.access.open_reads, config.telemetry.open_writes);
    let gate = Gate::new(access, addresses.http.port(), reads, writes)?;
    let gate = match addresses.fingerprint {
        Some(_) => gate.over_tls(),
        None => gate,
    };
    Ok((gate, worker))
}

/// The code by which the first user is made; none when there are users.
fn invite(access: &portique_access::Access) -> Result<Option<portique_access::Secret>, Error> {
    let invitation = access.invite();
    invitation.map_err(|error| Error::part("the access control", &error))
}

/// The pools of the configuration.
async fn open_fleet(
    engines: &Engines,
    config: &Config,
    data: &Path,
    addresses: &Addresses,
) -> Result<FleetWorker, Error> {
    let opened = FleetWorker::open(fleet::Parts {
        pools: config.pools.clone(),
        jobs: engines.broker.jobs(),
        bus: engines.broker.bus(),
        records: engines.records.clone(),
        clock: engines.clock.clone(),
        random: seeded()?,
        executable: config.executable.clone(),
        data: data.to_path_buf(),
        hub: addresses.http_url(),
        logs: engines.logs.clone(),
        grace: config.stop_grace / FLEET_GRACE_DIVISOR,
    });
    let opened = opened.await;
    opened.map_err(|error| {
        let poison = engines.poison();
        poison.unwrap_or_else(|| Error::part("the fleet", &error))
    })
}
