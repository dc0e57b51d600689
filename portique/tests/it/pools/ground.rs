use std::path::{Path, PathBuf};

use reqwest::Method;
use rustix::process::{Signal, test_kill_process};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::PATIENCE;
use crate::hub_process::HubProcess;
use crate::pages::path_with_portique;

/// Does what the payload says.
const PROGRAM: &str = r#"
payload=$(cat)
case $payload in
  *endless*once*)
    if [ "$PORTIQUE_ATTEMPT" = 1 ]; then echo $$ > program.pid.new; mv program.pid.new program.pid; sleep 600; fi ;;
  *endless*) echo $$ > program.pid.new; mv program.pid.new program.pid; sleep 600 ;;
  *long*) while [ ! -e go ]; do sleep 0.05; done ;;
  *short*) sleep 0.3 ;;
  *greedy*) head -c 1000000000 /dev/zero | tail ;;
esac || exit 1
echo "{\"attempt\": $PORTIQUE_ATTEMPT, \"token\": $PORTIQUE_LEASE_TOKEN}"
"#;

/// A hub with one pool, and a queue of its name.
pub(super) struct Ground {
    folder: tempfile::TempDir,
    name: &'static str,
    hub: Option<HubProcess>,
}

impl Ground {
    /// A pool with these keys, which runs [`PROGRAM`].
    pub(super) fn open(keys: &str) -> Self {
        Self::with_program("['sh', 'do.sh']", keys)
    }

    pub(super) fn with_program(program: &str, keys: &str) -> Self {
        let mut ground = Self::bare("work");
        ground.write("do.sh", PROGRAM);
        let pool = format!("[[pools]]\nname = 'work'\nqueue = 'work'\nprogram = {program}\n{keys}");
        ground.write("portique.toml", &pool);
        ground.start_hub();
        ground.run("portique queues set work --results 1h --backoff 10ms");
        ground
    }

    /// A folder in which `portique.toml` is still to be written.
    pub(super) fn bare(name: &'static str) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            name,
            hub: None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.path().join("portique-data")
    }

    pub(super) fn hub(&self) -> &HubProcess {
        self.hub.as_ref().unwrap()
    }

    pub(super) fn start_hub(&mut self) {
        let (config, data) = (self.path().join("portique.toml"), self.data());
        let [config, data] = [&config, &data].map(|path| path.to_str().unwrap());
        // What the hub says is not read here, and would fill its pipe.
        let args = ["--config", config, "--data", data, "--log", "warn"];
        self.hub = Some(HubProcess::start_with(&args));
    }

    pub(super) fn kill_hub(&mut self) {
        self.hub = None;
    }

    pub(super) fn stop_hub(&mut self) {
        let hub = self.hub.take().unwrap();
        assert!(hub.stop(Signal::TERM).success());
    }

    /// Runs commands of the reader's terminal.
    #[track_caller]
    pub(super) fn run(&self, script: &str) -> String {
        let output = std::process::Command::new("bash")
            .args(["-euc", script])
            .current_dir(self.path())
            .env("PATH", path_with_portique())
            .env_remove("PORTIQUE_TOKEN")
            .output()
            .unwrap();
        let [said, complained] = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{script}\n{said}\n{complained}");
        said
    }

    /// `portique pools`.
    #[track_caller]
    pub(super) fn steer(&self, args: &[&str]) -> String {
        self.run(&format!("portique pools {}", args.join(" ")))
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let token = self.hub().token();
        let answer = self.hub().send(Method::GET, path, Some(&token), None).await;
        answer.json().await.unwrap()
    }

    pub(super) async fn pool(&self) -> Value {
        self.get(&format!("/api/v1/pools/{}", self.name)).await
    }

    /// Queues a job with this payload; its address.
    pub(super) async fn add(&self, what: &str) -> String {
        let path = "/api/v1/queues/work/jobs?kind=do";
        let token = self.hub().token();
        let body = json!({ "do": what });
        let answer = self
            .hub()
            .send(Method::POST, path, Some(&token), Some(&body))
            .await;
        let added: Value = answer.json().await.unwrap();
        format!("/api/v1/jobs/{}", added["id"])
    }

    /// Queues so many jobs with this payload at once.
    pub(super) async fn add_many(&self, what: &str, count: usize) {
        let token = self.hub().token();
        let jobs: Vec<Value> = (0..count)
            .map(|_| json!({ "kind": "do", "payload": { "do": what } }))
            .collect();
        let path = format!("/api/v1/queues/{}/jobs/batch", self.name);
        let body = json!(jobs);
        let answer = self
            .hub()
            .send(Method::POST, &path, Some(&token), Some(&body));
        let answer = answer.await;
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    /// The facts of a kind that the hub has published, oldest first.
    pub(super) async fn facts(&self, kind: &str) -> Vec<Value> {
        let path = format!("/api/v1/events?filter=fleet.work.{kind}&limit=1000");
        let page = self.get(&path).await;
        let events = page["events"]
            .as_array()
            .unwrap_or_else(|| panic!("{page}"));
        events
            .iter()
            .map(|event| event["event"]["data"].clone())
            .collect()
    }

    /// The facts of a kind once there are so many.
    pub(super) async fn until_facts(&self, kind: &str, count: usize) -> Vec<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let facts = self.facts(kind).await;
            if facts.len() >= count {
                return facts;
            }
            assert!(
                Instant::now() < end,
                "{count} facts {kind} never came: {facts:?}"
            );
            tokio::task::yield_now().await;
        }
    }

    /// The pool once it is as it should be.
    pub(super) async fn until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until_at(&format!("/api/v1/pools/{}", self.name), is_so)
            .await
    }

    pub(super) async fn until_queue(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let is_so = |queue: &Value| is_so(&queue["counts"]);
        self.until_at(&format!("/api/v1/queues/{}", self.name), is_so)
            .await
    }

    pub(super) async fn until_job(&self, job: &str, state: &str) -> Value {
        self.until_at(job, |job| job["state"] == state).await
    }

    pub(super) async fn until_at(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut looks = interval(std::time::Duration::from_millis(20));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let found = self.get(path).await;
            if is_so(&found) {
                return found;
            }
            assert!(Instant::now() < end, "it never came to that: {found:#}");
        }
    }

    /// The process of the endless job's program, once it runs.
    pub(super) async fn program(&self) -> u32 {
        let path = self.path().join("program.pid");
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(text) = std::fs::read_to_string(&path) {
                return text.trim().parse().unwrap();
            }
            assert!(Instant::now() < end, "the program did not begin");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until no process of a group is there any more.
    pub(super) async fn until_group_gone(&self, group: u32) {
        let end = Instant::now() + PATIENCE;
        loop {
            let all = std::fs::read_dir("/proc").unwrap();
            let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
            let left: Vec<u32> = pids
                .filter(|pid| group_of(*pid) == Some(group) && is_there(*pid))
                .collect();
            if left.is_empty() {
                return;
            }
            assert!(
                Instant::now() < end,
                "{left:?} of group {group} are there still"
            );
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a process is there no more.
    pub(super) async fn until_gone(&self, pid: u32) {
        let end = Instant::now() + PATIENCE;
        while is_there(pid) {
            assert!(Instant::now() < end, "process {pid} is there still");
            tokio::task::yield_now().await;
        }
    }
}

/// Workers in a state.
pub(super) fn count(pool: &Value, state: &str) -> usize {
    let workers = pool["workers"].as_array().into_iter().flatten();
    workers.filter(|worker| worker["state"] == state).count()
}

pub(super) fn pids(pool: &Value) -> Vec<u32> {
    let workers = pool["workers"].as_array().into_iter().flatten();
    let pids = workers.filter_map(|worker| worker["pid"].as_u64());
    pids.map(|pid| pid.try_into().unwrap()).collect()
}

/// The process group of a process (proc(5): field 5, the third behind the name).
fn group_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let behind_name = stat.rsplit_once(')')?.1;
    behind_name.split_whitespace().nth(2)?.parse().ok()
}

/// Whether a process runs; one that is dead and not reaped does not.
pub(super) fn is_there(pid: u32) -> bool {
    if test_kill_process(super::pid(pid)).is_err() {
        return false;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default();
    !matches!(state.trim_start().chars().next(), None | Some('Z' | 'X'))
}
