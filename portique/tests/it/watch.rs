//! What a viewer sees of a hub that answers by script.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::hub_process::{complaint, portique};

const AT: &str = "2026-11-21T09:00:00Z";

fn line(sequence: u64, text: &str) -> Value {
    json!({ "sequence": sequence, "at": AT, "t_s": 1.0, "actor": "ground", "kind": "note",
        "text": text })
}

fn state(stage: &str) -> Value {
    json!({ "rocket": "alpha", "pad": "pad-1", "rehearsal": true, "time_factor": 1.0,
        "stage": stage, "t_s": 1.0, "modules": [] })
}

/// A listener that lost the lines 2 and 3, then heard the fourth, then nothing more.
fn live() -> impl IntoResponse {
    let events = [
        format!("event: log\ndata: {}\n\n", line(1, "first")),
        "event: missed\ndata: 2\n\n".to_owned(),
        format!("event: log\ndata: {}\n\n", line(4, "fourth")),
    ];
    let events = events.map(|event: String| Ok::<_, Infallible>(Bytes::from(event)));
    let stream = futures_util::stream::iter(events);
    let silence = futures_util::stream::pending();
    let body = Body::from_stream(futures_util::StreamExt::chain(stream, silence));
    ([(header::CONTENT_TYPE, "text/event-stream")], body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_were_missed_are_read_from_the_log_and_steer_no_terminal() {
    let asked = Arc::new(AtomicUsize::new(0));
    let reads = asked.clone();
    // The log is written a little after it is told: the first look does not find everything.
    let log = move || async move {
        let lines = [
            line(1, "first"),
            line(2, "second \u{1b}[31mred"),
            line(3, "third"),
            line(4, "fourth"),
        ];
        let written = match reads.fetch_add(1, Ordering::SeqCst) {
            0 => 2,
            _ => 4,
        };
        Json(json!({ "entries": lines[..written] }))
    };
    let rocket = move || async move {
        let is_over = asked.load(Ordering::SeqCst) >= 2;
        Json(state(if is_over { "ended" } else { "flight" }))
    };
    let hub = Router::new()
        .route("/api/v1/launch/live", get(|| async { live() }))
        .route("/api/v1/launch/log", get(log))
        .route("/api/v1/launch/rockets/alpha", get(rocket));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let watched = tokio::task::spawn_blocking(move || {
        portique(&["launch", "watch", "alpha", "--hub", &url]).output()
    });
    let output = tokio::select! {
        served = axum::serve(listener, hub) => panic!("the hub ended: {served:?}"),
        output = watched => output.unwrap().unwrap(),
    };
    assert!(output.status.success(), "{}", complaint(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.split_once("ground    "))
        .map(|(_, text)| text)
        .collect();
    let expected = ["first", r"second \u{1b}[31mred", "third", "fourth"];
    assert_eq!(lines, expected, "{shown}");
}
