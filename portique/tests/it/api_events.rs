//! Events and consumers over HTTP, against a whole hub.

use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api_rig::{Rig, json as granted, refused, with_hub};

fn event(id: &str, subject: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/shop", "type": "order.created",
        "subject": subject, "data": { "order": id } })
}

fn publish(rig: &Rig, kind: &str, body: String) -> reqwest::RequestBuilder {
    let request = rig.service(Method::POST, "/events");
    request.header("content-type", kind).body(body)
}

async fn events(rig: &Rig, query: &str) -> Vec<Value> {
    let mut page = rig.get(&format!("/events?{query}")).await;
    match page["events"].take() {
        Value::Array(events) => events,
        other => panic!("no events: {other}"),
    }
}

#[tokio::test]
async fn every_mode_of_cloudevents_is_taken() {
    with_hub(async |rig| {
        let one = event("1", "shop.a").to_string();
        granted(publish(
            &rig,
            "application/cloudevents+json; charset=utf-8",
            one,
        ))
        .await;
        let batch = json!([event("2", "shop.b"), event("3", "shop.c")]).to_string();
        let published = granted(publish(&rig, "application/cloudevents-batch+json", batch)).await;
        assert_eq!(published["sequences"].as_array().unwrap().len(), 2);
        let lines = format!("{}\n{}\n", event("4", "shop.d"), event("5", "shop.e"));
        granted(publish(&rig, "application/x-ndjson", lines)).await;
        let binary = publish(&rig, "text/plain", "hello".into())
            .header("ce-specversion", "1.0")
            .header("ce-id", "6")
            .header("ce-source", "/shop")
            .header("ce-type", "note")
            .header("ce-subject", "shop.f")
            .header("ce-partitionkey", "caf%C3%A9")
            .header("traceparent", "00-1-2-01");
        granted(binary).await;
        rig.post("/events?subject=shop.g&type=note", &json!({ "n": 7 }))
            .await;

        let read = events(&rig, "filter=shop.>").await;
        let ids: Vec<&str> = read
            .iter()
            .map(|e| e["event"]["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids[..6], ["1", "2", "3", "4", "5", "6"]);
        let binary = &read[5]["event"];
        assert_eq!(binary["data"], "hello");
        assert_eq!(binary["datacontenttype"], "text/plain");
        assert_eq!(binary["partitionkey"], "café");
        assert_eq!(binary["traceparent"], "00-1-2-01");
        assert_eq!(read[6]["event"]["data"]["n"], 7);
    })
    .await;
}

#[tokio::test]
async fn a_batch_with_a_wrong_event_publishes_nothing() {
    with_hub(async |rig| {
        let lines = format!("{}\n{{\"id\":\"2\"}}\n", event("1", "shop.a"));
        let detail = refused(
            publish(&rig, "application/x-ndjson", lines),
            400,
            "invalid_argument",
        )
        .await;
        assert!(detail.starts_with("line 2: "), "{detail}");
        let batch = json!([event("1", "shop.a"), event("2", "no subject")]).to_string();
        let batch = publish(&rig, "application/cloudevents-batch+json", batch);
        let detail = refused(batch, 400, "invalid_argument").await;
        assert!(detail.starts_with("entry 1: "), "{detail}");
        assert!(events(&rig, "filter=shop.>").await.is_empty());

        let neither = publish(&rig, "application/json", "{}".into());
        let detail = refused(neither, 400, "invalid_argument").await;
        assert!(detail.contains("application/cloudevents+json"), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn a_key_publishes_once() {
    with_hub(async |rig| {
        let send = |id: &str| {
            let body = event(id, "shop.a").to_string();
            publish(&rig, "application/cloudevents+json", body).header("idempotency-key", "e1")
        };
        let first = granted(send("1")).await;
        assert_eq!(granted(send("1")).await, first);
        refused(send("2"), 409, "conflict").await;
        assert_eq!(events(&rig, "filter=shop.>").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap() {
    with_hub(async |rig| {
        for n in 0..5 {
            rig.post(&format!("/events?subject=shop.n{n}"), &json!(n))
                .await;
        }
        let mut seen = Vec::new();
        let mut from = "first".to_owned();
        loop {
            let page = rig
                .get(&format!("/events?filter=shop.*&limit=2&from={from}"))
                .await;
            let events = page["events"].as_array().unwrap();
            if events.is_empty() {
                break;
            }
            seen.extend(events.iter().map(|e| e["event"]["data"].as_u64().unwrap()));
            from = page["next"].to_string();
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        let time = rig.get("/events?filter=shop.*&limit=1").await["events"][0]["accepted"].clone();
        let path = format!("filter=shop.*&from={}", time.as_str().unwrap());
        assert_eq!(events(&rig, &path).await.len(), 5);
        refused(
            rig.service(Method::GET, "/events?limit=0"),
            400,
            "invalid_argument",
        )
        .await;
        refused(
            rig.service(Method::GET, "/events?from=last"),
            400,
            "invalid_argument",
        )
        .await;
        refused(
            rig.service(Method::GET, "/events?filter=a..b"),
            400,
            "invalid_argument",
        )
        .await;
    })
    .await;
}

/// The next so many messages of a stream: their ids and data.
async fn messages(answer: Response, count: usize) -> Vec<(u64, Value)> {
    let mut bytes = answer.bytes_stream();
    let mut text = String::new();
    let mut found = Vec::new();
    while found.len() < count {
        let chunk = bytes.next().await.expect("the stream goes on").unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((message, rest)) = text.split_once("\n\n") {
            let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                found.push((id.parse().unwrap(), serde_json::from_str(data).unwrap()));
            }
            text = rest.to_owned();
        }
    }
    found
}

#[tokio::test]
async fn a_listener_that_comes_back_misses_nothing() {
    with_hub(async |rig| {
        let listen = |last: Option<u64>| {
            let mut request = rig.service(Method::GET, "/events/stream?filter=shop.>");
            if let Some(last) = last {
                request = request.header("last-event-id", last);
            }
            request.send()
        };
        let first = listen(None).await.unwrap();
        assert_eq!(first.headers()["content-type"], "text/event-stream");
        rig.post("/events?subject=other.a", &json!(0)).await;
        rig.post("/events?subject=shop.a", &json!(1)).await;
        let heard = messages(first, 1).await;
        assert_eq!(heard[0].1["event"]["data"], 1);
        assert_eq!(heard[0].1["sequence"], heard[0].0);
        rig.post("/events?subject=shop.a", &json!(2)).await;
        rig.post("/events?subject=shop.a", &json!(3)).await;
        let heard = messages(listen(Some(heard[0].0)).await.unwrap(), 2).await;
        assert_eq!(heard[0].1["event"]["data"], 2);
        assert_eq!(heard[1].1["event"]["data"], 3);
        let wrong = rig
            .service(Method::GET, "/events/stream")
            .header("last-event-id", "x");
        refused(wrong, 400, "invalid_argument").await;
    })
    .await;
}

#[tokio::test]
async fn a_consumer_settles_what_it_fetches() {
    with_hub(async |rig| {
        let settings = json!({ "filter": "shop.>", "ack_wait_s": 60, "kind": "keyed" });
        let made = rig.put("/consumers/audit", &settings).await;
        assert_eq!(made["kind"], "keyed");
        assert_eq!(made["max_deliver"], 5);
        rig.put("/consumers/audit", &settings).await;
        let other = json!({ "filter": "other.>" });
        let other = rig.service(Method::PUT, "/consumers/audit").json(&other);
        refused(other, 409, "conflict").await;
        let wrong = json!({ "filter": "a.>", "max_deliver": 0 });
        let wrong = rig.service(Method::PUT, "/consumers/x").json(&wrong);
        refused(wrong, 400, "invalid_argument").await;

        for n in 0..3 {
            rig.post("/events?subject=shop.a", &json!(n)).await;
        }
        let fetched = rig.ask("/consumers/audit/fetch?limit=2&wait=20").await;
        assert_eq!(fetched[0]["attempt"], 1);
        assert_eq!(fetched[1]["event"]["data"], 1);
        let tokens = json!({ "tokens": [fetched[0]["token"]] });
        rig.post("/consumers/audit/extend", &tokens).await;
        rig.post("/consumers/audit/ack", &tokens).await;
        let again = rig
            .service(Method::POST, "/consumers/audit/ack")
            .json(&tokens);
        refused(again, 409, "failed_precondition").await;
        let nak = json!({ "token": fetched[1]["token"] });
        rig.post("/consumers/audit/nak", &nak).await;
        let repeated = rig.ask("/consumers/audit/fetch?limit=10&wait=20").await;
        let repeated = repeated.as_array().unwrap();
        let second = repeated.iter().find(|d| d["attempt"] == 2);
        assert_eq!(second.unwrap()["event"]["data"], 1);

        rig.post("/consumers/audit/seek", &json!({ "to": "first" }))
            .await;
        let all = rig.ask("/consumers/audit/fetch?limit=10&wait=20").await;
        assert_eq!(all.as_array().unwrap().len(), 3);
        granted(rig.service(Method::DELETE, "/consumers/audit")).await;
        refused(
            rig.anonymous(Method::GET, "/consumers/audit"),
            404,
            "not_found",
        )
        .await;
        let gone = rig.service(Method::POST, "/consumers/audit/fetch");
        refused(gone, 404, "not_found").await;
    })
    .await;
}

#[tokio::test]
async fn the_oldest_segment_says_why_it_is_kept() {
    with_hub(async |rig| {
        refused(
            rig.anonymous(Method::GET, "/retention"),
            401,
            "unauthenticated",
        )
        .await;
        let retention = rig.get("/retention").await;
        assert_eq!(retention["kept_by"], "writing");
        assert_eq!(retention["needs"], json!(null));
        assert!(retention["first"].as_u64().unwrap() >= 1, "{retention}");
        assert!(retention["bytes"].as_u64().unwrap() > 0, "{retention}");
    })
    .await;
}

#[tokio::test]
async fn compactions_are_made_and_ended() {
    with_hub(async |rig| {
        let made = rig
            .put("/compactions/prices", &json!({ "filter": "price.>" }))
            .await;
        assert_eq!(made["filter"], "price.>");
        assert_eq!(rig.get("/compactions").await[0]["name"], "prices");
        let other = rig
            .service(Method::PUT, "/compactions/prices")
            .json(&json!({ "filter": "a" }));
        refused(other, 409, "conflict").await;
        granted(rig.service(Method::DELETE, "/compactions/prices")).await;
        refused(
            rig.service(Method::GET, "/compactions/prices"),
            404,
            "not_found",
        )
        .await;
    })
    .await;
}
