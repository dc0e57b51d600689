//! Who decides, and why: people, tokens, restarts.

use reqwest::Method;
use serde_json::{Value, json};

use super::QUICK;
use super::ground::{Ground, count};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decided_outlives_a_restart() {
    let mut ground = Ground::open("max = 4\n");
    let said = ground.steer(&["set", "work", "2"]);
    assert_eq!(said, "work: a person decides: 2 workers\n");
    ground.until(|pool| count(pool, "ready") == 2).await;
    ground.stop_hub();
    ground.start_hub();
    let again = ground.until(|pool| count(pool, "ready") == 2).await;
    assert_eq!(
        (&again["mode"], &again["manual"]),
        (&json!("manual"), &json!(2))
    );

    ground.steer(&["pause", "work"]);
    ground.kill_hub();
    ground.start_hub();
    ground.add("short").await;
    let paused = ground
        .until(|pool| pool["decision"]["hold"] == "paused")
        .await;
    assert_eq!(
        (&paused["mode"], &paused["target"]),
        (&json!("paused"), &json!(0))
    );
    assert!(paused["decision"]["wanted"].as_u64() > Some(0), "{paused}");
    ground.steer(&["resume", "work"]);
    ground.until_queue(|counts| counts["finished"] == 1).await;
    let modes: Vec<Value> = ground
        .facts("mode")
        .await
        .iter()
        .map(|fact| fact["mode"].clone())
        .collect();
    assert_eq!(modes.last(), Some(&json!("automatic")), "{modes:?}");
    assert!(modes.contains(&json!({ "manual": 2 })), "{modes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_it_would_do() {
    let ground = Ground::open(&format!("max = 4\n{QUICK}"));
    ground.steer(&["dry-run", "work"]);
    ground.add_many("short", 20).await;
    let dry = ground.until(|pool| pool["decision"]["wanted"] == 4).await;
    assert_eq!((&dry["workers"], &dry["target"]), (&json!([]), &json!(0)));
    let explained = ground.run("portique scale explain work");
    assert!(
        explained.contains("work stays at 0: 20 jobs wait"),
        "{explained}"
    );
    assert!(
        explained.contains("4 workers are wanted; this is a dry run"),
        "{explained}"
    );
    ground.steer(&["auto", "work"]);
    ground.until_queue(|counts| counts["finished"] == 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_of_the_past_is_explained() {
    let ground = Ground::open(&format!("max = 2\n{QUICK}"));
    ground.add_many("short", 10).await;
    ground.until(|pool| count(pool, "ready") == 2).await;
    let up = ground.get("/api/v1/pools/work/decisions").await;
    let up = up.as_array().unwrap().last().unwrap().clone();
    ground.until(|pool| pool["workers"] == json!([])).await;
    let at = up["at"].as_str().unwrap();
    let explained = ground.run(&format!("portique scale explain work --at {at}"));
    assert!(
        explained.contains(up["sentence"].as_str().unwrap()),
        "{explained}"
    );
    assert!(explained.contains("ready"), "{explained}");
    let before = ground.run("portique scale explain work --at 2020-01-01T00:00:00Z");
    assert_eq!(before, "work: nothing was decided until then\n");
    let history = ground.run("portique scale history work");
    assert!(history.contains("goes from 0 up to"), "{history}");
    let shown = ground.run("portique pools show work");
    assert!(shown.contains("stays at 0"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_are_read_by_anybody_and_steered_by_the_commander() {
    let ground = Ground::open("max = 1\n");
    let hub = ground.hub();
    let service = std::fs::read_to_string(hub.data.join("service.token")).unwrap();
    let status = async |method, path: &str, token: Option<&str>, body: Option<&Value>| {
        hub.send(method, path, token, body).await.status().as_u16()
    };
    let two = json!({ "workers": 2 });
    let path = "/api/v1/pools/work/override";
    assert_eq!(status(Method::GET, "/api/v1/pools", None, None).await, 200);
    assert_eq!(status(Method::PUT, path, None, Some(&two)).await, 401);
    assert_eq!(
        status(Method::PUT, path, Some(service.trim()), Some(&two)).await,
        403
    );
    let commander = hub.token();
    let refused = hub
        .send(Method::PUT, path, Some(&commander), Some(&two))
        .await;
    assert_eq!(refused.status(), 400);
    let problem: Value = refused.json().await.unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("write 0 to 1, or raise its max"),
        "{detail}"
    );
    let unknown = "/api/v1/pools/other/pause";
    assert_eq!(
        status(Method::PUT, unknown, Some(&commander), None).await,
        404
    );
    let at = "/api/v1/pools/work/decisions?at=yesterday";
    assert_eq!(status(Method::GET, at, None, None).await, 400);
    // A pool names a program: nobody makes one over the API, nor says what happened to one.
    let pool = json!({ "program": ["true"] });
    let made = status(
        Method::PUT,
        "/api/v1/pools/new",
        Some(&commander),
        Some(&pool),
    )
    .await;
    assert_eq!(made, 405);
    let forged = "/api/v1/events?subject=fleet.work.decided";
    assert_eq!(
        status(Method::POST, forged, Some(&commander), Some(&two)).await,
        403
    );
}
