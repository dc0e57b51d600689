//! Launch control at work: the shell around the missions.
//!
//! One [`Worker`] owns all missions and changes them one input at a time: decide, publish, apply, act.
//! Each rocket's downlink has a task of its own (`watch`), so that ten thousand samples a second never
//! wait behind a poll, and a violated limit never behind a disk. Two more tasks write: the mission log's
//! projection, and the telemetry that the store is given.

mod abort;
mod alerts;
mod commit;
mod couriers;
mod inputs;
mod live;
mod projection;
mod telemetry;
mod watch;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use portique_bus::Bus;
use portique_clock::{Clock, Random};
use portique_records::Records;
use portique_series::{Sink, Source as Series};
use tokio::sync::{broadcast, mpsc, oneshot};

#[cfg(test)]
pub(crate) use abort::Reflexes;
pub(crate) use live::PublicPage;
pub use live::{LiveMessage, LiveModule, Shared};
pub use projection::{LogEntry, LogPage, LogQuery, Source};
#[cfg(test)]
pub(crate) use telemetry::Books;
pub(crate) use telemetry::is_of_every_module;
pub use telemetry::{PREFIX as METRICS, TelemetryPage, TelemetryQuery};
pub use worker::Worker;

use crate::mission::{Actor, Definition, Mission, OrderRecord, Request};
use crate::weather::Criteria;
use crate::{Connector, Error, ModuleId, RocketId};
use inputs::Input;

/// Requests that may wait for the worker; more are refused at the edge by waiting senders.
const INPUTS_MAX: usize = 1_024;

/// How launch control behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long the public feed lags behind, up to 150 s; default 5 s.
    pub webcast_delay: Duration,
    /// How long a module may take to answer an order; default 3 s.
    pub answer_timeout: Duration,
    /// What weather a launch needs.
    pub criteria: Criteria,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            webcast_delay: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(3),
            criteria: Criteria::default(),
        }
    }
}

impl Config {
    /// Checks what can be set wrong.
    ///
    /// # Errors
    /// [`Error::Input`] for a delay of the public feed that is not kept in memory.
    pub fn check(&self) -> Result<(), Error> {
        if self.webcast_delay <= live::WEBCAST_DELAY_MAX {
            return Ok(());
        }
        let (given, limit) = (self.webcast_delay, live::WEBCAST_DELAY_MAX);
        Err(Error::Input {
            what: "webcast_delay",
            problem: format!("is {given:?}; it may be 0 to {limit:?}"),
        })
    }
}

/// What launch control stands on.
pub struct Parts {
    /// Where facts go and come back from.
    pub bus: Arc<dyn Bus>,
    /// Where the mission log is kept.
    pub records: Arc<dyn Records>,
    /// Where telemetry is given to be kept, and looked at by rules.
    pub sink: Arc<dyn Sink>,
    /// Where it is read back.
    pub series: Arc<dyn Series>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub random: Box<dyn Random>,
    /// How vehicles are reached.
    pub connector: Arc<dyn Connector>,
    /// How it behaves.
    pub config: Config,
}

/// A handle on launch control.
#[derive(Clone)]
pub struct Launch {
    inputs: mpsc::Sender<Input>,
    shared: Arc<Shared>,
    records: Arc<dyn Records>,
    series: Arc<dyn Series>,
    reflexes: abort::Reflexes,
}

impl Launch {
    /// Brings every mission back from the bus; the worker it returns must be run.
    ///
    /// # Errors
    /// [`Error::Input`] for a configuration that is refused, [`Error::Bus`], [`Error::Records`], or
    /// [`Error::Damaged`] when a stored fact cannot be read.
    pub async fn open(parts: Parts) -> Result<(Self, Worker), Error> {
        parts.config.check()?;
        projection::define(parts.records.as_ref()).await?;
        let (inputs, received) = mpsc::channel(INPUTS_MAX);
        let shared = Arc::new(Shared::new(parts.clock.clone(), parts.config.clone()));
        let (records, series) = (parts.records.clone(), parts.series.clone());
        let (worker, reflexes) =
            Worker::open(parts, shared.clone(), inputs.clone(), received).await?;
        Ok((
            Self {
                inputs,
                shared,
                records,
                series,
                reflexes,
            },
            worker,
        ))
    }

    /// What rules and receivers can have launch control do: `launch.abort` and `launch.hold`.
    pub fn actions(&self) -> Vec<Arc<dyn portique_monitor::Action>> {
        self.reflexes.actions()
    }

    /// Adds a rocket; returns once it is durable and its vehicle is being reached.
    ///
    /// # Errors
    /// [`Error`] when it exists already or its description is refused; then nothing changed.
    pub async fn add(&self, definition: Definition, actor: Actor) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.send(
            Input::Add {
                definition: Box::new(definition),
                actor,
                reply,
            },
            answer,
        )
        .await
    }

    /// Asks something of a mission; returns once what it led to is durable.
    ///
    /// # Errors
    /// [`Error`] when the mission refuses; then nothing changed.
    pub async fn request(
        &self,
        rocket: &RocketId,
        actor: Actor,
        request: Request,
    ) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let rocket = rocket.clone();
        self.send(
            Input::Request {
                rocket,
                actor,
                request: Box::new(request),
                reply,
            },
            answer,
        )
        .await
    }

    /// Orders a module and waits for its answer.
    ///
    /// # Errors
    /// As [`Launch::request`]; a refusal by the module is not an error but the record's stage.
    pub async fn order(
        &self,
        rocket: &RocketId,
        actor: Actor,
        id: String,
        module: ModuleId,
        order: crate::Order,
    ) -> Result<OrderRecord, Error> {
        let mut changes = self.shared.changes();
        let request = Request::Order {
            id: id.clone(),
            module,
            order,
        };
        self.request(rocket, actor, request).await?;
        let patience = self.shared.config().answer_timeout + Duration::from_secs(1);
        let answered = async {
            loop {
                let record = self.mission(rocket, |mission| {
                    mission
                        .orders()
                        .iter()
                        .find(|record| record.id == id)
                        .cloned()
                })?;
                match record {
                    Some(record) if record.stage != crate::mission::OrderStage::Released => {
                        return Ok(record);
                    }
                    _ => {}
                }
                if changes.changed().await.is_err() {
                    return Err(Error::Unavailable {
                        reason: "it is stopping",
                    });
                }
            }
        };
        match tokio::time::timeout(patience, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Unavailable {
                reason: "the order is recorded but not answered",
            }),
        }
    }

    /// Whether an order could be given now.
    ///
    /// # Errors
    /// As [`Launch::order`], and [`Error::NotNow`] for one that was given already.
    pub(crate) fn check_order(
        &self,
        rocket: &RocketId,
        id: &str,
        module: &ModuleId,
        order: &crate::Order,
    ) -> Result<(), Error> {
        let now = crate::mission::Now {
            wall: self.shared.wall(),
            monotonic: self.shared.now(),
        };
        let request = Request::Order {
            id: id.to_owned(),
            module: module.clone(),
            order: order.clone(),
        };
        let facts = self.mission(rocket, |mission| mission.decide(&request, now))??;
        if facts.is_empty() {
            let (rocket, reason) = (rocket.to_string(), format!("order {id} was given already"));
            return Err(Error::NotNow { rocket, reason });
        }
        Ok(())
    }

    /// Looks at one mission.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such rocket.
    pub fn mission<T>(
        &self,
        rocket: &RocketId,
        look: impl FnOnce(&Mission) -> T,
    ) -> Result<T, Error> {
        self.shared.mission(rocket, look)
    }

    /// What is seen of everything now.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Everything that happens from now on; a slow listener is told how much it missed.
    pub fn live(&self) -> broadcast::Receiver<Arc<LiveMessage>> {
        self.shared.live()
    }

    /// A page of the mission log, complete up to the moment of the call.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the log lags behind what happened, [`Error::Records`].
    pub async fn log(&self, query: &LogQuery) -> Result<LogPage, Error> {
        self.shared.log_caught_up().await?;
        projection::page(self.records.as_ref(), query).await
    }

    /// A page of a module's telemetry history.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a rocket that is not there, [`Error::Input`], [`Error::Series`].
    pub async fn telemetry(
        &self,
        rocket: &RocketId,
        module: &ModuleId,
        query: &TelemetryQuery,
    ) -> Result<TelemetryPage, Error> {
        let times = (self.mission(rocket, Mission::added_at)?, self.shared.wall());
        telemetry::page(self.series.clone(), (rocket, module), times, query).await
    }

    async fn send(
        &self,
        input: Input,
        answer: oneshot::Receiver<Result<(), Error>>,
    ) -> Result<(), Error> {
        let stopping = Error::Unavailable {
            reason: "it is stopping",
        };
        if self.inputs.send(input).await.is_err() {
            return Err(stopping);
        }
        answer.await.unwrap_or(Err(stopping))
    }
}
