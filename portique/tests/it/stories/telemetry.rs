//! Telemetry of the rocket, of the first stage after separation, and of the payload: received, stored, consulted.

use std::process::Command;

use serde_json::{Value, json};

use super::control_room::{ControlRoom, has_event, sample};

/// Fast enough for a test, slow enough for ten samples a second of flight to differ in their milliseconds.
const TIME_FACTOR: f64 = 40.0;

#[tokio::test(flavor = "multi_thread")]
async fn telemetry_of_rocket_first_stage_and_payload_is_stored_and_consulted() {
    let room = ControlRoom::open().await;
    room.add("helios", "pad-1", TIME_FACTOR).await;
    room.poll("helios").await;
    room.launch("helios").await;
    room.until("helios", "separation", |view| {
        has_event(view, "booster", "stage_separation")
    })
    .await;
    room.until("helios", "both stages on their own ways", |view| {
        sample(view, "booster", "t_s") > 240.0 && sample(view, "payload", "t_s") > 240.0
    })
    .await;
    consult_by_http(&room).await;
    consult_by_promql(&room).await;
    consult_by_cli(&room);
    see_the_end(&room).await;
}

/// Samples before and after separation, whole and thinned out, with what a stage gives of its own.
async fn consult_by_http(room: &ControlRoom) {
    for module in ["booster", "stage2", "payload"] {
        for from_s in [100, 220] {
            let to_s = from_s + 10;
            let path = format!(
                "launch/rockets/helios/modules/{module}/telemetry?from_s={from_s}&to_s={to_s}"
            );
            let page = room.get(&path).await;
            let samples = page["samples"].as_array().expect("samples");
            assert!(samples.len() > 50, "{module}: {} samples", samples.len());
            let phase = samples[0]["phase"].as_str().unwrap_or_default();
            let is_together = matches!(phase, "ascent" | "attached");
            let payload_rides = module == "payload";
            assert_eq!(
                is_together,
                from_s < 200 || payload_rides,
                "{module}: {phase}"
            );
        }
    }
    let path = "launch/rockets/helios/modules/booster/telemetry?from_s=100&to_s=110";
    let first = room.get(&format!("{path}&limit=5")).await;
    let rest = first["next"].as_str().expect("another page");
    let second = room.get(&format!("{path}&limit=5&after={rest}")).await;
    let t_s = |page: &Value, index: usize| page["samples"][index]["t_s"].as_f64();
    assert!(t_s(&first, 4) < t_s(&second, 0), "{first:#} {second:#}");
    let parameters = first["samples"][0]["parameters"].as_array();
    let chambers = parameters.into_iter().flatten().filter(|parameter| {
        parameter["name"] == "chamber_pressure_pascals" && parameter["value"].as_f64() > Some(1e6)
    });
    assert_eq!(chambers.count(), 9, "{first:#}");
}

async fn consult_by_promql(room: &ControlRoom) {
    let altitude = room
        .promql("launch_altitude_metres{rocket=\"helios\"}")
        .await;
    assert_eq!(altitude.len(), 3, "{altitude:#?}");
    for series in &altitude {
        assert_eq!(series["metric"]["link"], "rehearsal", "{series:#}");
        let value = series["value"][1]
            .as_str()
            .and_then(|value| value.parse::<f64>().ok());
        assert!(value > Some(10_000.0), "{series:#}");
    }
    let joined = "launch_speed_metres_per_second{rocket=\"helios\"} and on (rocket, module) \
                  launch_phase{phase=~\"second_stage_burn|attached\"}";
    let joined = room.promql(joined).await;
    let modules: Vec<&Value> = joined
        .iter()
        .map(|series| &series["metric"]["module"])
        .collect();
    assert_eq!(modules, ["payload", "stage2"], "{joined:#?}");
    let peak = "max_over_time(launch_dynamic_pressure_limit_ratio{rocket=\"helios\",module=\"booster\"}[5m])";
    let peak = room.promql(peak).await;
    let peak = peak[0]["value"][1]
        .as_str()
        .and_then(|value| value.parse::<f64>().ok());
    assert!(
        peak > Some(0.5) && peak < Some(0.9),
        "max Q at {peak:?} of the limit"
    );
}

fn consult_by_cli(room: &ControlRoom) {
    let booster = ["launch", "telemetry", "helios", "booster"];
    let table = portique(
        room,
        &[&booster[..], &["--from", "60", "--to", "61"]].concat(),
    );
    assert!(
        table.contains("ascent") && table.lines().count() > 8,
        "{table}"
    );
    let plot = portique(
        room,
        &[
            &booster[..],
            &["altitude_metres", "--plot", "--start", "2m"],
        ]
        .concat(),
    );
    assert!(
        plot.contains("launch_altitude_metres{") && plot.contains('│'),
        "{plot}"
    );
    let value = portique(
        room,
        &["query", "launch_mach{rocket=\"helios\",module=\"stage2\"}"],
    );
    assert!(value.contains("launch_mach{"), "{value}");
}

/// The series of a module end with its telemetry, the reason is an event, and what was stored stays.
async fn see_the_end(room: &ControlRoom) {
    let destroy = json!({ "order": "destroy" });
    let record = room.order("helios", "booster", destroy).await;
    assert_ne!(record["stage"], "refused", "{record:#}");
    let booster = "launch_t_seconds{rocket=\"helios\",module=\"booster\"}";
    room.until_promql(booster, "the end of its series", |found| found.is_empty())
        .await;
    room.until("helios", "the end of its telemetry", |view| {
        let modules = view["modules"].as_array().expect("modules");
        modules
            .iter()
            .any(|module| module["module"] == "booster" && module["up"] == false)
    })
    .await;
    let others = room.promql("launch_t_seconds{rocket=\"helios\"}").await;
    assert_eq!(others.len(), 2, "{others:#?}");
    let path = "launch/rockets/helios/modules/booster/telemetry?from_s=100&to_s=101";
    let page = room.get(path).await;
    let samples = page["samples"].as_array().expect("samples");
    assert!(!samples.is_empty(), "what was stored stays");
    let log = room.log("rocket=helios&kind=telemetry_ended").await;
    let reason = log[0]["fact"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("destroyed"), "{log:#?}");
}

fn portique(room: &ControlRoom, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_portique"))
        .args(arguments)
        .arg("--data")
        .arg(room.data())
        .output()
        .expect("the command line runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}
