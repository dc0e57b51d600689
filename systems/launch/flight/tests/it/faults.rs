//! Faults: each flight ends in a way that has a name, and every figure stays a number.

use portique_flight::{Body, EventKind, Fault, Flight, FlyOptions, Phase, Vehicle, fly};

use crate::flights::{assert_sane, event, find, peak, points, reference, told};

fn flown_with(vehicle: &Vehicle, faults: Vec<(f64, Body, Fault)>) -> Flight {
    let what = format!("{} {faults:?}", vehicle.name);
    let flight = fly(
        vehicle,
        &FlyOptions {
            faults,
            ..FlyOptions::default()
        },
    );
    assert_sane(&flight, &what);
    flight
}

#[test]
fn with_one_or_two_engines_out_the_payload_reaches_its_orbit_and_the_booster_lands() {
    for at_s in [5.0, 20.0, 60.0, 130.0] {
        for count in [1, 2] {
            let faults = vec![(at_s, Body::Booster, Fault::EngineOut); count];
            let flight = flown_with(&reference(), faults);
            let out = event(&flight, EventKind::EngineOut, Body::Booster);
            assert!((out.t_s - at_s).abs() < 0.1, "{out:?}");
            let end = points(&flight, Body::Payload).last().unwrap();
            let what = format!("{count} out at {at_s} s: {:?}", told(&flight));
            assert_eq!(end.phase, Phase::Deployed, "{what}");
            assert!(
                (end.sensors.altitude_m - 185_000.0).abs() < 1_000.0,
                "{what}"
            );
            let landed = event(&flight, EventKind::Landed, Body::Booster);
            assert!(landed.values["impact_speed_m_s"] < 3.0, "{what}");
        }
    }
}

#[test]
fn a_failed_engine_shows_in_its_chamber_pressure_flag() {
    let flight = flown_with(&reference(), vec![(50.0, Body::Booster, Fault::EngineOut)]);
    let s = crate::flights::at(&flight, Body::Booster, 55.0).sensors;
    assert_eq!(s.chamber_pressure_ok, 0b0_1111_1111);
    assert_eq!((s.engines_commanded, s.engines_running), (9, 8));
}

#[test]
fn a_second_stage_without_its_engine_ends_ballistic_and_is_lost() {
    let flight = flown_with(&reference(), vec![(300.0, Body::Stage2, Fault::EngineOut)]);
    let phases: Vec<_> = points(&flight, Body::Stage2)
        .iter()
        .map(|p| p.phase)
        .collect();
    assert!(phases.contains(&Phase::Ballistic), "{:?}", told(&flight));
    event(&flight, EventKind::Lost, Body::Stage2);
    assert!(find(&flight, EventKind::PayloadSeparation, Body::Payload).is_none());
}

#[test]
fn dense_air_passes_the_ascent_limit_in_spite_of_the_bucket() {
    for name in Vehicle::builtin_names() {
        let vehicle = Vehicle::named(name).unwrap();
        let flight = flown_with(&vehicle, vec![(30.0, Body::Booster, Fault::DenseAir)]);
        let top = peak(&flight, &[Phase::Ascent]).sensors.dynamic_pressure_pa;
        let limit = vehicle
            .dynamic_pressure_limit_pa(Body::Booster, Phase::Ascent)
            .unwrap();
        assert!(top > limit, "{name}: {top} Pa under the limit of {limit}");
    }
}

#[test]
fn frozen_sensors_repeat_everything_but_the_time() {
    let flight = flown_with(
        &reference(),
        vec![(40.0, Body::Booster, Fault::FrozenSensors)],
    );
    let (a, b) = (
        crate::flights::at(&flight, Body::Booster, 41.0).sensors,
        crate::flights::at(&flight, Body::Booster, 50.0).sensors,
    );
    assert!(b.t_s > a.t_s);
    assert_eq!(portique_flight::Sensors { t_s: a.t_s, ..b }, a);
}

#[test]
fn every_fault_in_every_body_at_any_time_ends_somewhere() {
    for &body in Body::ALL {
        for fault in [Fault::EngineOut, Fault::DenseAir, Fault::FrozenSensors] {
            for at_s in [0.0, 45.0, 146.0, 165.0, 350.0, 500.0, 566.0] {
                flown_with(&reference(), vec![(at_s, body, fault)]);
            }
        }
    }
}
