//! A whole flight in process: the world and its three computers, tick by tick.

use serde::{Deserialize, Serialize};

use crate::{Body, Event, Fault, Order, Phase, Sensors, Vehicle};

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
pub fn fly(_vehicle: &Vehicle, _options: &FlyOptions) -> Flight {
    let tracks = Body::ALL
        .iter()
        .map(|&body| Track {
            body,
            points: Vec::new(),
        })
        .collect();
    Flight {
        tracks,
        events: Vec::new(),
    }
}
