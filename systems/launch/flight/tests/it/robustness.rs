//! Flights that must not depend on who computes them, where and how fast.

use portique_flight::{
    Autopilot, Body, EventKind, Flight, FlyOptions, Order, Phase, TICK_S, Vehicle, World, fly,
};

use crate::flights::{assert_sane, event, nominal, points, reference, told};

fn assert_mission_done(flight: &Flight, what: &str) {
    assert_sane(flight, what);
    let landed = event(flight, EventKind::Landed, Body::Booster);
    assert!(
        landed.values["impact_speed_m_s"] < 3.0,
        "{what}: {landed:?}"
    );
    let end = points(flight, Body::Payload).last().unwrap();
    assert_eq!(end.phase, Phase::Deployed, "{what}: {:?}", told(flight));
}

#[test]
fn the_same_inputs_give_the_same_flight_bit_for_bit() {
    let again = fly(&reference(), &FlyOptions::default());
    assert_eq!(&again, nominal());
}

#[test]
fn computers_that_answer_late_still_land_and_reach_orbit() {
    for name in Vehicle::builtin_names() {
        for delay_ticks in [1, 2, 5, 8] {
            let vehicle = Vehicle::named(name).unwrap();
            let flight = fly(
                &vehicle,
                &FlyOptions {
                    delay_ticks,
                    ..FlyOptions::default()
                },
            );
            assert_mission_done(&flight, &format!("{name}, {delay_ticks} ticks late"));
        }
    }
}

/// Flies the reference vehicle by hand; at `restart_s` every computer is saved as text, thrown away
/// and read back; computers run every `stride` ticks only. Returns the time, the impact speed and the
/// miss of the landing.
fn landing(restart_s: f64, stride: u32) -> (f64, f64, f64) {
    let vehicle = reference();
    let mut world = World::new(vehicle.clone());
    let mut computers: Vec<_> = Body::ALL
        .iter()
        .map(|&b| Autopilot::new(b, &vehicle))
        .collect();
    let mut restarted = false;
    for tick in 0..40_000 {
        match tick {
            0 => order(&mut computers, &world, Order::InternalPower),
            10 => order(&mut computers, &world, Order::Startup),
            20 => order(&mut computers, &world, Order::StartEngines),
            200 => assert!(world.release()),
            _ => {}
        }
        if !restarted && tick > 200 && world.sensors(Body::Booster).t_s >= restart_s {
            restarted = true;
            computers = computers.iter().map(read_back).collect();
        }
        for computer in computers.iter_mut().filter(|_| tick % stride == 0) {
            let output = computer.step(&world.sensors(computer.body()));
            world.actuate(computer.body(), output.actuators);
        }
        world.step();
        for event in world.take_events() {
            if event.kind == EventKind::Landed {
                let miss = world.sensors(Body::Booster).to_landing_site_m;
                return (event.t_s, event.values["impact_speed_m_s"], miss);
            }
            assert_ne!(
                event.kind,
                EventKind::Lost,
                "restart at {restart_s} s: {event:?}"
            );
        }
    }
    panic!("no landing after a restart at {restart_s} s");
}

fn order(computers: &mut [Autopilot], world: &World, order: Order) {
    for computer in computers {
        let sensors = world.sensors(computer.body());
        // Only the booster starts engines; the others refuse, which changes nothing.
        let _refused = computer.order(&order, &sensors);
    }
}

fn read_back(computer: &Autopilot) -> Autopilot {
    serde_json::from_str(&serde_json::to_string(computer).unwrap()).unwrap()
}

#[test]
fn a_computer_restarted_from_its_memory_lands_like_one_that_never_stopped() {
    let (time, _, _) = landing(f64::INFINITY, 1);
    for restart_s in [
        1.0, 30.0, 60.0, 148.0, 155.0, 170.0, 300.0, 500.0, 520.0, 560.0, 567.0,
    ] {
        let (restarted, impact, miss) = landing(restart_s, 1);
        assert!(
            (restarted - time).abs() < 2.0 * TICK_S,
            "{restart_s}: {restarted} for {time}"
        );
        assert!(
            impact < 3.0 && miss.abs() < 20.0,
            "{restart_s}: {impact} m/s, {miss} m off"
        );
    }
}

#[test]
fn computers_that_skip_ticks_still_land() {
    for stride in [2, 5, 10] {
        let (_, impact, miss) = landing(f64::INFINITY, stride);
        assert!(
            impact < 3.0 && miss.abs() < 20.0,
            "every {stride}: {impact} m/s, {miss} m off"
        );
    }
}

#[test]
fn a_computer_without_memory_takes_over_in_flight() {
    let vehicle = reference();
    for restart_s in [100, 300, 540] {
        let mut world = World::new(vehicle.clone());
        let mut computers: Vec<_> = Body::ALL
            .iter()
            .map(|&b| Autopilot::new(b, &vehicle))
            .collect();
        for tick in 0..restart_s * 50 + 150 {
            match tick {
                0 => order(&mut computers, &world, Order::InternalPower),
                1 => order(&mut computers, &world, Order::Startup),
                2 => order(&mut computers, &world, Order::StartEngines),
                150 => assert!(world.release()),
                _ => {}
            }
            for computer in &mut computers {
                let output = computer.step(&world.sensors(computer.body()));
                world.actuate(computer.body(), output.actuators);
            }
            world.step();
        }
        for &body in Body::ALL {
            let before = computers[body as usize].phase();
            let mut fresh = Autopilot::new(body, &vehicle);
            let output = fresh.step(&world.sensors(body));
            let same_side =
                before == output.phase || (output.phase == Phase::ReentryCoast && restart_s == 540);
            assert!(
                same_side,
                "{body} at {restart_s} s: {before} became {}",
                output.phase
            );
            assert!(output.events.iter().all(|e| e.kind != EventKind::Liftoff));
        }
    }
}
