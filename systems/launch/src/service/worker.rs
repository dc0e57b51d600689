//! The one loop that owns all missions: inputs and time in, facts and orders out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use portique_bus::Bus;
use portique_clock::{Clock, Random};
use portique_flight::Vehicle;
use portique_records::Records;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::abort::Reflexes;
use super::couriers::{Couriers, Parcel};
use super::inputs::Input;
use super::live::{SNAPSHOT_EVERY, Shared};
use super::telemetry::{Place, Queue, RecorderSource};
use super::watch::{self, Watch};
use super::{Parts, alerts, commit, projection, telemetry};
use crate::link::DOWNLINK_MESSAGES_MAX;
use crate::mission::{Actor, Definition, Entry, Fact, Stage};
use crate::webcast::PublicMission;
use crate::{Command, Connector, Error, ModuleId, Order, Pad, Received, RocketId};

mod abort;
mod act;
mod react;
mod step;

/// Rockets on the way to the end of their flight at once: each has a link and processes.
const ROCKETS_OPEN_MAX: usize = 200;
/// Rockets of one hub, with those whose flight is over: each is a page of facts in memory.
const ROCKETS_MAX: usize = 2_000;
/// Longest wait between two looks at the counts: tanks fill smoothly, clocks are corrected.
const TICK_MAX: Duration = Duration::from_millis(250);
/// How soon a release that waits for its engines is looked at again.
const TICK_MIN: Duration = Duration::from_millis(10);
/// How long the ground equipment may take to answer.
const PAD_TIMEOUT: Duration = Duration::from_secs(1);
/// Inputs handled before time is looked at again.
const INPUTS_PER_TURN: usize = 64;

/// Owns every mission; see [`Launch::open`](super::Launch::open).
pub struct Worker {
    bus: Arc<dyn Bus>,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    random: Box<dyn Random>,
    connector: Arc<dyn Connector>,
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
    received: mpsc::Receiver<Input>,
    recorders: RecorderSource,
    telemetry: Option<(Place, Queue)>,
    couriers: Couriers,
    released: BTreeMap<RocketId, Duration>,
    snapshot_due: Duration,
    watches: CancellationToken,
    tracker: TaskTracker,
}

impl Worker {
    pub(super) async fn open(
        parts: Parts,
        shared: Arc<Shared>,
        inputs: mpsc::Sender<Input>,
        received: mpsc::Receiver<Input>,
    ) -> Result<(Self, Reflexes), Error> {
        commit::replay(parts.bus.as_ref(), &shared, parts.clock.as_ref()).await?;
        let tracker = TaskTracker::new();
        let reflexes = Reflexes {
            shared: shared.clone(),
            inputs: inputs.clone(),
            tracker: tracker.clone(),
        };
        let (recorders, queue) = RecorderSource::new(shared.left_out());
        let place = Place {
            sink: parts.sink,
            source: parts.series,
            clock: parts.clock.clone(),
            left_out: shared.left_out(),
        };
        let timeout = parts.config.answer_timeout;
        let couriers = Couriers::new(inputs.clone(), tracker.clone(), timeout);
        let worker = Self {
            bus: parts.bus,
            records: parts.records,
            clock: parts.clock,
            random: parts.random,
            connector: parts.connector,
            shared,
            inputs,
            received,
            recorders,
            telemetry: Some((place, queue)),
            couriers,
            released: BTreeMap::new(),
            snapshot_due: Duration::ZERO,
            watches: CancellationToken::new(),
            tracker,
        };
        Ok((worker, reflexes))
    }

    /// Runs launch control until `stop`; returns when every vehicle it started is gone.
    pub async fn run(mut self, stop: CancellationToken) {
        let log = projection::run(self.bus.clone(), self.records.clone(), self.shared.clone());
        let log = self.tracker.spawn(log);
        let alerts = alerts::run(self.bus.clone(), self.inputs.clone());
        let alerts = self.tracker.spawn(alerts);
        if let Some((place, queue)) = self.telemetry.take() {
            self.tracker.spawn(telemetry::run(place, queue));
        }
        self.restart().await;
        let mut batch = Vec::with_capacity(INPUTS_PER_TURN);
        loop {
            let wait = self.until_next_step();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                count = self.received.recv_many(&mut batch, INPUTS_PER_TURN) => {
                    if count == 0 {
                        break;
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
            for input in batch.drain(..) {
                self.handle(input).await;
            }
            self.tick().await;
        }
        self.close([log, alerts]).await;
    }

    async fn close(mut self, followers: [tokio::task::JoinHandle<()>; 2]) {
        self.received.close();
        for link in self.shared.change_links(std::mem::take).into_values() {
            self.tracker.spawn(async move { link.close().await });
        }
        followers.iter().for_each(tokio::task::JoinHandle::abort);
        self.watches.cancel();
        let (_, stopped) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.received, stopped));
        let Self {
            tracker,
            recorders,
            inputs,
            couriers,
            ..
        } = self;
        drop((recorders, inputs, couriers));
        tracker.close();
        tracker.wait().await;
    }

    /// Brings back what a stop interrupted: reaches vehicles, holds counts, ends simulated flights.
    async fn restart(&mut self) {
        for rocket in self.shared.rockets() {
            let looked = self.shared.mission(&rocket, |mission| {
                (
                    mission.decide_restart(),
                    mission.definition().clone(),
                    mission.stage(),
                )
            });
            let Ok((facts, definition, stage)) = looked else {
                continue;
            };
            let ends = facts
                .iter()
                .any(|fact| matches!(fact, Fact::FlightEnded { .. }));
            if stage != Stage::Ended
                && !ends
                && let Err(error) = self.connect(&definition).await
            {
                let error = portique_fault::chain(&error);
                tracing::error!(%rocket, error, "the vehicle cannot be reached");
            }
            self.record(&rocket, Actor::hub(), facts).await;
            self.tell_clock(&rocket).await;
        }
    }

    fn until_next_step(&self) -> Duration {
        let now = self.clock.monotonic();
        let next = self.shared.missions(|missions| {
            let counting = missions.values().filter(|m| m.stage() == Stage::Counting);
            counting
                .filter_map(|mission| mission.count()?.until_due(now))
                .min()
        });
        match next {
            Some(Duration::ZERO) => TICK_MIN,
            next => next.unwrap_or(TICK_MAX).min(TICK_MAX),
        }
    }

    async fn tick(&mut self) {
        for rocket in self.shared.rockets() {
            self.step(&rocket).await;
        }
        let now = self.clock.monotonic();
        if now >= self.snapshot_due {
            self.snapshot_due = now + SNAPSHOT_EVERY;
            let snapshot = self.shared.missions(|missions| {
                missions
                    .values()
                    .map(|mission| PublicMission::of(mission, &self.shared))
                    .collect()
            });
            self.shared.push_snapshot(snapshot);
        }
    }

    async fn handle(&mut self, input: Input) {
        match input {
            Input::Add {
                definition,
                actor,
                reply,
            } => {
                let result = self.add(*definition, actor).await;
                // Whoever asked may have gone; the fact stands all the same.
                let _ = reply.send(result);
            }
            Input::Request {
                rocket,
                actor,
                request,
                reply,
            } => {
                let result = self.request(&rocket, actor, &request).await;
                let _ = reply.send(result);
            }
            other => self.react(other).await,
        }
    }

    async fn add(&mut self, definition: Definition, actor: Actor) -> Result<(), Error> {
        let rocket = definition.rocket.clone();
        let is_known = self.shared.mission(&rocket, |_| ()).is_ok();
        if is_known {
            return Err(Error::Conflict {
                what: "rocket",
                name: rocket.to_string(),
                problem: "exists already; choose another name".into(),
            });
        }
        let (all, open) = self.shared.missions(|missions| {
            (
                missions.len(),
                missions
                    .values()
                    .filter(|mission| mission.is_open())
                    .count(),
            )
        });
        if open >= ROCKETS_OPEN_MAX {
            return Err(Error::Full {
                what: "rockets before the end of their flight",
                limit: open,
            });
        }
        if all >= ROCKETS_MAX {
            return Err(Error::Full {
                what: "rockets",
                limit: all,
            });
        }
        self.connect(&definition).await?;
        let fact = Fact::RocketAdded {
            definition: Box::new(definition),
        };
        let entry = Entry {
            rocket: rocket.clone(),
            actor,
            t_s: None,
            fact,
        };
        if let Err(error) = self.commit(&[entry]).await {
            self.disconnect(&rocket);
            return Err(error);
        }
        Ok(())
    }

    async fn connect(&mut self, definition: &Definition) -> Result<(), Error> {
        let vehicle = Vehicle::parse(&definition.vehicle).map_err(|error| Error::Input {
            what: "vehicle",
            problem: portique_fault::chain(&error),
        })?;
        let rocket = &definition.rocket;
        let (sender, downlink) = mpsc::channel::<Received>(DOWNLINK_MESSAGES_MAX);
        let link = self
            .connector
            .connect(rocket, &vehicle, &definition.link, sender)
            .await?;
        let handle = OnceLock::new();
        let _ = handle.set(link.clone());
        let recorder = self.recorders.recorder(rocket, &vehicle, &definition.link);
        let watch = Watch {
            rocket: rocket.clone(),
            vehicle,
            link: Arc::new(handle),
            shared: self.shared.clone(),
            inputs: self.inputs.clone(),
            recorder,
            tracker: self.tracker.clone(),
            modules: BTreeMap::new(),
            outbox: VecDeque::new(),
        };
        self.tracker
            .spawn(watch.run(downlink, self.watches.clone()));
        self.shared
            .change_links(|links| links.insert(rocket.clone(), link));
        Ok(())
    }

    /// Closes a rocket's link; what it started may take seconds to end, and nobody waits for it.
    fn disconnect(&mut self, rocket: &RocketId) {
        self.couriers.forget(rocket);
        if let Some(link) = self.shared.change_links(|links| links.remove(rocket)) {
            self.tracker.spawn(async move { link.close().await });
        }
    }

    /// Publishes facts of one rocket, none being fine too; says whether they are recorded now, since
    /// nobody else waits for an answer.
    async fn record(&mut self, rocket: &RocketId, actor: Actor, facts: Vec<Fact>) -> bool {
        let t_s = self.t_s(rocket);
        let entries = Entry::all(rocket, &actor, t_s, facts);
        self.commit_or_log(&entries).await
    }

    async fn commit(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let bus = self.bus.clone();
        commit::commit(bus.as_ref(), &self.shared, self.random.as_mut(), entries).await?;
        for entry in entries {
            self.act(entry).await;
        }
        Ok(())
    }

    fn t_s(&self, rocket: &RocketId) -> Option<f64> {
        self.shared
            .mission(rocket, |mission| self.shared.t_s(mission))
            .ok()
            .flatten()
    }

    /// Tells the vehicle what the count's clock does.
    async fn tell_clock(&self, rocket: &RocketId) {
        let now = self.clock.monotonic();
        let Ok(Some((t_s, rate, propellant))) = self.shared.mission(rocket, |mission| {
            mission
                .count()
                .map(|count| (count.t_s(now), count.rate(), count.propellant(now)))
        }) else {
            return;
        };
        self.tell_pad(rocket, Pad::Clock { t_s, rate }).await;
        self.tell_pad(rocket, Pad::Propellant(propellant)).await;
    }

    async fn tell_pad(&self, rocket: &RocketId, pad: Pad) {
        let Some(link) = self.shared.link(rocket) else {
            return;
        };
        match tokio::time::timeout(PAD_TIMEOUT, link.pad(pad)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%rocket, %error, "the pad did not do it"),
            Err(_) => tracing::warn!(%rocket, "the ground equipment did not answer"),
        }
    }

    fn send_order(&mut self, rocket: &RocketId, module: &ModuleId, id: &str, order: &Order) {
        self.couriers.send(Parcel {
            link: self.shared.link(rocket),
            rocket: rocket.clone(),
            module: module.clone(),
            command: Command {
                id: id.into(),
                order: order.clone(),
                valid_for: watch::ORDER_VALID_FOR,
            },
        });
    }
}
