//! Orders: allowed in their phases, refused in others, with a reason.

use portique_flight::{Autopilot, Body, EventKind, FlyOptions, Order, Phase, Sensors, World, fly};

use crate::flights::{assert_sane, at, event, find, points, reference, told};

fn on_pad() -> Sensors {
    World::new(reference()).sensors(Body::Booster)
}

#[test]
fn orders_on_the_pad_follow_each_other_and_safe_takes_them_back() {
    let mut booster = Autopilot::new(Body::Booster, &reference());
    let sensors = on_pad();
    let error = booster.order(&Order::StartEngines, &sensors).unwrap_err();
    assert_eq!(
        error.to_string(),
        "start_engines is not possible on booster in phase safe; it is allowed in phase startup"
    );
    for (order, phase) in [
        (Order::InternalPower, Phase::InternalPower),
        (Order::Startup, Phase::Startup),
        (Order::StartEngines, Phase::Ignition),
        (Order::Safe, Phase::Safe),
    ] {
        booster.order(&order, &sensors).unwrap();
        assert_eq!(booster.step(&sensors).phase, phase);
    }
    assert_eq!(booster.step(&sensors).actuators.engines, 0);
}

#[test]
fn only_the_booster_starts_engines_on_the_pad() {
    for body in [Body::Stage2, Body::Payload] {
        let mut computer = Autopilot::new(body, &reference());
        for order in [Order::InternalPower, Order::Startup] {
            computer.order(&order, &on_pad()).unwrap();
            computer.step(&on_pad());
        }
        assert!(computer.order(&Order::StartEngines, &on_pad()).is_err());
    }
}

#[test]
fn orders_of_flight_are_refused_on_the_pad() {
    for &body in Body::ALL {
        for order in [
            Order::Throttle(Some(0.8)),
            Order::Stage,
            Order::DeployPayload,
        ] {
            let mut computer = Autopilot::new(body, &reference());
            let before = computer.clone();
            assert!(
                computer.order(&order, &on_pad()).is_err(),
                "{order:?} on {body}"
            );
            assert_eq!(computer, before, "a refused order changed something");
        }
    }
}

#[test]
fn a_rocket_without_running_engines_is_not_released() {
    let mut world = World::new(reference());
    assert!(!world.release());
    world.step();
    assert!(world.sensors(Body::Booster).on_pad);
    assert_eq!(world.sensors(Body::Booster).altitude_m, 0.0);
}

#[test]
fn the_clock_of_the_sensors_is_the_counts_until_lift_off() {
    let mut world = World::new(reference());
    world.set_clock(-600.0);
    world.step();
    assert_eq!(world.sensors(Body::Payload).t_s, -600.0);
}

fn flown_with(orders: Vec<(f64, Body, Order)>) -> portique_flight::Flight {
    let flight = fly(
        &reference(),
        &FlyOptions {
            orders,
            ..FlyOptions::default()
        },
    );
    assert_sane(&flight, "ordered");
    flight
}

#[test]
fn a_manual_throttle_holds_until_it_is_given_back() {
    let flight = flown_with(vec![
        (20.0, Body::Booster, Order::Throttle(Some(0.7))),
        (30.0, Body::Booster, Order::Throttle(None)),
    ]);
    let throttle = |t_s| at(&flight, Body::Booster, t_s).sensors.throttle;
    assert!((throttle(25.0) - 0.7).abs() < 1e-9, "{}", throttle(25.0));
    assert!(throttle(35.0) > 0.8, "{}", throttle(35.0));
}

#[test]
fn a_throttle_that_the_engine_cannot_do_is_refused() {
    let sensors = Sensors {
        on_pad: false,
        alive: true,
        attached_above: true,
        ..on_pad()
    };
    let mut booster = Autopilot::new(Body::Booster, &reference());
    booster.step(&sensors);
    for wrong in [0.0, 0.5, 1.01, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            booster
                .order(&Order::Throttle(Some(wrong)), &sensors)
                .is_err(),
            "{wrong}"
        );
    }
    booster
        .order(&Order::Throttle(Some(0.57)), &sensors)
        .unwrap();
}

#[test]
fn staging_by_order_cuts_off_at_once_and_the_second_stage_goes_on() {
    let flight = flown_with(vec![(140.0, Body::Booster, Order::Stage)]);
    let meco = event(&flight, EventKind::Meco, Body::Booster).t_s;
    assert!((140.0..140.1).contains(&meco), "{meco}");
    let parted = event(&flight, EventKind::StageSeparation, Body::Booster).t_s;
    assert!(parted < 141.5, "{parted}");
    event(&flight, EventKind::Ses1, Body::Stage2);
}

#[test]
fn the_payload_is_delivered_by_order_of_either_module_and_not_before_the_orbit() {
    for body in [Body::Stage2, Body::Payload] {
        let flight = flown_with(vec![
            (300.0, body, Order::DeployPayload),
            (540.0, body, Order::DeployPayload),
        ]);
        let release = event(&flight, EventKind::PayloadSeparation, Body::Payload).t_s;
        assert!((540.0..543.0).contains(&release), "by {body}: {release}");
    }
}

#[test]
fn destruction_in_any_phase_detaches_the_others_first_and_they_fly_on() {
    for &body in Body::ALL {
        for at_s in [
            10.0, 40.0, 70.0, 120.0, 147.5, 160.0, 170.0, 300.0, 505.0, 535.0, 566.0,
        ] {
            let flight = flown_with(vec![(at_s, body, Order::Destroy)]);
            let what = format!("{body} at {at_s} s: {:?}", told(&flight));
            let end = event(&flight, EventKind::Destroyed, body);
            assert!(end.t_s <= at_s + 1.2, "{what}");
            for &other in Body::ALL {
                if other == body {
                    continue;
                }
                if let Some(detached) = find(&flight, EventKind::Detached, other) {
                    assert!(detached.t_s <= end.t_s, "{what}");
                }
                let after = points(&flight, other).last().unwrap();
                let alive_then = at(&flight, other, end.t_s + 0.5).sensors;
                assert!(
                    alive_then.alive || after.phase == Phase::Landed,
                    "{other}; {what}"
                );
            }
        }
    }
}

#[test]
fn neighbours_told_as_detached_are_those_that_were_attached() {
    let flight = flown_with(vec![(70.0, Body::Stage2, Order::Destroy)]);
    assert!(
        find(&flight, EventKind::Detached, Body::Booster).is_some(),
        "{:?}",
        told(&flight)
    );
    assert!(find(&flight, EventKind::Detached, Body::Payload).is_some());
    let flight = flown_with(vec![(300.0, Body::Booster, Order::Destroy)]);
    assert!(
        find(&flight, EventKind::Detached, Body::Stage2).is_none(),
        "{:?}",
        told(&flight)
    );
    event(&flight, EventKind::PayloadSeparation, Body::Payload);
}

#[test]
fn destruction_on_the_pad_leaves_the_others_standing() {
    let vehicle = reference();
    let mut world = World::new(vehicle.clone());
    let mut booster = Autopilot::new(Body::Booster, &vehicle);
    booster
        .order(&Order::Destroy, &world.sensors(Body::Booster))
        .unwrap();
    let mut kinds = Vec::new();
    for _ in 0..100 {
        let output = booster.step(&world.sensors(Body::Booster));
        kinds.extend(output.events.iter().map(|e| (e.body, e.kind)));
        world.actuate(Body::Booster, output.actuators);
        world.step();
    }
    let wanted = [
        (Body::Stage2, EventKind::Detached),
        (Body::Booster, EventKind::Destroyed),
    ];
    assert_eq!(kinds, wanted);
    assert!(!world.sensors(Body::Booster).alive);
    assert!(world.sensors(Body::Stage2).alive && world.sensors(Body::Payload).alive);
    assert!(
        booster
            .order(&Order::Destroy, &world.sensors(Body::Booster))
            .is_err()
    );
}

#[test]
fn what_is_still_attached_dies_with_a_body_that_is_destroyed() {
    let mut world = World::new(reference());
    world.destroy(Body::Stage2);
    let told: Vec<_> = world
        .take_events()
        .iter()
        .map(|e| (e.body, e.kind))
        .collect();
    assert!(
        told.contains(&(Body::Stage2, EventKind::Destroyed)),
        "{told:?}"
    );
    assert!(told.contains(&(Body::Payload, EventKind::Lost)), "{told:?}");
    assert!(!world.sensors(Body::Booster).alive);
}

#[test]
fn a_booster_that_comes_back_early_and_heavy_lands_with_more_engines() {
    for at_s in [40.0, 70.0, 130.0] {
        let flight = flown_with(vec![(at_s, Body::Stage2, Order::Destroy)]);
        let landed = event(&flight, EventKind::Landed, Body::Booster);
        assert!(
            landed.values["impact_speed_m_s"] < 3.0,
            "{at_s}: {landed:?}"
        );
    }
}
