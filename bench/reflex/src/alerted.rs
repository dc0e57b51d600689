//! The way through the rules: sample, store, rule, alert, abort matrix, order, answer.
//!
//! Launch control runs whole, with its bus, records and store on a temporary folder. The loop around the rule engine
//! is a plain one of this program, in the manner of a hub's: what arrives is given to the engine on a thread of its own,
//! rules with a query are evaluated on another, and an action is called as a task. Each sample is filled up to 200 parameters before launch control has it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc as blocking};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use portique_broker::Broker;
use portique_clock::{Clock, Seeded, WallClock};
use portique_flight::Vehicle;
use portique_journal::{FolderDisk, Journal};
use portique_launch::abort::AbortMatrix;
use portique_launch::count::Plan;
use portique_launch::link::{DOWNLINK_MESSAGES_MAX, Vehicles};
use portique_launch::mission::{Actor, Definition};
use portique_launch::service::{Config, Launch, Parts};
use portique_launch::{
    Answer, Command, Connector, Downlink, Error, Link, LinkError, LinkKind, ModuleId, Order, Pad,
    PadId, Parameter, Parameters, Received, RocketId, Station,
};
use portique_monitor::Actions;
use portique_records::{SqliteConfig, SqliteRecords};
use portique_series::{Batch, Labels, Sink, Store, Submitted};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::field::{LIMIT_PA, MODULES, Measured, lift_off, serve};
use crate::rules::{Arrived, BATCHES_WAITING_MAX, Rules};

/// Parameters of each sample, those of the module among them.
const PARAMETERS: usize = 200;

/// What that rule leads to.
const ABORTS: &str = "name = \"bench\"\n[[row]]\nrules = [\"BenchPressure\"]\n\
                      do = [{ do = \"order\", to = \"affected\", order = { order = \"destroy\" } }]\n\
                      [[row]]\ndo = []\n";

/// Flies `rockets` at once until each module was ordered destroyed by its alert.
pub(crate) async fn fly(rockets: u16) -> anyhow::Result<Measured> {
    let clock = Arc::new(WallClock::new());
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let vehicles = serve(clock.clone(), stop.clone()).await?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let timed = Arc::new(Timed {
        vehicles,
        clock: clock.clone(),
        links: Mutex::default(),
        notes: Arc::default(),
        answered: watch::Sender::new(0),
        tracker: tracker.clone(),
    });
    let launch = open(folder.path(), clock.clone(), timed.clone(), &tracker, &stop).await?;
    let start = clock.monotonic();
    for number in 1..=rockets {
        launch.add(definition(number)?, Actor::commander()).await?;
    }
    let links: Vec<_> = lock(&timed.links).drain(..).collect();
    let mut flights = tokio::task::JoinSet::new();
    for (link, mut downlink) in links {
        flights.spawn(async move { lift_off(link.as_ref(), &mut downlink).await });
    }
    while let Some(flight) = flights.join_next().await {
        flight.context("a flight's task")??;
    }
    let expected = usize::from(rockets) * MODULES;
    let mut answered = timed.answered.subscribe();
    answered.wait_for(|answers| *answers == expected).await?;
    let notes = lock(&timed.notes);
    let times = notes.modules.values();
    let measured = Measured {
        reflexes: times
            .filter_map(|times| Some(times.answered?.saturating_sub(times.datum?)))
            .collect(),
        samples: notes.samples,
        heard_for: clock.monotonic().saturating_sub(start),
    };
    drop(notes);
    stop.cancel();
    Ok(measured)
}

fn definition(number: u16) -> anyhow::Result<Definition> {
    let vehicle = toml::to_string(&Vehicle::named("reference")?)?;
    Ok(Definition {
        rocket: RocketId::new(format!("rocket-{number}"))?,
        vehicle,
        pad: PadId::new(format!("pad-{number}"))?,
        link: LinkKind::Simulated,
        count: Plan::named("short")?,
        time_factor: 1.0,
        roster: vec![Station::new("rocket")?],
        aborts: AbortMatrix::parse(ABORTS)?,
    })
}

async fn open(
    folder: &std::path::Path,
    clock: Arc<WallClock>,
    connector: Arc<Timed>,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Launch> {
    let disk = Arc::new(FolderDisk::open(folder.join("journal"))?);
    let config = portique_journal::Config::default();
    let opened = Journal::open(config, disk, clock.clone(), &mut Seeded::new(1))?;
    portique_journal::spawn(opened.committer)?;
    let broker = Broker::open(
        portique_broker::Config::default(),
        opened.journal,
        clock.clone(),
    )
    .await?;
    let config = portique_series::Config::default();
    let store = Store::open(
        config,
        &folder.join("series"),
        clock.clone(),
        &mut Seeded::new(2),
    )?;
    let store = Arc::new(store);
    let (arrived, arrivals) = blocking::sync_channel(BATCHES_WAITING_MAX);
    let actions = Arc::new(OnceLock::new());
    let parts = Parts {
        bus: broker.bus(),
        records: Arc::new(SqliteRecords::open(SqliteConfig::in_memory())?),
        sink: Arc::new(Watching {
            store: store.clone(),
            arrived: Mutex::new(arrived),
        }),
        series: store.clone(),
        clock: clock.clone(),
        random: Box::new(Seeded::new(3)),
        connector,
        config: Config::default(),
    };
    let (launch, worker) = Launch::open(parts).await?;
    let _ = actions.set(Actions::new(launch.actions()));
    tracker.spawn(worker.run(stop.clone()));
    let rules = Rules::load(store, clock, actions)?;
    std::thread::spawn(move || Arc::new(rules).run(&arrivals));
    Ok(launch)
}

/// The sink before the store.
struct Watching {
    store: Arc<Store>,
    arrived: Mutex<blocking::SyncSender<Arrived>>,
}

impl Sink for Watching {
    fn submit(&self, batch: &Batch) -> Result<Submitted, portique_series::Error> {
        let submitted = Sink::submit(self.store.as_ref(), batch)?;
        let is_read = |labels: &Labels| !labels.metric().starts_with("launch_parameter");
        let series = batch
            .iter()
            .map(|one| (one.to_labels(), one.timestamps()[0], one.value(0)));
        let arrived = series.filter(|(labels, _, _)| is_read(labels)).collect();
        // The thread is gone when the round is over.
        let _ = lock(&self.arrived).send(arrived);
        Ok(submitted)
    }
}

/// When the datum of a module arrived, and when its destruction was acknowledged.
#[derive(Default)]
struct Times {
    datum: Option<Duration>,
    answered: Option<Duration>,
}

#[derive(Default)]
struct Notes {
    modules: BTreeMap<(RocketId, ModuleId), Times>,
    samples: u64,
}

type Connection = (Arc<dyn Link>, mpsc::Receiver<Received>);

/// Vehicles whose samples and answers are timed on their way.
struct Timed {
    vehicles: Vehicles,
    clock: Arc<WallClock>,
    links: Mutex<Vec<Connection>>,
    notes: Arc<Mutex<Notes>>,
    answered: watch::Sender<usize>,
    tracker: TaskTracker,
}

#[async_trait]
impl Connector for Timed {
    async fn connect(
        &self,
        rocket: &RocketId,
        vehicle: &Vehicle,
        kind: &LinkKind,
        downlink: mpsc::Sender<Received>,
    ) -> Result<Arc<dyn Link>, Error> {
        let (sender, heard) = mpsc::channel(DOWNLINK_MESSAGES_MAX);
        let (copy, copies) = mpsc::channel(DOWNLINK_MESSAGES_MAX);
        let inner = self.vehicles.connect(rocket, vehicle, kind, sender).await?;
        self.tracker
            .spawn(forward(heard, downlink, copy, self.notes.clone()));
        lock(&self.links).push((inner.clone(), copies));
        Ok(Arc::new(TimedLink {
            inner,
            rocket: rocket.clone(),
            clock: self.clock.clone(),
            notes: self.notes.clone(),
            answered: self.answered.clone(),
        }))
    }
}

/// Notes the datum, fills samples up, and hands everything on.
async fn forward(
    mut heard: mpsc::Receiver<Received>,
    downlink: mpsc::Sender<Received>,
    copy: mpsc::Sender<Received>,
    notes: Arc<Mutex<Notes>>,
) {
    let filler: Vec<Parameter> = (0..PARAMETERS)
        .map(|number| Parameter {
            name: format!("parameter_{number}"),
            part: None,
            value: f64::from(u32::try_from(number).unwrap_or(0)),
        })
        .collect();
    while let Some(mut received) = heard.recv().await {
        // Whoever lifts off reads until the clamps open.
        let _ = copy.try_send(received.clone());
        if let Downlink::Sample(module, sample) = &mut received.message {
            let room = PARAMETERS.saturating_sub(sample.parameters.len());
            let own = sample.parameters.iter();
            let all: Vec<Parameter> = own.chain(&filler[..room]).cloned().collect();
            sample.parameters = Parameters::from(all);
            let mut notes = lock(&notes);
            notes.samples += 1;
            if sample.dynamic_pressure_pa > LIMIT_PA {
                let times = notes
                    .modules
                    .entry((received.rocket.clone(), module.clone()));
                times.or_default().datum.get_or_insert(received.at);
            }
        }
        if downlink.send(received).await.is_err() {
            return;
        }
    }
}

struct TimedLink {
    inner: Arc<dyn Link>,
    rocket: RocketId,
    clock: Arc<WallClock>,
    notes: Arc<Mutex<Notes>>,
    answered: watch::Sender<usize>,
}

#[async_trait]
impl Link for TimedLink {
    fn reports_events(&self) -> bool {
        self.inner.reports_events()
    }

    async fn command(&self, module: &ModuleId, command: Command) -> Result<Answer, LinkError> {
        let destroys = command.order == Order::Destroy;
        let answer = self.inner.command(module, command).await?;
        if destroys {
            let now = self.clock.monotonic();
            let mut notes = lock(&self.notes);
            let times = notes.modules.entry((self.rocket.clone(), module.clone()));
            times.or_default().answered.get_or_insert(now);
            let answers = notes
                .modules
                .values()
                .filter(|times| times.answered.is_some());
            self.answered.send_replace(answers.count());
        }
        Ok(answer)
    }

    async fn pad(&self, pad: Pad) -> Result<(), LinkError> {
        self.inner.pad(pad).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
