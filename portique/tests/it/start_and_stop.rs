use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::hub_process::{HubProcess, complaint, portique, run};

#[tokio::test]
async fn a_hub_serves_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(folder.path());
    assert_eq!(hub.get("/healthz").await.status(), 200);
    let ready: Value = hub.get("/readyz").await.json().await.unwrap();
    assert_eq!(ready["ready"], true, "{ready}");
    let names: Vec<&str> = ready["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["name"].as_str().unwrap())
        .collect();
    let parts = [
        "journal",
        "records",
        "telemetry",
        "launch",
        "payments",
        "rules",
    ];
    assert_eq!(names, parts);
    let addresses = folder.path().join("hub.json");
    assert!(addresses.exists());
    assert!(hub.stop(Signal::TERM).success());
    assert!(!addresses.exists(), "a stopped hub has no address");
}

#[test]
fn an_interrupt_is_an_orderly_stop_too() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let data = hub.data.clone();
    assert!(data.join("commander.token").exists());
    assert!(hub.stop(Signal::INT).success());
    assert!(!data.exists(), "an ephemeral hub leaves nothing");
}

#[tokio::test]
async fn an_open_event_stream_does_not_hold_up_the_stop() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let mut stream = hub.get("/api/v1/launch/live").await;
    assert_eq!(stream.status(), 200);
    assert!(hub.stop(Signal::TERM).success());
    // Comments that keep the stream alive may come before its end.
    while stream.chunk().await.unwrap().is_some() {}
}

#[test]
fn a_journal_that_cannot_write_stops_the_hub_with_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(folder.path());
    assert!(hub.stop(Signal::TERM).success());
    // The next segment has to be made again, and no file may grow to its size.
    for spare in ["spare.segment", "spare.preparing"] {
        let _ = fs::remove_file(folder.path().join("journal").join(spare));
    }
    let limited = "trap '' XFSZ; ulimit -f 4096; exec \"$@\"";
    let output = Command::new("/bin/sh")
        .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_portique")])
        .args(["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let said = complaint(&output);
    assert_eq!(output.status.code(), Some(10), "{said}");
    assert!(said.contains("the journal stopped"), "{said}");
    let hub = HubProcess::start(folder.path());
    assert!(hub.stop(Signal::TERM).success(), "mended, it goes on");
}

#[test]
fn half_a_request_does_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("p.toml");
    fs::write(&config, "stop_grace_s = 1.0\n").unwrap();
    let hub = HubProcess::start_with(&["--ephemeral", "--config", config.to_str().unwrap()]);
    let addresses = fs::read(hub.data.join("hub.json")).unwrap();
    let addresses: Value = serde_json::from_slice(&addresses).unwrap();
    let visit = |edge: &str| TcpStream::connect(addresses[edge].as_str().unwrap()).unwrap();
    let (mut visitor, _silent) = (visit("http"), visit("grpc"));
    visitor.write_all(b"GET /healthz HTTP/1.1\r\nhost").unwrap();
    assert!(hub.stop(Signal::TERM).success());
}

#[tokio::test]
async fn two_hubs_live_side_by_side() {
    let one = HubProcess::start_with(&["--ephemeral"]);
    let other = HubProcess::start_with(&["--ephemeral"]);
    for hub in [&one, &other] {
        let version: Value = hub.get("/api/v1/version").await.json().await.unwrap();
        assert_eq!(version["pid"], hub.pid());
    }
    assert_ne!(one.token(), other.token());
}

#[test]
fn the_token_stays_the_same_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(folder.path());
    let token = hub.token();
    hub.stop(Signal::TERM);
    assert_eq!(HubProcess::start(folder.path()).token(), token);
}

#[test]
fn a_hub_that_was_killed_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    HubProcess::start(folder.path()).stop(Signal::KILL);
    assert!(
        folder.path().join("hub.json").exists(),
        "nobody took the address back"
    );
    assert!(
        HubProcess::start(folder.path())
            .stop(Signal::TERM)
            .success()
    );
}

#[test]
fn the_command_line_finds_the_hub_and_its_token_by_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _hub = HubProcess::start(folder.path());
    let data = folder.path().to_str().unwrap();
    let status = run(&["launch", "status", "--data", data, "-o", "json"]);
    assert!(status.status.success(), "{}", complaint(&status));
    assert_eq!(
        serde_json::from_slice::<Value>(&status.stdout).unwrap(),
        Value::Array(vec![])
    );
    let hold = run(&["launch", "hold", "nobody", "why not", "--data", data]);
    assert_eq!(
        hold.status.code(),
        Some(3),
        "known token, unknown rocket: {}",
        complaint(&hold)
    );
    assert!(
        complaint(&hold).starts_with("error: "),
        "{}",
        complaint(&hold)
    );
    assert!(hold.stdout.is_empty(), "a refusal is no result");
}

#[test]
fn help_lists_the_exit_statuses_and_shells_get_completions() {
    let help = run(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains(" 5  stored data is damaged"), "{text}");
    assert!(text.contains("10  the journal could not write"), "{text}");
    let completion = run(&["completion", "bash"]);
    assert!(completion.status.success());
    assert!(
        String::from_utf8(completion.stdout)
            .unwrap()
            .contains("portique")
    );
    let version = portique(&["version"]).output().unwrap();
    assert_eq!(
        version.stdout,
        format!("portique {}\n", env!("CARGO_PKG_VERSION")).into_bytes()
    );
}
