//! Webhooks, against a whole hub and a receiver on the loopback.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method as Verb, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::api_rig::{Rig, json as granted, refused, with_hub, with_hub_on};

const SECRET: &str = "a sentence that nobody guesses";

/// A request as it arrived.
struct Arrived {
    verb: Verb,
    headers: HeaderMap,
    body: Bytes,
}

impl Arrived {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// Answers with what it is told to, in turn, then with 204.
struct Receiver {
    url: String,
    arrived: mpsc::Receiver<Arrived>,
    _server: JoinSet<()>,
}

#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<Response>>>,
    arrived: mpsc::Sender<Arrived>,
}

impl Receiver {
    async fn start(answers: Vec<Response>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, arrived) = mpsc::channel(64);
        let script = Script {
            answers: Arc::new(Mutex::new(answers.into())),
            arrived: sender,
        };
        let router = Router::new().fallback(receive).with_state(script);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            arrived,
            _server: server,
        }
    }

    async fn next(&mut self) -> Arrived {
        self.arrived.recv().await.expect("the receiver is there")
    }
}

async fn receive(
    State(script): State<Script>,
    verb: Verb,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let arrived = Arrived {
        verb,
        headers,
        body,
    };
    script.arrived.send(arrived).await.unwrap();
    let answer = script.answers.lock().unwrap().pop_front();
    answer.unwrap_or_else(|| StatusCode::NO_CONTENT.into_response())
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code).unwrap().into_response()
}

async fn put(rig: &Rig, receiver: &Receiver, more: Value) -> Value {
    let mut settings = json!({ "filter": "shop.>", "url": receiver.url, "secret": SECRET });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    rig.put("/webhooks/orders", &settings).await
}

async fn publish(rig: &Rig, n: u64) {
    let event = json!({ "specversion": "1.0", "id": n.to_string(), "source": "/shop",
        "type": "order.created", "subject": "shop.orders", "data": { "order": n } });
    let request = rig.service(Method::POST, "/events");
    let request = request.header("content-type", "application/cloudevents+json");
    let request = request.header("traceparent", "00-1-2-01");
    granted(request.body(event.to_string())).await;
}

/// Asserts that a request is signed as Standard Webhooks has it.
fn assert_signed(push: &Arrived, secret: &[u8]) {
    let signed = format!(
        "{}.{}.",
        push.header("webhook-id"),
        push.header("webhook-timestamp")
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    mac.update(&push.body);
    let signature = BASE64.encode(mac.finalize().into_bytes());
    assert_eq!(push.header("webhook-signature"), format!("v1,{signature}"));
}

#[tokio::test]
async fn events_are_pushed_signed_in_both_modes() {
    with_hub(async |rig| {
        let mut receiver = Receiver::start(Vec::new()).await;
        let made = put(&rig, &receiver, json!({})).await;
        assert!(
            made["secret"].is_null(),
            "a secret that was given is not shown"
        );
        publish(&rig, 1).await;
        let push = receiver.next().await;
        assert_eq!(push.verb, Verb::POST);
        assert_eq!(push.header("ce-id"), "1");
        assert_eq!(push.header("ce-subject"), "shop.orders");
        assert_eq!(push.header("traceparent"), "00-1-2-01");
        assert_eq!(push.header("idempotency-key"), push.header("webhook-id"));
        let data: Value = serde_json::from_slice(&push.body).unwrap();
        assert_eq!(data, json!({ "order": 1 }));
        assert_signed(&push, SECRET.as_bytes());

        put(&rig, &receiver, json!({ "mode": "structured" })).await;
        publish(&rig, 2).await;
        let push = receiver.next().await;
        assert_eq!(push.header("content-type"), "application/cloudevents+json");
        let event: Value = serde_json::from_slice(&push.body).unwrap();
        assert_eq!(event["data"]["order"], 2);
        assert_signed(&push, SECRET.as_bytes());
    })
    .await;
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept() {
    with_hub(async |rig| {
        let mut receiver = Receiver::start(Vec::new()).await;
        let settings = json!({ "filter": "shop.>", "url": receiver.url });
        let made = rig.put("/webhooks/orders", &settings).await;
        let secret = made["secret"].as_str().unwrap().to_owned();
        let again = rig.put("/webhooks/orders", &settings).await;
        assert!(again["secret"].is_null());
        assert!(!rig.get("/webhooks").await.to_string().contains(&secret));
        publish(&rig, 1).await;
        let encoded = secret.strip_prefix("whsec_").unwrap();
        assert_signed(&receiver.next().await, &BASE64.decode(encoded).unwrap());
    })
    .await;
}

#[tokio::test]
async fn what_the_receiver_cannot_take_now_is_pushed_again() {
    with_hub(async |rig| {
        let busy = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
        let mut receiver = Receiver::start(vec![busy, status(500)]).await;
        put(&rig, &receiver, json!({})).await;
        publish(&rig, 1).await;
        let first = receiver.next().await;
        for _ in 0..2 {
            let again = receiver.next().await;
            assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
            assert_eq!(again.header("ce-id"), "1");
        }
        let shown = rig.get("/webhooks/orders").await;
        assert_eq!(shown["retried"], 2, "{shown}");
        assert_eq!(
            shown["last_problem"],
            "the receiver answered 500 Internal Server Error"
        );
    })
    .await;
}

#[tokio::test]
async fn what_the_receiver_refuses_is_put_aside_at_once() {
    with_hub(async |rig| {
        let away = (StatusCode::FOUND, [("location", "/elsewhere")]).into_response();
        let mut receiver = Receiver::start(vec![status(410), away]).await;
        rig.put("/consumers/letters", &json!({ "filter": "dead.>" }))
            .await;
        put(&rig, &receiver, json!({ "concurrency": 1 })).await;
        for n in 1..=3 {
            publish(&rig, n).await;
        }
        for n in 1..=3 {
            assert_eq!(receiver.next().await.header("ce-id"), n.to_string());
        }
        for (n, reason) in [(1, "410"), (2, "redirects are not followed")] {
            let letters = rig.ask("/consumers/letters/fetch?wait=20").await;
            let letter = &letters[0]["event"];
            assert_eq!(letter["subject"], "dead.webhook-orders.shop.orders");
            assert_eq!(letter["originid"], n.to_string());
            assert_eq!(letter["data"]["order"], n);
            assert!(
                letter["reason"].as_str().unwrap().contains(reason),
                "{letter}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_receiver_is_asked_first_when_it_should_be() {
    with_hub(async |rig| {
        let silent = status(200);
        let willing = (StatusCode::OK, [("webhook-allowed-origin", "*")]).into_response();
        let mut receiver = Receiver::start(vec![silent, willing]).await;
        let settings = json!({ "filter": "shop.>", "url": receiver.url, "validate": true });
        let ask = || {
            rig.commander(Method::PUT, "/webhooks/orders")
                .json(&settings)
        };
        let detail = refused(ask(), 409, "failed_precondition").await;
        assert!(detail.contains("webhook-allowed-origin"), "{detail}");
        assert_eq!(rig.get("/webhooks").await, json!([]));
        granted(ask()).await;
        for _ in 0..2 {
            let asked = receiver.next().await;
            assert_eq!(asked.verb, Verb::OPTIONS);
            assert_eq!(asked.header("webhook-request-origin"), "portique");
        }
    })
    .await;
}

#[tokio::test]
async fn webhooks_outlive_the_hub_and_go_when_they_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::start(Vec::new()).await;
    with_hub_on(folder.path(), async |rig| {
        put(&rig, &receiver, json!({})).await;
    })
    .await;
    with_hub_on(folder.path(), async |rig| {
        publish(&rig, 1).await;
        assert_signed(&receiver.next().await, SECRET.as_bytes());
        granted(rig.commander(Method::DELETE, "/webhooks/orders")).await;
        let consumers = rig.get("/consumers").await.to_string();
        assert!(!consumers.contains("webhook-"), "{consumers}");
        refused(
            rig.commander(Method::GET, "/webhooks/orders"),
            404,
            "not_found",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    with_hub(async |rig| {
        for url in [
            "ftp://example.org/",
            "/hook",
            "http://ann:secret@example.org/",
        ] {
            let settings = json!({ "filter": "shop.>", "url": url });
            let put = rig
                .commander(Method::PUT, "/webhooks/orders")
                .json(&settings);
            refused(put, 400, "invalid_argument").await;
        }
        let settings = json!({ "filter": "shop.>", "url": "http://127.0.0.1:1/" });
        let put = rig
            .commander(Method::PUT, "/webhooks/no.dots")
            .json(&settings);
        refused(put, 400, "invalid_argument").await;
    })
    .await;
}
