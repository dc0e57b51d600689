//! Vehicles that are not simulated: a recording, and modules attached by hand.

use std::process::{Child, Command, Stdio};

use portique_flight::{Body, FlyOptions, Sensors, Vehicle, fly};
use serde_json::{Value, json};

use super::control_room::ControlRoom;

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_flight_is_replayed_and_its_events_found() {
    let room = ControlRoom::open().await;
    let new = json!({
        "rocket": "oboe",
        "time_factor": 60.0,
        "link": { "link": "replayed", "csv": recording() },
    });
    room.post("launch/rockets", new).await;
    room.until("oboe", "the recording in reach", |view| {
        view["modules"][0]["up"] == true
    })
    .await;
    room.poll("oboe").await;
    room.launch("oboe").await;
    let view = room
        .until("oboe", "the end", |view| view["stage"] == "ended")
        .await;
    assert_eq!(
        (&view["outcome"], &view["rehearsal"]),
        (&json!("replayed"), &json!(true))
    );
    for kind in ["liftoff", "mach_1", "max_q", "meco", "landing_burn_start"] {
        let lines = room.log(&format!("rocket=oboe&kind={kind}")).await;
        assert_eq!(lines.len(), 1, "{kind}: {lines:#?}");
        assert_eq!(lines[0]["actor"], "ground");
    }
    let max_q = &room.log("rocket=oboe&kind=max_q").await[0];
    assert!(
        (max_q["t_s"].as_f64().unwrap_or(0.0) - 70.0).abs() < 3.0,
        "{max_q:#}"
    );
    let module = view["modules"][0]["module"].as_str().expect("a module");
    let path = format!("launch/rockets/oboe/modules/{module}/telemetry?limit=1000");
    assert_eq!(
        room.get(&path).await["samples"].as_array().map(Vec::len),
        Some(1_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_recordings_and_vehicles_are_refused_and_nothing_is_added() {
    let room = ControlRoom::open().await;
    let with_csv =
        |csv: &str| json!({ "rocket": "bad", "link": { "link": "replayed", "csv": csv } });
    let header = "time_s,velocity_m_s,altitude_km\n";
    for (body, words) in [
        (with_csv(&format!("{header}0,0,0\n1,fast,0\n")), "line 3"),
        (with_csv(&format!("{header}0,0,0\n1,NaN,0\n")), "NaN"),
        (with_csv(&format!("{header}2,0,0\n1,0,0\n")), "back in time"),
        (with_csv(""), "is empty"),
        (json!({ "rocket": "bad", "vehicle": "paper" }), "light"),
        (
            json!({ "rocket": "bad", "vehicle_toml": "name = 3" }),
            "vehicle",
        ),
        (json!({ "rocket": "bad", "count": "slow" }), "short, full"),
        (json!({ "rocket": "bad", "time_factor": 0 }), "0.1"),
        (json!({ "rocket": "Bad Name" }), "rocket"),
        (json!({ "rocket": "bad", "colour": "red" }), "colour"),
        (json!({ "rocket": "bad", "roster": [] }), "roster"),
    ] {
        let reply = room.try_post("launch/rockets", body.clone()).await;
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        assert!(
            matches!(reply.status, 400 | 404 | 422),
            "{body}: {} {detail}",
            reply.status
        );
        assert!(
            detail.contains(words),
            "{body}: {detail:?} does not say {words:?}"
        );
    }
    assert_eq!(room.get("launch/rockets").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_attached_by_hand_comes_and_goes() {
    let room = ControlRoom::open().await;
    room.post(
        "launch/rockets",
        json!({ "rocket": "piano", "link": { "link": "remote" } }),
    )
    .await;
    let is_up = |up: bool| {
        move |view: &Value| {
            let modules = view["modules"].as_array().into_iter().flatten();
            modules
                .filter(|m| m["module"] == "camera" && m["up"] == up)
                .count()
                == 1
        }
    };
    let camera = Module::attach(&room, "piano");
    let view = room.until("piano", "the camera", is_up(true)).await;
    assert_eq!(
        view["rehearsal"], false,
        "what attaches from outside may be real"
    );
    room.until("piano", "its telemetry", |v| {
        v["modules"][0]["samples"].as_u64() > Some(2)
    })
    .await;
    let record = room
        .order("piano", "camera", json!({ "order": "deploy_payload" }))
        .await;
    assert_eq!(record["stage"], "refused", "{record:#}");
    drop(camera);
    room.until("piano", "the camera's end", is_up(false)).await;
    let _camera = Module::attach(&room, "piano");
    room.until("piano", "the camera again", is_up(true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_added_to_a_rocket_while_everything_runs() {
    let room = ControlRoom::open().await;
    room.add("quena", "pad-1", 1.0).await;
    let _camera = Module::attach(&room, "quena");
    room.until("quena", "four modules", |view| {
        let modules = view["modules"].as_array().expect("modules");
        modules.iter().filter(|module| module["up"] == true).count() == 4
    })
    .await;
    let path = "launch/rockets/quena/modules";
    room.refused(path, json!({ "module": "camera" }), 409, "exists already")
        .await;
    room.post(path, json!({ "module": "antenna" })).await;
    let lines = room.log("rocket=quena&kind=module_added").await;
    assert_eq!(lines.len(), 1);
}

/// A module process that was not started by the hub.
struct Module(Child);

impl Module {
    fn attach(room: &ControlRoom, rocket: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_portique"))
            .args([
                "module",
                "--rocket",
                rocket,
                "--module",
                "camera",
                "--hub",
                room.grpc(),
            ])
            .arg("--token-file")
            .arg(room.data().join("module.token"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("the binary starts"))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // Ends with its test, whatever became of it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The booster's track of a simulated flight, as a webcast would have shown it.
fn recording() -> String {
    let vehicle = Vehicle::named("reference").expect("it ships with the system");
    let flight = fly(&vehicle, &FlyOptions::default());
    let track = flight
        .tracks
        .iter()
        .find(|track| track.body == Body::Booster);
    let rows = track
        .expect("a booster flies")
        .points
        .iter()
        .filter(|p| p.sensors.t_s >= 0.0);
    let rows = rows.map(|point| {
        let Sensors {
            t_s,
            speed_m_s,
            altitude_m,
            ..
        } = point.sensors;
        format!(
            "{t_s:.3},{:.3},{:.1}\n",
            speed_m_s,
            altitude_m.max(0.0) / 1_000.0
        )
    });
    "time_s,velocity_m_s,altitude_km\n".to_owned() + &rows.collect::<String>()
}
