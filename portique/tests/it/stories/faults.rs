//! What goes wrong in flight, and what launch control does about it.

use serde_json::{Value, json};

use super::control_room::{ControlRoom, has_event, sample};

const TIME_FACTOR: f64 = 20.0;

pub(super) async fn flying(rocket: &str) -> ControlRoom {
    flying_in(ControlRoom::open().await, rocket).await
}

pub(super) async fn flying_in(room: ControlRoom, rocket: &str) -> ControlRoom {
    room.add(rocket, "pad-1", TIME_FACTOR).await;
    room.poll(rocket).await;
    room.launch(rocket).await;
    room.until(rocket, "climb", |view| {
        sample(view, "booster", "altitude_m") > 1_000.0
    })
    .await;
    room
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_module_answers_first_and_the_others_fly_on() {
    let room = flying("delta").await;
    let record = room
        .order("delta", "booster", json!({ "order": "destroy" }))
        .await;
    assert!(
        record["stage"] == "accepted" || record["stage"] == "completed",
        "{record:#}"
    );
    let view = room
        .until("delta", "the booster's end", |view| {
            has_event(view, "booster", "destroyed")
        })
        .await;
    let t_s = sample(&view, "stage2", "t_s");
    room.until("delta", "stage 2 flying on", |view| {
        sample(view, "stage2", "t_s") > t_s + 20.0
    })
    .await;
    let view = room
        .until("delta", "the end of its telemetry", |view| {
            let modules = view["modules"].as_array().expect("modules");
            modules
                .iter()
                .any(|m| m["module"] == "booster" && m["up"] == false)
        })
        .await;
    assert!(!has_event(&view, "stage2", "destroyed") && !has_event(&view, "payload", "destroyed"));
    let log = room.log("rocket=delta").await;
    let place = |kind: &str| log.iter().position(|line| line["kind"] == kind);
    assert!(
        place("detached") < place("destroyed"),
        "healthy parts are detached first"
    );
    let ended = log.iter().find(|line| line["kind"] == "telemetry_ended");
    let ended = ended.expect("the telemetry ends with a reason");
    assert!(
        ended["fact"]["reason"]
            .as_str()
            .unwrap_or_default()
            .contains("destroy"),
        "{ended:#}"
    );
    let order = json!({ "order": "destroy", "id": "again" });
    let path = "launch/rockets/delta/modules/booster/orders";
    room.refused(path, order, 409, "is gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passed_structural_limit_destroys_the_module_by_itself() {
    let room = flying("echo").await;
    let record = room
        .order(
            "echo",
            "booster",
            json!({ "order": "inject", "fault": "dense_air" }),
        )
        .await;
    assert_eq!(record["stage"], "accepted", "{record:#}");
    room.until("echo", "destruction", |view| {
        has_event(view, "booster", "destroyed")
    })
    .await;
    let log = room.log("rocket=echo").await;
    let by_the_watch = |line: &&Value| {
        let rule = line["fact"]["rule"].as_str().unwrap_or_default();
        line["kind"] == "anomaly_raised" && rule.contains("structural limit")
    };
    let anomaly = log.iter().find(by_the_watch);
    let anomaly = &anomaly.expect("the anomaly is logged")["fact"];
    assert_eq!(anomaly["severity"], "critical");
    assert!(anomaly["value"].as_f64() > anomaly["limit"].as_f64());
    let is_reflex = |line: &&Value| {
        let id = line["fact"]["id"].as_str().unwrap_or_default();
        id.starts_with("reflex-booster-")
    };
    let order = log.iter().find(is_reflex);
    let order = order.expect("the order is logged");
    assert_eq!(
        (&order["actor"], &order["kind"]),
        (&json!("reflex"), &json!("order_released"))
    );
    assert_eq!(order["source"], "automatic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_task_leaves_the_other_going() {
    let room = flying("fado").await;
    let record = room
        .order(
            "fado",
            "booster",
            json!({ "order": "inject", "fault": "control_crash" }),
        )
        .await;
    assert_eq!(record["stage"], "accepted", "{record:#}");
    let before = sample(&room.view("fado").await, "booster", "t_s");
    room.until("fado", "telemetry going on", |v| {
        sample(v, "booster", "t_s") > before + 5.0
    })
    .await;
    let is_healthy = |view: &Value| {
        let modules = view["modules"].as_array().expect("modules");
        modules
            .iter()
            .any(|m| m["module"] == "booster" && m["sample"]["healthy"] == true)
    };
    room.until("fado", "control back", is_healthy).await;
    let crash = json!({ "order": "inject", "fault": "telemetry_crash" });
    room.order("fado", "stage2", crash).await;
    let record = room
        .order("fado", "stage2", json!({ "order": "deploy_payload" }))
        .await;
    assert_eq!(
        record["stage"], "refused",
        "control answers without telemetry: {record:#}"
    );
    let before = sample(&room.view("fado").await, "stage2", "t_s");
    room.until("fado", "telemetry back", |view| {
        sample(view, "stage2", "t_s") > before + 5.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_computer_is_restarted_and_the_booster_still_lands() {
    let room = flying("gigue").await;
    room.until("gigue", "separation", |v| {
        has_event(v, "booster", "boostback_end")
    })
    .await;
    room.try_post(
        "launch/rockets/gigue/modules/booster/orders",
        json!({ "order": "inject", "fault": "computer_crash" }),
    )
    .await;
    let view = room
        .until("gigue", "the end", |view| view["stage"] == "ended")
        .await;
    assert_eq!(view["outcome"], "success", "{view:#}");
    let downs = room.log("rocket=gigue&kind=link_down&module=booster").await;
    let ups = room.log("rocket=gigue&kind=link_up&module=booster").await;
    assert!(!downs.is_empty() && ups.len() >= 2, "{downs:#?} {ups:#?}");
}
