//! Every connected vehicle of a hub: opens links, and serves the modules that come to attach.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portique_clock::Clock;
use portique_flight::{Body, Vehicle};
use tokio::sync::mpsc;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::link::attach::{Attachments, AttachmentsOptions, Expected};
use crate::link::outlet::Outlet;
use crate::link::presence::Presence;
use crate::link::remote::RemoteLink;
use crate::link::replayed::ReplayedLink;
use crate::link::simulated::{SimulatedLink, SimulationOptions, WorldHandle, WorldService, relay};
use crate::link::supervision::{Assignment, ModuleHost, supervise};
use crate::link::work::Work;
use crate::link::{Connector, Link, LinkKind};
use crate::rpc::ground_server::{Ground, GroundServer};
use crate::rpc::world_server::WorldServer;
use crate::rpc::{self, AttachReply, AttachRequest};
use crate::{Error, ModuleId, Received, RocketId};

/// How often a module renews its registration: a restarted hub knows its modules this soon.
const RENEW_S: f64 = 2.0;

/// Reports of one supervised computer that wait for the downlink.
const REPORTS_MAX: usize = 256;

/// What [`Vehicles`] stands on.
pub struct VehiclesOptions {
    /// The time that stamps what is heard.
    pub clock: Arc<dyn Clock>,
    /// Admits modules attached by hand, but not in the place of one that the hub runs itself; empty
    /// admits none.
    pub attach_token: String,
    /// Runs the computers of simulated vehicles.
    pub host: Arc<dyn ModuleHost>,
    /// How simulated worlds are paced.
    pub simulation: SimulationOptions,
}

/// The vehicles of a hub. Cheap to clone.
#[derive(Clone)]
pub struct Vehicles {
    options: Arc<VehiclesOptions>,
    registry: Arc<Registry>,
}

impl Vehicles {
    /// A hub without vehicles.
    pub fn new(options: VehiclesOptions) -> Self {
        Self {
            options: Arc::new(options),
            registry: Arc::default(),
        }
    }

    /// The gRPC services that modules call, for the front door's server. That server must set
    /// `TCP_NODELAY`: simulated control loops run over it.
    pub fn grpc_routes(&self) -> Routes {
        let ground = GroundService {
            registry: Arc::clone(&self.registry),
            clock: Arc::clone(&self.options.clock),
        };
        let world = WorldService::new(Arc::clone(&self.registry));
        let limit = rpc::MESSAGE_BYTES_MAX;
        Routes::new(GroundServer::new(ground).max_decoding_message_size(limit))
            .add_service(WorldServer::new(world).max_decoding_message_size(limit))
    }

    fn site(
        &self,
        outlet: &Arc<Outlet>,
        expected: BTreeMap<ModuleId, Expected>,
        world: Option<WorldHandle>,
        work: &Work,
    ) -> Arc<Attachments> {
        let attachments = Arc::new(Attachments::new(AttachmentsOptions {
            outlet: Arc::clone(outlet),
            expected,
            by_hand: self.options.attach_token.clone(),
            sample_rate_hz: self.options.simulation.sample_rate_hz,
            tracker: work.tracker.clone(),
            stop: work.stop.clone(),
        }));
        let site = Site {
            attachments: Arc::clone(&attachments),
            world,
            work: work.clone(),
        };
        self.registry.insert(outlet.rocket().clone(), site);
        attachments
    }

    fn simulated(&self, outlet: Arc<Outlet>, vehicle: &Vehicle) -> Result<Arc<dyn Link>, Error> {
        let work = Work::default();
        let world =
            WorldHandle::start(vehicle, self.options.simulation, &work.tracker, &work.stop)?;
        let expected = Body::ALL
            .iter()
            .map(|body| {
                let module = ModuleId::new(body.as_str())?;
                let presence = Presence::new(module.clone(), Arc::clone(&outlet), true);
                let presence = Arc::new(presence);
                let token = new_token();
                let expected = Expected {
                    token,
                    presence,
                    medium: Arc::default(),
                };
                Ok((module, expected))
            })
            .collect::<Result<BTreeMap<_, _>, Error>>()?;
        let attachments = self.site(&outlet, expected.clone(), Some(world.clone()), &work);
        for (module, expected) in expected {
            let Expected {
                token, presence, ..
            } = expected;
            let rocket = outlet.rocket().clone();
            let (reports, reported) = mpsc::channel(REPORTS_MAX);
            let supervision = supervise(
                Arc::clone(&self.options.host),
                Arc::clone(&self.options.clock),
                Assignment {
                    rocket,
                    module,
                    token,
                },
                reports,
                work.stop.clone(),
            );
            work.tracker.spawn(supervision);
            work.tracker
                .spawn(relay(presence, reported, work.stop.clone()));
        }
        Ok(Arc::new(SimulatedLink {
            outlet,
            attachments,
            world,
            work,
        }))
    }
}

#[async_trait]
impl Connector for Vehicles {
    async fn connect(
        &self,
        rocket: &RocketId,
        vehicle: &Vehicle,
        kind: &LinkKind,
        downlink: mpsc::Sender<Received>,
    ) -> Result<Arc<dyn Link>, Error> {
        let clock = Arc::clone(&self.options.clock);
        let outlet = Arc::new(Outlet::new(rocket.clone(), clock, downlink));
        match kind {
            LinkKind::Simulated => self.simulated(outlet, vehicle),
            LinkKind::Remote => {
                let work = Work::default();
                let attachments = self.site(&outlet, BTreeMap::new(), None, &work);
                Ok(Arc::new(RemoteLink { attachments, work }))
            }
            LinkKind::Replayed { csv } => Ok(Arc::new(ReplayedLink::open(outlet, csv)?)),
        }
    }
}

/// Where the modules of one rocket come to.
struct Site {
    attachments: Arc<Attachments>,
    world: Option<WorldHandle>,
    work: Work,
}

/// What a module needs to sit in its world.
pub(crate) struct OpenWorld {
    pub(crate) world: WorldHandle,
    pub(crate) work: Work,
}

/// The rockets that modules can attach to.
#[derive(Default)]
pub(crate) struct Registry {
    sites: Mutex<BTreeMap<RocketId, Arc<Site>>>,
}

impl Registry {
    fn insert(&self, rocket: RocketId, site: Site) {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.insert(rocket, Arc::new(site));
    }

    /// The rocket's site, when its link is open and `token` admits the module.
    fn site(
        &self,
        rocket: &str,
        module: &str,
        token: &str,
    ) -> Result<(Arc<Site>, ModuleId), Status> {
        let invalid = |error: Error| Status::invalid_argument(rpc::text(&error.to_string()));
        let rocket = RocketId::new(rocket).map_err(invalid)?;
        let module = ModuleId::new(module).map_err(invalid)?;
        let known = {
            let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
            sites.retain(|_, site| !site.work.stop.is_cancelled());
            sites.get(&rocket).cloned()
        };
        let site = known.ok_or_else(|| {
            Status::not_found(format!("there is no rocket {rocket} to attach to"))
        })?;
        site.attachments.admit(&module, token)?;
        Ok((site, module))
    }

    /// Whether `token` is that of any module whose computer the hub runs.
    pub(crate) fn expects(&self, token: &str) -> bool {
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.values().any(|site| site.attachments.expects(token))
    }

    /// The rocket's world, when it has one and `token` admits the module.
    pub(crate) fn world(
        &self,
        rocket: &str,
        module: &str,
        token: &str,
    ) -> Result<OpenWorld, Status> {
        let (site, _) = self.site(rocket, module, token)?;
        let world = site.world.clone().ok_or_else(|| {
            Status::failed_precondition(format!("rocket {rocket} is not simulated"))
        })?;
        let work = site.work.clone();
        Ok(OpenWorld { world, work })
    }
}

struct GroundService {
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
}

#[tonic::async_trait]
impl Ground for GroundService {
    async fn attach(
        &self,
        request: Request<AttachRequest>,
    ) -> Result<Response<AttachReply>, Status> {
        let token = rpc::bearer(&request)
            .ok_or_else(|| Status::unauthenticated("authorization: Bearer TOKEN is missing"))?
            .to_owned();
        let AttachRequest {
            rocket,
            module,
            endpoint,
        } = request.into_inner();
        let (site, module) = self.registry.site(&rocket, &module, &token)?;
        let medium = site.attachments.medium(&module);
        medium.announce().await;
        let simulated = site.world.is_some() && module.as_str().parse::<Body>().is_ok();
        site.attachments.attach(&module, endpoint, token)?;
        let reply = AttachReply {
            simulated,
            renew_s: RENEW_S,
            ground_unix_ns: self.clock.now().as_nanos(),
        };
        medium.announce().await;
        Ok(Response::new(reply))
    }
}

/// A secret of 128 random bits.
fn new_token() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
