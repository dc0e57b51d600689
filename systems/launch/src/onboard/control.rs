//! The control task: sensors and orders in, actuators and answers out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portique_flight::{Actuators, Autopilot, Body, Phase, Sensors, Vehicle};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::onboard::Identity;
use crate::onboard::cell::{Cell, Pending};
use crate::onboard::ledger::{Ledger, Progress, Told};
use crate::rpc::world_client::WorldClient;
use crate::rpc::{self, ActuatorFrame, ControlFrame, FromControl, from_control, to_control};
use crate::{Answer, FlightEvent, InjectedFault, ModuleId, Order};

/// Messages to the world that may wait: one answer and a few faults, as the world asks one at a time.
const UPLINK_MESSAGES_MAX: usize = 8;

/// The memory goes to the world with every order and event, and at least each this many frames, so that a
/// restarted computer goes on from at most a quarter of a second of flight ago.
const FRAMES_PER_MEMORY: u64 = 5;

/// How long a destroyed module waits for the world to take note; the world answers within a frame.
const LAST_FRAME_WAIT: Duration = Duration::from_secs(1);

/// How long a crash by order waits for its memory to be kept.
const KEPT_WAIT: Duration = Duration::from_secs(1);

/// Why a control task came to an end that is not a failure of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ControlEnd {
    /// The module is no more.
    ModuleEnded,
    /// The whole computer was told to crash.
    ComputerCrash,
    /// There is no world to fly in at the moment; the text says why.
    NoWorld(String),
}

/// Flies the module in its simulated world until the world or the module ends.
pub(crate) async fn fly(cell: Arc<Cell>, identity: Arc<Identity>, world: Channel) -> ControlEnd {
    match Pilot::board(&cell, &identity, world).await {
        Ok((pilot, frames)) => pilot.fly(frames).await,
        Err(status) => ControlEnd::NoWorld(rpc::reason(&status)),
    }
}

/// Answers for a module that has no world: it can do nothing, and says so.
pub(crate) async fn stand_by(cell: Arc<Cell>, identity: Arc<Identity>) -> ControlEnd {
    let (_door, mut commands) = cell.open_control();
    while let Some(Pending {
        command, answer, ..
    }) = commands.recv().await
    {
        let reason = match command.order {
            Order::Inject { .. } => "faults are for simulated vehicles only".to_owned(),
            order => format!("module {} has no {}", identity.module, order.name()),
        };
        _ = answer.send(Answer::Refused { reason });
    }
    ControlEnd::NoWorld("the door was closed".into())
}

/// What follows a command.
enum Next {
    GoOn,
    Crash,
    CrashComputer,
}

struct Pilot<'a> {
    cell: &'a Cell,
    autopilot: Autopilot,
    sensors: Sensors,
    world: mpsc::Sender<FromControl>,
    ledger_kept: bool,
    frame: u64,
}

impl<'a> Pilot<'a> {
    /// Takes the module's seat in the world, with what an earlier run left there.
    async fn board(
        cell: &'a Cell,
        identity: &Identity,
        channel: Channel,
    ) -> Result<(Self, Streaming<rpc::ToControl>), tonic::Status> {
        let (world, outgoing) = mpsc::channel(UPLINK_MESSAGES_MAX);
        let join = rpc::Join {
            rocket: identity.rocket.to_string(),
            module: identity.module.to_string(),
        };
        send(&world, from_control::Message::Join(join)).await;
        let request = rpc::with_bearer(ReceiverStream::new(outgoing), &identity.token)?;
        let mut world_client =
            WorldClient::new(channel).max_decoding_message_size(rpc::MESSAGE_BYTES_MAX);
        let mut frames = world_client.fly(request).await?.into_inner();
        let hello = match frames.message().await?.and_then(|message| message.message) {
            Some(to_control::Message::Hello(hello)) => hello,
            _ => return Err(tonic::Status::internal("the world did not say hello")),
        };
        let autopilot = autopilot(identity, &hello)?;
        if let Ok(ledger) = serde_json::from_slice::<Ledger>(&hello.ledger) {
            cell.resume(ledger);
        }
        let pilot = Self {
            cell,
            sensors: Sensors::default(),
            autopilot,
            world,
            ledger_kept: false,
            frame: 0,
        };
        Ok((pilot, frames))
    }

    async fn fly(mut self, mut frames: Streaming<rpc::ToControl>) -> ControlEnd {
        // Orders are judged by sensors, so none is taken before the first frame.
        let first = match next_frame(&mut frames).await {
            Ok(frame) => frame,
            Err(end) => return end,
        };
        self.answer(&first).await;
        let (_door, mut commands) = self.cell.open_control();
        loop {
            tokio::select! {
                biased;
                Some(pending) = commands.recv() => match self.order(pending).await {
                    Next::GoOn => {}
                    Next::Crash => {
                        self.keep_for_certain(&mut frames).await;
                        panic!("control task: crash ordered");
                    }
                    Next::CrashComputer => {
                        self.keep_for_certain(&mut frames).await;
                        return ControlEnd::ComputerCrash;
                    }
                },
                frame = next_frame(&mut frames) => {
                    match frame {
                        Ok(frame) => self.answer(&frame).await,
                        Err(end) => return end,
                    }
                    if is_gone(self.autopilot.phase()) {
                        return self.end(frames).await;
                    }
                }
            }
        }
    }

    /// Runs the control law over a frame and answers the world.
    async fn answer(&mut self, frame: &ControlFrame) {
        self.frame = frame.frame;
        let mut merged = Actuators::default();
        for step in &frame.steps {
            self.sensors = Sensors::from(step);
            merged = merge(merged, self.step());
        }
        self.act(merged).await;
        if !self.ledger_kept || self.frame.is_multiple_of(FRAMES_PER_MEMORY) {
            self.keep(false).await;
        }
    }

    /// Runs the control law once without waiting for a frame: on the pad frames are far apart, and
    /// the next order may depend on the phase that this one leads to.
    async fn step_at_once(&mut self) {
        let actuators = self.step();
        self.act(actuators).await;
    }

    fn step(&mut self) -> Actuators {
        let output = self.autopilot.step(&self.sensors);
        for event in output.events {
            self.tell(event);
        }
        self.cell
            .update(|state| (state.phase, state.simulated) = (output.phase, true));
        output.actuators
    }

    async fn act(&self, actuators: Actuators) {
        let answer = ActuatorFrame {
            frame: self.frame,
            ..actuators.into()
        };
        send(&self.world, from_control::Message::Actuators(answer)).await;
    }

    fn tell(&mut self, event: portique_flight::Event) {
        self.ledger_kept = false;
        let portique_flight::Event {
            kind,
            body,
            t_s,
            values,
        } = event;
        let happened_to = if body == self.autopilot.body() {
            None
        } else {
            Some(ModuleId::new(body.as_str()).expect("bodies have module names"))
        };
        let event = FlightEvent { kind, t_s, values };
        self.cell.tell(Told::Event { event, happened_to });
    }

    async fn order(&mut self, pending: Pending) -> Next {
        let Pending {
            command,
            answer,
            begun,
        } = pending;
        begun.store(true, Ordering::SeqCst);
        let (reply, next) = match &command.order {
            Order::Inject { fault } => self.inject(*fault).await,
            order => (self.decide(order), Next::GoOn),
        };
        if reply == Answer::Accepted && self.autopilot.phase().is_on_pad() {
            self.step_at_once().await;
        }
        let progress = Progress::Answered(reply.clone());
        self.cell
            .ledger(|ledger| ledger.settle(&command.id, progress));
        self.ledger_kept = false;
        if matches!(next, Next::GoOn) {
            // Before the answer, so that what was answered is not forgotten by a crash.
            self.keep(false).await;
        }
        _ = answer.send(reply);
        next
    }

    fn decide(&mut self, order: &Order) -> Answer {
        let Some(order) = flight_order(order) else {
            return Answer::Accepted;
        };
        match self.autopilot.order(&order, &self.sensors) {
            Ok(()) => Answer::Accepted,
            Err(refusal) => Answer::Refused {
                reason: refusal.reason,
            },
        }
    }

    async fn inject(&self, fault: InjectedFault) -> (Answer, Next) {
        let next = match fault {
            InjectedFault::ControlCrash => Next::Crash,
            InjectedFault::ComputerCrash => Next::CrashComputer,
            InjectedFault::TelemetryCrash => {
                self.cell.telemetry_crash.notify_one();
                Next::GoOn
            }
            InjectedFault::TelemetrySilence => {
                self.cell.telemetry_silence.notify_one();
                Next::GoOn
            }
            fault => {
                let fault = rpc::Fault::from(fault);
                send(&self.world, from_control::Message::Fault(fault.into())).await;
                Next::GoOn
            }
        };
        (Answer::Accepted, next)
    }

    /// Gives the world what the next run of this task needs.
    async fn keep(&mut self, confirm: bool) {
        let ledger = if std::mem::replace(&mut self.ledger_kept, true) {
            None
        } else {
            Some(
                self.cell
                    .ledger(|ledger| ledger.encode(rpc::KEPT_BYTES_MAX)),
            )
        };
        let keep = rpc::Keep {
            memory: Some(encode(&self.autopilot)),
            ledger,
            confirm,
        };
        send(&self.world, from_control::Message::Keep(keep)).await;
    }

    /// Like [`keep`](Self::keep), and waits until it is done: what is on its way is lost in a crash,
    /// and an order to crash must not be found unanswered afterwards.
    async fn keep_for_certain(&mut self, frames: &mut Streaming<rpc::ToControl>) {
        self.ledger_kept = false;
        self.keep(true).await;
        let kept = async {
            while let Ok(Some(message)) = frames.message().await {
                if matches!(message.message, Some(to_control::Message::Kept(_))) {
                    return;
                }
            }
        };
        _ = tokio::time::timeout(KEPT_WAIT, kept).await;
    }

    /// The module's last act: the world takes note, then the telemetry is closed with the reason.
    async fn end(self, mut frames: Streaming<rpc::ToControl>) -> ControlEnd {
        let noted = async {
            while let Ok(frame) = next_frame(&mut frames).await {
                if frame.steps.last().is_some_and(|sensors| !sensors.alive) {
                    return;
                }
            }
        };
        _ = tokio::time::timeout(LAST_FRAME_WAIT, noted).await;
        let reason = match self.autopilot.phase() {
            Phase::Destroyed => "destroyed by order",
            _ => "lost: the vehicle is gone",
        };
        self.cell.tell(Told::Ended(reason.to_owned()));
        ControlEnd::ModuleEnded
    }
}

/// Whether a module in this phase has no computer left.
fn is_gone(phase: Phase) -> bool {
    matches!(phase, Phase::Destroyed | Phase::Lost)
}

/// The actuators for a whole frame: the last step's, but nothing let go of in between is forgotten.
fn merge(earlier: Actuators, later: Actuators) -> Actuators {
    Actuators {
        separate_below: earlier.separate_below || later.separate_below,
        separate_above: earlier.separate_above || later.separate_above,
        jettison_fairing: earlier.jettison_fairing || later.jettison_fairing,
        deploy_legs: earlier.deploy_legs || later.deploy_legs,
        destroy: earlier.destroy || later.destroy,
        ..later
    }
}

fn autopilot(identity: &Identity, hello: &rpc::Hello) -> Result<Autopilot, tonic::Status> {
    if !hello.memory.is_empty() {
        return serde_json::from_slice(&hello.memory)
            .map_err(|error| tonic::Status::data_loss(format!("the kept memory: {error}")));
    }
    let body: Body = identity.module.as_str().parse().map_err(|_| {
        tonic::Status::invalid_argument(format!("no control law for module {}", identity.module))
    })?;
    let vehicle = Vehicle::parse(&hello.vehicle)
        .map_err(|error| tonic::Status::invalid_argument(portique_fault::chain(&error)))?;
    Ok(Autopilot::new(body, &vehicle))
}

fn flight_order(order: &Order) -> Option<portique_flight::Order> {
    Some(match order {
        Order::InternalPower => portique_flight::Order::InternalPower,
        Order::Startup => portique_flight::Order::Startup,
        Order::StartEngines => portique_flight::Order::StartEngines,
        Order::Safe => portique_flight::Order::Safe,
        Order::Throttle { fraction } => portique_flight::Order::Throttle(*fraction),
        Order::Stage => portique_flight::Order::Stage,
        Order::DeployPayload => portique_flight::Order::DeployPayload,
        Order::Destroy => portique_flight::Order::Destroy,
        Order::Inject { .. } => return None,
    })
}

async fn next_frame(frames: &mut Streaming<rpc::ToControl>) -> Result<ControlFrame, ControlEnd> {
    loop {
        match frames.message().await {
            Ok(Some(message)) => {
                if let Some(to_control::Message::Sensors(frame)) = message.message {
                    return Ok(frame);
                }
            }
            Ok(None) => return Err(ControlEnd::NoWorld("the world ended".into())),
            Err(status) => return Err(ControlEnd::NoWorld(rpc::reason(&status))),
        }
    }
}

async fn send(world: &mpsc::Sender<FromControl>, message: from_control::Message) {
    // A closed stream shows on its other half, where it is acted on.
    _ = world
        .send(FromControl {
            message: Some(message),
        })
        .await;
}

fn encode(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("control state has string keys and no failing serialiser")
}
