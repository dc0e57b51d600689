//! What must be so before a launch, and what does not count towards it.

use super::*;

#[test]
fn a_camera_stops_a_launch_only_where_the_vehicle_is_not_known() {
    let script = format!("add camera\n {GO} launch -> count_started");
    let mission = check(&script);
    assert!(!mission.requires(&ModuleId::new("camera").unwrap()));
    let refused = script.replace("-> count_started", "! out of reach: camera");
    check_on(LinkKind::Remote, &refused);
}

#[test]
fn a_count_is_not_resumed_without_its_modules() {
    check(&format!(
        "{GO} launch
         hold stage 2 is silent
         down stage2
         resume ! out of reach: stage2
         up stage2
         resume -> count_resumed"
    ));
}

#[test]
fn a_module_is_in_reach_again_only_when_it_is_heard_again() {
    check(&format!(
        "{GO} launch
         wait 20
         step
         restart -> count_held
         resume ! out of reach: booster, stage2, payload
         {UP}
         resume -> count_resumed"
    ));
    let mission = check(&format!(
        "{GO} launch\n flight booster liftoff\n restart -> flight_ended"
    ));
    assert!(mission.modules().values().all(|state| !state.is_up));
    assert!(!mission.is_open());
}

#[test]
fn a_second_attempt_tells_its_own_events() {
    let pad =
        "flight booster internal_power\n flight booster startup\n flight booster engine_start";
    let booster = ModuleId::new("booster").unwrap();
    for give_up in [
        "wait 58\n step\n step\n step\n step\n step\n hold gust",
        "scrub winds",
    ] {
        let mission = check(&format!(
            "{GO} launch\n flight booster preparation\n flight payload lost\n {pad}\n {give_up}"
        ));
        assert!(!mission.has_happened(&booster, EventKind::InternalPower));
        assert!(!mission.has_happened(&booster, EventKind::EngineStart));
        assert!(mission.has_happened(&booster, EventKind::Preparation));
        assert!(mission.has_happened(&ModuleId::new("payload").unwrap(), EventKind::Lost));
    }
    let mission = check("flight booster startup\n flight booster liftoff\n poll");
    assert!(!mission.has_happened(&booster, EventKind::Startup));
}

#[test]
fn a_lift_off_without_a_count_is_not_believed() {
    for link in [LinkKind::Simulated, LinkKind::Remote] {
        let mission = check_on(
            link.clone(),
            &format!("flight booster liftoff\n {GO} launch"),
        );
        assert_eq!(mission.stage(), Stage::Counting);
        let booster = ModuleId::new("booster").unwrap();
        assert!(
            !mission.has_happened(&booster, EventKind::Liftoff),
            "the true one is heard"
        );
        let mission = check_on(link, &format!("{GO} flight booster liftoff"));
        assert_eq!(mission.stage(), Stage::Ready);
    }
    let mission = check(&format!(
        "{GO} launch\n flight booster liftoff\n restart -> flight_ended\n flight stage2 liftoff"
    ));
    assert_eq!(mission.stage(), Stage::Ended);
}

#[test]
fn names_without_end_are_not_kept() {
    let script: Vec<String> = (0..40).map(|n| format!("flight m{n} lost")).collect();
    let mission = check(&format!("{}\n add m50 ! the limit", script.join("\n")));
    assert_eq!(mission.modules().len(), 32);
    let module = |name| ModuleId::new(name).unwrap();
    assert!(mission.accepts_module(&module("m0")) && !mission.accepts_module(&module("m39")));
}

#[test]
fn nothing_is_armed_by_hand_without_a_go() {
    let mission = check(&format!(
        "{GO} power one booster ! it is ready
         light two booster ! needs a count
         launch
         power one booster -> order_released
         hold wait
         light two booster -> order_released
         scrub winds
         light three booster ! it is scrubbed
         destroy four booster -> order_released"
    ));
    assert_eq!(mission.orders().len(), 3);
}

#[test]
fn nothing_real_is_flown_on_simulated_weather() {
    check("calm -> weather_observed");
    check_on(LinkKind::Remote, "calm ! simulated weather");
}

#[test]
fn what_people_say_does_not_steer_a_terminal() {
    check(&format!(
        "{GO} launch\n hold \u{1b}[2J ! control characters"
    ));
    check(&format!("{GO} scrub a\u{7}bell ! control characters"));
}

#[test]
fn a_vehicle_is_read_once_and_one_that_cannot_be_read_is_none() {
    let mut definition = Script::new(LinkKind::Simulated)
        .mission
        .definition()
        .clone();
    assert!(Mission::new(definition.clone()).vehicle().is_none());
    definition.vehicle = toml::to_string(&Vehicle::named("light").unwrap()).unwrap();
    let mission = Mission::new(definition);
    assert_eq!(
        mission.vehicle().unwrap().name,
        Vehicle::named("light").unwrap().name
    );
}

#[test]
fn a_restart_takes_back_what_a_simulated_vehicle_forgot() {
    let powered = format!("{GO} launch\n wait 30\n step\n step\n");
    let mission = check(&format!(
        "{powered} restart -> count_recycled\n {UP} resume"
    ));
    let count = mission.count().unwrap();
    assert_eq!(count.next().unwrap().name, "propellant load");
    let mission = check(&format!("{powered} hold gust\n restart -> count_recycled"));
    let reason = mission.count().unwrap().hold_reason().unwrap();
    assert!(reason.contains("restarted in mid-count"), "{reason}");
    check_on(
        LinkKind::Remote,
        &format!("{powered} restart -> count_held"),
    );
    check(&format!("{GO} launch\n step\n hold gust\n restart ->"));
}

#[test]
fn a_launch_needs_its_modules_in_reach() {
    check(&format!(
        "{GO} down booster\n launch ! out of reach: booster\n up booster\n launch"
    ));
    let go = "poll\n vote rocket go\n vote weather go\n close go";
    check(&format!(
        "up stage2\n {go}\n launch ! out of reach: booster, payload"
    ));
    check_on(LinkKind::Remote, &format!("{go}\n launch ! no module"));
    let replayed = || LinkKind::Replayed { csv: String::new() };
    check_on(
        replayed(),
        &format!("{go}\n launch ! out of reach: vehicle"),
    );
    check_on(replayed(), &format!("{go}\n up vehicle\n launch"));
}
