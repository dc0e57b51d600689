//! A hub's side of the vehicle link on loopback, with computers as tasks of this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portique_clock::WallClock;
use portique_flight::Vehicle;
use portique_launch::link::{
    Assignment, DOWNLINK_MESSAGES_MAX, Exit, ModuleHost, SimulationOptions, Vehicles,
    VehiclesOptions,
};
use portique_launch::onboard::{self, ComputerOptions, Outcome};
use portique_launch::{
    Answer, Command, Connector, Downlink, Link, LinkError, LinkKind, ModuleId, Order, Pad,
    Received, RocketId, Sample,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Admits modules attached by hand in these tests.
pub(crate) const ATTACH_TOKEN: &str = "by-hand";

/// Everything here happens within milliseconds; a loaded machine gets this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A whole flight without waiting takes seconds; a loaded machine gets this long.
pub(crate) const FLIGHT_PATIENCE: Duration = Duration::from_secs(300);

/// Fastest count on the pad: engines that run for minutes before the release would burn their tanks.
const PAD_RATE_MAX: f64 = 10.0;

/// Runs computers as tasks.
pub(crate) struct InProcess {
    ground: String,
    /// How each run ended, in order.
    pub(crate) exits: Mutex<Vec<(ModuleId, Outcome)>>,
    held: Mutex<Vec<String>>,
}

impl InProcess {
    /// From now on this module's computer does not come up when it is started.
    pub(crate) fn hold(&self, module: &str) {
        self.held.lock().unwrap().push(module.to_owned());
    }

    fn is_held(&self, module: &ModuleId) -> bool {
        self.held
            .lock()
            .unwrap()
            .iter()
            .any(|held| held == module.as_str())
    }
}

#[async_trait]
impl ModuleHost for InProcess {
    async fn run(
        &self,
        assignment: &Assignment,
        _lines: mpsc::Sender<String>,
        stop: CancellationToken,
    ) -> Exit {
        if self.is_held(&assignment.module) {
            stop.cancelled().await;
            return Exit::Stopped;
        }
        let options = computer(assignment, &self.ground);
        let outcome = onboard::run(options, Arc::new(WallClock::new()), stop)
            .await
            .unwrap();
        self.exits
            .lock()
            .unwrap()
            .push((assignment.module.clone(), outcome.clone()));
        match outcome {
            Outcome::Stopped => Exit::Stopped,
            Outcome::Destroyed => Exit::Destroyed,
            other => Exit::Failed(format!("{other:?}")),
        }
    }
}

pub(crate) fn computer(assignment: &Assignment, ground: &str) -> ComputerOptions {
    ComputerOptions {
        rocket: assignment.rocket.clone(),
        module: assignment.module.clone(),
        ground: ground.to_owned(),
        listen: loopback(),
        advertise: None,
        token: assignment.token.clone(),
        lost_after: Some(Duration::from_secs(10)),
    }
}

pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A served [`Vehicles`] and one connected rocket.
pub(crate) struct Rig {
    pub(crate) link: Arc<dyn Link>,
    pub(crate) ground: String,
    pub(crate) host: Arc<InProcess>,
    downlink: mpsc::Receiver<Received>,
    commands: u64,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Rig {
    /// A simulated rocket `demo`, its three modules up.
    pub(crate) async fn simulated() -> Self {
        let mut rig = Self::new(&LinkKind::Simulated).await;
        let mut up = 0;
        rig.until("three modules are up", |message| {
            up += u32::from(matches!(message, Downlink::Up(_)));
            up == 3
        })
        .await;
        rig
    }

    /// A rocket `demo` behind any link.
    pub(crate) async fn new(kind: &LinkKind) -> Self {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let ground = format!("http://{}", listener.local_addr().unwrap());
        let host = Arc::new(InProcess {
            ground: ground.clone(),
            exits: Mutex::default(),
            held: Mutex::default(),
        });
        let vehicles = Vehicles::new(VehiclesOptions {
            clock: Arc::new(WallClock::new()),
            attach_token: ATTACH_TOKEN.into(),
            host: host.clone(),
            simulation: SimulationOptions::default(),
        });
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let serve = Server::builder()
            .add_routes(vehicles.grpc_routes())
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        tracker.spawn(serve);
        tracker.close();
        let (sender, downlink) = mpsc::channel(DOWNLINK_MESSAGES_MAX);
        let vehicle = Vehicle::named("reference").unwrap();
        let link = vehicles
            .connect(&rocket(), &vehicle, kind, sender)
            .await
            .unwrap();
        Self {
            link,
            ground,
            host,
            downlink,
            commands: 0,
            stop,
            tracker,
        }
    }

    /// The next message, which must come.
    pub(crate) async fn next(&mut self, what: &str) -> Downlink {
        let message = tokio::time::timeout(PATIENCE, self.downlink.recv()).await;
        message
            .unwrap_or_else(|_| panic!("waiting in vain: {what}"))
            .unwrap()
            .message
    }

    /// Reads until `done`; returns what made it so.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Downlink) -> bool,
    ) -> Downlink {
        self.until_within(PATIENCE, what, &mut done).await
    }

    /// Like [`until`](Self::until), for what takes minutes of flight.
    pub(crate) async fn until_in_flight(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Downlink) -> bool,
    ) -> Downlink {
        self.until_within(FLIGHT_PATIENCE, what, &mut done).await
    }

    async fn until_within(
        &mut self,
        limit: Duration,
        what: &str,
        done: &mut dyn FnMut(&Downlink) -> bool,
    ) -> Downlink {
        let patience = tokio::time::Instant::now() + limit;
        loop {
            assert!(
                tokio::time::Instant::now() < patience,
                "waiting in vain: {what}"
            );
            let message = self.next(what).await;
            if done(&message) {
                return message;
            }
        }
    }

    /// Reads until a sample of `module` is as wanted.
    pub(crate) async fn until_sample(
        &mut self,
        module: &str,
        what: &str,
        wanted: impl Fn(&Sample) -> bool,
    ) -> Sample {
        let message = self
            .until(what, |message| match message {
                Downlink::Sample(from, sample) => from.as_str() == module && wanted(sample),
                _ => false,
            })
            .await;
        match message {
            Downlink::Sample(_, sample) => sample,
            _ => unreachable!("until returns what matched"),
        }
    }

    /// Sends an order under a new id.
    pub(crate) async fn order(&mut self, module: &str, order: Order) -> Result<Answer, LinkError> {
        self.commands += 1;
        let command = Command {
            id: format!("command-{}", self.commands),
            order,
            valid_for: Duration::from_secs(5),
        };
        self.link
            .command(&ModuleId::new(module).unwrap(), command)
            .await
    }

    /// Flies: power, start-up, ignition, release, at this rate.
    pub(crate) async fn lift_off(&mut self, rate: f64) {
        self.link.pad(Pad::Propellant(1.0)).await.unwrap();
        self.link
            .pad(Pad::Clock {
                t_s: -10.0,
                rate: rate.min(PAD_RATE_MAX),
            })
            .await
            .unwrap();
        for module in ["booster", "stage2", "payload"] {
            for order in [Order::InternalPower, Order::Startup] {
                assert_eq!(self.order(module, order).await.unwrap(), Answer::Accepted);
            }
        }
        assert_eq!(
            self.order("booster", Order::StartEngines).await.unwrap(),
            Answer::Accepted
        );
        self.until_sample("booster", "engines at full thrust", |s| s.throttle > 0.85)
            .await;
        self.link.pad(Pad::Release).await.unwrap();
        self.link.pad(Pad::Clock { t_s: 0.0, rate }).await.unwrap();
    }

    /// Ends everything and waits for it.
    pub(crate) async fn close(self) {
        tokio::time::timeout(PATIENCE, self.link.close())
            .await
            .expect("the link closes");
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.tracker.wait())
            .await
            .expect("the server ends");
    }
}

pub(crate) fn rocket() -> RocketId {
    RocketId::new("demo").unwrap()
}
