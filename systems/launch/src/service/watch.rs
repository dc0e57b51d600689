//! One rocket's downlink: every sample is checked against its limits before anything else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use portique_flight::{EventKind, Vehicle};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::couriers;
use super::inputs::Input;
use super::live::{LiveMessage, Shared};
use super::telemetry::Recorder;
use crate::detect::{Detected, Detector};
use crate::limits::{LimitWatch, Violation};
use crate::link::Downlink;
use crate::mission::{Actor, Mission, Severity, Stage};
use crate::{Command, FlightEvent, Link, ModuleId, Order, Received, RocketId, Sample};

/// Shortest time between two live messages about one module: a screen shows twenty a second.
const LIVE_EVERY: Duration = Duration::from_millis(50);
/// What the ground detects when the vehicle tells its own events.
const GROUND_ONLY: [EventKind; 2] = [EventKind::Mach1, EventKind::MaxQ];

/// Inputs that may wait for the worker before the watch stops listening: many flights' worth of events.
const OUTBOX_INPUTS_MAX: usize = 1_024;

/// How often it is seen whether modules fell silent after their flight.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A module that says nothing for so long after its flight is over has ended: sooner than its silence is an anomaly.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// How long an order is valid: later than that, it must not be executed.
pub(crate) const ORDER_VALID_FOR: Duration = Duration::from_secs(5);

/// The watch over one rocket.
pub(crate) struct Watch {
    pub(crate) rocket: RocketId,
    pub(crate) vehicle: Vehicle,
    pub(crate) link: Arc<OnceLock<Arc<dyn Link>>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) recorder: Recorder,
    pub(crate) tracker: TaskTracker,
    pub(crate) modules: BTreeMap<ModuleId, ModuleWatch>,
    pub(crate) outbox: VecDeque<Input>,
}

/// What the ground keeps about one module to judge its next sample.
pub(crate) struct ModuleWatch {
    limits: LimitWatch,
    detector: Detector,
    announced: Duration,
    /// When its last sample came; none after its telemetry ended.
    heard: Option<Duration>,
}

impl Watch {
    /// Listens until the link is closed or launch control stops.
    pub(crate) async fn run(
        mut self,
        mut downlink: mpsc::Receiver<Received>,
        stop: CancellationToken,
    ) {
        let inputs = self.inputs.clone();
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.outbox.len() < OUTBOX_INPUTS_MAX;
            let has_mail = !self.outbox.is_empty();
            tokio::select! {
                () = stop.cancelled() => break,
                received = downlink.recv(), if has_room => match received {
                    Some(received) => self.take_in(received.message),
                    None => break,
                },
                place = inputs.reserve(), if has_mail => match (place, self.outbox.pop_front()) {
                    (Ok(place), Some(input)) => place.send(input),
                    _ => break,
                },
                _ = looks.tick() => self.end_silent(),
            }
        }
        self.recorder.closed(self.shared.wall().as_millis());
        if stop.is_cancelled() {
            return;
        }
        for input in self.outbox {
            if inputs.send(input).await.is_err() {
                return;
            }
        }
    }

    /// Never waits: whatever is for the worker goes into the outbox.
    fn take_in(&mut self, message: Downlink) {
        let rocket = self.rocket.clone();
        let input = match message {
            Downlink::Sample(module, sample) => return self.observe(&module, &sample),
            Downlink::Log(module, line) => {
                tracing::debug!(%rocket, %module, line, "on board");
                return;
            }
            Downlink::Event(module, event) => {
                let actor = Actor::from(&module);
                Input::Flight {
                    rocket,
                    actor,
                    module,
                    event,
                }
            }
            Downlink::Up(module) => Input::Up { rocket, module },
            Downlink::Interrupted(module, reason) => {
                tracing::debug!(%rocket, %module, reason, "telemetry interrupted");
                return self
                    .recorder
                    .interrupted(&module, self.shared.wall().as_millis());
            }
            Downlink::Down(module, reason) => {
                self.recorder
                    .interrupted(&module, self.shared.wall().as_millis());
                Input::Down {
                    rocket,
                    module,
                    reason,
                }
            }
            Downlink::Ended(module, reason) => {
                self.detect(&module, |detector| detector.finish());
                self.recorder.ended(&module, self.shared.wall().as_millis());
                Input::Ended {
                    rocket,
                    module,
                    reason,
                }
            }
        };
        self.outbox.push_back(input);
    }

    /// Ends the telemetry of modules that stay attached and have nothing to say: their flight is over.
    fn end_silent(&mut self) {
        let now = self.shared.now();
        let is_silent = |heard: Duration| now.saturating_sub(heard) >= SILENT_AFTER;
        let silent = self.modules.iter_mut();
        let silent = silent.filter(|(_, watch)| watch.heard.is_some_and(is_silent));
        let mut silent = silent.peekable();
        if silent.peek().is_none() {
            return;
        }
        let stage = self.shared.mission(&self.rocket, Mission::stage);
        if !stage.is_ok_and(|stage| stage == Stage::Ended) {
            return;
        }
        for (module, watch) in silent {
            watch.heard = None;
            self.recorder.ended(module, self.shared.wall().as_millis());
        }
    }

    fn observe(&mut self, module: &ModuleId, sample: &Sample) {
        let now = self.shared.now();
        let watch = self
            .modules
            .entry(module.clone())
            .or_insert_with(|| ModuleWatch {
                limits: LimitWatch::new(module),
                detector: Detector::new(),
                announced: Duration::ZERO,
                heard: None,
            });
        watch.heard = Some(now);
        if let Some(violation) = watch.limits.observe(&self.vehicle, sample) {
            self.react(module, violation, sample.t_s);
        }
        self.shared.record_sample(&self.rocket, module, sample);
        let at_ms = self.shared.wall().as_millis();
        self.recorder.record(module, sample, at_ms);
        self.announce(module, sample);
        self.detect(module, |detector| detector.observe(sample));
    }

    /// The reflex: orders destruction at once, and tells the worker, who writes it down meanwhile.
    /// Nothing here waits, neither for the module nor for the worker.
    fn react(&self, module: &ModuleId, violation: Violation, t_s: f64) {
        let is_critical = violation.severity == Severity::Critical;
        let at = self.shared.wall().as_millis();
        let id = is_critical.then(|| format!("reflex-{module}-{at}"));
        let (rocket, inputs) = (self.rocket.clone(), self.inputs.clone());
        let told = Input::Violated {
            rocket: rocket.clone(),
            module: module.clone(),
            violation,
            t_s,
            id: id.clone(),
        };
        let order = id.zip(self.link.get().cloned()).map(|(id, link)| {
            let order = Order::Destroy;
            (
                link,
                Command {
                    id,
                    order,
                    valid_for: ORDER_VALID_FOR,
                },
            )
        });
        let timeout = self.shared.config().answer_timeout;
        let module = module.clone();
        self.tracker.spawn(async move {
            let tell = inputs.send(told);
            let Some((link, command)) = order else {
                // A closed worker means the hub is stopping.
                let _ = tell.await;
                return;
            };
            let id = command.id.clone();
            let ((stage, reason), _) =
                tokio::join!(couriers::insist(&link, &module, command, timeout), tell);
            let answered = Input::Answered {
                rocket,
                module,
                id,
                stage,
                reason,
            };
            let _ = inputs.send(answered).await;
        });
    }

    fn announce(&mut self, module: &ModuleId, sample: &Sample) {
        let now = self.shared.now();
        let Some(watch) = self.modules.get_mut(module) else {
            return;
        };
        let is_due = now.saturating_sub(watch.announced) >= LIVE_EVERY;
        if is_due && self.shared.has_listeners() {
            watch.announced = now;
            let (rocket, module) = (self.rocket.clone(), module.clone());
            self.shared.announce(LiveMessage::Sample {
                rocket,
                module,
                sample: sample.clone(),
            });
        }
    }

    fn detect(&mut self, module: &ModuleId, look: impl FnOnce(&mut Detector) -> Vec<Detected>) {
        let tells_its_own = self.link.get().is_some_and(|link| link.reports_events());
        if tells_its_own && module.as_str() != portique_flight::Body::Booster.as_str() {
            return;
        }
        let Some(watch) = self.modules.get_mut(module) else {
            return;
        };
        for Detected { event, t_s, values } in look(&mut watch.detector) {
            if tells_its_own && !GROUND_ONLY.contains(&event) {
                continue;
            }
            let event = FlightEvent {
                kind: event,
                t_s,
                values,
            };
            let (rocket, module, actor) = (self.rocket.clone(), module.clone(), Actor::ground());
            self.outbox.push_back(Input::Flight {
                rocket,
                actor,
                module,
                event,
            });
        }
    }
}
