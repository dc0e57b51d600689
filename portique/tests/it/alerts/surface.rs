//! Rules and alerts as visitors see them: on the command line, in Prometheus' shapes, beside a real Prometheus.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{PATIENCE, Place, RULES, is_firing};
use crate::debian::program;
use crate::hub_process::{complaint, run};
use crate::prometheus_peer::start_at;

#[tokio::test]
async fn alerts_and_rules_are_seen_from_the_command_line() {
    let place = Place::start(RULES);
    place.send("temp,tank=lox value=95").await;
    place.wait_for("Hot", is_firing).await;
    place.wait_for("Recorded", is_firing).await;
    let list = place.cli(&["alerts", "list"]);
    assert!(
        list.contains("Hot{severity=\"critical\",tank=\"lox\"}"),
        "{list}"
    );
    let taken = place.cli(&["alerts", "ack", "Hot", "--by", "ada", "--comment", "on it"]);
    assert!(taken.contains("taken by ada"), "{taken}");
    let back = place.cli(&["alerts", "unack", "Hot", "--by", "ada"]);
    assert!(!back.contains("taken by"), "{back}");
    place.cli(&[
        "alerts",
        "comment",
        "Hot",
        "the valve sticks",
        "--by",
        "ada",
    ]);
    let given = place.cli(&["alerts", "assign", "Hot", "grace", "--by", "ada"]);
    assert!(given.contains("given to grace"), "{given}");
    let aside = place.cli(&["alerts", "shelve", "Hot", "--for", "2h", "--by", "ada"]);
    assert!(aside.contains("shelved by ada"), "{aside}");
    let back = place.cli(&["alerts", "unshelve", "Hot", "--by", "ada"]);
    assert!(!back.contains("shelved"), "{back}");
    let shown = place.cli(&["alerts", "show", "Hot"]);
    assert!(shown.contains("the valve sticks"), "{shown}");
    let explained = place.cli(&["alerts", "explain", "Hot"]);
    for words in [
        "temp > 90",
        "a.yml:6",
        "temp{tank=\"lox\"}",
        "95 at ",
        "firing",
    ] {
        assert!(explained.contains(words), "{words}: {explained}");
    }
    let explained = place.cli(&["alerts", "explain", "Hot", "-o", "json"]);
    let explained: Value = serde_json::from_str(&explained).unwrap();
    let routes = &explained["notifications"]["routes"];
    assert_eq!(routes[0]["receiver"], "nobody", "{explained:#}");
    let rules = place.cli(&["rules", "list"]);
    assert!(
        rules.contains("tank:temp:max") && rules.contains("ingest"),
        "{rules}"
    );

    let data = place.hub().data.to_str().unwrap();
    let unknown = run(&["alerts", "ack", "Cold", "--by", "ada", "--data", data]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(complaint(&unknown).contains("no alert has the name Cold"));
}

/// What Grafana asks.
#[tokio::test]
async fn rules_and_alerts_have_prometheus_shapes() {
    let place = Place::start(RULES);
    place.send("temp,tank=lox value=95").await;
    place.wait_for("Hot", is_firing).await;
    let rules = place
        .get("/prometheus/api/v1/rules?type=alert&rule_name[]=Hot")
        .await;
    let group = &rules["data"]["groups"][0];
    assert_eq!(
        (&group["name"], &group["interval"]),
        (&json!("tanks"), &json!(3600.0))
    );
    let hot = &group["rules"][0];
    assert_eq!(
        (&hot["state"], &hot["type"]),
        (&json!("firing"), &json!("alerting"))
    );
    let alert = &hot["alerts"][0];
    assert_eq!(
        (&alert["value"], &alert["state"]),
        (&json!("9.5e+01"), &json!("firing"))
    );
    let alerts = place.get("/prometheus/api/v1/alerts").await;
    assert!(
        alerts["data"]["alerts"].as_array().unwrap().contains(alert),
        "{alerts}"
    );
    let without = place
        .get("/prometheus/api/v1/rules?exclude_alerts=true")
        .await;
    assert_eq!(
        without["data"]["groups"][0]["rules"][0]["alerts"],
        json!([])
    );

    place.write(
        "b.yml",
        "groups: [{name: b, rules: [{record: r, expr: '1'}]}]",
    );
    place.post("/api/v1/rules/reload", &json!({})).await;
    let first = place
        .get("/prometheus/api/v1/rules?group_limit=1&rule_group[]=tanks&rule_group[]=b")
        .await;
    let token = first["data"]["groupNextToken"].as_str().unwrap();
    let path = format!(
        "/prometheus/api/v1/rules?group_limit=1&rule_group[]=tanks&rule_group[]=b&group_next_token={token}"
    );
    let next = place.get(&path).await;
    assert_eq!(next["data"]["groups"][0]["name"], "b");
    assert!(next["data"].get("groupNextToken").is_none());
    for (query, problem) in [
        (
            "type=all",
            "invalid parameter \"type\": not supported value \"all\"",
        ),
        (
            "group_limit=0",
            "invalid parameter \"group_limit\": group_limit needs to be greater than 0",
        ),
        (
            "exclude_alerts=maybe",
            "invalid parameter \"exclude_alerts\": error converting exclude_alerts: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
    ] {
        let answer = place
            .hub()
            .get(&format!("/prometheus/api/v1/rules?{query}"))
            .await;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["error"], problem);
    }
}

/// Without what only a hub knows; both have something to show without samples.
const COMMON: &str = "groups:
- name: both
  interval: 1s
  rules:
  - alert: Always
    expr: vector(95.5) > 90
    for: 0s
    labels: {severity: page}
    annotations: {summary: 'it is {{ $value }}'}
  - alert: Later
    expr: vector(1) > 0
    for: 1h
  - {alert: Never, expr: absent(vector(1))}
  - {record: 'always:one', expr: vector(1), labels: {job: a}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_says_the_same_of_the_same_rules() {
    let program = program("prometheus", "prometheus");
    let place = Place::start(COMMON);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    let rules = place.rules("a.yml").display().to_string();
    std::fs::write(&config, format!("rule_files: ['{rules}']\n")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let _peer = start_at(&program, &config, folder.path(), &address);
    // Only its own rules are loaded there; names of groups are for ours, which an older one passes over.
    for path in [
        "/api/v1/rules?rule_group[]=both",
        "/api/v1/alerts",
        "/api/v1/rules?type=record&rule_group[]=both",
    ] {
        let theirs = evaluated(&format!("http://{address}{path}")).await;
        let ours = evaluated(&format!("{}/prometheus{path}", place.hub().http)).await;
        let (theirs, ours) = (lasting(theirs), lasting(ours));
        assert_eq!(theirs, common(&theirs, &ours), "{path}: ours is {ours:#}");
    }
}

/// What a server answers once all it says has been evaluated.
async fn evaluated(url: &str) -> Value {
    let begin = Instant::now();
    loop {
        // One that is starting says so in other words.
        if let Ok(answer) = reqwest::get(url).await
            && let Ok(answer) = answer.json::<Value>().await
        {
            let data = &answer["data"];
            let is_empty = data["groups"] == json!([]) || data["alerts"] == json!([]);
            if !is_empty && !answer.to_string().contains("\"unknown\"") {
                return answer;
            }
        }
        assert!(begin.elapsed() < PATIENCE, "{url}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Without times, which are each server's own.
fn lasting(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let is_time = matches!(
                    name.as_str(),
                    "evaluationTime" | "lastEvaluation" | "activeAt"
                );
                *value = match (is_time, value.take()) {
                    (true, value) => json!(value.is_number()),
                    (false, value) => lasting(value),
                };
            }
        }
        // A whole number is the same with a point.
        Value::Number(number) => return json!(number.as_f64()),
        Value::Array(items) => {
            for item in items.iter_mut() {
                *item = lasting(item.take());
            }
            items.sort_by_key(ToString::to_string);
        }
        _ => {}
    }
    answer
}

/// Of ours, what theirs has: later versions have fields that an older one does not know.
fn common(theirs: &Value, ours: &Value) -> Value {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let shared = theirs.iter().map(|(name, value)| {
                let own = ours.get(name).unwrap_or(&Value::Null);
                (name.clone(), common(value, own))
            });
            Value::Object(shared.collect())
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            let shared = theirs.iter().zip(ours);
            Value::Array(shared.map(|(theirs, ours)| common(theirs, ours)).collect())
        }
        _ => ours.clone(),
    }
}
