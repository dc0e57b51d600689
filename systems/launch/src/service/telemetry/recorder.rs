//! From the watch to the writer: never waits, and counts what it leaves out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portique_flight::Vehicle;
use tokio::sync::mpsc;

use crate::{LinkKind, ModuleId, RocketId, Sample};

/// Samples that may wait to be written, over a second of ten launches at the full rate; more are left out
/// and counted.
const SAMPLES_WAITING_MAX: usize = 4_096;
/// Room that samples do not take: a module's end is told when there is no room for its samples.
const ENDS_WAITING_MAX: usize = 1_024;

/// What the writer must know of a rocket.
pub(crate) struct Vessel {
    pub(super) rocket: RocketId,
    pub(super) vehicle: Vehicle,
    /// Whether something real may fly: the label `link` says so.
    pub(super) link: &'static str,
}

impl Vessel {
    pub(super) fn new(rocket: &RocketId, vehicle: &Vehicle, link: &LinkKind) -> Self {
        Self {
            rocket: rocket.clone(),
            vehicle: vehicle.clone(),
            link: match link {
                LinkKind::Remote => "real",
                LinkKind::Simulated | LinkKind::Replayed { .. } => "rehearsal",
            },
        }
    }
}

/// Something heard of a module, and when, in Unix milliseconds.
pub(crate) struct Heard {
    pub(super) vessel: Arc<Vessel>,
    pub(super) at_ms: i64,
    pub(super) what: What,
}

pub(super) enum What {
    Sample(ModuleId, Sample),
    /// Its telemetry was interrupted.
    Interrupted(ModuleId),
    /// Its telemetry is over for good.
    Ended(ModuleId),
    /// The link of the rocket is closed.
    Closed,
}

/// The queue that the writer empties.
pub(crate) type Queue = mpsc::Receiver<Heard>;

/// Makes one recorder per rocket.
#[derive(Clone)]
pub(crate) struct RecorderSource {
    queue: mpsc::Sender<Heard>,
    left_out: Arc<AtomicU64>,
}

impl RecorderSource {
    /// A source of recorders, and the queue that the writer empties; `left_out` counts.
    pub(crate) fn new(left_out: Arc<AtomicU64>) -> (Self, Queue) {
        let (queue, received) = mpsc::channel(SAMPLES_WAITING_MAX + ENDS_WAITING_MAX);
        (Self { queue, left_out }, received)
    }

    pub(crate) fn recorder(
        &self,
        rocket: &RocketId,
        vehicle: &Vehicle,
        link: &LinkKind,
    ) -> Recorder {
        Recorder {
            vessel: Arc::new(Vessel::new(rocket, vehicle, link)),
            source: self.clone(),
        }
    }
}

/// Hands what is heard of one rocket to the writer.
pub(crate) struct Recorder {
    vessel: Arc<Vessel>,
    source: RecorderSource,
}

impl Recorder {
    pub(crate) fn record(&self, module: &ModuleId, sample: &Sample, at_ms: i64) {
        if self.source.queue.capacity() > ENDS_WAITING_MAX {
            self.send(What::Sample(module.clone(), sample.clone()), at_ms);
            return;
        }
        let left_out = 1 + self.source.left_out.fetch_add(1, Ordering::Relaxed);
        if left_out.is_power_of_two() {
            let rocket = &self.vessel.rocket;
            tracing::warn!(%rocket, left_out, "the store of telemetry is too slow; samples left out");
        }
    }

    pub(crate) fn interrupted(&self, module: &ModuleId, at_ms: i64) {
        self.send(What::Interrupted(module.clone()), at_ms);
    }

    pub(crate) fn ended(&self, module: &ModuleId, at_ms: i64) {
        self.send(What::Ended(module.clone()), at_ms);
    }

    pub(crate) fn closed(&self, at_ms: i64) {
        self.send(What::Closed, at_ms);
    }

    fn send(&self, what: What, at_ms: i64) {
        let vessel = self.vessel.clone();
        let heard = Heard {
            vessel,
            at_ms,
            what,
        };
        if self.source.queue.try_send(heard).is_err() {
            let rocket = &self.vessel.rocket;
            tracing::warn!(%rocket, "what was heard has no room in the queue of the store");
        }
    }
}
