//! One launch from the weather to the landed booster.

use serde_json::{Value, json};

use super::control_room::{ControlRoom, has_event, metar, sample, taf};

/// Fast enough for a test, slow enough to give orders in mid-flight.
const TIME_FACTOR: f64 = 40.0;

/// The order in which a nominal flight's events must stand in the log.
const BOOSTER: [&str; 19] = [
    "internal_power",
    "startup",
    "engine_start",
    "liftoff",
    "throttle_down",
    "mach_1",
    "max_q",
    "throttle_up",
    "meco",
    "stage_separation",
    "flip",
    "boostback_start",
    "boostback_end",
    "entry_burn_start",
    "entry_burn_end",
    "guidance",
    "landing_burn_start",
    "legs_deployed",
    "landed",
];
const STAGE2: [&str; 3] = ["ses1", "fairing_separation", "seco1"];

#[tokio::test(flavor = "multi_thread")]
async fn a_rocket_is_flown_from_the_poll_to_the_landed_booster() {
    let room = ControlRoom::open().await;
    room.add("ariel", "pad-1", TIME_FACTOR).await;
    report_weather(&room).await;
    poll(&room).await;
    room.launch("ariel").await;
    let view = room
        .until("ariel", "lift-off", |view| view["stage"] == "flying")
        .await;
    assert!(sample(&view, "booster", "engines_running") >= 9.0);
    refuse_orders_out_of_phase(&room).await;
    let view = room
        .until("ariel", "the end", |view| view["stage"] == "ended")
        .await;
    assert_eq!(view["outcome"], "success", "{view:#}");
    check_log(&room).await;
    check_filters(&room).await;
    check_telemetry(&room).await;
    room.until_telemetry_ended("ariel").await;
}

async fn report_weather(room: &ControlRoom) {
    let path = "launch/rockets/ariel/weather";
    room.refused(path, json!({ "metar": "sunny, a bit windy" }), 400, "METAR")
        .await;
    let weather = room.post(path, metar("09028G40KT")).await;
    assert_eq!(weather["evaluation"]["overall"], "violated", "{weather:#}");
    let wind = |weather: &Value| weather["evaluation"]["findings"][0].clone();
    assert_eq!(wind(&weather)["criterion"], "sustained_wind");
    assert!(wind(&weather)["margin"].as_f64() < Some(0.0), "{weather:#}");
    room.refused(path, json!({ "taf": "rain later" }), 400, "TAF")
        .await;
    let weather = room.post(path, taf("09035KT")).await;
    let probability = &weather["evaluation"]["probability_of_violation"];
    assert_eq!(probability.as_f64(), Some(1.0), "{weather:#}");
    let weather = room.post(path, taf("09008KT")).await;
    let probability = &weather["evaluation"]["probability_of_violation"];
    assert_eq!(probability.as_f64(), Some(0.0), "{weather:#}");
    let weather = room.post(path, metar("09008KT")).await;
    assert_eq!(wind(&weather)["state"], "go", "{weather:#}");
    assert!(
        wind(&weather)["age_s"].as_f64() < Some(120.0),
        "{weather:#}"
    );
}

async fn poll(room: &ControlRoom) {
    room.refused("launch/rockets/ariel/count", json!({}), 409, "poll first")
        .await;
    room.poll("ariel").await;
    let again = json!({ "station": "rocket", "vote": "go" });
    room.refused(
        "launch/rockets/ariel/poll/votes",
        again,
        409,
        "closed with go",
    )
    .await;
    let view = room.view("ariel").await;
    assert_eq!(view["stage"], "ready");
    let ballot = &view["poll"]["roster"]["rocket"];
    assert_eq!(ballot["vote"], "go");
    assert!(
        ballot["values"]["booster"]["propellant_kg"].is_number(),
        "{ballot:#}"
    );
    assert!(!ballot["values"]["weather"].is_null(), "{ballot:#}");
}

async fn refuse_orders_out_of_phase(room: &ControlRoom) {
    let record = room
        .order("ariel", "payload", json!({ "order": "deploy_payload" }))
        .await;
    assert_eq!(record["stage"], "refused", "{record:#}");
    assert!(!record["reason"].as_str().unwrap_or_default().is_empty());
    let path = "launch/rockets/ariel/modules/nozzle/orders";
    room.refused(
        path,
        json!({ "order": "destroy" }),
        404,
        "booster, payload, stage2",
    )
    .await;
    let path = "launch/rockets/bolero/modules/booster/orders";
    room.refused(path, json!({ "order": "destroy" }), 404, "known: ariel")
        .await;
    let throttle = json!({ "order": "throttle", "fraction": 7.0 });
    room.refused(
        "launch/rockets/ariel/modules/booster/orders",
        throttle,
        400,
        "0 to 1",
    )
    .await;
    let path = "launch/rockets/ariel/modules/booster/orders";
    let by_hand = json!({ "order": "start_engines" });
    room.refused(path, by_hand, 409, "needs a count").await;
}

async fn check_log(room: &ControlRoom) {
    let log = room.log("rocket=ariel").await;
    let flight = |module: &str, known: &[&str]| -> Vec<String> {
        let kinds = log.iter().filter(|line| line["fact"]["fact"] == "flight");
        let kinds = kinds.filter(|line| line["module"] == module);
        let kinds = kinds.map(|line| line["kind"].as_str().unwrap_or_default().to_owned());
        kinds
            .filter(|kind| known.contains(&kind.as_str()))
            .collect()
    };
    let mut expected = BOOSTER.to_vec();
    expected.sort_unstable();
    let mut booster = flight("booster", &BOOSTER);
    booster.sort_unstable();
    assert_eq!(booster, expected, "each event of the booster once");
    assert_eq!(flight("stage2", &STAGE2), STAGE2);
    assert_eq!(
        log.iter()
            .filter(|line| line["kind"] == "payload_separation")
            .count(),
        1
    );

    let time_of = |kind: &str| {
        let line = log
            .iter()
            .find(|line| line["kind"] == kind && line["module"] == "booster");
        line.and_then(|line| line["t_s"].as_f64())
            .unwrap_or(f64::NAN)
    };
    let times: Vec<f64> = BOOSTER.iter().map(|kind| time_of(kind)).collect();
    let in_order = |pair: &[f64]| pair[0] <= pair[1];
    // The bucket ends at max Q within a second or so, in either order.
    assert!(times[3..6].windows(2).all(in_order) && times[8..].windows(2).all(in_order));
    assert!(
        (55.0..80.0).contains(&time_of("max_q")),
        "max Q at T+{}",
        time_of("max_q")
    );
    assert!(
        log.iter()
            .all(|line| line["at"].is_string() && line["source"].is_string())
    );
    let sequences: Vec<u64> = log
        .iter()
        .filter_map(|line| line["sequence"].as_u64())
        .collect();
    assert!(
        sequences.windows(2).all(|pair| pair[0] < pair[1]),
        "in order, once"
    );
}

async fn check_filters(room: &ControlRoom) {
    let votes = room.log("rocket=ariel&kind=vote_cast").await;
    assert_eq!(votes.len(), 4);
    assert!(votes.iter().all(|vote| vote["source"] == "manual"));
    let by_weather = room.log("actor=weather").await;
    assert_eq!(by_weather.len(), 1);
    let found = room.log("text=fairing").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(room.log("text=fairing%20vote").await.is_empty());
    let last = found[0]["at"].as_str().expect("a time");
    let later = room.log(&format!("from={last}&kind=vote_cast")).await;
    assert!(later.is_empty());
}

async fn check_telemetry(room: &ControlRoom) {
    for module in ["booster", "stage2", "payload"] {
        let path = format!("launch/rockets/ariel/modules/{module}/telemetry?from_s=200&to_s=210");
        let page = room.get(&path).await;
        let samples = page["samples"].as_array().expect("samples");
        let times: Vec<f64> = samples.iter().filter_map(|s| s["t_s"].as_f64()).collect();
        assert!(
            times.len() >= 10,
            "{module}: {} samples in 10 s, also after separation",
            times.len()
        );
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            samples
                .iter()
                .all(|s| s["altitude_m"].as_f64() > Some(50_000.0))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_orders_are_executed_and_named_in_the_log() {
    let room = ControlRoom::open().await;
    room.add("brio", "pad-1", TIME_FACTOR).await;
    room.poll("brio").await;
    room.launch("brio").await;
    room.until("brio", "climb", |view| {
        sample(view, "booster", "altitude_m") > 500.0
    })
    .await;
    let heard = room
        .listen("launch/live?rocket=brio")
        .await
        .hear("sample")
        .await;
    assert!(heard.contains("altitude_m"), "{heard}");
    let throttle = json!({ "order": "throttle", "fraction": 0.7, "id": "slow" });
    let record = room.order("brio", "booster", throttle.clone()).await;
    assert_eq!(record["stage"], "accepted", "{record:#}");
    let is_slow = |view: &Value| (sample(view, "booster", "throttle") - 0.7).abs() < 0.02;
    room.until("brio", "throttle at 70 %", is_slow).await;
    let again = room.order("brio", "booster", throttle).await;
    assert_eq!(again["at"], record["at"], "the same id is one order");
    let automatic = json!({ "order": "throttle", "fraction": null });
    room.order("brio", "booster", automatic).await;
    room.until("brio", "100 s", |view| {
        sample(view, "booster", "t_s") > 100.0
    })
    .await;
    let record = room
        .order("brio", "booster", json!({ "order": "stage", "id": "cut" }))
        .await;
    assert_ne!(record["stage"], "refused", "{record:#}");
    let is_apart = |view: &Value| {
        has_event(view, "booster", "stage_separation") || has_event(view, "stage2", "ses1")
    };
    room.until("brio", "separation", is_apart).await;
    let separations = room.log("rocket=brio&kind=stage_separation").await;
    assert_eq!(separations.len(), 1);
    assert_eq!(separations[0]["actor"], "commander");
    assert_eq!(separations[0]["source"], "manual");
    let t_s = separations[0]["t_s"].as_f64().expect("a T-time");
    assert!(
        t_s < 140.0,
        "staged by hand at T+{t_s}, long before the automatic cut-off"
    );
    let orders = room.get("launch/rockets/brio/orders").await;
    let cut = orders
        .as_array()
        .expect("orders")
        .iter()
        .find(|order| order["id"] == "cut");
    assert_eq!(cut.expect("the order is kept")["stage"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_sees_little_late_and_nothing_under_embargo() {
    let room = ControlRoom::open().await;
    room.add("cosmo", "pad-1", TIME_FACTOR).await;
    let public = |what: &'static str, is_so: fn(&Value) -> bool| {
        let (http, url) = (room.http().clone(), format!("{}/webcast", room.url()));
        async move {
            let looks = async {
                let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
                loop {
                    looks.tick().await;
                    let reply = http.get(&url).send().await.expect("the hub answers");
                    let missions: Value = reply.json().await.expect("JSON");
                    if is_so(&missions) {
                        return missions;
                    }
                }
            };
            let patience = std::time::Duration::from_secs(60);
            tokio::time::timeout(patience, looks)
                .await
                .unwrap_or_else(|_| panic!("no {what}"))
        }
    };
    let missions = public("mission", |m| {
        m[0]["rocket"] == "cosmo" && m[0]["stage"].is_string()
    });
    let mission = missions.await[0].clone();
    let mut fields: Vec<&String> = mission.as_object().expect("an object").keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        ["embargo", "modules", "rehearsal", "rocket", "stage"]
    );
    assert_eq!(mission["rehearsal"], true);
    let heard = room.listen("webcast/live").await.hear("missions").await;
    assert!(
        heard.contains("cosmo") && !heard.contains("propellant"),
        "{heard}"
    );
    let live = room.listen("launch/live").await;
    room.post("launch/rockets/cosmo/embargo", json!({ "on": true }))
        .await;
    let heard = live.hear("log").await;
    assert!(heard.contains("embargo_set"), "{heard}");
    let missions = public("embargo", |m| m[0]["embargo"] == true).await;
    assert_eq!(missions[0]["stage"], Value::Null);
    assert_eq!(missions[0]["modules"], json!([]));
}
