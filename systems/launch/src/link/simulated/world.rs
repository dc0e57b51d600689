//! The task that owns a simulated world and keeps its time.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_flight::{Actuators, Body, Fault, Sensors, TICK_S, Vehicle, World};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lockstep::{Frame, Kept, Lockstep};
use super::observers::Observers;
use crate::Pad;
use crate::rpc::{self, SensorFrame, ToControl, to_control};

/// How long a frame waits for a control task that has stopped answering; then the vehicle flies on
/// with the last actuators.
pub const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// The flight is slowed to real time for this long while a module is without its computer, because a
/// restart, and a computer that has to wait for its turn, take real time whatever the rate.
const ABSENCE_GRACE: Duration = Duration::from_secs(5);

/// Wall time between frames on the pad at rate 1, where nothing moves fast.
const PAD_FRAME: Duration = Duration::from_millis(200);

/// Wall time between frames when all is over, so that a parked rocket costs next to nothing.
const PARKED_FRAME: Duration = Duration::from_secs(1);

/// Flight time after the end of everything until the world is parked: whoever has to notice the end
/// has noticed by then.
const PARK_AFTER_S: f64 = 30.0;

/// How far behind its time the world may run and still catch up; beyond, it is simply slower.
const CATCH_UP_MAX: Duration = Duration::from_millis(100);

/// Inputs that may wait for the world: a few for each seat and observer.
const INPUTS_MAX: usize = 256;

/// Frames that wait for one control task: the current one and, for a late one, some to catch up.
pub(super) const CONTROL_FRAMES_MAX: usize = 4;

/// Most steps in one frame: a control task that is asked less often than five times a second of
/// flight cannot land.
const STEPS_PER_FRAME_MAX: usize = 10;

/// How a simulated world is paced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulationOptions {
    /// Steps of 20 ms of flight in one frame, 1 to 10; each control task is asked once a frame.
    pub steps_per_frame: usize,
    /// Samples per second of flight from each module, 1 to 50.
    pub sample_rate_hz: f64,
}

impl Default for SimulationOptions {
    /// Two steps a frame (25 frames per second of flight), ten samples per second.
    fn default() -> Self {
        Self {
            steps_per_frame: 2,
            sample_rate_hz: 10.0,
        }
    }
}

/// What the world's task is told.
#[derive(Debug)]
pub(super) enum Input {
    Sit {
        body: Body,
        holder: u64,
        frames: mpsc::Sender<ToControl>,
    },
    Leave {
        body: Body,
        holder: u64,
    },
    Answer {
        body: Body,
        holder: u64,
        frame: u64,
        actuators: Actuators,
    },
    Keep {
        body: Body,
        holder: u64,
        memory: Option<Vec<u8>>,
        ledger: Option<Vec<u8>>,
        confirm: bool,
    },
    Inject {
        body: Body,
        fault: Fault,
    },
    Observe {
        body: Body,
        period_s: f64,
        frames: mpsc::Sender<SensorFrame>,
    },
    Pad {
        pad: Pad,
        done: oneshot::Sender<bool>,
    },
}

/// The count, and since when it stands or runs so.
#[derive(Clone, Copy)]
struct Count {
    t_s: f64,
    rate: f64,
    since: Instant,
}

/// Owns the world.
pub(super) struct WorldWorker {
    lockstep: Lockstep,
    vehicle: String,
    options: SimulationOptions,
    inputs: mpsc::Receiver<Input>,
    controls: BTreeMap<Body, mpsc::Sender<ToControl>>,
    observers: Observers,
    count: Count,
    due: Instant,
    absent_since: Option<Instant>,
    over_since_t_s: Option<f64>,
}

impl WorldWorker {
    /// A world on its pad and the way to it.
    ///
    /// # Errors
    /// The serialiser's, when the vehicle cannot be written as TOML.
    pub(super) fn new(
        vehicle: &Vehicle,
        options: SimulationOptions,
    ) -> Result<(Self, mpsc::Sender<Input>), toml::ser::Error> {
        let (sender, inputs) = mpsc::channel(INPUTS_MAX);
        let now = Instant::now();
        let worker = Self {
            lockstep: Lockstep::new(World::new(vehicle.clone())),
            vehicle: toml::to_string(vehicle)?,
            options: SimulationOptions {
                steps_per_frame: options.steps_per_frame.clamp(1, STEPS_PER_FRAME_MAX),
                ..options
            },
            inputs,
            controls: BTreeMap::new(),
            observers: Observers::default(),
            count: Count {
                t_s: 0.0,
                rate: 0.0,
                since: now,
            },
            due: now,
            absent_since: None,
            over_since_t_s: None,
        };
        Ok((worker, sender))
    }

    /// Runs the world until it is stopped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        _ = stop.run_until_cancelled(self.fly()).await;
    }

    async fn fly(&mut self) {
        loop {
            self.await_answers().await;
            self.await_due().await;
            let frame = self
                .lockstep
                .advance(self.options.steps_per_frame, self.count_t_s());
            self.send(&frame);
            self.pace();
        }
    }

    async fn await_answers(&mut self) {
        let deadline = Instant::now() + ANSWER_WAIT;
        while !self.lockstep.is_answered() {
            tokio::select! {
                biased;
                Some(input) = self.inputs.recv() => self.take(input),
                () = tokio::time::sleep_until(deadline) => {
                    for body in self.lockstep.give_up() {
                        tracing::warn!(%body, "control does not answer; flying on without it");
                    }
                    return;
                }
            }
        }
    }

    async fn await_due(&mut self) {
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.due) => return,
                Some(input) = self.inputs.recv() => self.take(input),
            }
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Sit {
                body,
                holder,
                frames,
            } => self.sit(body, holder, frames),
            Input::Leave { body, holder } => self.lockstep.leave(body, holder),
            Input::Answer {
                body,
                holder,
                frame,
                actuators,
            } => {
                self.lockstep.answer(body, holder, frame, actuators);
            }
            Input::Keep {
                body,
                holder,
                memory,
                ledger,
                confirm,
            } => {
                self.lockstep.keep(body, holder, memory, ledger);
                if let (true, Some(control)) = (confirm, self.controls.get(&body)) {
                    let kept = to_control::Message::Kept(rpc::Nothing {});
                    // A task with a full queue waits in vain, for a bounded time.
                    _ = control.try_send(ToControl {
                        message: Some(kept),
                    });
                }
            }
            Input::Inject { body, fault } => self.lockstep.inject(body, fault),
            Input::Observe {
                body,
                period_s,
                frames,
            } => self.observers.add(body, period_s, frames),
            Input::Pad { pad, done } => _ = done.send(self.pad(pad)),
        }
    }

    fn sit(&mut self, body: Body, holder: u64, frames: mpsc::Sender<ToControl>) {
        let Kept { memory, ledger } = self.lockstep.sit(body, holder);
        let hello = rpc::Hello {
            vehicle: self.vehicle.clone(),
            memory,
            ledger,
        };
        let message = ToControl {
            message: Some(to_control::Message::Hello(hello)),
        };
        if frames.try_send(message).is_ok() {
            self.controls.insert(body, frames);
        }
    }

    fn pad(&mut self, pad: Pad) -> bool {
        match pad {
            Pad::Clock { t_s, rate } => {
                let before = self.rate();
                self.count = Count {
                    t_s,
                    rate,
                    since: Instant::now(),
                };
                if self.rate() != before {
                    self.due = self.due.min(Instant::now());
                }
                true
            }
            Pad::Propellant(fraction) => {
                self.lockstep.load_propellant(fraction);
                true
            }
            Pad::Release => self.lockstep.release(),
        }
    }

    fn count_t_s(&self) -> f64 {
        self.count.t_s + self.count.rate * self.count.since.elapsed().as_secs_f64()
    }

    /// Seconds of flight per second of wall time; a held count does not stop the world.
    fn rate(&self) -> f64 {
        if self.count.rate > 0.0 {
            self.count.rate
        } else {
            1.0
        }
    }

    fn send(&mut self, frame: &Frame) {
        for (body, steps) in &frame.steps {
            if let Some(control) = self.controls.get(body) {
                // A late control task finds newer frames when it comes back.
                _ = control.try_send(control_frame(frame.number, steps));
            }
            // On the pad all steps of a frame show the same moment.
            let shown = if self.lockstep.lifted_off() {
                steps.len()
            } else {
                1
            };
            for sensors in steps.iter().rev().take(shown).rev() {
                let on_pad = !self.lockstep.lifted_off();
                self.observers.show(*body, sensors, on_pad);
            }
        }
    }

    /// Whether everything is over, and has been for a while.
    fn is_parked(&mut self) -> bool {
        if !self.lockstep.is_over() {
            self.over_since_t_s = None;
            return false;
        }
        let t_s = self.lockstep.t_s();
        t_s - *self.over_since_t_s.get_or_insert(t_s) > PARK_AFTER_S
    }

    /// Sets when the next frame is due.
    fn pace(&mut self) {
        let now = Instant::now();
        let absent = self.lockstep.is_anybody_absent();
        if !absent {
            self.absent_since = None;
        } else if self.absent_since.is_none() {
            self.absent_since = Some(now);
        }
        let waits = self
            .absent_since
            .is_some_and(|since| now - since < ABSENCE_GRACE);
        let rate = if waits {
            self.rate().min(1.0)
        } else {
            self.rate()
        };
        let steps = u32::try_from(self.options.steps_per_frame).unwrap_or(1);
        let frame = Duration::from_secs_f64(TICK_S) * steps;
        let period = if self.is_parked() {
            PARKED_FRAME
        } else if self.lockstep.lifted_off() || self.lockstep.is_burning() {
            frame.div_f64(rate)
        } else {
            PAD_FRAME.div_f64(rate).min(PAD_FRAME)
        };
        self.due = (self.due + period).max(now.checked_sub(CATCH_UP_MAX).unwrap_or(now));
    }
}

fn control_frame(number: u64, steps: &[Sensors]) -> ToControl {
    let frame = rpc::ControlFrame {
        frame: number,
        steps: steps.iter().map(SensorFrame::from).collect(),
    };
    ToControl {
        message: Some(to_control::Message::Sensors(frame)),
    }
}
