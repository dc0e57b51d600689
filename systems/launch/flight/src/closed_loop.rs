//! A whole flight in process: the world and its three computers, tick by tick.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    Actuators, Autopilot, Body, Event, Fault, Order, Phase, Sensors, TICK_S, Vehicle, World,
};

/// Ignition before lift-off.
const IGNITION_S: f64 = 3.0;

/// Steps between two points of a track: 10 Hz.
const SAMPLE_TICKS: u32 = 5;

/// Longest delay of actuators: a computer a second late flies nothing.
const DELAY_TICKS_MAX: usize = 50;

/// Longest flight: two hours, more than an orbit.
const END_MAX_S: f64 = 7_200.0;

/// How to fly.
#[derive(Debug, Clone, PartialEq)]
pub struct FlyOptions {
    /// Flight time after which the flight ends in any case.
    pub end_s: f64,
    /// Ticks by which each set of actuators arrives late, 0 to 50.
    pub delay_ticks: usize,
    /// Faults by time and body.
    pub faults: Vec<(f64, Body, Fault)>,
    /// Orders by time and body, after lift-off; refused ones change nothing.
    pub orders: Vec<(f64, Body, Order)>,
}

impl Default for FlyOptions {
    fn default() -> Self {
        Self {
            end_s: 1_200.0,
            delay_ticks: 0,
            faults: Vec::new(),
            orders: Vec::new(),
        }
    }
}

/// One moment of one body.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// What it measured.
    pub sensors: Sensors,
    /// What it was doing.
    pub phase: Phase,
}

/// The way of one body, at 10 Hz, until its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Whose.
    pub body: Body,
    /// In the order of time.
    pub points: Vec<Point>,
}

/// A whole flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flight {
    /// One per body, from the bottom up.
    pub tracks: Vec<Track>,
    /// What happened, in order, each once.
    pub events: Vec<Event>,
}

/// Flies a vehicle from ignition to the end of everything, or to `options.end_s`.
pub fn fly(vehicle: &Vehicle, options: &FlyOptions) -> Flight {
    let mut flight = Loop::new(vehicle, options);
    flight.count_down();
    let mut ticks = 0;
    while !flight.is_over() && f64::from(ticks) * TICK_S < options.end_s.min(END_MAX_S) {
        flight.disturb();
        flight.tick();
        ticks += 1;
        if ticks % SAMPLE_TICKS == 0 {
            flight.sample();
        }
    }
    flight.sample();
    Flight {
        tracks: flight.tracks,
        events: flight.events,
    }
}

struct Loop<'a> {
    options: &'a FlyOptions,
    world: World,
    autopilots: Vec<Autopilot>,
    /// Actuators on their way to the world, oldest first.
    late: VecDeque<Vec<Actuators>>,
    faults_done: Vec<bool>,
    orders_done: Vec<bool>,
    tracks: Vec<Track>,
    events: Vec<Event>,
}

impl<'a> Loop<'a> {
    fn new(vehicle: &Vehicle, options: &'a FlyOptions) -> Self {
        Self {
            options,
            world: World::new(vehicle.clone()),
            autopilots: Body::ALL
                .iter()
                .map(|&body| Autopilot::new(body, vehicle))
                .collect(),
            late: VecDeque::new(),
            faults_done: vec![false; options.faults.len()],
            orders_done: vec![false; options.orders.len()],
            tracks: Body::ALL
                .iter()
                .map(|&body| Track {
                    body,
                    points: Vec::new(),
                })
                .collect(),
            events: Vec::new(),
        }
    }

    /// The last seconds on the pad, up to the release of the clamps.
    fn count_down(&mut self) {
        let ticks = (IGNITION_S / TICK_S).round() as i32;
        for tick in 0..ticks {
            self.world.set_clock(f64::from(tick - ticks) * TICK_S);
            match tick {
                0 => self.order_all(Order::InternalPower),
                1 => self.order_all(Order::Startup),
                2 => self.order_all(Order::StartEngines),
                _ => {}
            }
            self.tick();
        }
        self.world.release();
        self.hear_world();
        self.sample();
    }

    /// Gives an order to every module; who cannot execute it refuses.
    fn order_all(&mut self, order: Order) {
        for &body in Body::ALL {
            self.order(body, order);
        }
    }

    fn order(&mut self, body: Body, order: Order) {
        let sensors = self.world.sensors(body);
        // A refusal changes nothing, and that is how it shows in the flight.
        let _refused = self.autopilots[body.index()].order(&order, &sensors);
    }

    fn disturb(&mut self) {
        let now_s = self.world.sensors(Body::Booster).t_s;
        for (index, &(at_s, body, fault)) in self.options.faults.iter().enumerate() {
            if now_s >= at_s && !std::mem::replace(&mut self.faults_done[index], true) {
                self.world.inject(body, fault);
            }
        }
        for (index, &(at_s, body, order)) in self.options.orders.iter().enumerate() {
            if now_s >= at_s && !std::mem::replace(&mut self.orders_done[index], true) {
                self.order(body, order);
            }
        }
    }

    fn tick(&mut self) {
        let mut set = Vec::with_capacity(Body::ALL.len());
        for autopilot in &mut self.autopilots {
            let output = autopilot.step(&self.world.sensors(autopilot.body()));
            set.push(output.actuators);
            for event in output.events {
                hear(&mut self.events, event);
            }
        }
        self.late.push_back(set);
        if self.late.len() > self.options.delay_ticks.min(DELAY_TICKS_MAX) {
            for (&body, actuators) in Body::ALL
                .iter()
                .zip(self.late.pop_front().unwrap_or_default())
            {
                self.world.actuate(body, actuators);
            }
        }
        self.world.step();
        self.hear_world();
    }

    fn hear_world(&mut self) {
        for event in self.world.take_events() {
            hear(&mut self.events, event);
        }
    }

    /// One point per body that goes on, and one at its end.
    fn sample(&mut self) {
        for (track, autopilot) in self.tracks.iter_mut().zip(&self.autopilots) {
            let point = Point {
                sensors: self.world.sensors(track.body),
                phase: autopilot.phase(),
            };
            let goes_on = track.points.last().is_none_or(|last| {
                let ended = last.phase.is_final() && last.phase != Phase::Deployed;
                !ended && last.sensors.t_s < point.sensors.t_s
            });
            if goes_on {
                track.points.push(point);
            }
        }
    }

    fn is_over(&self) -> bool {
        Body::ALL
            .iter()
            .zip(&self.autopilots)
            .all(|(&body, autopilot)| {
                let delivered = body == Body::Stage2
                    && autopilot.phase() == Phase::Orbit
                    && !self.world.sensors(body).attached_above;
                autopilot.phase().is_final() || delivered
            })
    }
}

/// World and computers tell some things twice: the first of a kind and body counts.
fn hear(events: &mut Vec<Event>, event: Event) {
    let told = events
        .iter()
        .any(|known| known.kind == event.kind && known.body == event.body);
    if !told {
        events.push(event);
    }
}
