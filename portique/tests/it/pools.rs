//! Pools: workers that are processes of the hub follow their queues.

mod ground;
mod page;
mod payments;
mod steering;

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use ground::{Ground, count, is_there, pids};

/// As little as it can wait before workers go.
const QUICK: &str = "stabilisation_s = 1\ncooldown_s = 0\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_starts_workers_and_they_go_when_it_is_empty() {
    let ground = Ground::open(&format!("max = 3\n{QUICK}"));
    assert_eq!(ground.pool().await["workers"], json!([]));
    ground.add_many("short", 30).await;
    let full = ground.until(|pool| count(pool, "ready") == 3).await;
    let sentence = full["decision"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("jobs wait"), "{sentence}");
    let pids = pids(&full);
    assert!(pids.iter().all(|pid| is_there(*pid)), "{pids:?}");
    ground.until_queue(|counts| counts["finished"] == 30).await;
    let empty = ground.until(|pool| pool["workers"] == json!([])).await;
    assert_eq!(empty["target"], 0, "{empty}");
    assert_eq!(empty["deaths"], 0, "{empty}");
    assert!(!pids.iter().any(|pid| is_there(*pid)));

    // Every worker is accounted for, once all that happened is written down.
    let starts = empty["starts"].as_u64().unwrap() as usize;
    ground.until_facts("drained", starts).await;
    assert_eq!(ground.facts("started").await.len(), starts);
    // What was decided, newest first: down to none, and at first up.
    let decisions = ground.get("/api/v1/pools/work/decisions").await;
    let decisions = decisions.as_array().unwrap();
    let (newest, oldest) = (&decisions[0], &decisions[decisions.len() - 1]);
    assert_eq!(
        (&newest["move"], &newest["target"]),
        (&json!("down"), &json!(0))
    );
    assert_eq!(oldest["move"], "up");
    // The same as facts, with what they were decided from.
    let facts = ground.facts("decided").await;
    assert_eq!(facts.len(), decisions.len());
    assert_eq!(facts[0]["decision"]["target"], oldest["target"]);
    assert!(facts[0]["decision"]["inputs"]["backlog"]["ready"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_worker_ends_its_job_before_it_goes() {
    let ground = Ground::open("max = 1\ndrain_s = 60\n");
    let job = ground.add("long").await;
    ground.until(|pool| pool["workers"][0]["leased"] == 1).await;
    ground.steer(&["set", "work", "0"]);
    let draining = ground.until(|pool| count(pool, "draining") == 1).await;
    assert_eq!(draining["decision"]["target"], 0);
    ground.write("go", "");
    let done = ground.until_job(&job, "completed").await;
    assert_eq!(done["result"]["value"]["attempt"], 1, "{done}");
    ground.until(|pool| pool["workers"] == json!([])).await;
    assert_eq!(ground.facts("given_up").await, Vec::<Value>::new());
    let drained = ground.until_facts("drained", 1).await;
    assert_eq!(drained[0]["ended"], json!({ "exit": 0 }), "{drained:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_deadline_a_job_is_given_back_and_its_program_ended() {
    let ground = Ground::open("max = 1\ndrain_s = 1\n");
    let job = ground.add("endless").await;
    let program = ground.program().await;
    ground.steer(&["set", "work", "0"]);
    ground.until(|pool| pool["workers"] == json!([])).await;
    let back = ground.until_job(&job, "waiting").await;
    assert_eq!(back["losses"], 0, "it was given back, not lost: {back}");
    ground.until_gone(program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_is_replaced_and_its_job_done_once() {
    let ground = Ground::open("min = 1\nmax = 1\n");
    ground.run("portique queues set work --lease 5s --results 1h");
    let job = ground.add("endless once").await;
    let program = ground.program().await;
    let first = pids(&ground.pool().await)[0];
    kill_process(pid(first), Signal::KILL).unwrap();
    let done = ground.until_job(&job, "completed").await;
    assert_eq!(done["result"]["value"]["attempt"], 2, "{done}");
    let next = ground.until(|pool| count(pool, "ready") == 1).await;
    assert_ne!(pids(&next), [first]);
    assert_eq!(next["deaths"], 1, "{next}");
    // What the first one had started is gone with it.
    ground.until_gone(program).await;
    let died = ground.until_facts("died", 1).await;
    assert_eq!(died[0]["ended"], json!({ "signal": 9 }), "{died:?}");
    let queue = ground.get("/api/v1/queues/work").await;
    assert_eq!(queue["totals"]["completed"], 1, "{queue}");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_cannot_start_are_a_crash_loop_with_a_name_and_no_fork_bomb() {
    let ground = Ground::with_program("['no-such-program-here']", "max = 50\n");
    ground.add_many("short", 100).await;
    let looping = ground.until(|pool| pool["is_crash_looping"] == true).await;
    let death = looping["last_death"].as_str().unwrap();
    assert!(
        death.contains("there is no program no-such-program-here"),
        "{death}"
    );
    // The first look may start many, as nothing is known of them yet; from then on they come one by one.
    let starts = looping["starts"].as_u64().unwrap();
    assert!(starts <= 52, "{looping}");
    let facts = ground.until_facts("looping", 1).await;
    assert_eq!(facts.len(), 1, "{facts:?}");
    let listed = ground.run("portique pools list");
    assert!(
        listed.contains("crash loop: it ended with code 2"),
        "{listed}"
    );
    let queue = ground.get("/api/v1/queues/work").await;
    assert_eq!(
        queue["totals"]["failures"], 0,
        "no job is burnt on it: {queue}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_outlives_a_hub_that_is_killed() {
    let mut ground = Ground::open("max = 2\n");
    ground.add("endless").await;
    ground.add("endless").await;
    let program = ground.program().await;
    let full = ground.until(|pool| count(pool, "ready") == 2).await;
    let pids = pids(&full);
    ground.kill_hub();
    for pid in pids.into_iter().chain([program]) {
        ground.until_gone(pid).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_program_outlives_a_hub_and_a_worker_that_are_killed_at_once() {
    let mut ground = Ground::open("min = 1\nmax = 1\n");
    ground.add("endless").await;
    let program = ground.program().await;
    let worker = pids(&ground.pool().await)[0];
    let hub = ground.hub().pid();
    assert!(is_there(program) && is_there(worker));
    // Stopped, neither can do anything about the end of the other.
    for signal in [Signal::STOP, Signal::KILL] {
        for process in [hub, worker] {
            kill_process(pid(process), signal).unwrap();
        }
    }
    ground.kill_hub();
    ground.until_gone(worker).await;
    ground.until_gone(program).await;
    // What the program had started is gone too.
    ground.until_group_gone(program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_stops_in_order_takes_its_workers_with_it() {
    let mut ground = Ground::open("max = 1\n");
    let job = ground.add("short").await;
    let full = ground
        .until(|pool| pool["starts"] == 1 && !pids(pool).is_empty())
        .await;
    ground
        .until(|pool| pool["workers"][0]["leased"] == 1 || pool["workers"][0]["finished"] == 1)
        .await;
    ground.stop_hub();
    assert!(!is_there(pids(&full)[0]));
    ground.start_hub();
    // What was in hand was ended, and its result taken, before the hub was gone.
    let done = ground.until_job(&job, "completed").await;
    assert_eq!(done["result"]["value"]["attempt"], 1, "{done}");
    assert_eq!(
        ground.facts("drained").await.len(),
        1,
        "it was written down"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_held_to_its_memory() {
    let ground = Ground::open("max = 1\nmemory_bytes = 134217728\n");
    ground.run("portique queues set work --attempts 1");
    let job = ground.add("greedy").await;
    let dead = ground.until_job(&job, "dead").await;
    assert!(dead.to_string().to_lowercase().contains("memory"), "{dead}");
    assert_eq!(ground.pool().await["deaths"], 0);
}

fn pid(raw: u32) -> Pid {
    Pid::from_raw(raw.cast_signed()).unwrap()
}

/// What is not so by then never will be; a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(90);
