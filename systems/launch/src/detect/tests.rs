//! Recorded flights, when the data folder is there, and what telemetry does to them.

mod webcast;

use std::path::PathBuf;

use portique_clock::{Random, Seeded};
use portique_flight::EventKind as Kind;
use portique_flight::{FlyOptions, Vehicle, fly};

use super::*;
use crate::recording::Recording;

/// Folder of recorded flights; relative to the workspace's parent by default.
const DATA_VARIABLE: &str = "PORTIQUE_FLIGHT_DATA";

/// Event, time in the flight's published analysis, tolerance, dynamic pressure there if it matters.
type Wanted = (Kind, f64, f64, Option<f64>);

const ZUMA: [Wanted; 9] = [
    (Kind::Liftoff, 0.0, 0.6, None),
    (Kind::Mach1, 64.9, 1.0, None),
    (Kind::MaxQ, 72.4, 3.0, Some(25_692.0)),
    (Kind::Meco, 142.2, 2.5, None),
    (Kind::BoostbackStart, 161.1, 3.0, None),
    (Kind::BoostbackEnd, 207.6, 3.0, None),
    (Kind::EntryBurnStart, 380.6, 3.0, None),
    (Kind::EntryBurnEnd, 396.9, 3.0, None),
    (Kind::LandingBurnStart, 446.1, 3.0, None),
];
const FORMOSAT_STAGE2: [Wanted; 6] = [
    (Kind::Liftoff, 0.0, 0.6, None),
    (Kind::Mach1, 62.3, 1.0, None),
    (Kind::MaxQ, 69.7, 3.0, Some(25_393.0)),
    (Kind::Meco, 149.7, 2.5, None),
    (Kind::Ses1, 160.2, 2.0, None),
    (Kind::Seco1, 557.6, 2.0, None),
];
const FORMOSAT_LANDING: [Wanted; 1] = [(Kind::LandingBurnStart, 616.5, 3.0, None)];

type Point = (f64, f64, f64);

fn recorded(name: &str) -> Option<Vec<Point>> {
    let folder = std::env::var_os(DATA_VARIABLE).map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../../shared/data/launch"
            ))
        },
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join(name)).ok()?;
    let recording = Recording::parse(&text).unwrap();
    let samples = recording.samples().iter();
    Some(
        samples
            .map(|s| (s.t_s, s.speed_m_s, s.altitude_m))
            .collect(),
    )
}

fn detect(points: &[Point]) -> Vec<Detected> {
    let mut detector = Detector::new();
    let mut detected: Vec<Detected> = points
        .iter()
        .flat_map(|p| detector.observe_raw(p.0, p.1, p.2))
        .collect();
    detected.extend(detector.finish());
    detected
}

/// Requires exactly the wanted events, each once, in order, within tolerance.
fn check(what: &str, points: &[Point], wanted: &[Wanted]) {
    let found = detect(points);
    let kinds: Vec<Kind> = found.iter().map(|d| d.event).collect();
    let wanted_kinds: Vec<Kind> = wanted.iter().map(|w| w.0).collect();
    assert_eq!(kinds, wanted_kinds, "{what}: {found:#?}");
    for (found, (kind, t_s, tolerance_s, pressure_pa)) in found.iter().zip(wanted) {
        let off_s = found.t_s - t_s;
        assert!(
            off_s.abs() <= *tolerance_s,
            "{what}: {kind} is off by {off_s:.2} s"
        );
        if let Some(pressure_pa) = pressure_pa {
            let off_pa = found.values["dynamic_pressure_pa"] - pressure_pa;
            assert!(
                off_pa.abs() <= 1_000.0,
                "{what}: {kind} is off by {off_pa:.0} Pa"
            );
        }
    }
}

fn flights() -> Vec<(&'static str, Vec<Point>, &'static [Wanted])> {
    let all: [(&str, &[Wanted]); 3] = [
        ("zuma/stage1_raw_30hz.csv", &ZUMA),
        ("formosat-5/stage2_raw_30hz.csv", &FORMOSAT_STAGE2),
        ("formosat-5/stage1_raw_30hz.csv", &FORMOSAT_LANDING),
    ];
    let found = all
        .into_iter()
        .filter_map(|(name, wanted)| Some((name, recorded(name)?, wanted)));
    found.collect()
}

#[test]
fn recorded_flights_show_their_events_in_time() {
    for (name, points, wanted) in flights() {
        check(name, &points, wanted);
    }
}

#[test]
fn slower_telemetry_shows_the_same_events() {
    for (name, points, wanted) in flights() {
        for keep in [3, 15] {
            let thinned: Vec<Point> = points.iter().copied().step_by(keep).collect();
            check(&format!("{name}, every {keep}th"), &thinned, wanted);
        }
    }
}

#[test]
fn an_altitude_shown_in_kilometres_shows_the_same_events() {
    for (name, points, wanted) in flights() {
        let coarse = points
            .iter()
            .map(|p| (p.0, p.1, (p.2 / 1_000.0).round() * 1_000.0));
        check(
            &format!("{name}, coarse"),
            &coarse.collect::<Vec<_>>(),
            wanted,
        );
    }
}

#[test]
fn lost_samples_and_noise_change_nothing() {
    for seed in 0..2 {
        for (name, points, wanted) in flights() {
            let mut random = Seeded::new(seed);
            let mut unit = || random.next_u64() as f64 / u64::MAX as f64;
            let mut noisy = Vec::new();
            for point in points {
                if unit() < 0.6 {
                    continue;
                }
                let misread = if unit() < 0.001 { 300.0 } else { 0.0 };
                noisy.push((point.0, (point.1 + unit() - 0.5 + misread).abs(), point.2));
            }
            check(&format!("{name}, seed {seed}"), &noisy, wanted);
        }
    }
}

#[test]
fn a_freeze_or_a_gap_makes_no_event_and_hides_none_elsewhere() {
    for (name, points, wanted) in flights() {
        // Away from every event, all over the flight.
        let end_s = points[points.len() - 1].0;
        let mut from_s = points[0].0 + 6.0;
        while from_s < end_s - 12.0 {
            let until_s = from_s + 3.0;
            let is_free = wanted
                .iter()
                .all(|w| w.1 + 9.0 < from_s || until_s + 9.0 < w.1);
            if is_free {
                let is_in = |p: &Point| (from_s..until_s).contains(&p.0);
                let gapped: Vec<Point> = points.iter().copied().filter(|p| !is_in(p)).collect();
                check(&format!("{name}, gap at {from_s}"), &gapped, wanted);
                let last = *points.iter().rfind(|p| p.0 < from_s).unwrap();
                let freeze = |p: &Point| if is_in(p) { (p.0, last.1, last.2) } else { *p };
                let frozen: Vec<Point> = points.iter().map(freeze).collect();
                check(&format!("{name}, freeze at {from_s}"), &frozen, wanted);
            }
            from_s += 83.0;
        }
    }
}

#[test]
fn simulated_flights_show_what_their_computers_tell() {
    for name in ["reference", "light"] {
        let flight = fly(&Vehicle::named(name).unwrap(), &FlyOptions::default());
        for (track, kinds) in [
            (0, [Kind::Mach1, Kind::Meco]),
            (1, [Kind::Ses1, Kind::Seco1]),
        ] {
            let track = &flight.tracks[track];
            for keep in [1, 10] {
                let sensors = track.points.iter().step_by(keep).map(|p| &p.sensors);
                let points: Vec<Point> = sensors
                    .map(|s| (s.t_s, s.speed_m_s, s.altitude_m))
                    .collect();
                let found = detect(&points);
                for kind in kinds {
                    let told = flight.events.iter().find(|e| e.kind == kind).map(|e| e.t_s);
                    let seen: Vec<f64> = found
                        .iter()
                        .filter(|d| d.event == kind)
                        .map(|d| d.t_s)
                        .collect();
                    assert_eq!(seen.len(), 1, "{name} {kind} every {keep}: {found:#?}");
                    let off_s = told.map_or(0.0, |told| seen[0] - told);
                    assert!(
                        off_s.abs() < 2.5,
                        "{name} {kind} every {keep}: off by {off_s:.2} s"
                    );
                }
            }
        }
    }
}

#[test]
fn an_event_is_written_with_its_name_time_and_values() {
    let names = [
        (Kind::Liftoff, "liftoff"),
        (Kind::Mach1, "mach_1"),
        (Kind::MaxQ, "max_q"),
        (Kind::Meco, "meco"),
        (Kind::Ses1, "ses1"),
        (Kind::Seco1, "seco1"),
        (Kind::BoostbackStart, "boostback_start"),
        (Kind::BoostbackEnd, "boostback_end"),
        (Kind::EntryBurnStart, "entry_burn_start"),
        (Kind::EntryBurnEnd, "entry_burn_end"),
        (Kind::LandingBurnStart, "landing_burn_start"),
        (Kind::Landed, "landed"),
    ];
    for (event, name) in names {
        let detected = Detected {
            event,
            t_s: 72.4,
            values: [("mach".to_owned(), 1.28)].into(),
        };
        let written = serde_json::to_value(&detected).unwrap();
        let wanted = serde_json::json!({ "event": name, "t_s": 72.4, "mach": 1.28 });
        assert_eq!(written, wanted);
    }
}

#[test]
fn a_vehicle_that_stands_has_no_events() {
    let standing: Vec<Point> = (0..6_000)
        .map(|i| (f64::from(i) * 0.1 - 600.0, 0.0, 0.0))
        .collect();
    assert_eq!(detect(&standing), []);
}

#[test]
fn nonsense_is_ignored() {
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -1e300,
        1e300,
        0.0,
    ];
    let mut detector = Detector::new();
    for &t_s in &odd {
        for &value in &odd {
            assert_eq!(detector.observe_raw(t_s, value, value), []);
        }
    }
    detector.finish();
}
