//! `portique worker`: any program does the jobs of a queue.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::pages::{DATA, Page, Reader};

const PAGE: &str = "do-jobs-with-any-program.md";
/// What is not so by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does what the payload asks for.
const PROGRAM: &str = r#"
payload=$(cat)
case $payload in
  *dead*) echo "first line" >&2; echo "there is no such thing" >&2; exit 65 ;;
  *once*) if [ "$PORTIQUE_ATTEMPT" = 1 ]; then echo "not yet" >&2; exit 1; fi; echo "{\"attempt\": $PORTIQUE_ATTEMPT}" ;;
  *long*) echo $$ > "$(dirname "$0")/long.pid"; sleep 600 & wait ;;
  *told*) echo "$PORTIQUE_QUEUE $PORTIQUE_KIND token=${PORTIQUE_TOKEN:-none}" ;;
  *slow*) touch "$(dirname "$0")/slow.begun"; sleep 0.5; echo '"slowly"' ;;
  *) echo "$payload" ;;
esac
"#;

/// The worker under test; killed when dropped.
struct Worker(Child);

impl Worker {
    fn start(reader: &Reader, queue: &str, options: &[&str], program: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portique"));
        command
            .current_dir(reader.folder.path())
            .args(["worker", queue, "--data", DATA])
            .args(options)
            .arg("--")
            .args(program)
            .env_remove("PORTIQUE_TOKEN")
            .stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Asks it to end; its exit status.
    fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn get(reader: &Reader, path: &str) -> Value {
    let token = reader.hub.token();
    let answer = reader.hub.send(Method::GET, path, Some(&token), None);
    answer.await.json().await.unwrap()
}

/// What is at this address once it is as it should be.
async fn wait_for(reader: &Reader, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    let mut looks = interval(Duration::from_millis(20));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let found = get(reader, path).await;
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < end, "it never came to that: {found}");
    }
}

/// Queues a job with this payload; its address.
async fn add(reader: &Reader, what: &str) -> String {
    let token = reader.hub.token();
    let path = "/api/v1/queues/work/jobs?kind=do";
    let body = json!({ "do": what });
    let answer = reader
        .hub
        .send(Method::POST, path, Some(&token), Some(&body))
        .await;
    let added: Value = answer.json().await.unwrap();
    format!("/api/v1/jobs/{}", added["id"])
}

/// The job there once it is in this state.
async fn in_state(reader: &Reader, job: &str, state: &str) -> Value {
    wait_for(reader, job, |job| job["state"] == state).await
}

fn reader() -> Reader {
    let reader = Reader::new();
    reader.write("do.sh", PROGRAM);
    reader.run("portique queues set work --backoff 10ms --results 1h");
    reader
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_followed() {
    let reader = Reader::new();
    reader.run(&Page::open(PAGE).commands("Try it"));
    let worker = Worker::start(&reader, "texts", &["--slots", "2"], &["sh", "count.sh"]);
    let queue = "/api/v1/queues/texts/jobs?state=completed";
    let done = |page: &Value| page["jobs"].as_array().is_some_and(|jobs| jobs.len() == 1);
    let page = wait_for(&reader, queue, done).await;
    let job = get(&reader, &format!("/api/v1/jobs/{}", page["jobs"][0]["id"])).await;
    assert_eq!(job["result"]["value"], json!({ "words": 4 }), "{job}");
    assert_eq!(worker.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_says_what_becomes_of_a_job() {
    let reader = reader();
    let mut jobs = Vec::new();
    for what in ["dead", "once", "told", "echo"] {
        jobs.push(add(&reader, what).await);
    }
    let _worker = Worker::start(&reader, "work", &[], &["sh", "do.sh"]);
    let dead = in_state(&reader, &jobs[0], "dead").await;
    assert!(
        dead.to_string().contains("there is no such thing"),
        "{dead}"
    );
    let once = in_state(&reader, &jobs[1], "completed").await;
    assert_eq!(once["result"]["value"], json!({ "attempt": 2 }), "{once}");
    let told = in_state(&reader, &jobs[2], "completed").await;
    assert!(
        told["result"].to_string().contains("work do token=none"),
        "{told}"
    );
    let echo = in_state(&reader, &jobs[3], "completed").await;
    assert_eq!(echo["result"]["value"], json!({ "do": "echo" }), "{echo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_takes_too_long_or_is_cancelled_is_ended() {
    let reader = reader();
    reader.run("portique queues set work --attempts 1");
    let late = add(&reader, "long").await;
    let worker = Worker::start(&reader, "work", &["--timeout", "1"], &["sh", "do.sh"]);
    let dead = in_state(&reader, &late, "dead").await;
    assert!(dead.to_string().contains("took longer than 1 s"), "{dead}");
    assert_is_gone(&reader);
    drop(worker);

    let _worker = Worker::start(&reader, "work", &["--log", "warn"], &["sh", "do.sh"]);
    let unwanted = add(&reader, "long").await;
    in_state(&reader, &unwanted, "active").await;
    let pid = reader.folder.path().join("long.pid");
    until_there(&pid).await;
    let id = unwanted.rsplit('/').next().unwrap();
    reader.run(&format!("portique jobs cancel {id}"));
    // The only slot is free again.
    let next = add(&reader, "echo").await;
    in_state(&reader, &next, "completed").await;
    assert_is_gone(&reader);
}

/// Waits until a program has begun.
async fn until_there(file: &Path) {
    let end = Instant::now() + PATIENCE;
    while !file.exists() {
        assert!(Instant::now() < end, "the program did not begin");
        tokio::task::yield_now().await;
    }
}

/// The program of the long job, and what it started.
fn assert_is_gone(reader: &Reader) {
    let path = reader.folder.path().join("long.pid");
    let pid = std::fs::read_to_string(&path).unwrap();
    let group = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    let end = std::time::Instant::now() + PATIENCE;
    // Its members are reaped by whoever adopts them.
    while rustix::process::test_kill_process_group(group).is_ok() {
        assert!(
            std::time::Instant::now() < end,
            "process group {pid} is there still"
        );
        std::thread::yield_now();
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_ends_what_it_began() {
    let reader = reader();
    let begun = add(&reader, "slow").await;
    let waiting = add(&reader, "slow").await;
    let worker = Worker::start(&reader, "work", &[], &["sh", "do.sh"]);
    in_state(&reader, &begun, "active").await;
    // A job that is not begun is given back.
    until_there(&reader.folder.path().join("slow.begun")).await;
    let status = tokio::task::spawn_blocking(|| worker.stop()).await.unwrap();
    assert_eq!(status, Some(0));
    let begun = get(&reader, &begun).await;
    assert_eq!(begun["state"], "completed", "{begun}");
    assert_eq!(get(&reader, &waiting).await["state"], "waiting");
}

#[test]
fn what_cannot_work_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let refused = |args: &[&str]| {
        let output = crate::hub_process::run(&[&["worker"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        crate::hub_process::complaint(&output)
    };
    let nobody = refused(&["work", "--data", data, "--", "true"]);
    assert!(nobody.contains("no hub runs on"), "{nobody}");
    let queue = refused(&["a queue", "--data", data, "--", "true"]);
    assert!(queue.contains("\"a queue\" is not a"), "{queue}");
    let program = refused(&["work", "--data", data]);
    assert!(program.contains("no PROGRAM is named"), "{program}");
    let both = refused(&["payments.post", "--data", data, "--", "true"]);
    assert!(both.contains("leave the program out"), "{both}");
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "0".repeat(64)).unwrap();
    std::fs::set_permissions(&token_file, Permissions::from_mode(0o600)).unwrap();
    let far = [
        "payments.post",
        "--grpc",
        "http://127.0.0.1:1",
        "--token-file",
    ];
    let nowhere = refused(&[&far[..], &[token_file.to_str().unwrap()]].concat());
    assert!(nowhere.contains("say where with --hub"), "{nowhere}");
    let slots = refused(&["work", "--slots", "0", "--", "true"]);
    assert!(slots.contains("1..=1024"), "{slots}");
    let token = refused(&["work", "--grpc", "http://127.0.0.1:1", "--", "true"]);
    assert!(token.contains("a token is needed"), "{token}");
}
