//! A hub of the real binary, and what a control room does with it.

mod looks;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portique_clock::{Clock, Timestamp, WallClock};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take that a loaded machine does in seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a state that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running hub and its data folder.
pub(super) struct ControlRoom {
    hub: Child,
    url: String,
    grpc: String,
    token: String,
    data: TempDir,
    http: reqwest::Client,
}

/// An answer of the hub.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl ControlRoom {
    pub(super) async fn open() -> Self {
        Self::open_in(TempDir::new().expect("a temporary folder")).await
    }

    /// A hub that tells this webhook of alerts at once.
    pub(super) async fn open_telling(url: &str) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let receivers = format!(
            "route: {{receiver: desk, group_by: [alertname, rocket], group_wait: 0s, group_interval: 1s}}\n\
             receivers: [{{name: desk, webhook_configs: [{{url: \"{url}\"}}]}}]\n"
        );
        let file = data.path().join("receivers.yml");
        std::fs::write(&file, receivers).expect("the data folder can be written");
        let config = format!("[notifications]\nfile = \"{}\"\n", file.display());
        std::fs::write(config_path(data.path()), config).expect("the data folder can be written");
        Self::open_in(data).await
    }

    async fn open_in(data: TempDir) -> Self {
        let hub = spawn(data.path());
        let mut room = Self {
            hub,
            url: String::new(),
            grpc: String::new(),
            token: String::new(),
            data,
            http: reqwest::Client::new(),
        };
        room.find().await;
        room
    }

    /// Kills the hub as a power cut would, and starts another on the same folder.
    pub(super) async fn kill_and_restart(&mut self) {
        self.hub.kill().expect("the hub runs");
        self.hub.wait().expect("a killed hub can be waited for");
        self.start_again().await;
    }

    /// Stops the hub in order; `before` sees the folder while no hub runs; starts another.
    pub(super) async fn stop_and_restart(&mut self, before: impl FnOnce(&Path)) {
        let pid = self.hub.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(kill.expect("kill is there").success());
        assert!(
            self.hub.wait().expect("the hub ends").success(),
            "a stop in order ends with 0"
        );
        before(self.data.path());
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        // A killed hub leaves the addresses of its own ports behind.
        let _ = std::fs::remove_file(self.data.path().join("hub.json"));
        self.hub = spawn(self.data.path());
        self.find().await;
    }

    async fn find(&mut self) {
        let path = self.data.path().join("hub.json");
        let addresses = wait_for("the hub's addresses", || {
            let text = std::fs::read_to_string(&path).ok()?;
            serde_json::from_str::<Value>(&text).ok()
        });
        let addresses = addresses.await;
        let http = addresses["http"].as_str().expect("an HTTP address");
        self.url = format!("http://{http}/api/v1");
        let grpc = addresses["grpc"].as_str().expect("a gRPC address");
        self.grpc = format!("http://{grpc}");
        let token = std::fs::read_to_string(self.data.path().join("commander.token"));
        self.token = token.expect("a commander token").trim().to_owned();
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}/{path}", self.url)).send().await;
        let response = response.expect("the hub answers");
        assert_eq!(response.status(), 200, "GET {path}");
        response.json().await.expect("JSON")
    }

    /// Gives an order and returns whatever the hub says.
    pub(super) async fn try_post(&self, path: &str, body: Value) -> Reply {
        let request = self
            .http
            .post(format!("{}/{path}", self.url))
            .bearer_auth(&self.token);
        let response = request.json(&body).send().await.expect("the hub answers");
        let status = response.status().as_u16();
        Reply {
            status,
            body: response.json().await.unwrap_or(Value::Null),
        }
    }

    /// Gives an order that must be taken.
    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.try_post(path, body).await;
        assert!(
            matches!(reply.status, 200 | 201),
            "POST {path}: {} {}",
            reply.status,
            reply.body
        );
        reply.body
    }

    /// Gives an order that must be refused with these words.
    pub(super) async fn refused(&self, path: &str, body: Value, status: u16, words: &str) {
        let reply = self.try_post(path, body).await;
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        assert_eq!(reply.status, status, "POST {path}: {}", reply.body);
        assert!(
            detail.contains(words),
            "POST {path}: {detail:?} does not say {words:?}"
        );
    }

    /// Adds a simulated rocket and waits until its three modules are in reach.
    pub(super) async fn add(&self, rocket: &str, pad: &str, time_factor: f64) {
        let new = json!({ "rocket": rocket, "pad": pad, "time_factor": time_factor });
        self.add_rocket(rocket, new).await;
    }

    /// Adds a simulated rocket as it is described, and waits likewise.
    pub(super) async fn add_rocket(&self, rocket: &str, new: Value) {
        self.post("launch/rockets", new).await;
        self.until(rocket, "three modules in reach and heard of", |view| {
            let modules = view["modules"].as_array().expect("modules");
            let is_there =
                |module: &&Value| module["up"] == true && module["samples"].as_u64() > Some(0);
            modules.iter().filter(is_there).count() == 3
        })
        .await;
    }

    /// Polls every station to a go.
    pub(super) async fn poll(&self, rocket: &str) {
        self.post(&format!("launch/rockets/{rocket}/poll"), json!({}))
            .await;
        for station in ["weather", "rocket", "payload", "telemetry"] {
            let vote = json!({ "station": station, "vote": "go" });
            self.post(&format!("launch/rockets/{rocket}/poll/votes"), vote)
                .await;
        }
        let go = json!({ "decision": "go" });
        self.post(&format!("launch/rockets/{rocket}/poll/close"), go)
            .await;
    }

    pub(super) async fn launch(&self, rocket: &str) {
        self.post(&format!("launch/rockets/{rocket}/count"), json!({}))
            .await;
    }

    pub(super) async fn order(&self, rocket: &str, module: &str, order: Value) -> Value {
        self.post(
            &format!("launch/rockets/{rocket}/modules/{module}/orders"),
            order,
        )
        .await
    }

    pub(super) async fn view(&self, rocket: &str) -> Value {
        self.get(&format!("launch/rockets/{rocket}")).await
    }

    /// Waits until the mission is so; returns it.
    pub(super) async fn until(
        &self,
        rocket: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut last = Value::Null;
        let waiting = async {
            loop {
                looks.tick().await;
                last = self.view(rocket).await;
                if is_so(&last) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("{rocket}: {what} did not come within {PATIENCE:?}; it is {last:#}");
        }
        last
    }

    /// Waits until no figure of the rocket's modules is current any more: who has ended is not silent.
    pub(super) async fn until_telemetry_ended(&self, rocket: &str) {
        let server = self
            .url
            .strip_suffix("/api/v1")
            .expect("the root of the API");
        let selector = format!("%7Brocket=%22{rocket}%22,module!=%22vehicle%22%7D");
        let path = format!("prometheus/api/v1/query?query=launch_t_seconds{selector}");
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut last = Value::Null;
        let waiting = async {
            loop {
                looks.tick().await;
                let answer = self.http.get(format!("{server}/{path}")).send().await;
                last = answer.expect("the hub answers").json().await.expect("JSON");
                if last["data"]["result"] == Value::Array(Vec::new()) {
                    return;
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(ended.is_ok(), "after {PATIENCE:?} there still is {last:#}");
    }

    /// The mission log, whole.
    pub(super) async fn log(&self, filter: &str) -> Vec<Value> {
        let page = self.get(&format!("launch/log?limit=1000&{filter}")).await;
        assert!(page["next"].is_null(), "one page holds a flight's log");
        page["entries"].as_array().expect("entries").clone()
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Listens to server-sent events from now on, without a token.
    pub(super) async fn listen(&self, path: &str) -> Listener {
        let request = self.http.get(format!("{}/{path}", self.url));
        let response = request.send().await.expect("the hub answers");
        assert_eq!(response.status(), 200, "GET {path}");
        Listener(response)
    }

    pub(super) fn grpc(&self) -> &str {
        &self.grpc
    }

    pub(super) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

/// Somebody who listens to server-sent events.
pub(super) struct Listener(reqwest::Response);

impl Listener {
    /// Listens until an event of this name; returns all that was heard.
    pub(super) async fn hear(mut self, name: &str) -> String {
        let mut heard = String::new();
        let listening = async {
            while !heard.contains(&format!("event: {name}\n")) || !heard.ends_with("\n\n") {
                let chunk = self.0.chunk().await.expect("the stream goes on");
                heard += &String::from_utf8_lossy(&chunk.expect("the stream does not end"));
            }
        };
        if tokio::time::timeout(PATIENCE, listening).await.is_err() {
            panic!("{name} was not heard: {heard}");
        }
        heard
    }
}

impl Drop for ControlRoom {
    fn drop(&mut self) {
        // Ends with its test, whatever became of it.
        let _ = self.hub.kill();
        let _ = self.hub.wait();
    }
}

/// A METAR of this moment with this wind group.
pub(super) fn metar(wind: &str) -> Value {
    let (day, hour, minute) = day_hour_minute(WallClock::new().now());
    json!({ "metar": format!("KXMR {day}{hour}{minute}Z {wind} 10SM FEW030 24/18 A3012") })
}

/// A TAF for the next twelve hours with this wind group.
pub(super) fn taf(wind: &str) -> Value {
    let now = WallClock::new().now();
    let (day, hour, minute) = day_hour_minute(now);
    let (until_day, until_hour, _) = day_hour_minute(now.plus(Duration::from_secs(12 * 3_600)));
    let validity = format!("{day}{hour}/{until_day}{until_hour}");
    json!({ "taf": format!("TAF KXMR {day}{hour}{minute}Z {validity} {wind} P6SM FEW030") })
}

fn day_hour_minute(time: Timestamp) -> (String, String, String) {
    let text = time.to_string();
    (text[8..10].into(), text[11..13].into(), text[14..16].into())
}

/// Whether a module's list of events names this one.
pub(super) fn has_event(view: &Value, module: &str, event: &str) -> bool {
    let mut modules = view["modules"].as_array().into_iter().flatten();
    modules.any(|view| {
        let events = view["events"].as_array();
        view["module"] == module && events.is_some_and(|events| events.iter().any(|e| e == event))
    })
}

/// A number of a module's last sample.
pub(super) fn sample(view: &Value, module: &str, field: &str) -> f64 {
    let mut modules = view["modules"].as_array().into_iter().flatten();
    let module = modules.find(|view| view["module"] == module);
    module
        .and_then(|view| view["sample"][field].as_f64())
        .unwrap_or(f64::NAN)
}

async fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let waiting = async {
        loop {
            looks.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_) => panic!("{what} did not come within {PATIENCE:?}"),
    }
}

fn spawn(data: &Path) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log_path(data));
    let args = [
        "up",
        "--listen",
        "127.0.0.1:0",
        "--grpc-listen",
        "127.0.0.1:0",
        "--data",
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_portique"));
    command.args(args).arg(data);
    let config = config_path(data);
    if config.exists() {
        command.arg("--config").arg(config);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("the data folder can be written"))
        .spawn()
        .expect("the binary starts")
}

fn config_path(data: &Path) -> PathBuf {
    data.join("hub.toml")
}

fn log_path(data: &Path) -> PathBuf {
    data.join("hub.log")
}
