//! Whole simulated flights as a webcast would show them: what the computers of the vehicle tell is what
//! the ground must find in the overlay, each once, in order, and nothing else.

use std::fmt::Write as _;

use portique_flight::{
    Body, BoosterReturn, EventKind as Kind, Flight, FlyOptions, Landing, Track, Vehicle, fly,
};

use crate::recording;

/// Frames of the overlay per second.
const FRAMES_PER_S: f64 = 30.0;
/// Steps of a speed that is shown in whole km/h.
const SPEED_STEP_M_S: f64 = 1.0 / 3.6;
/// Seconds for which the overlay stays after the end.
const TAIL_S: f64 = 12.0;
/// How far from the vehicle's own word an event may be.
const TOLERANCE_S: f64 = 3.0;
const TOLERANCE_PA: f64 = 1_000.0;

/// The first moment at rest may be read a little before the last engine is off.
const EARLY_MAX_S: f64 = 0.5;

/// Told by the booster, shown by both.
const ASCENT: [Kind; 2] = [Kind::Liftoff, Kind::Meco];
/// Shown by the body that tells them.
const SHOWN: [Kind; 8] = [
    Kind::Ses1,
    Kind::Seco1,
    Kind::BoostbackStart,
    Kind::BoostbackEnd,
    Kind::EntryBurnStart,
    Kind::EntryBurnEnd,
    Kind::LandingBurnStart,
    Kind::Landed,
];

/// How an overlay shows a flight.
#[derive(Debug, Clone, Copy)]
struct Overlay {
    /// The clock shows this much more than the time since lift-off.
    ahead_s: f64,
    /// Steps of altitude below 100 km; 1 km above.
    altitude_step_m: f64,
    tail_s: f64,
}

const OVERLAYS: [Overlay; 4] = [
    Overlay {
        ahead_s: 0.0,
        altitude_step_m: 100.0,
        tail_s: TAIL_S,
    },
    Overlay {
        ahead_s: 0.5,
        altitude_step_m: 100.0,
        tail_s: 0.0,
    },
    Overlay {
        ahead_s: -0.5,
        altitude_step_m: 1_000.0,
        tail_s: TAIL_S,
    },
    Overlay {
        ahead_s: 0.5,
        altitude_step_m: 1_000.0,
        tail_s: 0.0,
    },
];

impl Overlay {
    /// The flight of one body as a recording.
    fn record(&self, flight: &Flight, body: Body) -> String {
        let points: Vec<[f64; 3]> = track(flight, body)
            .points
            .iter()
            .map(|p| {
                [
                    p.sensors.t_s + self.ahead_s,
                    p.sensors.speed_m_s,
                    p.sensors.altitude_m,
                ]
            })
            .collect();
        let end_s = points[points.len() - 1][0] + self.tail_s;
        let mut csv = "time_s,velocity_m_s,altitude_km\n".to_owned();
        for frame in 0..(end_s * FRAMES_PER_S) as u32 {
            let t_s = f64::from(frame) / FRAMES_PER_S;
            let after = points.partition_point(|p| p[0] <= t_s);
            let b = points[after.min(points.len() - 1)];
            let a = points[after.saturating_sub(1)];
            let part = if b[0] > a[0] {
                ((t_s - a[0]) / (b[0] - a[0])).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let [_, speed_m_s, altitude_m] = [0, 1, 2].map(|i| a[i] + part * (b[i] - a[i]));
            let step_m = if altitude_m > 100_000.0 {
                1_000.0
            } else {
                self.altitude_step_m
            };
            let speed_m_s = (speed_m_s / SPEED_STEP_M_S).round() * SPEED_STEP_M_S;
            let altitude_m = (altitude_m.max(0.0) / step_m).round() * step_m;
            writeln!(csv, "{t_s:.3},{speed_m_s:.3},{:.1}", altitude_m / 1_000.0).unwrap();
        }
        csv
    }

    /// What does not agree, in words.
    fn faults(&self, csv: &str, truth: &[Truth]) -> Vec<String> {
        let found = recording::replay(csv).unwrap();
        let mut faults = Vec::new();
        let order: Vec<Kind> = found.iter().map(|d| d.event).collect();
        let wanted: Vec<Kind> = truth.iter().map(|t| t.kind).collect();
        if order != wanted {
            faults.push(format!("found {order:?} not {wanted:?}"));
        }
        for told in truth {
            let Some(seen) = found.iter().find(|d| d.event == told.kind) else {
                continue;
            };
            let off_s = seen.t_s - self.ahead_s - told.t_s;
            if off_s.abs() > TOLERANCE_S {
                faults.push(format!("{} is off by {off_s:.2} s", told.kind));
            }
            if told.kind == Kind::Landed && off_s < -EARLY_MAX_S {
                faults.push(format!("landed {off_s:.2} s before touchdown"));
            }
            let off_pa = seen.values["dynamic_pressure_pa"] - told.pressure_pa;
            if told.kind == Kind::MaxQ && off_pa.abs() > TOLERANCE_PA {
                faults.push(format!("max Q is off by {off_pa:.0} Pa"));
            }
        }
        faults
    }
}

/// An event as the vehicle knows it.
#[derive(Debug, Clone, Copy)]
struct Truth {
    kind: Kind,
    t_s: f64,
    pressure_pa: f64,
}

/// The events that one body's overlay can show, in order.
fn truth(flight: &Flight, body: Body) -> Vec<Truth> {
    let told = flight
        .events
        .iter()
        .filter(|e| ASCENT.contains(&e.kind) || (e.body == body && SHOWN.contains(&e.kind)));
    let mut truth: Vec<Truth> = told
        .map(|e| Truth {
            kind: e.kind,
            t_s: e.t_s,
            pressure_pa: 0.0,
        })
        .collect();
    let meco_s = truth.iter().find(|t| t.kind == Kind::Meco).unwrap().t_s;
    // No computer tells Mach 1 and Max Q: the sensors do.
    let ascent = track(flight, body).points.iter().map(|p| p.sensors);
    let ascent = ascent.take_while(|s| s.t_s < meco_s);
    let mach_1 = ascent.clone().find(|s| s.mach >= 1.0).unwrap();
    let max_q = ascent
        .max_by(|a, b| a.dynamic_pressure_pa.total_cmp(&b.dynamic_pressure_pa))
        .unwrap();
    for (kind, at) in [(Kind::Mach1, mach_1), (Kind::MaxQ, max_q)] {
        truth.push(Truth {
            kind,
            t_s: at.t_s,
            pressure_pa: at.dynamic_pressure_pa,
        });
    }
    truth.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
    truth
}

fn landing(vehicle: &mut Vehicle) -> &mut Landing {
    match &mut vehicle.plan.booster_return {
        BoosterReturn::ReturnToPad(landing) | BoosterReturn::Downrange(landing) => landing,
        BoosterReturn::Expendable => panic!("the booster does not return"),
    }
}

fn track(flight: &Flight, body: Body) -> &Track {
    flight
        .tracks
        .iter()
        .find(|track| track.body == body)
        .unwrap()
}

/// Each vehicle that ships, and the reference with other returns.
fn vehicles() -> Vec<(&'static str, Vehicle)> {
    let varied = |vary: fn(&mut Vehicle)| {
        let mut vehicle = Vehicle::named("reference").unwrap();
        vary(&mut vehicle);
        vehicle
    };
    vec![
        ("reference", varied(|_| {})),
        ("light", Vehicle::named("light").unwrap()),
        (
            "hard",
            varied(|vehicle| {
                let back = landing(vehicle);
                back.boostback_throttle = 1.0;
                back.entry_altitude_m = 55_000.0;
                back.entry_end_speed_m_s = 650.0;
                back.entry_throttle = 0.75;
                back.landing_throttle = 0.9;
            }),
        ),
        (
            "soft",
            varied(|vehicle| {
                let back = landing(vehicle);
                back.boostback_engines = 2;
                back.entry_altitude_m = 66_000.0;
                back.entry_end_speed_m_s = 850.0;
                back.landing_throttle = 0.65;
                vehicle.plan.ascent.kick_rad = 0.012;
                vehicle.payload.mass_kg = 9_000.0;
            }),
        ),
        (
            "downrange",
            varied(|vehicle| {
                vehicle.plan.booster_return = BoosterReturn::Downrange(landing(vehicle).clone());
            }),
        ),
    ]
}

#[test]
fn a_webcast_shows_what_the_vehicle_tells() {
    let mut faults = Vec::new();
    for (index, (name, vehicle)) in vehicles().into_iter().enumerate() {
        let flight = fly(&vehicle, &FlyOptions::default());
        // One with fine and one with coarse altitude each.
        for overlay in OVERLAYS.iter().skip(index % 2).step_by(2) {
            for body in [Body::Booster, Body::Stage2] {
                let csv = overlay.record(&flight, body);
                for fault in overlay.faults(&csv, &truth(&flight, body)) {
                    faults.push(format!("{name} {body:?} {overlay:?}: {fault}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The rows of a recording within a window of the overlay's clock.
fn within(csv: &str, window: impl Fn(f64) -> bool) -> String {
    let rows = csv.lines().filter(|row| {
        let time = row.split(',').next().unwrap();
        time.parse().map_or(true, &window)
    });
    rows.flat_map(|row| [row, "\n"]).collect()
}

/// What the overlay leaves out is not told, and hides nothing else.
#[test]
fn a_part_of_a_webcast_shows_its_own_events_only() {
    type Part = (Body, &'static str, fn(f64) -> bool);
    let parts: [Part; 12] = [
        (Body::Stage2, "cut to the booster", |t_s| {
            !(149.5..300.0).contains(&t_s)
        }),
        (Body::Stage2, "ascent only", |t_s| t_s < 149.5),
        (Body::Stage2, "from the second burn on", |t_s| t_s > 200.0),
        (Body::Stage2, "the end of the second burn", |t_s| {
            t_s > 490.0
        }),
        (Body::Stage2, "until the second burn", |t_s| t_s < 400.0),
        (Body::Booster, "from before the boost-back", |t_s| {
            t_s > 152.0
        }),
        (Body::Booster, "from the coast", |t_s| t_s > 210.0),
        (Body::Booster, "on the way down", |t_s| t_s > 420.0),
        (Body::Booster, "from dense air", |t_s| t_s > 530.0),
        (Body::Booster, "from the landing burn", |t_s| t_s > 572.0),
        (Body::Booster, "until before touchdown", |t_s| t_s < 581.0),
        (Body::Booster, "without the apogee", |t_s| {
            !(230.0..430.0).contains(&t_s)
        }),
    ];
    let flight = fly(
        &Vehicle::named("reference").unwrap(),
        &FlyOptions::default(),
    );
    let mut faults = Vec::new();
    for overlay in &OVERLAYS[1..3] {
        for (body, name, window) in parts {
            let csv = within(&overlay.record(&flight, body), window);
            let mut shown = truth(&flight, body);
            shown.retain(|t| window(t.t_s));
            for fault in overlay.faults(&csv, &shown) {
                faults.push(format!("{name} {overlay:?}: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A display that stops before the engine does, and goes on after some seconds.
#[test]
fn a_freeze_before_orbit_is_no_cut_off() {
    let flight = fly(
        &Vehicle::named("reference").unwrap(),
        &FlyOptions::default(),
    );
    let overlay = OVERLAYS[0];
    let csv = overlay.record(&flight, Body::Stage2);
    let seco_s = truth(&flight, Body::Stage2).last().unwrap().t_s;
    for (before_s, held_s) in [(16.0, 5.0), (20.0, 7.0), (30.0, 12.0), (60.0, 30.0)] {
        let from_s = seco_s - before_s;
        let mut held = String::new();
        let mut frozen = String::new();
        for row in csv.lines() {
            let (time, shown) = row.split_once(',').unwrap();
            let t_s: f64 = time.parse().unwrap_or(0.0);
            if !(from_s..from_s + held_s).contains(&t_s) {
                shown.clone_into(&mut held);
            }
            writeln!(frozen, "{time},{held}").unwrap();
        }
        let faults = overlay.faults(&frozen, &truth(&flight, Body::Stage2));
        assert!(
            faults.is_empty(),
            "{held_s} s, {before_s} s before: {faults:#?}"
        );
    }
}
