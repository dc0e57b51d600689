use portique_clock::{Clock, SimulatedClock, Timestamp};

use super::*;
use crate::count::Plan;
use crate::mission::{Actor, Definition, Fact};
use crate::{LinkKind, PadId};

fn rocket() -> RocketId {
    RocketId::new("demo").unwrap()
}

fn with_mission(clock: Arc<dyn Clock>) -> Shared {
    let shared = Shared::new(clock, Config::default());
    let definition = Definition {
        rocket: rocket(),
        vehicle: String::new(),
        pad: PadId::new("pad-1").unwrap(),
        link: LinkKind::Simulated,
        count: Plan::named("short").unwrap(),
        time_factor: 1.0,
        roster: Vec::new(),
        aborts: crate::abort::AbortMatrix::standard(),
    };
    shared.change(|missions| missions.insert(rocket(), Mission::new(definition)));
    shared
}

fn snapshot(shared: &Shared) {
    let public = shared.missions(|missions| {
        let missions = missions.values();
        missions.map(|m| PublicMission::of(m, shared)).collect()
    });
    shared.push_snapshot(public);
}

#[test]
fn an_embargo_shuts_what_was_seen_before_it() {
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let shared = with_mission(clock.clone());
    snapshot(&shared);
    clock.advance(Config::default().webcast_delay);
    assert!(shared.public_missions()[0].stage.is_some());
    let open = shared.public_page();
    assert!(
        Arc::ptr_eq(&open, &shared.public_page()),
        "written out once"
    );
    shared.change(|missions| {
        let mission = missions.get_mut(&rocket()).unwrap();
        let entry = mission.entry(Actor::commander(), Fact::EmbargoSet { on: true }, None);
        mission.apply(&entry, shared.wall(), shared.now());
    });
    let missions = shared.public_missions();
    assert!(missions[0].embargo && missions[0].stage.is_none() && missions[0].rehearsal);
    let page = shared.public_page();
    assert!(!String::from_utf8_lossy(&page.event).contains("preparing"));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lags_is_not_passed_off_as_complete() {
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let shared = with_mission(clock);
    shared.set_published(Sequence(7));
    shared.set_projected(Sequence(4));
    assert_eq!(shared.projection_lag(), 3);
    let refused = shared.log_caught_up().await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
    shared.set_projected(Sequence(7));
    assert!(shared.log_caught_up().await.is_ok());
    assert_eq!(shared.projection_lag(), 0);
}

#[test]
fn a_delay_that_is_not_kept_is_refused() {
    let with_delay = |webcast_delay| Config {
        webcast_delay,
        ..Config::default()
    };
    assert!(with_delay(WEBCAST_DELAY_MAX).check().is_ok());
    let refused = with_delay(WEBCAST_DELAY_MAX + SNAPSHOT_EVERY).check();
    assert!(refused.unwrap_err().to_string().contains("150"));
}
