//! Workers in other languages: the programs of the how-to page, exactly as they stand there.

use std::process::{Child, Stdio};
use std::time::Duration;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::pages::{Page, Reader};

const PAGE: &str = "write-a-worker-with-curl.md";
const QUEUE: &str = "/api/v1/queues/greetings";
/// Jobs of the Python worker.
const JOBS: u64 = 200;
/// The job that the worker is killed over: it takes long enough to be found at it.
const LONG_JOB: u64 = 100;
/// A worker that is not done by then never will be.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn the_page_is_followed_by_hand() {
    let reader = Reader::new();
    let said = reader.run(&Page::open(PAGE).commands("By hand"));
    let answers = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
    let last = answers.map(Result::unwrap).last().unwrap();
    assert_eq!(last["state"], "completed", "{said}");
    assert_eq!(last["result"]["value"], json!({ "greeting": "hello Ann" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_worker_killed_in_the_middle_leaves_nothing_undone() {
    let reader = Reader::new();
    reader.write("worker.py", &Page::open(PAGE).program("python"));
    reader.run("portique queues set greetings --lease 1s --backoff 50ms --results 1h");
    let jobs: Vec<String> = (0..JOBS).map(payload).collect();
    reader.write("jobs.ndjson", &jobs.join("\n"));
    reader.run("portique jobs add greetings greet --bulk @jobs.ndjson");

    let long = id_of(&reader, LONG_JOB).await;
    let patience = Instant::now() + PATIENCE;
    let first = Worker::start(&reader);
    wait_for(&reader, &long, patience, |job| job["state"] == "active").await;
    first.kill();
    let _second = Worker::start(&reader);
    let is_done = |queue: &Value| queue["totals"]["completed"] == JOBS;
    let queue = wait_for(&reader, QUEUE, patience, is_done).await;

    assert_eq!(queue["counts"]["dead"], 0, "{queue}");
    assert_eq!(queue["totals"]["losses"], 1, "the job in hand: {queue}");
    let failing = (0..JOBS).map(failures).sum::<u64>();
    assert_eq!(queue["totals"]["failures"], failing, "{queue}");
    assert_every_result(&reader).await;
}

/// Every third job fails once, every ninth twice.
fn failures(n: u64) -> u64 {
    u64::from(n.is_multiple_of(3)) + u64::from(n.is_multiple_of(9))
}

fn payload(n: u64) -> String {
    let seconds = if n == LONG_JOB { 1.0 } else { 0.0 };
    json!({ "name": format!("reader {n}"), "seconds": seconds, "failures": failures(n) })
        .to_string()
}

async fn assert_every_result(reader: &Reader) {
    let page = get(reader, &format!("{QUEUE}/jobs?state=completed&limit=1000")).await;
    let jobs = page["jobs"].as_array().unwrap();
    assert_eq!(jobs.len() as u64, JOBS);
    for job in jobs {
        let job = get(reader, &format!("/api/v1/jobs/{}", job["id"])).await;
        let greeting = job["result"]["value"]["greeting"].as_str();
        assert!(
            greeting.is_some_and(|text| text.starts_with("hello reader ")),
            "{job}"
        );
    }
}

/// The worker of the page, in a process group of its own; killed when dropped.
struct Worker(Child);

impl Worker {
    fn start(reader: &Reader) -> Self {
        use std::os::unix::process::CommandExt as _;

        let token = std::fs::read_to_string(reader.hub.data.join("service.token")).unwrap();
        let mut command = reader.command("python3");
        command
            .args(["worker.py", "greetings"])
            .env("PORTIQUE_TOKEN", token.trim())
            .stdin(Stdio::null())
            .process_group(0);
        Self(command.spawn().unwrap())
    }

    fn kill(self) {
        drop(self);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// What is at this address once it is as it should be.
async fn wait_for(
    reader: &Reader,
    path: &str,
    patience: Instant,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    let mut looks = interval(Duration::from_millis(20));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let found = get(reader, path).await;
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < patience, "it never came to that: {found}");
    }
}

/// The address of the job that was added as this one, counted from 0.
async fn id_of(reader: &Reader, n: u64) -> String {
    let page = get(reader, &format!("{QUEUE}/jobs?limit=1000")).await;
    format!("/api/v1/jobs/{}", page["jobs"][n as usize]["id"])
}

async fn get(reader: &Reader, path: &str) -> Value {
    let token = reader.hub.token();
    let answer = reader.hub.send(Method::GET, path, Some(&token), None);
    answer.await.json().await.unwrap()
}
