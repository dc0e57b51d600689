//! Anomalies from telemetry: raised by the shipped rules, seen over the API and in the log, acted on when critical.

use serde_json::{Value, json};

use super::control_room::ControlRoom;
use super::faults::{flying, flying_in};
use crate::notify_rig::Receiver;

#[tokio::test(flavor = "multi_thread")]
async fn an_anomaly_is_an_alert_and_a_line_of_the_log_until_it_is_over() {
    let mut desk = Receiver::start(Vec::new()).await;
    let room = flying_in(ControlRoom::open_telling(&desk.url).await, "india").await;
    inject(&room, "india", "stage2", "tank_pressure_drop").await;
    let alert = room.until_alert("LaunchTankPressureLow", "india").await;
    assert_eq!(alert["labels"]["severity"], "warning", "{alert:#}");
    assert_eq!(alert["labels"]["module"], "stage2", "{alert:#}");
    assert_eq!(alert["labels"]["link"], "rehearsal", "{alert:#}");
    let view = room
        .until("india", "the open anomaly", |view| {
            anomaly(view, "LaunchTankPressureLow").is_some()
        })
        .await;
    let open = anomaly(&view, "LaunchTankPressureLow").expect("it is open");
    assert!(open["value"].as_f64() < open["limit"].as_f64(), "{open:#}");
    let raised = room.until_log("rocket=india&kind=anomaly_raised").await;
    let is_it = |line: &&Value| line["fact"]["rule"] == "LaunchTankPressureLow";
    let raised = raised.iter().find(is_it).expect("it is in the log");
    assert!(raised["t_s"].as_f64() > Some(0.0), "{raised:#}");
    assert_eq!(raised["fact"]["severity"], "warning");

    // The desk may hear of others first.
    let told = loop {
        let message = desk.next().await.json();
        let alert = message["alerts"][0].clone();
        if alert["labels"]["alertname"] == "LaunchTankPressureLow" {
            break alert;
        }
    };
    assert_eq!(told["status"], "firing", "{told:#}");
    assert_eq!(told["labels"]["rocket"], "india", "{told:#}");

    inject(&room, "india", "booster", "control_crash").await;
    // Others may be over before.
    let is_over = "rocket=india&kind=anomaly_cleared&text=LaunchModuleUnhealthy";
    let cleared = room.until_log(is_over).await;
    assert_eq!(
        cleared[0]["fact"]["rule"], "LaunchModuleUnhealthy",
        "{cleared:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_anomaly_in_flight_is_aborted_by_itself() {
    let room = flying("juliett").await;
    inject(&room, "juliett", "booster", "attitude_drift").await;
    room.until("juliett", "destruction", |view| {
        super::control_room::has_event(view, "booster", "destroyed")
    })
    .await;
    let executed = room.until_log("rocket=juliett&kind=abort_executed").await;
    let executed = &executed[0]["fact"];
    assert_eq!(executed["rule"], "LaunchAttitudeDeviation", "{executed:#}");
    assert_eq!(executed["commands"], json!(["destroy booster"]));
    // Milliseconds, where the machine is not as busy as with tests: the figure is a benchmark's.
    assert!(executed["took_ms"].as_f64() < Some(5_000.0), "{executed:#}");
    let log = room.log("rocket=juliett").await;
    let place = |kind: &str| log.iter().position(|line| line["kind"] == kind);
    assert!(place("anomaly_raised").is_some());
    assert!(place("abort_considered") < place("abort_executed"));
    let considered = &log[place("abort_considered").expect("it was considered")];
    assert_eq!(considered["fact"]["phase"], "ascent", "{considered:#}");
    assert_eq!(considered["source"], "automatic");
    let is_order = |line: &&Value| line["kind"] == "order_released" && line["actor"] == "reflex";
    assert!(
        log.iter().any(|line| is_order(&line)),
        "the order is in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rocket_added_meanwhile_is_watched_and_its_count_held_by_itself() {
    let room = flying("kilo").await;
    room.add("lima", "pad-2", 1.0).await;
    let series = "launch_tank_pressure_pascals{rocket=\"lima\"}";
    room.until_promql(series, "its telemetry", |found| found.len() == 2)
        .await;
    room.poll("lima").await;
    room.launch("lima").await;
    inject(&room, "lima", "stage2", "tank_pressure_drop").await;
    let view = room
        .until("lima", "a hold by itself", |view| view["stage"] == "held")
        .await;
    let why = view["count"]["hold"].as_str().unwrap_or_default();
    assert_eq!(why, "LaunchTankPressureLowOnPad on stage2", "{view:#}");
    let alert = room.until_alert("LaunchTankPressureLowOnPad", "lima").await;
    assert_eq!(alert["labels"]["severity"], "critical", "{alert:#}");
    let executed = room.until_log("rocket=lima&kind=abort_executed").await;
    assert_eq!(executed[0]["fact"]["commands"], json!(["hold"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matrix_of_ones_own_says_what_is_done() {
    let room = ControlRoom::open().await;
    let aborts = "name = \"patient\"\n[[row]]\nrules = [\"LaunchAttitudeDeviation\"]\ndo = []\n";
    let bad = json!({ "rocket": "mike", "aborts_toml": "name = \"m\"\n[[row]]\ndo = [{ do = \"panic\" }]" });
    room.refused("launch/rockets", bad, 400, "panic").await;
    let new =
        json!({ "rocket": "mike", "pad": "pad-1", "time_factor": 20.0, "aborts_toml": aborts });
    room.add_rocket("mike", new).await;
    room.poll("mike").await;
    room.launch("mike").await;
    room.until("mike", "climb", |view| {
        super::control_room::sample(view, "booster", "altitude_m") > 1_000.0
    })
    .await;
    inject(&room, "mike", "booster", "attitude_drift").await;
    let considered = room.until_log("rocket=mike&kind=abort_considered").await;
    let why = considered[0]["fact"]["reason"].as_str().unwrap_or_default();
    assert_eq!(why, "the abort matrix patient says so", "{considered:#?}");
    assert!(
        room.log("rocket=mike&actor=reflex&kind=order_released")
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_link_is_noticed_until_it_is_sound() {
    let room = ControlRoom::open().await;
    room.add("november", "pad-1", 4.0).await;
    room.poll("november").await;
    room.launch("november").await;
    room.until("november", "climb", |view| {
        super::control_room::sample(view, "booster", "altitude_m") > 1_000.0
    })
    .await;
    let spoil = async |fault: Value| {
        let order = json!({ "order": "inject", "fault": { "link": fault } });
        let record = room.order("november", "stage2", order).await;
        assert_eq!(record["stage"], "accepted", "{record:#}");
    };
    let of_the_link = ["LaunchLinkSlow", "LaunchTelemetryLoss"];
    spoil(json!({ "latency_ms": 700, "jitter_ms": 50, "loss": 0.5, "seed": 7 })).await;
    let view = room
        .until("november", "both anomalies", |view| {
            of_the_link.iter().all(|rule| anomaly(view, rule).is_some())
        })
        .await;
    for rule in of_the_link {
        let open = anomaly(&view, rule).expect("it is open");
        assert_eq!(open["module"], "stage2", "{open:#}");
    }
    spoil(json!({})).await;
    room.until("november", "a sound link", |view| {
        of_the_link.iter().all(|rule| anomaly(view, rule).is_none())
    })
    .await;
    for rule in of_the_link {
        let cleared = format!("rocket=november&kind=anomaly_cleared&text={rule}");
        assert_eq!(
            room.until_log(&cleared).await[0]["fact"]["module"],
            "stage2"
        );
    }
    let worse = json!({ "order": "inject", "fault": { "link": { "loss": 2 } } });
    let path = "launch/rockets/november/modules/stage2/orders";
    room.refused(path, worse, 422, "0 to 1").await;
}

async fn inject(room: &ControlRoom, rocket: &str, module: &str, fault: &str) {
    let order = json!({ "order": "inject", "fault": fault });
    let record = room.order(rocket, module, order).await;
    assert_eq!(record["stage"], "accepted", "{record:#}");
}

fn anomaly<'a>(view: &'a Value, rule: &str) -> Option<&'a Value> {
    let open = view["anomalies"].as_array()?;
    open.iter().find(|anomaly| anomaly["rule"] == rule)
}
