use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Bytes;
use portique_bus::Sequence;
use portique_clock::Clock;
use portique_flight::Phase;
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use super::projection::LogEntry;
use super::{Config, Error};
use crate::mission::{Mission, Stage};
use crate::webcast::PublicMission;
use crate::{Link, ModuleId, RocketId, Sample};

/// Messages a live listener may lag behind: some seconds of three modules at 20 a second.
const LIVE_MESSAGES_MAX: usize = 1_024;
/// How often the public feed's snapshot is taken.
pub(crate) const SNAPSHOT_EVERY: Duration = Duration::from_millis(500);
/// Longest delay of the public feed: the snapshots of so long are kept in memory.
pub(crate) const WEBCAST_DELAY_MAX: Duration = Duration::from_secs(150);
/// Public snapshots kept: those of the longest delay, the one before, and the newest.
const SNAPSHOTS_MAX: usize =
    (WEBCAST_DELAY_MAX.as_millis() / SNAPSHOT_EVERY.as_millis()) as usize + 2;
/// How long a reader of the log waits for the projection to catch up.
const LOG_PATIENCE: Duration = Duration::from_secs(2);

/// What a live listener hears.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "live", rename_all = "snake_case")]
pub enum LiveMessage {
    /// A line of the mission log.
    Log(LogEntry),
    /// A module's state; some are left out, never out of order.
    Sample {
        /// Of which rocket.
        rocket: RocketId,
        /// Of which module.
        module: ModuleId,
        /// The state.
        sample: Sample,
    },
}

impl LiveMessage {
    /// The rocket it is about.
    pub fn rocket(&self) -> &RocketId {
        match self {
            Self::Log(entry) => &entry.rocket,
            Self::Sample { rocket, .. } => rocket,
        }
    }
}

/// The newest of a module's telemetry.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveModule {
    /// The last sample.
    pub sample: Sample,
    /// When it came, on the monotonic clock.
    pub at: Duration,
    /// Samples heard since the link opened.
    pub samples: u64,
}

type Modules = BTreeMap<ModuleId, LiveModule>;
type Snapshot = (Duration, Arc<Vec<PublicMission>>);

/// What the public may see at one moment, written out once for all viewers.
pub(crate) struct PublicPage {
    pub(crate) missions: Arc<Vec<PublicMission>>,
    /// As a server-sent event `missions`, which viewers share.
    pub(crate) event: Bytes,
}

/// The page served last, and what it was made of: a snapshot and the number of changes till then.
type ServedPage = (Duration, u64, Arc<PublicPage>);

/// What everybody may look at; written by the worker and the watches only.
pub struct Shared {
    clock: Arc<dyn Clock>,
    config: Config,
    missions: RwLock<BTreeMap<RocketId, Mission>>,
    telemetry: RwLock<BTreeMap<RocketId, Modules>>,
    snapshots: Mutex<VecDeque<Snapshot>>,
    served: Mutex<Option<ServedPage>>,
    live: broadcast::Sender<Arc<LiveMessage>>,
    changes: watch::Sender<u64>,
    published: watch::Sender<Sequence>,
    projected: watch::Sender<Sequence>,
    /// Samples that were heard and not stored.
    left_out: Arc<AtomicU64>,
    /// Viewers of the public feed, those who are gone too.
    viewers: AtomicU64,
    links: RwLock<BTreeMap<RocketId, Arc<dyn Link>>>,
}

impl Shared {
    pub(crate) fn new(clock: Arc<dyn Clock>, config: Config) -> Self {
        Self {
            clock,
            config,
            missions: RwLock::default(),
            telemetry: RwLock::default(),
            snapshots: Mutex::default(),
            served: Mutex::default(),
            live: broadcast::channel(LIVE_MESSAGES_MAX).0,
            changes: watch::Sender::new(0),
            published: watch::Sender::new(Sequence(0)),
            projected: watch::Sender::new(Sequence(0)),
            left_out: Arc::default(),
            viewers: AtomicU64::new(0),
            links: RwLock::default(),
        }
    }

    /// The monotonic time.
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Samples that were heard and not stored, since the start.
    pub fn samples_left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// The way to a rocket, if it is connected.
    pub(crate) fn link(&self, rocket: &RocketId) -> Option<Arc<dyn Link>> {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        links.get(rocket).cloned()
    }

    /// Changes the ways to rockets.
    pub(crate) fn change_links<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<RocketId, Arc<dyn Link>>) -> T,
    ) -> T {
        change(&mut self.links.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a module is doing, by its last sample.
    pub(crate) fn phase(&self, rocket: &RocketId, module: &ModuleId) -> Option<Phase> {
        let telemetry = self
            .telemetry
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Some(telemetry.get(rocket)?.get(module)?.sample.phase)
    }

    pub(crate) fn left_out(&self) -> Arc<AtomicU64> {
        self.left_out.clone()
    }

    /// How launch control behaves.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The wall time.
    pub fn wall(&self) -> portique_clock::Timestamp {
        self.clock.now()
    }

    /// The names of all rockets.
    pub fn rockets(&self) -> Vec<RocketId> {
        self.missions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
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
        let missions = self.missions.read().unwrap_or_else(PoisonError::into_inner);
        match missions.get(rocket) {
            Some(mission) => Ok(look(mission)),
            None => {
                let known: Vec<&str> = missions.keys().map(RocketId::as_str).collect();
                let known = if known.is_empty() {
                    "none".into()
                } else {
                    known.join(", ")
                };
                Err(Error::Unknown {
                    what: "rocket",
                    name: rocket.to_string(),
                    known,
                })
            }
        }
    }

    /// Looks at all missions.
    pub(crate) fn missions<T>(&self, look: impl FnOnce(&BTreeMap<RocketId, Mission>) -> T) -> T {
        look(&self.missions.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<RocketId, Mission>) -> T,
    ) -> T {
        let result = change(
            &mut self
                .missions
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Wakes whenever a mission changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The newest telemetry of a rocket's modules.
    pub fn modules(&self, rocket: &RocketId) -> BTreeMap<ModuleId, LiveModule> {
        let telemetry = self
            .telemetry
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        telemetry.get(rocket).cloned().unwrap_or_default()
    }

    pub(crate) fn record_sample(&self, rocket: &RocketId, module: &ModuleId, sample: &Sample) {
        let at = self.now();
        let mut telemetry = self
            .telemetry
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let modules = match telemetry.get_mut(rocket) {
            Some(modules) => modules,
            None => telemetry.entry(rocket.clone()).or_default(),
        };
        match modules.get_mut(module) {
            Some(live) => {
                live.sample.clone_from(sample);
                live.at = at;
                live.samples += 1;
            }
            None => {
                let live = LiveModule {
                    sample: sample.clone(),
                    at,
                    samples: 1,
                };
                modules.insert(module.clone(), live);
            }
        }
    }

    /// Seconds from T-0 by the best clock there is: the vehicle's in flight, the count's before.
    pub fn t_s(&self, mission: &Mission) -> Option<f64> {
        let count_s = mission.count().map(|count| count.t_s(self.now()));
        match mission.stage() {
            Stage::Flying => {
                let telemetry = self
                    .telemetry
                    .read()
                    .unwrap_or_else(PoisonError::into_inner);
                let modules = telemetry.get(mission.rocket());
                let samples = modules.into_iter().flat_map(|modules| modules.values());
                samples
                    .map(|live| live.sample.t_s)
                    .reduce(f64::max)
                    .or(count_s)
            }
            Stage::Ended => mission.last_t_s(),
            _ => count_s,
        }
    }

    /// Everything that happens from now on.
    pub(crate) fn live(&self) -> broadcast::Receiver<Arc<LiveMessage>> {
        self.live.subscribe()
    }

    pub(crate) fn announce(&self, message: LiveMessage) {
        // Nobody listening is the ordinary case, not a failure.
        let _ = self.live.send(Arc::new(message));
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.live.receiver_count() > 0
    }

    pub(crate) fn push_snapshot(&self, snapshot: Vec<PublicMission>) {
        let mut snapshots = self
            .snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if snapshots.len() == SNAPSHOTS_MAX {
            snapshots.pop_front();
        }
        snapshots.push_back((self.now(), Arc::new(snapshot)));
    }

    /// What the public may see now: the state of `webcast_delay` ago, under the embargoes of now.
    pub fn public_missions(&self) -> Arc<Vec<PublicMission>> {
        self.public_page().missions.clone()
    }

    /// The same, and as an event; the same page until something may have changed.
    pub(crate) fn public_page(&self) -> Arc<PublicPage> {
        let (at, snapshot) = self.public_snapshot();
        // Read before the embargoes: a change in between makes the page again, never stale.
        let changes = *self.changes.borrow();
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((served_at, served_changes, page)) = served.as_ref()
            && (*served_at, *served_changes) == (at, changes)
        {
            return page.clone();
        }
        let missions = self.missions(|missions| {
            let is_shut = |public: &PublicMission| {
                let mission = missions.get(&public.rocket);
                mission.is_some_and(Mission::is_embargoed)
            };
            let public = snapshot.iter().cloned();
            public
                .map(|public| {
                    if is_shut(&public) {
                        public.shut()
                    } else {
                        public
                    }
                })
                .collect::<Vec<_>>()
        });
        // JSON of one line, so that it is one line of data.
        let json = serde_json::to_string(&missions).expect("public missions have text keys");
        let page = Arc::new(PublicPage {
            missions: Arc::new(missions),
            event: format!("event: missions\ndata: {json}\n\n").into(),
        });
        *served = Some((at, changes, page.clone()));
        page
    }

    /// Which viewer of the public feed this is, from 0.
    pub(crate) fn one_more_viewer(&self) -> u64 {
        self.viewers.fetch_add(1, Ordering::Relaxed)
    }

    fn public_snapshot(&self) -> Snapshot {
        let until = self.now().saturating_sub(self.config.webcast_delay);
        let snapshots = self
            .snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let newest = snapshots.iter().rev().find(|(at, _)| *at <= until);
        newest.cloned().unwrap_or_default()
    }

    pub(crate) fn set_published(&self, sequence: Sequence) {
        self.published.send_if_modified(|last| {
            let is_newer = sequence > *last;
            *last = sequence.max(*last);
            is_newer
        });
    }

    pub(crate) fn set_projected(&self, sequence: Sequence) {
        self.projected.send_replace(sequence);
    }

    /// How many places on the bus the mission log lags behind what was published.
    pub fn projection_lag(&self) -> u64 {
        let published = *self.published.borrow();
        let projected = *self.projected.borrow();
        published.0.saturating_sub(projected.0)
    }

    /// Waits, within a bound, until the mission log holds everything published before the call.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it still lags then: a page would lack the newest lines.
    pub(crate) async fn log_caught_up(&self) -> Result<(), Error> {
        let published = *self.published.borrow();
        let mut projected = self.projected.subscribe();
        let caught_up = projected.wait_for(|sequence| *sequence >= published);
        match tokio::time::timeout(LOG_PATIENCE, caught_up).await {
            Ok(_) => Ok(()),
            Err(_) => {
                tracing::warn!(%published, "the mission log lags behind the bus");
                let reason = "the mission log lags behind what happened; try again";
                Err(Error::Unavailable { reason })
            }
        }
    }
}

#[cfg(test)]
mod tests;
