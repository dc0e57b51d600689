//! A field of rockets that fly at once until each module was ordered destroyed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use portique_clock::{Clock, WallClock};
use portique_flight::{Body, Phase, Vehicle};
use portique_launch::limits::LimitWatch;
use portique_launch::link::{
    Assignment, DOWNLINK_MESSAGES_MAX, Exit, ModuleHost, SimulationOptions, Vehicles,
    VehiclesOptions,
};
use portique_launch::onboard::{self, ComputerOptions, Outcome};
use portique_launch::{
    Answer, Command, Connector, Downlink, Link, LinkKind, ModuleId, Order, Pad, Received, RocketId,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Flight time passes this much faster than the wall clock, so that 50 samples per second of flight
/// are 100 per second on the wire.
const RATE: f64 = 2.0;

/// The world's own rate: one sample from each of its steps.
const SAMPLES_PER_FLIGHT_SECOND: f64 = 50.0;

/// A limit that every ascent passes some twenty seconds after lift-off.
pub(crate) const LIMIT_PA: f64 = 3_000.0;

/// Modules of the reference vehicle.
pub(crate) const MODULES: usize = 3;

/// What one round measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// From the sample's arrival to the module's answer, one for each module.
    pub(crate) reflexes: Vec<Duration>,
    /// Samples heard while that happened.
    pub(crate) samples: u64,
    /// For how long.
    pub(crate) heard_for: Duration,
}

/// Flies `rockets` at once.
pub(crate) async fn fly(rockets: u16) -> anyhow::Result<Measured> {
    let clock = Arc::new(WallClock::new());
    let stop = CancellationToken::new();
    let vehicles = serve(clock.clone(), stop.clone()).await?;
    let mut flights = JoinSet::new();
    for number in 1..=rockets {
        let rocket = RocketId::new(format!("rocket-{number}"))?;
        flights.spawn(Flight::run(rocket, vehicles.clone(), clock.clone()));
    }
    let mut measured = Measured::default();
    while let Some(flight) = flights.join_next().await {
        let flight = flight.context("a flight's task")??;
        measured.reflexes.extend(flight.reflexes);
        measured.samples += flight.samples;
        measured.heard_for = measured.heard_for.max(flight.heard_for);
    }
    stop.cancel();
    Ok(measured)
}

/// The hub's side: its gRPC server on loopback.
pub(crate) async fn serve(
    clock: Arc<WallClock>,
    stop: CancellationToken,
) -> anyhow::Result<Vehicles> {
    let listener = TcpListener::bind(loopback())
        .await
        .context("a port on loopback")?;
    let ground = format!("http://{}", listener.local_addr()?);
    let vehicles = Vehicles::new(VehiclesOptions {
        clock,
        attach_token: String::new(),
        host: Arc::new(Tasks { ground }),
        simulation: SimulationOptions {
            steps_per_frame: 1,
            sample_rate_hz: SAMPLES_PER_FLIGHT_SECOND,
        },
    });
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serve = Server::builder()
        .add_routes(vehicles.grpc_routes())
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
    tokio_util::task::TaskTracker::new().spawn(serve);
    Ok(vehicles)
}

/// One rocket, from its pad to the last answer.
struct Flight {
    link: Arc<dyn Link>,
    vehicle: Vehicle,
    clock: Arc<WallClock>,
    downlink: mpsc::Receiver<Received>,
    watches: BTreeMap<ModuleId, LimitWatch>,
    orders: JoinSet<anyhow::Result<Duration>>,
    measured: Measured,
}

impl Flight {
    async fn run(
        rocket: RocketId,
        vehicles: Vehicles,
        clock: Arc<WallClock>,
    ) -> anyhow::Result<Measured> {
        let mut vehicle = Vehicle::named("reference")?;
        let (sender, downlink) = mpsc::channel(DOWNLINK_MESSAGES_MAX);
        let link = vehicles
            .connect(&rocket, &vehicle, &LinkKind::Simulated, sender)
            .await?;
        vehicle.limits.ascent_pa = LIMIT_PA;
        let mut flight = Self {
            link,
            vehicle,
            clock,
            downlink,
            watches: BTreeMap::new(),
            orders: JoinSet::new(),
            measured: Measured::default(),
        };
        lift_off(flight.link.as_ref(), &mut flight.downlink).await?;
        flight.ascend().await?;
        flight.link.close().await;
        Ok(flight.measured)
    }

    /// The measured part: judge each sample as it arrives, order at once, time the answer.
    async fn ascend(&mut self) -> anyhow::Result<()> {
        let start = self.clock.monotonic();
        while self.orders.len() < MODULES {
            let received = self.downlink.recv().await.context("the link was closed")?;
            let Downlink::Sample(module, sample) = received.message else {
                continue;
            };
            self.measured.samples += 1;
            let watch = self
                .watches
                .entry(module.clone())
                .or_insert_with(|| LimitWatch::new(&module));
            if watch.observe(&self.vehicle, &sample).is_some() {
                let (link, clock) = (self.link.clone(), self.clock.clone());
                self.orders.spawn(async move {
                    order_and_expect(link.as_ref(), &module, Order::Destroy).await?;
                    Ok(clock.monotonic().saturating_sub(received.at))
                });
            }
        }
        self.measured.heard_for = self.clock.monotonic().saturating_sub(start);
        while let Some(answered) = self.orders.join_next().await {
            self.measured
                .reflexes
                .push(answered.context("an order's task")??);
        }
        Ok(())
    }
}

/// Takes a rocket from its pad to the open clamps.
pub(crate) async fn lift_off(
    link: &dyn Link,
    downlink: &mut mpsc::Receiver<Received>,
) -> anyhow::Result<()> {
    let mut up = 0;
    while up < MODULES {
        up += usize::from(matches!(hear(downlink).await?, Downlink::Up(_)));
    }
    link.pad(Pad::Propellant(1.0)).await?;
    let (t_s, rate) = (-10.0, RATE);
    link.pad(Pad::Clock { t_s, rate }).await?;
    for body in Body::ALL {
        let module = ModuleId::new(body.as_str())?;
        for order in [Order::InternalPower, Order::Startup] {
            order_and_expect(link, &module, order).await?;
        }
    }
    let booster = ModuleId::new("booster")?;
    order_and_expect(link, &booster, Order::StartEngines).await?;
    loop {
        if let Downlink::Sample(_, sample) = hear(downlink).await?
            && sample.phase == Phase::Ignition
            && sample.throttle > 0.85
        {
            break;
        }
    }
    link.pad(Pad::Release).await?;
    Ok(())
}

async fn hear(downlink: &mut mpsc::Receiver<Received>) -> anyhow::Result<Downlink> {
    let received = downlink.recv().await.context("the link was closed")?;
    Ok(received.message)
}

async fn order_and_expect(link: &dyn Link, module: &ModuleId, order: Order) -> anyhow::Result<()> {
    let id = order.name().to_owned();
    let command = Command {
        id,
        order,
        valid_for: Duration::from_secs(5),
    };
    let answer = link.command(module, command).await?;
    ensure!(answer == Answer::Accepted, "{module}: {answer:?}");
    Ok(())
}

/// Runs computers as tasks of this process; they still speak gRPC over loopback.
struct Tasks {
    ground: String,
}

#[async_trait]
impl ModuleHost for Tasks {
    async fn run(
        &self,
        assignment: &Assignment,
        _lines: mpsc::Sender<String>,
        stop: CancellationToken,
    ) -> Exit {
        let options = ComputerOptions {
            rocket: assignment.rocket.clone(),
            module: assignment.module.clone(),
            ground: self.ground.clone(),
            listen: loopback(),
            advertise: None,
            token: assignment.token.clone(),
            lost_after: Some(Duration::from_secs(10)),
        };
        match onboard::run(options, Arc::new(WallClock::new()), stop).await {
            Ok(Outcome::Stopped) => Exit::Stopped,
            Ok(Outcome::Destroyed) => Exit::Destroyed,
            Ok(other) => Exit::Failed(format!("{other:?}")),
            Err(error) => Exit::Failed(error.to_string()),
        }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
