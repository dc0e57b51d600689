//! Something to show: queues with jobs in every way, events, a webhook, and a rocket that flies.

use std::time::Duration;

use portique::{PoolConfig, PoolWork};
use portique_clock::{Clock, WallClock};
use portique_fleet::Policy;
use portique_jobs::QueueName;
use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, interval};

use crate::api_jobs::{add, claim, token};
use crate::api_rig::{Rig, json as granted};
use crate::notify_rig::raise;

/// A flight at forty times its pace takes seconds; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(240);
const TIME_FACTOR: f64 = 40.0;

/// Gives the hub work, and waits until its own figures tell of it.
pub(super) async fn load(rig: &Rig) {
    queues(rig).await;
    rig.put("/consumers/audit", &json!({ "filter": "shop.>" }))
        .await;
    let webhook = json!({ "filter": "shop.>", "url": "http://127.0.0.1:9/" });
    rig.put("/webhooks/shop", &webhook).await;
    rig.post("/events?subject=shop.orders", &json!({ "order": 7 }))
        .await;
    raise(rig, &[("alertname", "Hot")], false).await;
    let line = "up,job=web,instance=b value=0";
    granted(rig.alerting(Method::POST, "/write?bucket=down").body(line)).await;
    pay(rig).await;
    fly(rig).await;
    rig.wait_for("portique_queue_waiting_jobs{queue=\"held\"}")
        .await;
    rig.wait_for("portique_queue_dead_total{queue=\"mail\"} > 0")
        .await;
    rig.wait_for("portique_queries_total{outcome=\"answered\"} > 0")
        .await;
    rig.wait_for("portique_notification_attempts_failed_total > 0")
        .await;
    rig.wait_for("portique_fleet_workers{state=\"ready\"} > 0")
        .await;
    rig.wait_for("ALERTS{alertname=\"TargetDown\"}").await;
}

/// A pool with a worker.
pub(super) fn pool() -> PoolConfig {
    PoolConfig {
        name: "letters".into(),
        queue: QueueName::new("letters").unwrap(),
        work: PoolWork::Program(vec!["true".into()]),
        folder: "/".into(),
        policy: Policy {
            min: 1,
            ..Policy::default()
        },
        memory_bytes: None,
        cpus: None,
        timeout: PATIENCE,
        drain: PATIENCE,
    }
}

pub(super) fn now_s() -> i64 {
    WallClock::new().now().as_millis() / 1000
}

async fn queues(rig: &Rig) {
    add(rig, "mail", json!(1)).await;
    let job = claim(rig, "mail").await;
    rig.ask(&format!(
        "/jobs/{}/complete?token={}",
        job["id"],
        token(&job)
    ))
    .await;
    add(rig, "mail", json!(2)).await;
    let job = claim(rig, "mail").await;
    rig.ask(&format!(
        "/jobs/{}/fail?token={}&reject=true",
        job["id"],
        token(&job)
    ))
    .await;
    add(rig, "held", json!(3)).await;
    rig.ask("/queues/held/pause").await;
}

async fn pay(rig: &Rig) {
    let (bank, ann) = ("GB82WEST12345698765432", "DE89370400440532013000");
    let accounts = json!([
        { "iban": bank, "currency": "EUR", "own": true },
        { "iban": ann, "currency": "EUR" },
    ]);
    rig.post("/payments/accounts", &accounts).await;
    let transactions = json!([
        { "id": "d-1", "kind": "deposit", "debtor": bank, "creditor": ann, "amount": "1.00", "currency": "EUR" },
        { "id": "t-1", "debtor": ann, "creditor": bank, "amount": "7.00", "currency": "EUR" },
    ]);
    rig.post("/payments/transactions", &transactions).await;
    rig.wait_for("portique_payments_journalled_total > 1").await;
}

async fn fly(rig: &Rig) {
    let order =
        async |path: &str, body| granted(rig.commander(Method::POST, path).json(&body)).await;
    let new = json!({ "rocket": "ariel", "pad": "pad-1", "time_factor": TIME_FACTOR });
    order("/launch/rockets", new).await;
    until(rig, |view| {
        let modules = view["modules"].as_array().into_iter().flatten();
        modules
            .filter(|module| module["samples"].as_u64() > Some(0))
            .count()
            == 3
    })
    .await;
    order("/launch/rockets/ariel/poll", json!({})).await;
    for station in ["weather", "rocket", "payload", "telemetry"] {
        let vote = json!({ "station": station, "vote": "go" });
        order("/launch/rockets/ariel/poll/votes", vote).await;
    }
    order(
        "/launch/rockets/ariel/poll/close",
        json!({ "decision": "go" }),
    )
    .await;
    order("/launch/rockets/ariel/count", json!({})).await;
    until(rig, |view| view["stage"] == "ended").await;
}

async fn until(rig: &Rig, is_so: impl Fn(&serde_json::Value) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut ticks = interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let view = rig.get("/launch/rockets/ariel").await;
        if is_so(&view) {
            return;
        }
        assert!(Instant::now() < deadline, "{view:#}");
    }
}
