//! Rules and alerts of the real binary: from a sample to an alert and back, across reloads and crashes.

mod surface;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::hub_process::{HubProcess, complaint, portique, run};

/// What takes milliseconds takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const RULES: &str = "groups:
- name: tanks
  interval: 1h
  trigger: ingest
  rules:
  - alert: Hot
    expr: temp > 90
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.tank }} has {{ $value }} degrees'}
  - alert: Slow
    expr: temp > 90
    for: 1h
  - {record: 'tank:temp:max', expr: max by (tank) (temp)}
  - {alert: Recorded, expr: 'tank:temp:max > 90'}
";

/// A hub with rule files in a folder of its own.
struct Place {
    folder: tempfile::TempDir,
    hub: Option<HubProcess>,
}

impl Place {
    fn start(rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = "[rules]\nhub = false\nfiles = ['rules/*.yml']\n";
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        std::fs::write(folder.path().join("hub.toml"), config).unwrap();
        let mut place = Self { folder, hub: None };
        place.write("a.yml", rules);
        place.hub = Some(HubProcess::start_with(&place.arguments()));
        place
    }

    fn arguments(&self) -> [&str; 4] {
        let path = |name: &str| -> &'static str {
            let path = self.folder.path().join(name);
            Box::leak(path.to_str().unwrap().to_owned().into_boxed_str())
        };
        ["--config", path("hub.toml"), "--data", path("data")]
    }

    fn write(&self, name: &str, rules: &str) {
        std::fs::write(self.rules(name), rules).unwrap();
    }

    fn rules(&self, name: &str) -> PathBuf {
        self.folder.path().join("rules").join(name)
    }

    fn hub(&self) -> &HubProcess {
        self.hub.as_ref().unwrap()
    }

    /// Kills the hub without warning, and starts it again.
    fn kill_and_restart(&mut self) {
        let hub = self.hub.take().unwrap();
        hub.stop(Signal::KILL);
        self.hub = Some(HubProcess::start_with(&self.arguments()));
    }

    /// A sample of now, as an Influx line.
    async fn send(&self, line: &str) {
        let url = format!("{}/write", self.hub().http);
        let request = reqwest::Client::new().post(url);
        let request = request.bearer_auth(self.hub().token());
        let answer = request.body(line.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.hub().http);
        let request = reqwest::Client::new().get(url);
        let answer = request
            .bearer_auth(self.hub().token())
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let token = self.hub().token();
        let sent = self
            .hub()
            .send(Method::POST, path, Some(&token), Some(body));
        let answer = sent.await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// The alerts of a name, once they are as wanted.
    async fn wait_for(&self, name: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let begin = Instant::now();
        loop {
            let found = self.alerts(name).await;
            if wanted(&found) {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "{name}: {found:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn alerts(&self, name: &str) -> Vec<Value> {
        let all = self.get("/api/v1/alerts").await;
        let all = all["alerts"].as_array().unwrap().clone();
        all.into_iter()
            .filter(|alert| alert["name"] == name)
            .collect()
    }

    /// How often it was decided that an alert of this name begins or ends, ever.
    async fn told(&self, name: &str, to: &str) -> usize {
        let path = "/api/v1/events?filter=monitor.alerts.changed&from=first&limit=1000";
        let page = self.get(path).await;
        let events = page["events"].as_array().unwrap();
        let facts = events.iter().map(|event| &event["event"]["data"]);
        let of_name = facts.filter(|fact| fact["labels"]["alertname"] == name);
        of_name.filter(|fact| fact["to"] == to).count()
    }

    fn cli(&self, args: &[&str]) -> String {
        let data = self.hub().data.to_str().unwrap();
        let output = run(&[args, &["--data", data]].concat());
        assert!(output.status.success(), "{args:?}: {}", complaint(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn is_firing(alerts: &[Value]) -> bool {
    matches!(alerts, [one] if one["state"] == "firing")
}

fn is_resolved(alerts: &[Value]) -> bool {
    matches!(alerts, [one] if one["state"] == "resolved")
}

#[tokio::test]
async fn an_alert_fires_when_its_sample_arrives_is_cared_for_and_resolves() {
    let place = Place::start(RULES);
    place.send("temp,tank=lox value=95").await;
    let hot = place.wait_for("Hot", is_firing).await.remove(0);
    assert_eq!(hot["labels"]["severity"], "critical");
    assert_eq!(hot["annotations"]["summary"], "lox has 95 degrees");
    assert_eq!(place.alerts("Slow").await[0]["state"], "pending");
    // What rules record is a sample like others.
    place.wait_for("Recorded", is_firing).await;
    let query = "/prometheus/api/v1/query?query=ALERTS%7Balertname%3D%22Hot%22%7D";
    let series = place.get(query).await;
    let labels = &series["data"]["result"][0]["metric"];
    assert_eq!(labels["alertstate"], "firing", "{series}");

    let path = format!("/api/v1/alerts/{}", hot["fingerprint"].as_str().unwrap());
    let said = json!({ "by": "ada", "comment": "on it" });
    let (status, taken) = place.post(&format!("{path}/acknowledge"), &said).await;
    assert_eq!(
        (status, &taken[0]["acknowledged"]["by"]),
        (200, &json!("ada"))
    );
    let to = json!({ "by": "ada", "to": "grace" });
    place.post(&format!("{path}/assign"), &to).await;
    let aside = json!({ "by": "ada", "for_s": 3600 });
    let (_, shelved) = place.post(&format!("{path}/shelve"), &aside).await;
    assert_eq!(shelved[0]["shelf"]["by"], "ada", "{shelved}");
    assert_eq!(
        place.get("/api/v1/alerts?shelved=true").await["alerts"][0],
        shelved[0]
    );

    place.send("temp,tank=lox value=20").await;
    place.wait_for("Hot", is_resolved).await;
    assert!(place.alerts("Slow").await.is_empty());
    let (status, refused) = place.post(&format!("{path}/acknowledge"), &said).await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("failed_precondition")),
        "{refused}"
    );
    let history = place.get(&path).await[0]["history"].clone();
    let history: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        history,
        ["firing", "acknowledge", "assign", "shelve", "resolved"]
    );
    let explained = place.get(&format!("{path}/explanation")).await;
    assert_eq!(explained[0]["definition"]["query"], "temp > 90");
    assert_eq!(explained[0]["inputs"][0]["selector"], "temp{tank=\"lox\"}");
    let samples = explained[0]["inputs"][0]["series"][0]["samples"]
        .as_array()
        .unwrap();
    assert_eq!(samples.len(), 2, "{explained}");
}

#[tokio::test]
async fn a_rule_that_waits_for_its_interval_sees_a_sample_then() {
    let rules =
        "groups: [{name: a, interval: 1s, rules: [{alert: Hot, expr: temp > 90, for: 1s}]}]";
    let place = Place::start(rules);
    place.send("temp value=95").await;
    place.wait_for("Hot", is_firing).await;
    assert_eq!(place.told("Hot", "pending").await, 1);
    place.send("temp value=1").await;
    place.wait_for("Hot", is_resolved).await;
}

#[tokio::test]
async fn mistakes_in_rule_files_are_told_at_once_and_change_nothing() {
    let place = Place::start(RULES);
    place.send("temp,tank=lox value=95").await;
    let before = place.wait_for("Hot", is_firing).await;
    place.write(
        "b.yml",
        "groups: [{name: b, rules: [{alert: B, expr: temp >}]}]",
    );
    place.write(
        "c.yml",
        "groups: [{name: c, rules: [{alert: C, expr: temp, action: pump.stop}]}]",
    );
    let (status, refused) = place.post("/prometheus/-/reload", &json!({})).await;
    let text = refused.as_str().unwrap_or_default().to_owned();
    assert_eq!(status, 500, "{text}");
    let b = place.rules("b.yml").display().to_string();
    assert!(text.contains(&format!("{b}:1:45: expr: ")), "{text}");
    assert!(text.contains("there is no action \"pump.stop\""), "{text}");
    assert_eq!(place.alerts("Hot").await, before);

    // A hub that is started with them is not started.
    let arguments = place.arguments();
    let other = tempfile::tempdir().unwrap();
    let refused = portique(&["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(other.path())
        .args(&arguments[..2])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", complaint(&refused));
    assert!(
        complaint(&refused).contains("b.yml:1:45: expr: "),
        "{}",
        complaint(&refused)
    );
}

#[tokio::test]
async fn a_changed_file_is_applied_and_alerts_that_stay_go_on() {
    let place = Place::start(RULES);
    place.send("temp,tank=lox value=95").await;
    let before = place.wait_for("Hot", is_firing).await.remove(0);
    place.wait_for("Recorded", is_firing).await;
    let changed = RULES.replace("has {{ $value }}", "is at {{ $value }}");
    let changed = changed.replace("  - {alert: Recorded, expr: 'tank:temp:max > 90'}\n", "");
    place.write("a.yml", &changed);
    let pid = i32::try_from(place.hub().pid()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::HUP).unwrap();
    // The rule that is gone takes its alert with it; the other one stays as it was.
    place.wait_for("Recorded", is_resolved).await;
    place.send("temp,tank=lox value=96").await;
    let now = place
        .wait_for("Hot", |alerts| alerts[0]["value"] == "96")
        .await
        .remove(0);
    assert_eq!(now["active_at"], before["active_at"]);
    assert_eq!(now["annotations"]["summary"], "lox is at 96 degrees");
    assert_eq!(place.told("Hot", "firing").await, 1);
    let told = place.cli(&["rules", "reload"]);
    assert!(told.starts_with("loaded "), "{told}");
}

#[tokio::test]
async fn alerts_outlive_a_kill_and_are_not_announced_twice() {
    let mut place = Place::start(RULES);
    place.send("temp,tank=lox value=95").await;
    let before = place.wait_for("Hot", is_firing).await.remove(0);
    let path = format!(
        "/api/v1/alerts/{}/acknowledge",
        before["fingerprint"].as_str().unwrap()
    );
    let (status, _) = place.post(&path, &json!({ "by": "ada" })).await;
    assert_eq!(status, 200);
    let slow = place.alerts("Slow").await;
    assert_eq!(place.told("Hot", "firing").await, 1);
    assert_eq!(place.told("Slow", "pending").await, 1);

    place.kill_and_restart();
    let after = place.alerts("Hot").await.remove(0);
    assert_eq!(after["active_at"], before["active_at"]);
    assert_eq!(after["acknowledged"]["by"], "ada");
    assert_eq!(place.alerts("Slow").await[0]["state"], slow[0]["state"]);
    // The same condition goes on, and is no news.
    place.send("temp,tank=lox value=97").await;
    place
        .wait_for("Hot", |alerts| alerts[0]["value"] == "97")
        .await;
    assert_eq!(place.told("Hot", "firing").await, 1);
    assert_eq!(place.told("Slow", "pending").await, 1);

    place.kill_and_restart();
    place.send("temp,tank=lox value=20").await;
    place.wait_for("Hot", is_resolved).await;
    assert_eq!(place.told("Hot", "resolved").await, 1);
}

#[tokio::test]
async fn facts_of_alerts_are_read_by_visitors_and_not_written() {
    let place = Place::start(RULES);
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "/me", "type": "t",
        "subject": "monitor.alerts.changed", "data": {},
    });
    let request = reqwest::Client::new().post(format!("{}/api/v1/events", place.hub().http));
    let request = request.header("content-type", "application/cloudevents+json");
    let request = request.bearer_auth(place.hub().token());
    let refused = request.body(event.to_string()).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let refused: Value = refused.json().await.unwrap();
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("monitor.> belongs to a part of the hub"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_thousand_rules_do_not_keep_one_waiting() {
    let mut rules = RULES.to_owned();
    rules += "- name: others\n  interval: 1h\n  trigger: ingest\n  rules:\n";
    for number in 0..1_000 {
        rules += &format!("  - {{alert: Other{number}, expr: 'other{{n=\"{number}\"}} > 90'}}\n");
    }
    let place = Place::start(&rules);
    let groups = place.get("/api/v1/rules").await;
    let groups = groups.as_array().unwrap();
    let sizes = groups.iter().map(|g| g["rules"].as_array().unwrap().len());
    let loaded: usize = sizes.sum();
    assert!(loaded >= 1_004, "{loaded}");
    place.send("other,n=7 value=95").await;
    place.wait_for("Other7", is_firing).await;
    place.send("temp,tank=lox value=95").await;
    place.wait_for("Hot", is_firing).await;
    let metrics = place.hub().get("/metrics").await.text().await.unwrap();
    let has = |name: &str, value: f64| {
        let mut lines = metrics.lines().filter(|line| line.starts_with(name));
        let of_line = |line: &str| line.rsplit(' ').next().and_then(|v| v.parse().ok());
        lines.any(|line| of_line(line) == Some(value))
    };
    assert!(has("portique_rules", loaded as f64), "{metrics}");
    assert!(has("portique_alerts{state=\"firing\"}", 3.0), "{metrics}");
    assert!(
        metrics.contains("portique_rule_lag_seconds_count"),
        "{metrics}"
    );
    let ready = place.get("/readyz").await;
    let parts = ready["parts"].as_array().unwrap();
    assert!(parts.iter().any(|part| part["name"] == "rules"), "{ready}");
}
