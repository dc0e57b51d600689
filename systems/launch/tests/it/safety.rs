//! What must go on while the bus does not: the reflex, orders of safety, the worker itself.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use portique_broker::Broker;
use portique_bus::{
    Bus, ConsumerName, ConsumerOptions, ConsumerState, Delivery, DeliveryToken, Error as BusError,
    Page, Sequence, Start,
};
use portique_clock::{Clock, Seeded, WallClock};
use portique_event::{Event, Filter};
use portique_flight::{Body, Phase, Vehicle};
use portique_journal::{FolderDisk, Journal};
use portique_launch::abort::AbortMatrix;
use portique_launch::count::Plan;
use portique_launch::mission::{Actor, Definition, Request, Stage};
use portique_launch::poll::Vote;
use portique_launch::service::{Config, Launch, Parts};
use portique_launch::{
    Answer, Command, Connector, Downlink, Error, Link, LinkError, LinkKind, ModuleId, Order, Pad,
    PadId, Received, RocketId, Sample, Station,
};
use portique_records::{SqliteConfig, SqliteRecords};
use portique_series::Store;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything here takes milliseconds; a loaded machine gets this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the bus under launch control does with what is published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Well,
    Stuck,
    Full,
}

/// A real bus whose publishing can be stopped, as a disk can.
struct Moody {
    bus: Arc<dyn Bus>,
    mood: watch::Receiver<Mood>,
}

impl Moody {
    async fn allow(&self) -> Result<(), BusError> {
        let mut mood = self.mood.clone();
        let mood = mood
            .wait_for(|mood| *mood != Mood::Stuck)
            .await
            .map(|mood| *mood);
        match mood {
            Ok(Mood::Full) => Err(BusError::Exhausted {
                resource: "disk",
                remedy: "free some".into(),
            }),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Bus for Moody {
    async fn publish(&self, events: Vec<Event>) -> Result<Vec<Sequence>, BusError> {
        self.allow().await?;
        self.bus.publish(events).await
    }

    async fn read(&self, filter: &Filter, start: Start, limit: usize) -> Result<Page, BusError> {
        self.bus.read(filter, start, limit).await
    }

    async fn wait(&self, from: Sequence) -> Result<(), BusError> {
        self.bus.wait(from).await
    }

    async fn consumer(&self, n: &ConsumerName, options: ConsumerOptions) -> Result<(), BusError> {
        self.bus.consumer(n, options).await
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), BusError> {
        self.bus.remove_consumer(name).await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerState>, BusError> {
        self.bus.consumers().await
    }

    async fn fetch(
        &self,
        consumer: &ConsumerName,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, BusError> {
        self.bus.fetch(consumer, limit, wait).await
    }

    async fn ack(&self, n: &ConsumerName, tokens: &[DeliveryToken]) -> Result<(), BusError> {
        self.bus.ack(n, tokens).await
    }

    async fn nak(
        &self,
        consumer: &ConsumerName,
        token: DeliveryToken,
        delay: Duration,
    ) -> Result<(), BusError> {
        self.bus.nak(consumer, token, delay).await
    }
}

/// A vehicle that writes down what it is ordered, and answers when it may.
struct Vehicles {
    orders: watch::Sender<Vec<(ModuleId, Order)>>,
    may_answer: watch::Sender<bool>,
    clock: Arc<dyn Clock>,
    downlink: OnceLock<mpsc::Sender<Received>>,
}

struct Dial(Arc<Vehicles>);

#[async_trait]
impl Connector for Dial {
    async fn connect(
        &self,
        _: &RocketId,
        _: &Vehicle,
        _: &LinkKind,
        downlink: mpsc::Sender<Received>,
    ) -> Result<Arc<dyn Link>, Error> {
        self.0.downlink.set(downlink).expect("one rocket a test");
        Ok(Arc::new(Line(self.0.clone())))
    }
}

struct Line(Arc<Vehicles>);

#[async_trait]
impl Link for Line {
    fn reports_events(&self) -> bool {
        true
    }

    async fn command(&self, module: &ModuleId, command: Command) -> Result<Answer, LinkError> {
        let order = (module.clone(), command.order);
        self.0.orders.send_modify(|orders| orders.push(order));
        let mut may_answer = self.0.may_answer.subscribe();
        may_answer
            .wait_for(|may| *may)
            .await
            .expect("the test holds the other end");
        Ok(Answer::Accepted)
    }

    async fn pad(&self, _: Pad) -> Result<(), LinkError> {
        Ok(())
    }

    async fn close(&self) {}
}

pub(crate) struct Rig {
    pub(crate) launch: Launch,
    vehicles: Arc<Vehicles>,
    pub(crate) mood: watch::Sender<Mood>,
    stop: CancellationToken,
    worker: tokio::task::JoinHandle<()>,
    rocket: RocketId,
    _folder: TempDir,
}

impl Rig {
    pub(crate) async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
        let disk = Arc::new(FolderDisk::open(folder.path()).unwrap());
        let journal_config = portique_journal::Config::default();
        let opened =
            Journal::open(journal_config, disk, clock.clone(), &mut Seeded::new(1)).unwrap();
        portique_journal::spawn(opened.committer).unwrap();
        let config = portique_broker::Config::default();
        let broker = Broker::open(config, opened.journal, clock.clone())
            .await
            .unwrap();
        let mood = watch::Sender::new(Mood::Well);
        let vehicles = Arc::new(Vehicles {
            orders: watch::Sender::new(Vec::new()),
            may_answer: watch::Sender::new(true),
            clock: clock.clone(),
            downlink: OnceLock::new(),
        });
        let series = portique_series::Config::default();
        let place = folder.path().join("series");
        let series = Store::open(series, &place, clock.clone(), &mut Seeded::new(3));
        let series = Arc::new(series.unwrap());
        let parts = Parts {
            bus: Arc::new(Moody {
                bus: broker.bus(),
                mood: mood.subscribe(),
            }),
            records: Arc::new(SqliteRecords::open(SqliteConfig::in_memory()).unwrap()),
            sink: series.clone(),
            series,
            clock,
            random: Box::new(Seeded::new(2)),
            connector: Arc::new(Dial(vehicles.clone())),
            config: Config::default(),
        };
        let (launch, worker) = Launch::open(parts).await.unwrap();
        let stop = CancellationToken::new();
        let worker = TaskTracker::new().spawn(worker.run(stop.clone()));
        let rocket = RocketId::new("romeo").unwrap();
        let rig = Self {
            launch,
            vehicles,
            mood,
            stop,
            worker,
            rocket,
            _folder: folder,
        };
        rig.add().await;
        rig
    }

    async fn add(&self) {
        let vehicle = Vehicle::named("reference").unwrap();
        let definition = Definition {
            rocket: self.rocket.clone(),
            vehicle: toml::to_string(&vehicle).unwrap(),
            pad: PadId::new("pad-1").unwrap(),
            link: LinkKind::Simulated,
            count: Plan::named("short").unwrap(),
            time_factor: 100.0,
            roster: vec![Station::new("rocket").unwrap()],
            aborts: AbortMatrix::standard(),
        };
        self.launch
            .add(definition, Actor::commander())
            .await
            .unwrap();
        for module in ["booster", "stage2", "payload"] {
            self.hear(Downlink::Up(ModuleId::new(module).unwrap()))
                .await;
        }
        self.until(|mission| mission.modules().len() == 3).await;
    }

    pub(crate) async fn hear(&self, message: Downlink) {
        let (rocket, at) = (self.rocket.clone(), self.vehicles.clock.monotonic());
        let downlink = self.vehicles.downlink.get().expect("the rocket was added");
        downlink
            .send(Received {
                rocket,
                message,
                at,
            })
            .await
            .unwrap();
    }

    async fn ask(&self, request: Request) -> Result<(), Error> {
        self.launch
            .request(&self.rocket, Actor::commander(), request)
            .await
    }

    pub(crate) async fn go(&self) {
        self.ask(Request::OpenPoll { deadline: None })
            .await
            .unwrap();
        let station = Station::new("rocket").unwrap();
        let (vote, comment, values) = (Vote::Go, None, Default::default());
        self.ask(Request::Vote {
            station,
            vote,
            comment,
            values,
        })
        .await
        .unwrap();
        self.ask(Request::ClosePoll { decision: Vote::Go })
            .await
            .unwrap();
        self.ask(Request::StartCount).await.unwrap();
    }

    pub(crate) async fn until(&self, is_so: impl Fn(&portique_launch::mission::Mission) -> bool) {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        let waiting = async {
            while !self.launch.mission(&self.rocket, &is_so).unwrap() {
                looks.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the mission comes to it");
    }

    pub(crate) async fn ordered(&self, is_so: impl FnMut(&Vec<(ModuleId, Order)>) -> bool) {
        let mut orders = self.vehicles.orders.subscribe();
        let waiting = orders.wait_for(is_so);
        let orders = tokio::time::timeout(PATIENCE, waiting).await;
        drop(orders.expect("the order comes").unwrap());
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.worker)
            .await
            .expect("a stop ends")
            .unwrap();
    }
}

fn over_the_limit() -> Sample {
    let vehicle = Vehicle::named("reference").unwrap();
    let limit = vehicle
        .dynamic_pressure_limit_pa(Body::Booster, Phase::Ascent)
        .unwrap();
    let dynamic_pressure_pa = limit * 1.2;
    Sample {
        t_s: 60.0,
        phase: Phase::Ascent,
        dynamic_pressure_pa,
        ..Sample::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_bus_does_not_delay_the_reflex() {
    let rig = Rig::open().await;
    rig.mood.send_replace(Mood::Stuck);
    let booster = ModuleId::new("booster").unwrap();
    let held = rig.launch.clone();
    let hold = Request::SetEmbargo { on: true };
    let rocket = rig.rocket.clone();
    // Keeps the worker waiting for the bus.
    let waiting = TaskTracker::new()
        .spawn(async move { held.request(&rocket, Actor::commander(), hold).await });
    for _ in 0..2 {
        rig.hear(Downlink::Sample(booster.clone(), over_the_limit()))
            .await;
    }
    rig.ordered(|orders| orders.contains(&(booster.clone(), Order::Destroy)))
        .await;
    rig.mood.send_replace(Mood::Well);
    waiting.await.unwrap().unwrap();
    rig.until(|mission| {
        mission
            .orders()
            .iter()
            .any(|order| order.order == Order::Destroy)
    })
    .await;
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bus_refuses_and_the_worker_goes_on() {
    let rig = Rig::open().await;
    rig.go().await;
    rig.mood.send_replace(Mood::Full);
    let refused = rig
        .ask(Request::Hold {
            reason: "disk".into(),
        })
        .await;
    assert!(matches!(refused, Err(Error::Bus(_))), "{refused:?}");
    // Steps come due meanwhile; each refusal is answered, so the worker does not spin on them.
    for _ in 0..20 {
        assert!(
            rig.ask(Request::Hold {
                reason: "disk".into()
            })
            .await
            .is_err()
        );
    }
    rig.mood.send_replace(Mood::Well);
    rig.ask(Request::Hold {
        reason: "there is room again".into(),
    })
    .await
    .unwrap();
    rig.until(|mission| mission.stage() == Stage::Held).await;
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_module_holds_the_count() {
    let rig = Rig::open().await;
    rig.go().await;
    let stage2 = ModuleId::new("stage2").unwrap();
    rig.hear(Downlink::Down(stage2, "silence".into())).await;
    rig.until(|mission| mission.stage() == Stage::Held).await;
    let reason = |mission: &portique_launch::mission::Mission| {
        mission
            .count()
            .and_then(|count| count.hold_reason())
            .map(str::to_owned)
    };
    let reason = rig.launch.mission(&rig.rocket, reason).unwrap();
    assert!(reason.is_some_and(|reason| reason.contains("stage2")));
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destruction_overtakes_orders_that_wait_for_an_answer() {
    let rig = Rig::open().await;
    rig.vehicles.may_answer.send_replace(false);
    let booster = ModuleId::new("booster").unwrap();
    for (id, order) in [
        (
            "one",
            Order::Throttle {
                fraction: Some(0.7),
            },
        ),
        (
            "two",
            Order::Throttle {
                fraction: Some(0.8),
            },
        ),
        ("three", Order::Destroy),
    ] {
        let module = booster.clone();
        rig.ask(Request::Order {
            id: id.into(),
            module,
            order,
        })
        .await
        .unwrap();
    }
    rig.ordered(|orders| orders.contains(&(booster.clone(), Order::Destroy)))
        .await;
    rig.vehicles.may_answer.send_replace(true);
    rig.until(|mission| {
        let stage = |id: &str| {
            mission
                .orders()
                .iter()
                .find(|o| o.id == id)
                .map(|o| o.stage)
        };
        use portique_launch::mission::OrderStage::{Accepted, Failed};
        stage("one") == Some(Failed)
            && stage("two") == Some(Failed)
            && stage("three") == Some(Accepted)
    })
    .await;
    let sent = rig.vehicles.orders.borrow().clone();
    assert!(
        !sent.contains(&(
            booster,
            Order::Throttle {
                fraction: Some(0.8)
            }
        )),
        "{sent:?}"
    );
    rig.close().await;
}
