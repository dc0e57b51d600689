//! The vehicle is data.

use portique_flight::{Body, BoosterReturn, Error, EventKind, FlyOptions, Phase, Vehicle, fly};

use crate::flights::{assert_sane, event, find, points, reference, told};

const TEXT: &str = include_str!("../../vehicles/reference.toml");

#[test]
fn the_second_vehicle_reaches_its_orbit_and_lands_down_range() {
    let light = Vehicle::named("light").unwrap();
    let flight = fly(&light, &FlyOptions::default());
    assert_sane(&flight, "light");
    let end = points(&flight, Body::Payload).last().unwrap();
    assert_eq!(end.phase, Phase::Deployed, "{:?}", told(&flight));
    assert!(
        (end.sensors.altitude_m - 400_000.0).abs() < 2_000.0,
        "{end:?}"
    );
    let landed = event(&flight, EventKind::Landed, Body::Booster);
    assert!(landed.values["impact_speed_m_s"] < 3.0, "{landed:?}");
    assert!(
        points(&flight, Body::Booster)
            .last()
            .unwrap()
            .sensors
            .downrange_m
            > 200_000.0
    );
    assert!(find(&flight, EventKind::BoostbackStart, Body::Booster).is_none());
}

#[test]
fn an_expendable_booster_falls_into_the_sea_and_the_payload_is_delivered() {
    let mut vehicle = reference();
    vehicle.plan.booster_return = BoosterReturn::Expendable;
    let flight = fly(&vehicle, &FlyOptions::default());
    assert!(find(&flight, EventKind::Flip, Body::Booster).is_none());
    event(&flight, EventKind::Lost, Body::Booster);
    event(&flight, EventKind::PayloadSeparation, Body::Payload);
}

#[test]
fn every_built_in_vehicle_is_what_its_name_says_and_survives_writing() {
    for name in Vehicle::builtin_names() {
        let vehicle = Vehicle::named(name).unwrap();
        assert_eq!(vehicle.name, name);
        let written = toml::to_string(&vehicle).unwrap();
        assert_eq!(Vehicle::parse(&written).unwrap(), vehicle);
    }
}

#[test]
fn a_wrong_figure_is_refused_with_its_field_value_and_range() {
    let text = TEXT.replace("count = 9", "count = 40");
    let error = Vehicle::parse(&text).unwrap_err().to_string();
    assert_eq!(error, "booster.engines.count = 40 is outside 1 to 32");
    for (right, wrong) in [
        ("empty_kg = 25_600.0", "empty_kg = -1.0"),
        ("empty_kg = 25_600.0", "empty_kg = nan"),
        ("propellant_kg = 396_000.0", "propellant_kg = inf"),
        ("throttle_min = 0.57", "throttle_min = 1.2"),
        ("start_s = 1.0", "start_s = 0.0"),
        ("isp_sea_level_s = 282.0", "isp_sea_level_s = 312.0"),
        ("landing_reserve = 0.09", "landing_reserve = 0.9"),
        ("altitude_m = 185_000.0", "altitude_m = 80_000.0"),
        ("entry_engines = 3", "entry_engines = 10"),
        ("ascent_pa = 36_000.0", "ascent_pa = 0.0"),
        ("bucket_throttle = 0.85", "bucket_throttle = 0.5"),
    ] {
        let text = TEXT.replace(right, wrong);
        assert_ne!(text, TEXT, "{right} is not in the reference");
        let error = Vehicle::parse(&text).unwrap_err();
        assert!(
            matches!(error, Error::OutOfRange { .. }),
            "{wrong}: {error}"
        );
    }
}

#[test]
fn a_wrong_text_or_table_is_refused() {
    for (right, wrong) in [
        ("name = \"reference\"", "name = \"Reference vehicle\""),
        ("description = \"medium", "description = \"two\\nlines"),
        ("[[0.0, 0.32], [0.7, 0.34]", "[[0.7, 0.32], [0.0, 0.34]"),
        ("drag = [[0.0, 1.0], [25.0, 2.0]]", "drag = []"),
    ] {
        let text = TEXT.replacen(right, wrong, 1);
        assert_ne!(text, TEXT, "{right} is not in the reference");
        let error = Vehicle::parse(&text).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{wrong}: {error}");
    }
}

#[test]
fn an_unknown_key_a_missing_one_and_too_much_text_are_refused() {
    for text in [
        TEXT.replace("fairing_kg", "fairing_mass"),
        TEXT.replace("legs_altitude_m = 250.0", ""),
        TEXT.replace("mode = \"return_to_pad\"", "mode = \"anywhere\""),
        TEXT.replace(
            "legs_altitude_m = 250.0",
            "legs_altitude_m = 250.0\nparachute = true",
        ),
        "no toml".to_owned(),
    ] {
        let error = Vehicle::parse(&text).unwrap_err();
        assert!(matches!(error, Error::Syntax { .. }), "{error}");
    }
    let long = format!("{TEXT}\n# {}", "x".repeat(70_000));
    assert!(matches!(Vehicle::parse(&long), Err(Error::TooLong { .. })));
}

#[test]
fn an_unknown_name_is_refused_with_the_known_ones() {
    let error = Vehicle::named("saturn").unwrap_err().to_string();
    assert_eq!(
        error,
        "no vehicle is named \"saturn\"; built in: reference, light"
    );
}

#[test]
fn limits_are_per_module_and_phase_and_leave_a_margin_on_a_nominal_flight() {
    let vehicle = reference();
    let limit = |body, phase| vehicle.dynamic_pressure_limit_pa(body, phase);
    assert_eq!(limit(Body::Booster, Phase::Safe), None);
    assert!(limit(Body::Booster, Phase::Ascent) < limit(Body::Booster, Phase::AeroGuidance));
    for track in &crate::flights::nominal().tracks {
        for point in &track.points {
            if let Some(limit_pa) = limit(track.body, point.phase) {
                let pressure = point.sensors.dynamic_pressure_pa;
                assert!(pressure < 0.9 * limit_pa, "{} {point:?}", track.body);
            }
        }
    }
}
