//! What the two tasks of a computer share: the latest state, the ledger, and each other's doors.

use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portique_flight::Phase;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};

use crate::onboard::ground_time::GroundTime;
use crate::onboard::ledger::{Ledger, Told};
use crate::{Answer, Command, Sample};

/// Samples and log lines that wait for a slow subscriber; older ones are dropped.
const LIVE_MESSAGES_MAX: usize = 256;

/// Commands that wait for the control task; more are turned away.
const COMMANDS_MAX: usize = 32;

/// The latest state of the module, as its control task sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// What the module is doing.
    pub(crate) phase: Phase,
    /// Whether a control task is at work.
    pub(crate) controlled: bool,
    /// Whether a simulated world is around the module.
    pub(crate) simulated: bool,
}

/// What telemetry sends and may lose.
#[derive(Debug, Clone)]
pub(crate) enum Live {
    /// The module's state at one moment.
    Sample(Sample),
    /// A line of its log.
    Log(String),
}

/// A command on its way to the control task.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) command: Command,
    pub(crate) answer: oneshot::Sender<Answer>,
    /// Set by the control task before it looks at the command: one that is lost unset did nothing.
    pub(crate) begun: Arc<AtomicBool>,
}

/// Shared by the tasks of one computer. Locks are held for a few instructions only, and survive the
/// panic of a holder: every update is one assignment or one push.
#[derive(Debug)]
pub(crate) struct Cell {
    state: watch::Sender<State>,
    ledger: Mutex<Ledger>,
    ground_time: Mutex<GroundTime>,
    told: watch::Sender<u64>,
    delivered: watch::Sender<u64>,
    control: Mutex<Option<mpsc::Sender<Pending>>>,
    telemetry: Mutex<Option<broadcast::Sender<Live>>>,
    /// Makes the telemetry task crash.
    pub(crate) telemetry_crash: Notify,
    /// Makes the telemetry task fall silent for a while.
    pub(crate) telemetry_silence: Notify,
    /// Samples per second of flight time that the ground asked for; 0 for the default.
    pub(crate) sample_rate_hz: watch::Sender<f64>,
    /// The most engines that ever had their chamber pressure: fewer means that one is lost.
    pub(crate) engines_seen: AtomicU32,
}

impl Cell {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::default(),
            ledger: Mutex::new(Ledger::new(new_incarnation())),
            ground_time: Mutex::default(),
            told: watch::Sender::default(),
            delivered: watch::Sender::default(),
            control: Mutex::default(),
            telemetry: Mutex::default(),
            telemetry_crash: Notify::new(),
            telemetry_silence: Notify::new(),
            sample_rate_hz: watch::Sender::default(),
            engines_seen: AtomicU32::new(0),
        }
    }

    /// The latest state.
    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Follows the state.
    pub(crate) fn watch_state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Changes the state; wakes followers only when it differs.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            let before = *state;
            change(state);
            *state != before
        });
    }

    /// Reads or changes the ledger.
    pub(crate) fn ledger<R>(&self, work: impl FnOnce(&mut Ledger) -> R) -> R {
        work(&mut lock(&self.ledger))
    }

    /// Reads or renews what is known of the ground's clock.
    pub(crate) fn ground_time<R>(&self, work: impl FnOnce(&mut GroundTime) -> R) -> R {
        work(&mut lock(&self.ground_time))
    }

    /// Notes a message that the ground must get, and wakes whoever sends it.
    pub(crate) fn tell(&self, message: Told) {
        let last = self.ledger(|ledger| {
            ledger.tell(message);
            ledger.last_sequence()
        });
        self.told.send_replace(last);
    }

    /// Takes up an earlier run's ledger.
    pub(crate) fn resume(&self, earlier: Ledger) {
        let last = self.ledger(|ledger| {
            ledger.resume(earlier);
            ledger.last_sequence()
        });
        self.told.send_replace(last);
    }

    /// Follows the sequence of the newest message that the ground must get.
    pub(crate) fn watch_told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Notes that messages up to `sequence` were handed to the ground's stream.
    pub(crate) fn delivered(&self, sequence: u64) {
        self.delivered.send_if_modified(|last| {
            let newer = sequence > *last;
            *last = sequence.max(*last);
            newer
        });
    }

    /// Returns when everything told so far was handed to the ground's stream.
    pub(crate) async fn all_delivered(&self) {
        let last = self.ledger(|ledger| ledger.last_sequence());
        _ = self
            .delivered
            .subscribe()
            .wait_for(|sequence| *sequence >= last)
            .await;
    }

    /// Opens the door to a control task; closed again when the guard is dropped, even by a panic.
    pub(crate) fn open_control(&self) -> (ControlDoor<'_>, mpsc::Receiver<Pending>) {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        *lock(&self.control) = Some(commands);
        self.update(|state| state.controlled = true);
        (ControlDoor(self), receiver)
    }

    /// The door to the control task, when one is at work.
    pub(crate) fn control(&self) -> Option<mpsc::Sender<Pending>> {
        lock(&self.control).clone()
    }

    /// Opens the door to a telemetry task; closed again when the guard is dropped.
    pub(crate) fn open_telemetry(&self) -> (TelemetryDoor<'_>, broadcast::Sender<Live>) {
        let (live, _) = broadcast::channel(LIVE_MESSAGES_MAX);
        *lock(&self.telemetry) = Some(live.clone());
        (TelemetryDoor(self), live)
    }

    /// Subscribes to the telemetry task, when one is at work.
    pub(crate) fn subscribe(&self) -> Option<broadcast::Receiver<Live>> {
        lock(&self.telemetry)
            .as_ref()
            .map(broadcast::Sender::subscribe)
    }

    /// Sends a line of log down, if telemetry is at work and anybody listens.
    pub(crate) fn log(&self, line: String) {
        if let Some(live) = lock(&self.telemetry).as_ref() {
            _ = live.send(Live::Log(line));
        }
    }
}

/// Open while a control task is at work.
pub(crate) struct ControlDoor<'a>(&'a Cell);

impl Drop for ControlDoor<'_> {
    fn drop(&mut self) {
        *lock(&self.0.control) = None;
        self.0.update(|state| state.controlled = false);
    }
}

/// Open while a telemetry task is at work.
pub(crate) struct TelemetryDoor<'a>(&'a Cell);

impl Drop for TelemetryDoor<'_> {
    fn drop(&mut self) {
        *lock(&self.0.telemetry) = None;
    }
}

/// A number that no other computer of this module counts its events under.
fn new_incarnation() -> u64 {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    // Zero stands for a computer that does not say.
    u64::from_le_bytes(bytes).max(1)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
