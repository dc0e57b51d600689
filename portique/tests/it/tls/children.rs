use std::process::{Child, Stdio};
use std::time::Duration;

use portique_client::{Client, ClientOptions, Trust};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Place, shown};
use crate::hub_process::{complaint, portique, run};

/// What is not so by then never will be.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process that ends with the test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the command line on the hub's machine says, as JSON.
fn ask(place: &Place, args: &[&str]) -> Value {
    let data = shown(&place.data());
    let args: Vec<&str> = args
        .iter()
        .copied()
        .chain(["--data", &data, "-o", "json"])
        .collect();
    let output = run(&args);
    assert!(output.status.success(), "{args:?}: {}", complaint(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    let mut looks = interval(Duration::from_millis(50));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        looks.tick().await;
    }
}

fn grpc(place: &Place) -> String {
    let text = std::fs::read_to_string(place.data().join("hub.json")).unwrap();
    let addresses: Value = serde_json::from_str(&text).unwrap();
    format!("https://{}", addresses["grpc"].as_str().unwrap())
}

#[tokio::test]
async fn workers_of_the_machine_and_from_elsewhere_do_jobs_over_tls() {
    let place = Place::self_signed();
    let data = shown(&place.data());
    let (url, pin) = (grpc(&place), place.fingerprint().to_string());
    let token = shown(&place.data().join("service.token"));
    let here = vec!["--data", &data];
    let elsewhere = vec![
        "--grpc",
        &url,
        "--fingerprint",
        &pin,
        "--token-file",
        &token,
    ];
    for (queue, reach) in [("here", here), ("elsewhere", elsewhere)] {
        let added = ask(&place, &["jobs", "add", queue, "echo", "{\"n\": 1}"]);
        let id = added[0]["id"].to_string();
        let mut args = vec!["worker", queue];
        args.extend(reach);
        args.extend(["--", "/bin/cat"]);
        let worker = portique(&args).stdout(Stdio::null()).spawn().unwrap();
        let _worker = Started(worker);
        until(queue, || {
            let shown = ask(&place, &["jobs", "show", &id]);
            shown.to_string().contains("\"completed\"")
        })
        .await;
    }
}

#[tokio::test]
async fn a_program_that_pins_another_certificate_is_not_connected() {
    let place = Place::self_signed();
    let token = std::fs::read_to_string(place.data().join("service.token")).unwrap();
    let connect = async |trust: Trust| {
        let mut options = ClientOptions::new(grpc(&place), token.clone());
        options.trust = trust;
        options.patience = Duration::from_millis(500);
        let client = Client::connect(options).await.unwrap();
        client.jobs().queues().await.map(|_| ())
    };
    connect(Trust::Pinned(place.fingerprint())).await.unwrap();
    let other = portique_client::Fingerprint::of(b"another certificate");
    connect(Trust::Pinned(other)).await.unwrap_err();
    connect(Trust::Machine).await.unwrap_err();
}

#[tokio::test]
async fn the_modules_of_a_rocket_attach_over_tls() {
    let place = Place::self_signed();
    ask(&place, &["launch", "add", "tls-1"]);
    until("three modules report", || {
        let rocket = ask(&place, &["launch", "status", "tls-1"]);
        let modules = rocket["modules"].as_array().cloned().unwrap_or_default();
        modules.len() == 3 && modules.iter().all(|module| module["up"] == true)
    })
    .await;
}
