//! Flights of the built-in vehicles and how tests look at them.

use std::sync::OnceLock;

use portique_flight::{
    Body, Event, EventKind, Flight, FlyOptions, Phase, Point, TICK_S, Vehicle, fly,
};

pub(crate) fn reference() -> Vehicle {
    Vehicle::named("reference").unwrap()
}

/// The nominal flight of the reference vehicle, flown once for all tests.
pub(crate) fn nominal() -> &'static Flight {
    static FLIGHT: OnceLock<Flight> = OnceLock::new();
    FLIGHT.get_or_init(|| fly(&reference(), &FlyOptions::default()))
}

pub(crate) fn points(flight: &Flight, body: Body) -> &[Point] {
    &flight
        .tracks
        .iter()
        .find(|track| track.body == body)
        .unwrap()
        .points
}

pub(crate) fn find(flight: &Flight, kind: EventKind, body: Body) -> Option<&Event> {
    flight
        .events
        .iter()
        .find(|event| event.kind == kind && event.body == body)
}

pub(crate) fn event(flight: &Flight, kind: EventKind, body: Body) -> &Event {
    find(flight, kind, body).unwrap_or_else(|| panic!("no {kind} of {body}: {:?}", told(flight)))
}

/// The events in short, for the message of a failed test.
pub(crate) fn told(flight: &Flight) -> Vec<String> {
    flight
        .events
        .iter()
        .map(|e| format!("{:.1} {} {}", e.t_s, e.body, e.kind))
        .collect()
}

/// The point of greatest dynamic pressure among those in the phases given.
pub(crate) fn peak(flight: &Flight, phases: &[Phase]) -> Point {
    let within = points(flight, Body::Booster)
        .iter()
        .filter(|p| phases.contains(&p.phase));
    *within
        .max_by(|a, b| {
            a.sensors
                .dynamic_pressure_pa
                .total_cmp(&b.sensors.dynamic_pressure_pa)
        })
        .unwrap()
}

/// The last point of a body at or before a time.
pub(crate) fn at(flight: &Flight, body: Body, t_s: f64) -> Point {
    *points(flight, body)
        .iter()
        .rfind(|p| p.sensors.t_s <= t_s + TICK_S / 2.0)
        .unwrap()
}

/// Every figure of every point is a number, and no tank is emptier than empty.
pub(crate) fn assert_sane(flight: &Flight, what: &str) {
    for track in &flight.tracks {
        for point in &track.points {
            let s = &point.sensors;
            let figures = [
                s.t_s,
                s.altitude_m,
                s.vertical_speed_m_s,
                s.horizontal_speed_m_s,
                s.downrange_m,
                s.flight_path_rad,
                s.pitch_rad,
                s.felt_accel_m_s2,
                s.dynamic_pressure_pa,
                s.mach,
                s.throttle,
                s.propellant_kg,
                s.gap_above_m,
                s.gap_below_m,
            ];
            assert!(
                figures.iter().all(|f| f.is_finite()),
                "{what}: {} {s:?}",
                track.body
            );
            assert!(s.propellant_kg >= 0.0, "{what}: {} {s:?}", track.body);
        }
    }
}
