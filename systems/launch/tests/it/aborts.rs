//! What rules can have launch control do, called as the hub calls it.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_clock::Timestamp;
use portique_flight::Phase;
use portique_launch::mission::Stage;
use portique_launch::{Downlink, ModuleId, Order, Sample};
use portique_monitor::{Action, ActionError, ActionRequest, Alert, AlertState, Fingerprint};
use portique_series::Labels;

use crate::safety::{Mood, Rig};

fn action(rig: &Rig, name: &str) -> Arc<dyn Action> {
    let all = rig.launch.actions();
    all.into_iter()
        .find(|action| action.name() == name)
        .unwrap()
}

fn request(id: &str, rule: &str, module: &str) -> ActionRequest {
    let labels = Labels::from_pairs([
        ("alertname", rule),
        ("rocket", "romeo"),
        ("module", module),
        ("severity", "critical"),
    ]);
    let alert = Alert {
        fingerprint: Fingerprint::of(&labels),
        labels,
        annotations: Labels::from_pairs([("limit", "1")]),
        starts_at: Timestamp::EPOCH,
        ends_at: None,
        generator: Arc::from(""),
        state: AlertState::Firing,
        value: 1.2,
        shelved_until: None,
    };
    ActionRequest {
        id: id.into(),
        at: Timestamp::EPOCH,
        params: BTreeMap::new(),
        alerts: vec![alert],
    }
}

async fn flies(rig: &Rig, module: &str, phase: Phase) {
    let module = ModuleId::new(module).unwrap();
    rig.hear(Downlink::Up(module.clone())).await;
    rig.until(|mission| mission.modules().contains_key(&module))
        .await;
    let sample = Sample {
        t_s: 60.0,
        phase,
        ..Sample::default()
    };
    rig.hear(Downlink::Sample(module.clone(), sample)).await;
    let rocket = portique_launch::RocketId::new("romeo").unwrap();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(5));
    let heard = || rig.launch.shared().modules(&rocket);
    while heard()
        .get(&module)
        .is_none_or(|live| live.sample.phase != phase)
    {
        looks.tick().await;
    }
}

const OVER: &str = "LaunchDynamicPressureOverLimit";

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_does_not_wait_for_the_bus_and_is_written_down_once() {
    let rig = Rig::open().await;
    flies(&rig, "booster", Phase::Ascent).await;
    rig.mood.send_replace(Mood::Stuck);
    let abort = action(&rig, "launch.abort");
    let said = abort.call(request("1", OVER, "booster")).await.unwrap();
    assert_eq!(said, "romeo: destroy booster");
    let booster = ModuleId::new("booster").unwrap();
    rig.ordered(|orders| *orders == [(booster.clone(), Order::Destroy)])
        .await;
    let again = abort.call(request("1", OVER, "booster")).await.unwrap();
    assert_eq!(again, "done before");
    rig.mood.send_replace(Mood::Well);
    rig.until(|mission| mission.orders().len() == 1 && mission.anomalies().count() == 1)
        .await;
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phase_decides_what_is_done() {
    let rig = Rig::open().await;
    rig.go().await;
    flies(&rig, "stage2", Phase::Startup).await;
    let abort = action(&rig, "launch.abort");
    let said = abort.call(request("1", OVER, "stage2")).await.unwrap();
    assert_eq!(said, "romeo: hold");
    rig.until(|mission| mission.stage() == Stage::Held).await;
    let hold = action(&rig, "launch.hold");
    let said = hold
        .call(request("2", "LaunchTankPressureLowOnPad", "stage2"))
        .await;
    assert_eq!(said.unwrap(), "romeo: nothing done: no count runs");
    flies(&rig, "stage2", Phase::SecondStageBurn).await;
    let said = abort.call(request("3", "LaunchEnginesOut", "stage2")).await;
    assert_eq!(
        said.unwrap(),
        "romeo: nothing done: the abort matrix standard says so"
    );
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_no_module_is_refused() {
    let rig = Rig::open().await;
    let abort = action(&rig, "launch.abort");
    let mut empty = request("1", OVER, "booster");
    empty.alerts.clear();
    let refused = abort.call(empty).await.unwrap_err();
    assert!(matches!(refused, ActionError::Refused { .. }), "{refused}");
    let given = BTreeMap::from([("pad".to_owned(), "1".to_owned())]);
    assert!(abort.check(&given).unwrap_err().contains("it takes none"));
    rig.close().await;
}
