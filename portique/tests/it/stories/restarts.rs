//! A control room that loses its hub.

use serde_json::json;

use super::control_room::ControlRoom;

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_stands_through_a_kill() {
    let mut room = ControlRoom::open().await;
    room.add("hymne", "pad-1", 1.0).await;
    room.post("launch/rockets/hymne/poll", json!({})).await;
    for station in ["weather", "rocket"] {
        let vote = json!({ "station": station, "vote": "go" });
        room.post("launch/rockets/hymne/poll/votes", vote).await;
    }
    room.kill_and_restart().await;
    let view = room.view("hymne").await;
    assert_eq!(view["stage"], "polling");
    assert_eq!(view["poll"]["roster"]["weather"]["vote"], "go");
    let vote = json!({ "station": "weather", "vote": "go" });
    room.refused("launch/rockets/hymne/poll/votes", vote, 409, "voted go")
        .await;
    let close = json!({ "decision": "go" });
    let path = "launch/rockets/hymne/poll/close";
    room.refused(path, close, 409, "missing: payload, telemetry")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_goes_back_and_holds_after_a_kill_and_goes_on_to_lift_off() {
    let mut room = ControlRoom::open().await;
    room.add("isola", "pad-1", 20.0).await;
    room.poll("isola").await;
    room.launch("isola").await;
    room.until("isola", "internal power", |view| {
        view["t_s"].as_f64() > Some(-29.0)
    })
    .await;
    room.kill_and_restart().await;
    let view = room
        .until("isola", "the hold", |view| view["stage"] == "held")
        .await;
    let reason = view["count"]["hold"].as_str().expect("a reason");
    assert!(reason.contains("restarted in mid-count"), "{reason}");
    assert_eq!(
        view["t_s"], -60.0,
        "the vehicle's power is gone with its world: back at the recycle point"
    );
    room.refused(
        "launch/rockets/isola/poll",
        json!({}),
        409,
        "no poll while held",
    )
    .await;
    room.until("isola", "three modules", |view| {
        view["modules"]
            .as_array()
            .is_some_and(|m| m.iter().all(|m| m["up"] == true))
    })
    .await;
    room.post("launch/rockets/isola/count/resume", json!({}))
        .await;
    room.until("isola", "lift-off", |view| view["stage"] == "flying")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_mission_log_is_written_again_from_the_bus() {
    let mut room = ControlRoom::open().await;
    room.add("jota", "pad-1", 1.0).await;
    room.poll("jota").await;
    let before = room.log("rocket=jota").await;
    room.stop_and_restart(|data| {
        for file in ["records.sqlite", "records.sqlite-wal", "records.sqlite-shm"] {
            // The last two are gone after a stop in order.
            let _ = std::fs::remove_file(data.join(file));
        }
    })
    .await;
    let after = room.log("rocket=jota").await;
    assert!(before.len() >= 8);
    assert_eq!(
        after[..before.len()],
        before,
        "the same lines in the same order"
    );
}
