//! Jobs over HTTP, against a whole hub.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api_rig::{Rig, json as granted, refused, with_hub, with_hub_on};

/// Longest wait of a test for something that happens at once.
const SOON_S: &str = "20";

pub(super) async fn add(rig: &Rig, queue: &str, body: Value) -> u64 {
    let path = format!("/queues/{queue}/jobs");
    rig.post(&path, &body).await["id"].as_u64().unwrap()
}

/// The only job of a claim.
pub(super) async fn claim(rig: &Rig, queue: &str) -> Value {
    let path = format!("/queues/{queue}/claim?wait={SOON_S}&worker=tests");
    let mut jobs = rig.ask(&path).await;
    assert_eq!(jobs.as_array().unwrap().len(), 1, "{jobs}");
    jobs[0].take()
}

pub(super) fn token(job: &Value) -> &str {
    job["token"].as_str().unwrap()
}

#[tokio::test]
async fn a_job_goes_from_hand_to_hand_with_its_payload_and_trace() {
    with_hub(async |rig| {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let added = rig
            .service(
                Method::POST,
                "/queues/mail/jobs?kind=send&priority=3&group=acme",
            )
            .header("content-type", "application/json")
            .header("traceparent", trace)
            .body(r#"{"to":"ann",  "size":1.50}"#)
            .send()
            .await
            .unwrap();
        assert_eq!(added.status(), 201);
        let added: Value = added.json().await.unwrap();
        assert_eq!(added["new"], true);

        let job = claim(&rig, "mail").await;
        assert_eq!(job["id"], added["id"]);
        assert_eq!(job["kind"], "send");
        assert_eq!(job["group"], "acme");
        assert_eq!(job["attempt"], 1);
        assert_eq!(job["headers"]["traceparent"], trace);
        assert_eq!(job["payload"]["value"], json!({ "to": "ann", "size": 1.5 }));

        let id = &job["id"];
        let path = format!("/jobs/{id}/progress?token={}", token(&job));
        granted(
            rig.service(Method::POST, &path)
                .json(&json!({ "share": 0.5 })),
        )
        .await;
        let shown = rig.get(&format!("/jobs/{id}")).await;
        assert_eq!(shown["state"], "active");
        assert_eq!(shown["active"]["worker"], "tests");
        assert_eq!(shown["progress"]["share"], 0.5);

        let path = format!("/jobs/{id}/complete?token={}", token(&job));
        for _ in 0..2 {
            let done = rig
                .service(Method::POST, &path)
                .header("content-type", "text/plain")
                .body("sent")
                .send()
                .await
                .unwrap();
            let done: Value = done.json().await.unwrap();
            assert_eq!(done["outcome"], "done", "also when it is repeated");
        }
        let shown = rig.get(&format!("/jobs/{id}?wait={SOON_S}")).await;
        assert_eq!(shown["state"], "completed");
        assert_eq!(shown["result"]["value"], "sent");
    })
    .await;
}

#[tokio::test]
async fn payloads_of_every_kind_come_back_as_they_were() {
    with_hub(async |rig| {
        let bytes: &[u8] = &[0x89, 0x50, 0x4e];
        let add = rig.service(Method::POST, "/queues/files/jobs");
        granted(add.header("content-type", "image/png").body(bytes)).await;
        let job = claim(&rig, "files").await;
        assert_eq!(
            job["payload"],
            json!({ "content_type": "image/png", "base64": "iVBO" })
        );

        let wrong = rig
            .service(Method::POST, "/queues/files/jobs")
            .header("content-type", "application/json")
            .body("{'to':1}");
        let detail = refused(wrong, 400, "invalid_argument").await;
        assert!(detail.contains("not JSON"), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all_and_names_the_line() {
    with_hub(async |rig| {
        let send = |body: &'static str, kind: &'static str| {
            let request = rig.service(Method::POST, "/queues/mail/jobs/batch");
            request.header("content-type", kind).body(body)
        };
        let lines = "{\"payload\":1}\n\n{\"payload\":2,\"priority\":\"high\"}\n{\"payload\":3,\"colour\":1}\n";
        let detail = refused(send(lines, "application/x-ndjson"), 400, "invalid_argument").await;
        assert!(detail.starts_with("line 3: "), "{detail}");
        assert!(detail.contains("; line 4: ") && detail.contains("colour"), "{detail}");
        refused(rig.anonymous(Method::GET, "/queues/mail"), 404, "not_found").await;

        let lines = "{\"payload\":1,\"kind\":\"a\"}\n{\"payload_base64\":\"AA==\"}\n";
        let added = granted(send(lines, "application/x-ndjson")).await;
        assert_eq!(added.as_array().unwrap().len(), 2);
        let array = r#"[{"payload":{"n":3}},{"payload":"text","content_type":"text/plain"}]"#;
        granted(send(array, "application/json")).await;
        let queue = granted(rig.anonymous(Method::GET, "/queues/mail")).await;
        assert_eq!(queue["counts"]["waiting"], 4);

        let detail = refused(send("[{}]", "application/json"), 400, "invalid_argument").await;
        assert!(detail.starts_with("entry 0: payload is missing"), "{detail}");
        refused(send("1", "text/csv"), 400, "invalid_argument").await;
    })
    .await;
}

#[tokio::test]
async fn a_key_makes_one_job_of_two_requests() {
    with_hub(async |rig| {
        let add = |key: &'static str, body: &'static str| {
            let request = rig.service(Method::POST, "/queues/mail/jobs");
            let request = request.header("idempotency-key", key);
            request
                .header("content-type", "application/json")
                .body(body)
        };
        let first = granted(add("k1", "1")).await;
        let again = add("k1", "1").send().await.unwrap();
        assert_eq!(again.status(), 200);
        let again: Value = again.json().await.unwrap();
        assert_eq!(again, json!({ "id": first["id"], "new": false }));
        let detail = refused(add("k1", "2"), 409, "conflict").await;
        assert!(detail.contains("k1"), "{detail}");

        let batch = json!([{ "payload": 1 }, { "payload": 2, "idempotency_key": "k1" }]);
        let request = rig
            .service(Method::POST, "/queues/mail/jobs/batch")
            .json(&batch);
        let detail = refused(request, 409, "conflict").await;
        assert!(detail.starts_with("entry 1: "), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn outcomes_of_a_batch_are_told_one_by_one() {
    with_hub(async |rig| {
        for n in 0..4 {
            add(&rig, "mail", json!(n)).await;
        }
        let jobs = rig.ask("/queues/mail/claim?limit=4").await;
        let lease = |n: usize| json!({ "id": jobs[n]["id"], "token": jobs[n]["token"] });
        let extended = rig.post("/jobs/extend", &json!([lease(0), lease(3)])).await;
        assert_eq!(extended[1]["outcome"], "held");
        let mut done = lease(0);
        done["result"] = json!({ "n": 0 });
        let stale = json!({ "id": jobs[1]["id"], "token": "1" });
        let settled = rig.post("/jobs/complete", &json!([done, stale])).await;
        assert_eq!(settled[0]["outcome"], "done");
        assert_eq!(settled[1]["outcome"], "stale");
        let mut failing = lease(1);
        failing["reason"] = json!("no such address");
        failing["reject"] = json!(true);
        let mut later = lease(2);
        later["retry_after_s"] = json!(60);
        let settled = rig.post("/jobs/fail", &json!([failing, later])).await;
        assert_eq!(settled[0]["outcome"], "dead");
        assert_eq!(settled[1]["outcome"], "retrying");
        let released = rig.post("/jobs/release", &json!([lease(3)])).await;
        assert_eq!(released[0]["outcome"], "done");
        let queue = rig.get("/queues/mail").await;
        let expected = [
            ("waiting", 1),
            ("failed", 1),
            ("dead", 1),
            ("active", 0),
            ("finished", 1),
        ];
        for (state, count) in expected {
            assert_eq!(queue["counts"][state], count, "{state}: {queue}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_is_too_late_is_refused() {
    with_hub(async |rig| {
        let id = add(&rig, "mail", json!(1)).await;
        let first = claim(&rig, "mail").await;
        let first = token(&first);
        let settled = rig.ask(&format!("/jobs/{id}/release?token={first}")).await;
        assert_eq!(settled["outcome"], "done");
        let second = claim(&rig, "mail").await;
        assert_ne!(token(&second), first);
        for verb in ["complete", "fail", "release", "extend"] {
            let late = rig.service(Method::POST, &format!("/jobs/{id}/{verb}?token={first}"));
            let detail = refused(late, 409, "failed_precondition").await;
            assert!(detail.contains("no longer held"), "{verb}: {detail}");
        }
        let settled = rig.ask(&format!("/jobs/{id}/cancel")).await;
        assert_eq!(settled["outcome"], "done");
        let extend = format!("/jobs/{id}/extend?token={}", token(&second));
        let detail = refused(
            rig.service(Method::POST, &extend),
            409,
            "failed_precondition",
        )
        .await;
        assert!(
            detail.contains("cancelled") || detail.contains("no longer held"),
            "{detail}"
        );
        refused(
            rig.service(Method::GET, "/jobs/999999999"),
            404,
            "not_found",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn dead_jobs_are_read_edited_retried_and_dropped() {
    with_hub(async |rig| {
        for n in 0..3 {
            add(&rig, "mail", json!(n)).await;
        }
        let jobs = rig.ask("/queues/mail/claim?limit=3").await;
        for job in jobs.as_array().unwrap() {
            let fail = format!("/jobs/{}/fail?token={}&reject=true", job["id"], token(job));
            granted(rig.service(Method::POST, &fail).body("no such address")).await;
        }
        let page = rig.get("/dead?queue=mail&limit=2").await;
        assert_eq!(page["jobs"].as_array().unwrap().len(), 2);
        assert_eq!(page["jobs"][0]["reason"], "no such address");
        assert_eq!(page["jobs"][1]["payload"]["value"], 1);
        let rest = rig.get(&format!("/dead?after={}", page["next"])).await;
        assert_eq!(rest["jobs"].as_array().unwrap().len(), 1);
        assert!(rest["next"].is_null());

        let [first, second, third] = [0, 1, 2].map(|n| jobs[n]["id"].clone());
        let edit = rig
            .service(Method::PUT, &format!("/dead/{first}"))
            .json(&json!("mended"));
        granted(edit).await;
        granted(rig.service(Method::DELETE, &format!("/dead/{second}"))).await;
        let retried = rig
            .post("/dead/retry", &json!({ "ids": [first, second] }))
            .await;
        assert_eq!(retried["retried"], 1);
        assert_eq!(retried["outcomes"][1]["outcome"], "unknown");
        let job = claim(&rig, "mail").await;
        assert_eq!(job["id"], first);
        assert_eq!(job["payload"]["value"], "mended");
        let retried = rig.post("/dead/retry", &json!({ "queue": "mail" })).await;
        assert_eq!(retried["outcomes"][0]["id"], third);
        let wrong = rig.service(Method::POST, "/dead/retry").json(&json!({}));
        refused(wrong, 400, "invalid_argument").await;
    })
    .await;
}

#[tokio::test]
async fn bodies_over_their_limits_are_refused_with_the_limit() {
    with_hub(async |rig| {
        let send = |path: &str, bytes: usize, kind: &str| {
            let request = rig.service(Method::POST, path).header("content-type", kind);
            request.body("x".repeat(bytes))
        };
        let detail = refused(
            send("/queues/q/jobs", 1_000_000, "text/plain"),
            413,
            "invalid_argument",
        )
        .await;
        assert!(
            detail.contains("917504"),
            "the payload's own limit: {detail}"
        );
        let detail = refused(
            send("/queues/q/jobs", 2_000_000, "text/plain"),
            413,
            "resource_exhausted",
        )
        .await;
        assert!(detail.contains("1048576"), "{detail}");
        let batch = send("/queues/q/jobs/batch", 9 << 20, "application/x-ndjson");
        let detail = refused(batch, 413, "resource_exhausted").await;
        assert!(detail.contains("8388608"), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn a_transaction_is_made_whole_or_not_at_all() {
    with_hub(async |rig| {
        let id = add(&rig, "orders", json!(1)).await;
        let job = claim(&rig, "orders").await;
        let event = json!({ "specversion": "1.0", "id": "1", "source": "/shop",
            "type": "order.packed", "subject": "shop.orders" });
        let mut transaction = json!({
            "publish": [event],
            "enqueue": [{ "queue": "mail", "payload": { "order": 1 } }],
            "complete": [{ "id": id, "token": "1" }],
        });
        let stale = rig
            .service(Method::POST, "/transactions")
            .json(&transaction);
        refused(stale, 409, "failed_precondition").await;
        refused(rig.anonymous(Method::GET, "/queues/mail"), 404, "not_found").await;
        assert_eq!(rig.get("/events?filter=shop.>").await["events"], json!([]));

        transaction["complete"][0]["token"] = job["token"].clone();
        let commit = || {
            let request = rig.service(Method::POST, "/transactions");
            request.header("idempotency-key", "t1").json(&transaction)
        };
        let first = granted(commit()).await;
        assert_eq!(first["sequences"].as_array().unwrap().len(), 1);
        assert_eq!(granted(commit()).await, first, "made once, answered again");
        assert_eq!(rig.get(&format!("/jobs/{id}")).await["state"], "completed");
        assert_eq!(rig.get("/queues/mail").await["counts"]["waiting"], 1);

        let wrong = json!({ "enqueue": [{ "queue": "q", "payload": 1 }, { "payload": 1 }] });
        let wrong = rig.service(Method::POST, "/transactions").json(&wrong);
        let detail = refused(wrong, 400, "invalid_argument").await;
        assert!(detail.starts_with("enqueue[1]: "), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn jobs_outlive_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    with_hub_on(folder.path(), async |rig| {
        add(&rig, "mail", json!({ "to": "ann" })).await;
    })
    .await;
    with_hub_on(folder.path(), async |rig| {
        let job = claim(&rig, "mail").await;
        assert_eq!(job["payload"]["value"]["to"], "ann");
    })
    .await;
}
