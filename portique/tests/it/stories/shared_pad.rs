//! Several launches at once.

use serde_json::json;

use super::control_room::{ControlRoom, sample};

#[tokio::test(flavor = "multi_thread")]
async fn two_launches_share_the_board_but_not_the_pad() {
    let room = ControlRoom::open().await;
    room.add("kilo", "pad-1", 10.0).await;
    room.add("lima", "pad-1", 10.0).await;
    room.add("mike", "pad-2", 10.0).await;
    let again = json!({ "rocket": "kilo" });
    room.refused("launch/rockets", again, 409, "exists already")
        .await;
    room.poll("kilo").await;
    let poll = "launch/rockets/lima/poll";
    room.refused(poll, json!({}), 409, "held by rocket kilo")
        .await;
    room.poll("mike").await;
    room.refused("launch/rockets/lima/count", json!({}), 409, "poll first")
        .await;
    room.launch("kilo").await;
    room.launch("mike").await;
    for rocket in ["kilo", "mike"] {
        room.until(rocket, "lift-off", |view| view["stage"] == "flying")
            .await;
    }
    room.post(poll, json!({})).await;
    let destroy = json!({ "order": "destroy", "id": "mine" });
    room.order("kilo", "booster", destroy).await;
    let t_s = sample(&room.view("mike").await, "booster", "t_s");
    let view = room
        .until("mike", "flying on", |view| {
            sample(view, "booster", "t_s") > t_s + 10.0
        })
        .await;
    assert_eq!(view["stage"], "flying");
    let board = room.get("launch/rockets").await;
    let stages: Vec<_> = board
        .as_array()
        .expect("a board")
        .iter()
        .map(|r| &r["stage"])
        .collect();
    assert_eq!(stages.len(), 3, "{stages:?}");
    assert!(room.log("rocket=mike&kind=destroyed").await.is_empty());
}
