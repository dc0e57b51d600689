//! The reference vehicle inside the bands of 45 recorded flights.

use portique_flight::{Body, EventKind, Phase};

use crate::flights::{assert_sane, at, event, nominal, peak, points, told};

fn assert_within(what: &str, value: f64, [min, max]: [f64; 2]) {
    assert!(
        (min..=max).contains(&value),
        "{what} is {value:.2}, the band is {min} to {max}"
    );
}

#[test]
fn max_q_comes_when_and_where_it_does() {
    let s = peak(nominal(), &[Phase::Ascent]).sensors;
    assert_within("time of Max Q", s.t_s, [55.6, 79.1]);
    assert_within("Max Q in kPa", s.dynamic_pressure_pa / 1e3, [20.4, 32.3]);
    assert_within("altitude of Max Q in km", s.altitude_m / 1e3, [7.5, 13.0]);
    assert_within("speed at Max Q", s.speed_m_s, [279.0, 425.0]);
    assert_within("Mach number at Max Q", s.mach, [0.91, 1.44]);
}

#[test]
fn mach_1_is_passed_in_time() {
    let booster = points(nominal(), Body::Booster);
    let s = booster
        .iter()
        .find(|p| p.sensors.mach >= 1.0)
        .unwrap()
        .sensors;
    assert_within("time of Mach 1", s.t_s, [47.1, 70.6]);
}

#[test]
fn the_throttle_bucket_lies_round_max_q() {
    let down = event(nominal(), EventKind::ThrottleDown, Body::Booster).t_s;
    let up = event(nominal(), EventKind::ThrottleUp, Body::Booster).t_s;
    let max_q = peak(nominal(), &[Phase::Ascent]).sensors.t_s;
    assert!(
        down < max_q - 5.0 && max_q <= up && up < max_q + 15.0,
        "{down} {max_q} {up}"
    );
    let before = at(nominal(), Body::Booster, down).sensors.throttle;
    let inside = at(nominal(), Body::Booster, max_q).sensors.throttle;
    assert!(
        inside < before,
        "throttle {before} before, {inside} at Max Q"
    );
}

#[test]
fn main_engine_cut_off_comes_when_and_where_it_does() {
    let meco = event(nominal(), EventKind::Meco, Body::Booster);
    assert_within("time of MECO", meco.t_s, [139.7, 184.1]);
    assert_within(
        "speed at MECO",
        meco.values["speed_m_s"],
        [1_580.0, 2_721.0],
    );
    assert_within(
        "altitude of MECO in km",
        meco.values["altitude_m"] / 1e3,
        [59.1, 92.2],
    );
    let before = at(nominal(), Body::Booster, meco.t_s)
        .sensors
        .felt_accel_m_s2;
    assert_within("felt acceleration before MECO", before, [33.5, 42.8]);
}

#[test]
fn the_second_stage_starts_and_stops_when_it_does() {
    let meco = event(nominal(), EventKind::Meco, Body::Booster).t_s;
    let pushed = points(nominal(), Body::Stage2)
        .iter()
        .find(|p| p.sensors.t_s > meco + 2.0 && p.sensors.felt_accel_m_s2 > 3.0)
        .unwrap();
    assert_within("SES-1 after MECO", pushed.sensors.t_s - meco, [8.0, 10.7]);
    let told = event(nominal(), EventKind::Ses1, Body::Stage2).t_s;
    assert_within("SES-1 told after MECO", told - meco, [8.0, 10.7]);

    let seco = event(nominal(), EventKind::Seco1, Body::Stage2);
    assert_within("time of SECO-1", seco.t_s, [494.7, 615.0]);
    assert_within(
        "speed at SECO-1",
        seco.values["speed_m_s"],
        [7_211.0, 7_896.0],
    );
    assert_within(
        "altitude of SECO-1 in km",
        seco.values["altitude_m"] / 1e3,
        [164.0, 725.0],
    );
}

#[test]
fn the_orbit_is_the_one_asked_for_and_the_payload_is_left_there() {
    let release = event(nominal(), EventKind::PayloadSeparation, Body::Payload);
    let seco = event(nominal(), EventKind::Seco1, Body::Stage2).t_s;
    assert_within(
        "payload separation after SECO-1",
        release.t_s - seco,
        [59.0, 62.0],
    );
    let end = points(nominal(), Body::Payload).last().unwrap();
    assert_eq!(end.phase, Phase::Deployed);
    assert_within(
        "altitude in orbit",
        end.sensors.altitude_m,
        [184_000.0, 186_000.0],
    );
    assert_within(
        "vertical speed in orbit",
        end.sensors.vertical_speed_m_s,
        [-2.0, 2.0],
    );
    assert!(!end.sensors.attached_below);
}

#[test]
fn nothing_is_felt_beyond_five_g() {
    for body in [Body::Booster, Body::Stage2, Body::Payload] {
        for point in points(nominal(), body)
            .iter()
            .filter(|p| p.phase != Phase::EntryBurn)
        {
            let felt = point.sensors.felt_accel_m_s2.abs();
            assert!(
                felt < 49.1,
                "{body} {} {felt} m/s2 at {}",
                point.phase,
                point.sensors.t_s
            );
        }
    }
}

#[test]
fn the_returning_booster_meets_its_own_max_q() {
    let s = peak(
        nominal(),
        &[Phase::ReentryCoast, Phase::EntryBurn, Phase::AeroGuidance],
    )
    .sensors;
    assert_within(
        "return Max Q in kPa",
        s.dynamic_pressure_pa / 1e3,
        [45.0, 57.0],
    );
    assert_within("its altitude in km", s.altitude_m / 1e3, [11.0, 12.0]);
    assert_within("its Mach number", s.mach, [1.8, 2.2]);
}

#[test]
fn the_booster_lands_on_the_pad_at_zero_speed_and_zero_altitude() {
    let landed = event(nominal(), EventKind::Landed, Body::Booster);
    assert!(landed.values["impact_speed_m_s"] < 3.0, "{landed:?}");
    assert!(landed.values["altitude_m"].abs() < 0.1, "{landed:?}");
    let last = points(nominal(), Body::Booster).last().unwrap().sensors;
    assert!(
        last.to_landing_site_m.abs() < 20.0,
        "{} m off the pad",
        last.to_landing_site_m
    );
    assert!(last.propellant_kg > 300.0, "{} kg left", last.propellant_kg);
}

#[test]
fn one_engine_at_its_lowest_throttle_still_lifts_the_empty_booster() {
    let vehicle = crate::flights::reference();
    let engines = &vehicle.booster.engines;
    let sea_level_n = engines.thrust_vacuum_n * engines.isp_sea_level_s / engines.isp_vacuum_s;
    assert!((sea_level_n - 845_000.0).abs() < 1_000.0, "{sea_level_n} N");
    assert!(engines.throttle_min * sea_level_n > 1.5 * vehicle.booster.empty_kg * 9.81);
}

#[test]
fn the_events_come_in_order_each_once() {
    use EventKind::*;
    let expected = [
        (
            Body::Booster,
            &[
                InternalPower,
                Startup,
                EngineStart,
                Liftoff,
                ThrottleDown,
                ThrottleUp,
                Meco,
                StageSeparation,
                Flip,
                BoostbackStart,
                BoostbackEnd,
                EntryBurnStart,
                EntryBurnEnd,
                Guidance,
                LandingBurnStart,
                LegsDeployed,
                Landing,
                Landed,
            ][..],
        ),
        (
            Body::Stage2,
            &[InternalPower, Startup, Ses1, FairingSeparation, Seco1],
        ),
        (Body::Payload, &[InternalPower, Startup, PayloadSeparation]),
    ];
    for (body, kinds) in expected {
        let flown: Vec<_> = nominal()
            .events
            .iter()
            .filter(|e| e.body == body)
            .map(|e| e.kind)
            .collect();
        assert_eq!(flown, kinds, "{body}: {:?}", told(nominal()));
    }
    assert!(
        nominal()
            .events
            .windows(2)
            .all(|pair| pair[0].t_s <= pair[1].t_s)
    );
}

#[test]
fn every_figure_is_a_number_and_no_tank_is_emptier_than_empty() {
    assert_sane(nominal(), "nominal");
    for track in &nominal().tracks {
        let propellant = track
            .points
            .windows(2)
            .map(|p| (p[0].sensors, p[1].sensors));
        for (before, after) in propellant {
            assert!(
                after.propellant_kg <= before.propellant_kg,
                "{} {after:?}",
                track.body
            );
        }
    }
}

#[test]
fn energy_does_not_change_in_a_coast_without_air() {
    const GM: f64 = 3.986_004_418e14;
    const RADIUS_M: f64 = 6_378_137.0;
    const TURNING: f64 = 7.292_115e-5 * 0.635;
    let energy = |p: &&portique_flight::Point| {
        let s = &p.sensors;
        let radius = RADIUS_M + s.altitude_m;
        let across = s.horizontal_speed_m_s + TURNING * radius;
        (across * across + s.vertical_speed_m_s * s.vertical_speed_m_s) / 2.0 - GM / radius
    };
    let coast: Vec<_> = points(nominal(), Body::Booster)
        .iter()
        .filter(|p| p.phase == Phase::ReentryCoast && p.sensors.engines_running == 0)
        .filter(|p| p.sensors.altitude_m > 125_000.0)
        .collect();
    let (first, last) = (coast.first().unwrap(), coast.last().unwrap());
    assert!(
        last.sensors.t_s - first.sensors.t_s > 60.0,
        "the coast is too short to tell"
    );
    let drift = energy(last) - energy(first);
    assert!(drift.abs() < 50.0, "{drift} J/kg of {}", energy(first));
}
