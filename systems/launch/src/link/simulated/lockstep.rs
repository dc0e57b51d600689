//! A world and the control tasks around it, in lock-step: plain state, no time, no IO.

use std::collections::BTreeMap;

use portique_flight::{Actuators, Body, Fault, Sensors, World};

/// What a control task left for its next start.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) memory: Vec<u8>,
    pub(super) ledger: Vec<u8>,
}

/// One frame of the world: what each body measured in each of its steps.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) steps: Vec<(Body, Vec<Sensors>)>,
}

#[derive(Debug, Default)]
struct Seat {
    kept: Kept,
    /// The task that sits there.
    holder: Option<u64>,
    /// The last frame that it answered.
    answered: u64,
    /// It missed a frame, and is not waited for until it has caught up.
    late: bool,
}

/// A world with a seat for each body's control task.
#[derive(Debug)]
pub(super) struct Lockstep {
    world: World,
    seats: BTreeMap<Body, Seat>,
    frame: u64,
    lifted_off: bool,
}

impl Lockstep {
    pub(super) fn new(world: World) -> Self {
        let seats = Body::ALL
            .iter()
            .map(|body| (*body, Seat::default()))
            .collect();
        Self {
            world,
            seats,
            frame: 0,
            lifted_off: false,
        }
    }

    pub(super) fn lifted_off(&self) -> bool {
        self.lifted_off
    }

    /// The flight's time.
    pub(super) fn t_s(&self) -> f64 {
        self.world.sensors(Body::Payload).t_s
    }

    /// Seats a control task, in place of whoever sat there; returns what was kept for it.
    pub(super) fn sit(&mut self, body: Body, holder: u64) -> Kept {
        let frame = self.frame;
        let seat = self.seat(body);
        (seat.holder, seat.answered, seat.late) = (Some(holder), frame, false);
        seat.kept.clone()
    }

    /// The task has gone; nothing happens when another has taken its seat.
    pub(super) fn leave(&mut self, body: Body, holder: u64) {
        let seat = self.seat(body);
        if seat.holder == Some(holder) {
            seat.holder = None;
        }
    }

    /// Takes the answer of the seated task to `frame`.
    pub(super) fn answer(&mut self, body: Body, holder: u64, frame: u64, actuators: Actuators) {
        let current = self.frame;
        let seat = self.seat(body);
        if seat.holder != Some(holder) || frame > current {
            return;
        }
        seat.answered = seat.answered.max(frame);
        if current - seat.answered <= 1 {
            seat.late = false;
        }
        self.world.actuate(body, actuators);
    }

    /// Keeps what the seated task needs for its next start.
    pub(super) fn keep(
        &mut self,
        body: Body,
        holder: u64,
        memory: Option<Vec<u8>>,
        ledger: Option<Vec<u8>>,
    ) {
        let seat = self.seat(body);
        if seat.holder != Some(holder) {
            return;
        }
        if let Some(memory) = memory {
            seat.kept.memory = memory;
        }
        if let Some(ledger) = ledger {
            seat.kept.ledger = ledger;
        }
    }

    /// Whether nobody has to be waited for.
    pub(super) fn is_answered(&self) -> bool {
        let frame = self.frame;
        self.seats
            .values()
            .all(|s| s.holder.is_none() || s.late || s.answered == frame)
    }

    /// Goes on without those who have not answered; returns them.
    pub(super) fn give_up(&mut self) -> Vec<Body> {
        let frame = self.frame;
        let mut missing = Vec::new();
        for (body, seat) in &mut self.seats {
            if seat.holder.is_some() && !seat.late && seat.answered != frame {
                seat.late = true;
                missing.push(*body);
            }
        }
        missing
    }

    /// Whether a body that is still there flies without its computer: nobody sits there, or who sits there
    /// is not waited for.
    pub(super) fn is_anybody_absent(&self) -> bool {
        self.seats.iter().any(|(body, seat)| {
            (seat.holder.is_none() || seat.late) && self.world.sensors(*body).alive
        })
    }

    /// Whether an engine runs or is about to.
    pub(super) fn is_burning(&self) -> bool {
        let booster = self.world.sensors(Body::Booster);
        booster.engines_commanded > 0 || booster.engines_running > 0
    }

    /// Whether everything that can happen has happened: all stand still, are in orbit, or are gone.
    pub(super) fn is_over(&self) -> bool {
        self.lifted_off
            && Body::ALL.iter().all(|body| {
                let sensors = self.world.sensors(*body);
                !sensors.alive || sensors.landed || is_coasting_alone(*body, &sensors)
            })
    }

    /// Moves the world by some steps and makes the next frame.
    pub(super) fn advance(&mut self, steps: usize, count_t_s: f64) -> Frame {
        let mut measured: Vec<(Body, Vec<Sensors>)> = Body::ALL
            .iter()
            .map(|body| (*body, Vec::with_capacity(steps)))
            .collect();
        for _ in 0..steps {
            if !self.lifted_off {
                self.world.set_clock(count_t_s);
            }
            self.world.step();
            for (body, sensors) in &mut measured {
                sensors.push(self.world.sensors(*body));
            }
        }
        for event in self.world.take_events() {
            tracing::debug!(kind = %event.kind, body = %event.body, t_s = event.t_s, "in the world");
        }
        self.frame += 1;
        Frame {
            number: self.frame,
            steps: measured,
        }
    }

    /// Fills the tanks.
    pub(super) fn load_propellant(&mut self, fraction: f64) {
        self.world.load_propellant(fraction.clamp(0.0, 1.0));
    }

    /// Opens the clamps; false when they stay closed.
    pub(super) fn release(&mut self) -> bool {
        self.lifted_off = self.lifted_off || self.world.release();
        self.lifted_off
    }

    pub(super) fn inject(&mut self, body: Body, fault: Fault) {
        self.world.inject(body, fault);
    }

    fn seat(&mut self, body: Body) -> &mut Seat {
        self.seats.entry(body).or_default()
    }
}

/// A payload that is delivered, or a second stage that has delivered it and does nothing more.
fn is_coasting_alone(body: Body, sensors: &Sensors) -> bool {
    body != Body::Booster
        && !sensors.attached_below
        && !sensors.attached_above
        && sensors.engines_running == 0
        && sensors.dynamic_pressure_pa < 1.0
}

#[cfg(test)]
mod tests {
    use portique_flight::Vehicle;

    use super::*;

    const BOOSTER: u64 = 1;
    const STAGE2: u64 = 2;

    fn two_seated() -> Lockstep {
        let world = World::new(Vehicle::named("reference").unwrap());
        let mut lockstep = Lockstep::new(world);
        lockstep.sit(Body::Booster, BOOSTER);
        lockstep.sit(Body::Stage2, STAGE2);
        lockstep
    }

    fn answer(lockstep: &mut Lockstep, body: Body, holder: u64, frame: u64) {
        lockstep.answer(body, holder, frame, Actuators::default());
    }

    #[test]
    fn a_frame_waits_for_everybody_who_sits_and_for_nobody_else() {
        let mut lockstep = two_seated();
        assert!(lockstep.is_answered(), "nothing was asked yet");
        let frame = lockstep.advance(2, -1.0).number;
        answer(&mut lockstep, Body::Booster, BOOSTER, frame);
        assert!(!lockstep.is_answered());
        answer(&mut lockstep, Body::Stage2, STAGE2, frame);
        assert!(
            lockstep.is_answered(),
            "the payload's empty seat is not waited for"
        );
    }

    #[test]
    fn who_misses_a_frame_is_waited_for_again_once_it_has_caught_up() {
        let mut lockstep = two_seated();
        let first = lockstep.advance(1, -1.0).number;
        answer(&mut lockstep, Body::Stage2, STAGE2, first);
        assert_eq!(lockstep.give_up(), [Body::Booster]);
        for _ in 0..5 {
            let frame = lockstep.advance(1, -1.0).number;
            answer(&mut lockstep, Body::Stage2, STAGE2, frame);
            assert!(
                lockstep.is_answered(),
                "the late one does not hold up the flight"
            );
        }
        answer(&mut lockstep, Body::Booster, BOOSTER, first);
        lockstep.advance(1, -1.0);
        answer(&mut lockstep, Body::Booster, BOOSTER, first + 6);
        let frame = lockstep.advance(1, -1.0).number;
        answer(&mut lockstep, Body::Stage2, STAGE2, frame);
        assert!(!lockstep.is_answered(), "it is back in step");
    }

    #[test]
    fn who_is_not_waited_for_is_absent_until_it_is_back_in_step() {
        const PAYLOAD: u64 = 3;
        let mut lockstep = two_seated();
        assert!(lockstep.is_anybody_absent(), "nobody flies the payload");
        lockstep.sit(Body::Payload, PAYLOAD);
        assert!(!lockstep.is_anybody_absent());
        let frame = lockstep.advance(1, -1.0).number;
        answer(&mut lockstep, Body::Booster, BOOSTER, frame);
        answer(&mut lockstep, Body::Payload, PAYLOAD, frame);
        assert!(!lockstep.is_anybody_absent(), "it is still waited for");
        assert_eq!(lockstep.give_up(), [Body::Stage2]);
        assert!(lockstep.is_anybody_absent());
        answer(&mut lockstep, Body::Stage2, STAGE2, frame);
        assert!(!lockstep.is_anybody_absent());
    }

    #[test]
    fn a_new_task_gets_what_the_last_one_kept_and_the_last_one_is_not_heard_any_more() {
        let mut lockstep = two_seated();
        lockstep.keep(
            Body::Booster,
            BOOSTER,
            Some(b"memory".into()),
            Some(b"ledger".into()),
        );
        lockstep.keep(Body::Booster, BOOSTER, None, Some(b"newer".into()));
        let kept = lockstep.sit(Body::Booster, 7);
        assert_eq!(
            (&kept.memory[..], &kept.ledger[..]),
            (&b"memory"[..], &b"newer"[..])
        );

        let frame = lockstep.advance(1, -1.0).number;
        lockstep.keep(Body::Booster, BOOSTER, Some(b"stale".into()), None);
        lockstep.leave(Body::Booster, BOOSTER);
        answer(&mut lockstep, Body::Booster, BOOSTER, frame);
        answer(&mut lockstep, Body::Stage2, STAGE2, frame);
        assert!(!lockstep.is_answered(), "only the new task's answer counts");
        assert_eq!(lockstep.sit(Body::Booster, 8).memory, b"memory");
    }

    #[test]
    fn the_clamps_open_only_for_engines_that_lift() {
        let mut lockstep = two_seated();
        lockstep.load_propellant(1.0);
        assert!(!lockstep.release());
        assert!(!lockstep.lifted_off());
    }
}
