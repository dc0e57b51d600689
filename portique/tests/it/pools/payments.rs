//! Payments worked by pools: their workers follow the backlog, and one is killed, and the hub too.

use reqwest::Method;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use super::ground::{Ground, pids};
use super::{PATIENCE, pid};

const CONFIG: &str = "\
[payments]
workers = 'pools'

[[pools]]
name = 'inject'
worker = 'payments.inject'
max = 1
stabilisation_s = 1
cooldown_s = 0

[[pools]]
name = 'post'
worker = 'payments.post'
max = 3
stabilisation_s = 1
cooldown_s = 0

[[pools]]
name = 'journal'
worker = 'payments.journal'
max = 2
slots = 8
stabilisation_s = 1
cooldown_s = 0
";
const POOLS: [&str; 3] = ["inject", "post", "journal"];

const CASH: &str = "DE36000000000000000000";
const ALICE: &str = "DE89370400440532013000";
/// Batches of one burst, and transfers of each.
const BATCHES: u32 = 100;
const TRANSFERS: u32 = 50;
/// Lines of the file.
const LINES: u32 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_payments_follow_their_queues_and_lose_nothing_when_killed() {
    let mut ground = Ground::bare("post");
    ground.write("portique.toml", CONFIG);
    ground.start_hub();
    open_accounts(&ground).await;
    for pool in POOLS {
        let view = ground.get(&format!("/api/v1/pools/{pool}")).await;
        assert_eq!(
            (&view["workers"], &view["runs"]),
            (&json!([]), &json!("built in"))
        );
    }

    burst(&ground, "first").await;
    let killed = stop_in_the_middle(&ground).await;
    kill_process(pid(killed), Signal::KILL).unwrap();
    ground.until(|pool| pool["deaths"] == 1).await;
    let lines: String = (0..LINES)
        .map(|n| format!("{}\n", deposit("file", n)))
        .collect();
    ground.write("more.ndjson", &lines);
    ground.run("portique payments file more.ndjson");

    burst(&ground, "second").await;
    let left = stop_in_the_middle(&ground).await;
    ground.kill_hub();
    kill_process(pid(left), Signal::CONT).unwrap();
    ground.until_gone(left).await;
    ground.start_hub();

    until_posted(&ground, 2 * BATCHES * TRANSFERS + LINES).await;
    until_gone_with_the_work(&ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_of_payments_are_filled_and_emptied_by_payments_only() {
    let mut ground = Ground::bare("post");
    ground.write("portique.toml", "[payments]\nworkers = 'pools'\n");
    ground.start_hub();
    open_accounts(&ground).await;
    let one = json!([deposit("one", 0)]);
    post(&ground, "payments/transactions", &one).await;
    let queue = "queues/payments.post";
    refused(&ground, &format!("{queue}/jobs?kind=batch"), &json!({})).await;
    refused(&ground, &format!("{queue}/drain"), &json!({})).await;
    post(&ground, &format!("{queue}/pause"), &json!({})).await;
    let nothing = post(&ground, &format!("{queue}/claim"), &json!({})).await;
    assert_eq!(nothing, json!([]));
    post(&ground, &format!("{queue}/resume"), &json!({})).await;
    // A worker has it in hand, and may give it back or say that it cannot be done; the rest is the ledger's.
    let claimed = post(&ground, &format!("{queue}/claim"), &json!({})).await;
    let (job, token) = (&claimed[0]["id"], claimed[0]["token"].as_str().unwrap());
    refused(
        &ground,
        &format!("jobs/{job}/complete?token={token}"),
        &json!({}),
    )
    .await;
    refused(&ground, &format!("jobs/{job}/cancel"), &json!({})).await;
    let path = format!("payments/work/post?job={job}&token={token}");
    let done = post(&ground, &path, &claimed[0]["payload"]["value"]).await;
    assert_eq!(done["transactions"], 1, "{done}");
    let counts = ground.get("/api/v1/payments/counts").await;
    assert_eq!(counts["posted"], 1, "{counts}");
}

async fn open_accounts(ground: &Ground) {
    let accounts = json!([
        {"iban": CASH, "currency": "EUR", "own": true},
        {"iban": ALICE, "currency": "EUR"},
    ]);
    post(ground, "payments/accounts", &accounts).await;
}

/// Waits until so many are posted and found, each once, and the books are right.
async fn until_posted(ground: &Ground, all: u32) {
    let is_done = |counts: &Value| counts["journalled"] == all && counts["drift"] == 0;
    let counts = ground.until_at("/api/v1/payments/counts", is_done).await;
    assert_eq!(counts["accepted"], all, "{counts}");
    assert_eq!(
        (&counts["posted"], &counts["known"]),
        (&json!(all), &json!(0)),
        "{counts}"
    );
    let trial = ground.get("/api/v1/payments/trial-balance").await;
    let cents = format!("{}.{:02}", all / 100, all % 100);
    assert_eq!(
        (&trial[0]["balanced"], &trial[0]["credit"]),
        (&json!(true), &json!(cents))
    );
    let verified = ground.get("/api/v1/payments/verify").await;
    assert_eq!(verified["ok"], true, "{verified}");
}

/// Waits until no pool has workers, which came with the work and went with it.
async fn until_gone_with_the_work(ground: &Ground) {
    for pool in POOLS {
        let path = format!("/api/v1/pools/{pool}");
        let empty = ground
            .until_at(&path, |pool| pool["workers"] == json!([]))
            .await;
        assert_eq!(empty["target"], 0, "{empty}");
        let decisions = ground.get(&format!("{path}/decisions")).await;
        assert_eq!(decisions[0]["target"], 0, "{decisions}");
        // A hub that is killed begins at 0 again, and need not go down.
        let has_risen = |decisions: &Value| {
            let mut decisions = decisions.as_array().unwrap().iter();
            decisions.any(|decision| decision["move"] == "up")
        };
        assert!(has_risen(&decisions), "{decisions}");
    }
    let decisions = ground.get("/api/v1/pools/post/decisions").await;
    let most = decisions.as_array().unwrap().iter();
    let most = most
        .map(|decision| decision["target"].as_u64().unwrap())
        .max();
    assert!(
        most >= Some(2),
        "one worker was enough for {BATCHES} batches: {decisions}"
    );
    let listed = ground.run("portique pools list");
    for pool in POOLS {
        assert!(listed.contains(&format!("payments.{pool}")), "{listed}");
    }
}

fn deposit(burst: &str, number: u32) -> Value {
    json!({"id": format!("{burst}-{number}"), "kind": "deposit", "debtor": CASH, "creditor": ALICE,
        "amount": "0.01", "currency": "EUR"})
}

/// Takes in many small batches, and lets them go all at once.
async fn burst(ground: &Ground, name: &str) {
    post(ground, "queues/payments.post/pause", &json!({})).await;
    for batch in 0..BATCHES {
        let numbers = batch * TRANSFERS..(batch + 1) * TRANSFERS;
        let lines: Vec<Value> = numbers.map(|number| deposit(name, number)).collect();
        let taken = post(ground, "payments/transactions", &json!(lines)).await;
        assert_eq!(taken["accepted"], TRANSFERS, "{taken}");
    }
    post(ground, "queues/payments.post/resume", &json!({})).await;
}

/// Stops the process of a worker that has a batch in hand while others wait.
async fn stop_in_the_middle(ground: &Ground) -> u32 {
    let end = Instant::now() + PATIENCE;
    let mut looks = interval(Duration::from_millis(5));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        assert!(
            Instant::now() < end,
            "no worker was ever in the middle of its work"
        );
        let pool = ground.pool().await;
        let Some(first) = pids(&pool).first().copied() else {
            continue;
        };
        let workers = pool["workers"].as_array().unwrap();
        let name = workers
            .iter()
            .find(|worker| worker["pid"] == first)
            .unwrap();
        kill_process(pid(first), Signal::STOP).unwrap();
        let held = ground
            .get("/api/v1/queues/payments.post/jobs?state=active")
            .await;
        let held = held["jobs"].as_array().unwrap();
        let waiting = ground.get("/api/v1/queues/payments.post").await;
        let is_held = held
            .iter()
            .any(|job| job["active"]["worker"] == name["name"]);
        if is_held && waiting["counts"]["waiting"].as_u64() > Some(0) {
            return first;
        }
        kill_process(pid(first), Signal::CONT).unwrap();
    }
}

async fn post(ground: &Ground, path: &str, body: &Value) -> Value {
    let path = format!("/api/v1/{path}");
    let token = ground.hub().token();
    let answer = ground
        .hub()
        .send(Method::POST, &path, Some(&token), Some(body))
        .await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{path}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

async fn refused(ground: &Ground, path: &str, body: &Value) {
    let path = format!("/api/v1/{path}");
    let token = ground.hub().token();
    let answer = ground
        .hub()
        .send(Method::POST, &path, Some(&token), Some(body))
        .await;
    assert_eq!(answer.status(), 403, "{path}");
    let problem: Value = answer.json().await.unwrap();
    let reason = problem["detail"].as_str().unwrap();
    assert!(
        reason.contains("queue payments.post belongs to a part of the hub"),
        "{reason}"
    );
}
