//! The verbs for events, jobs, dead jobs, queues and schedules, and the how-to pages that show them.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::hub_process::{self, HubProcess, complaint, run};
use crate::pages::{Page, Reader};

#[test]
fn the_page_about_queues_is_followed() {
    let page = Page::open("queue-work.md");
    let reader = Reader::new();
    for heading in [
        "Add jobs",
        "See what becomes of them",
        "Say how the queue behaves",
        "Stop and go on",
        "Work by the clock",
        "When jobs are dead",
    ] {
        reader.run(&page.commands(heading));
    }
    let counts = reader.run("portique queues show emails -o json");
    let queue: Value = serde_json::from_str(&counts).unwrap();
    assert_eq!(queue["totals"]["enqueued"], 104, "{queue}");
    assert_eq!(queue["options"]["concurrency"], 20, "{queue}");
    assert_eq!(queue["options"]["retry"]["attempts"], 4, "{queue}");
}

#[test]
fn the_page_about_events_is_followed() {
    let page = Page::open("publish-and-consume-events.md");
    let reader = Reader::new();
    let told = reader.run(&page.commands("From the command line"));
    assert!(told.contains(r#""order":7"#), "{told}");
    let told = reader.run(&page.commands("With curl"));
    assert_eq!(
        told.matches(r#""attempt":1"#).count(),
        2,
        "one of each key: {told}"
    );
    let told = reader.run(&page.commands("Turn events into jobs"));
    assert!(told.contains("invoice"), "{told}");
}

#[tokio::test]
async fn a_dead_job_is_edited_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(folder.path());
    let data = folder.path().to_str().unwrap().to_owned();
    let portique = |args: &[&str]| {
        let output = run(&[args, &["--data", &data, "-o", "json"]].concat());
        assert!(output.status.success(), "{args:?}: {}", complaint(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str::<Value>(&text).unwrap_or(Value::Null)
    };
    let added = portique(&["jobs", "add", "mail", "send", r#"{"to":"\u001b[31mann"}"#]);
    let id = added[0]["id"].to_string();
    let claimed = post(&hub, "queues/mail/claim").await;
    let token = claimed[0]["token"].as_str().unwrap();
    post(&hub, &format!("jobs/{id}/fail?token={token}&reject=true")).await;

    let dead = portique(&["dead", "list"]);
    assert_eq!(dead["jobs"][0]["id"].to_string(), id, "{dead}");
    let table = run(&["dead", "list", "--data", &data]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        !table.contains('\u{1b}'),
        "a payload steers the terminal: {table:?}"
    );

    portique(&["dead", "edit", &id, r#"{"to":"carol"}"#]);
    let mut edit = hub_process::portique(&["dead", "edit", &id, "--data", &data]);
    let edited = edit.env("EDITOR", "sed -i s/carol/bob/").output().unwrap();
    assert!(edited.status.success(), "{}", complaint(&edited));
    assert_eq!(
        portique(&["dead", "replay", "--queue", "mail"]),
        json!({ "replayed": 1 })
    );
    let claimed = post(&hub, "queues/mail/claim").await;
    assert_eq!(claimed[0]["payload"]["value"], json!({ "to": "bob" }));
    let token = claimed[0]["token"].as_str().unwrap();
    post(&hub, &format!("jobs/{id}/complete?token={token}")).await;
    let shown = portique(&["jobs", "show", &id, "--wait", "5s"]);
    assert_eq!(shown["state"], "completed");
}

#[test]
fn what_the_hub_refuses_ends_with_its_own_status() {
    let folder = tempfile::tempdir().unwrap();
    let _hub = HubProcess::start(folder.path());
    let data = folder.path().to_str().unwrap();
    let status = |args: &[&str]| {
        let output = run(&[args, &["--data", data]].concat());
        (output.status.code().unwrap(), complaint(&output))
    };
    let (code, said) = status(&["jobs", "show", "4711"]);
    assert_eq!(code, 3, "{said}");
    let (code, said) = status(&["queues", "show", "nowhere"]);
    assert_eq!((code, said.contains("nowhere")), (3, true), "{said}");
    let (code, said) = status(&["jobs", "add", "q", "k", "{'not': 'json'}"]);
    assert_eq!((code, said.contains("--content-type")), (2, true), "{said}");
    let (code, said) = status(&["jobs", "retry", "1", "2"]);
    assert_eq!(code, 3, "{said}");
}

#[test]
fn a_journal_is_held_against_what_clients_were_told() {
    let reader = Reader::new();
    let added = reader.run("portique jobs add mail send -o json");
    let added: Value = serde_json::from_str(&added).unwrap();
    let id = added[0]["id"].as_u64().unwrap();
    let data = reader.hub.data.clone();
    let audit = |told: &Path| {
        let told = told.to_str().unwrap();
        let data = data.to_str().unwrap();
        run(&[
            "journal",
            "audit",
            data,
            "--acknowledged",
            told,
            "-o",
            "json",
        ])
    };
    let told = reader.write("told.ndjson", &format!("{{\"enqueued\":{id}}}\n"));
    let lost = reader.write("lost.ndjson", &format!("{{\"enqueued\":{}}}\n", id + 1_000));
    let running = audit(&told);
    assert_eq!(running.status.code(), Some(7), "{}", complaint(&running));
    let Reader {
        folder: _folder,
        hub,
    } = reader;
    drop(hub);

    let sound = audit(&told);
    assert!(sound.status.success(), "{}", complaint(&sound));
    let lost = audit(&lost);
    assert_eq!(lost.status.code(), Some(5), "{}", complaint(&lost));
    let found: Value = serde_json::from_slice(&lost.stdout).unwrap();
    assert_eq!(found["violations"][0]["rule"], "acknowledged_job_missing");
}

async fn post(hub: &HubProcess, path: &str) -> Value {
    let token = hub.token();
    let path = format!("/api/v1/{path}");
    let answer = hub.send(Method::POST, &path, Some(&token), None).await;
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}
