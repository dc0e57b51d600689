//! Queues, schedules and bindings over HTTP, against a whole hub.

use reqwest::Method;
use serde_json::json;

use crate::api_jobs::{add, claim, token};
use crate::api_rig::{json as granted, refused, with_hub};

#[tokio::test]
async fn queues_are_defined_paused_drained_and_removed() {
    with_hub(async |rig| {
        let settings = json!({ "lease_s": 5, "concurrency": 1, "rate": { "count": 10, "per_s": 1 },
            "weights": { "acme": 3 }, "ageing_s": null });
        let queue = rig.put("/queues/mail", &settings).await;
        assert_eq!(queue["options"]["lease_s"], 5.0);
        assert_eq!(queue["options"]["weights"]["acme"], 3);
        assert!(queue["options"]["ageing_s"].is_null());
        let again = rig.put("/queues/mail", &queue["options"]).await;
        assert_eq!(
            again["options"], queue["options"],
            "what is shown can be put back"
        );

        let wrong = rig
            .service(Method::PUT, "/queues/mail")
            .json(&json!({ "losses_max": 0 }));
        refused(wrong, 400, "invalid_argument").await;
        let wrong = rig
            .service(Method::PUT, "/queues/no queue")
            .json(&json!({}));
        refused(wrong, 400, "invalid_argument").await;

        let id = add(&rig, "mail", json!(1)).await;
        assert_eq!(rig.ask("/queues/mail/pause").await["paused"], true);
        assert_eq!(rig.ask("/queues/mail/claim").await, json!([]));
        let shown = rig.get(&format!("/jobs/{id}")).await;
        assert_eq!(shown["waits"], "queue_paused");
        rig.ask("/queues/mail/resume").await;
        assert_eq!(rig.ask("/queues/mail/drain").await["draining"], true);
        let late = rig
            .service(Method::POST, "/queues/mail/jobs")
            .json(&json!(2));
        refused(late, 409, "failed_precondition").await;
        rig.ask("/queues/mail/resume").await;

        let full = rig.service(Method::DELETE, "/queues/mail");
        refused(full, 409, "failed_precondition").await;
        rig.ask(&format!("/jobs/{id}/cancel")).await;
        granted(rig.service(Method::DELETE, "/queues/mail")).await;
        let gone = rig.anonymous(Method::GET, "/queues/mail");
        refused(gone, 404, "not_found").await;
    })
    .await;
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    with_hub(async |rig| {
        rig.put("/queues/mail", &json!({ "jobs_max": 1 })).await;
        add(&rig, "mail", json!(1)).await;
        let more = rig
            .service(Method::POST, "/queues/mail/jobs")
            .json(&json!(2));
        let answer = more.send().await.unwrap();
        assert_eq!(answer.headers()["retry-after"], "1");
        crate::api_rig::problem(answer, 429, "resource_exhausted").await;
        // Whoever has a job in hand is still let in.
        let job = claim(&rig, "mail").await;
        let path = format!("/jobs/{}/complete?token={}", job["id"], token(&job));
        rig.ask(&path).await;
        add(&rig, "mail", json!(2)).await;
    })
    .await;
}

#[tokio::test]
async fn schedules_and_bindings_are_kept_as_they_were_asked_for() {
    with_hub(async |rig| {
        let schedule = json!({ "cron": "0 3 * * *", "zone": "Europe/Paris", "overlap": "skip",
            "job": { "queue": "nightly", "kind": "report", "payload": { "of": "day" } } });
        let made = rig.put("/schedules/reports", &schedule).await;
        assert_eq!(made["zone"], "Europe/Paris");
        assert_eq!(made["job"]["payload"]["value"]["of"], "day");
        assert!(made["next"].is_string(), "{made}");
        assert_eq!(rig.get("/schedules").await[0]["name"], "reports");
        assert_eq!(rig.get("/schedules/reports").await["overlap"], "skip");
        let mut wrong = schedule.clone();
        wrong["cron"] = json!("every night");
        let wrong = rig.service(Method::PUT, "/schedules/x").json(&wrong);
        refused(wrong, 400, "invalid_argument").await;
        let mut wrong = schedule.clone();
        wrong["job"]["idempotency_key"] = json!("k");
        let wrong = rig.service(Method::PUT, "/schedules/x").json(&wrong);
        refused(wrong, 400, "invalid_argument").await;
        granted(rig.service(Method::DELETE, "/schedules/reports")).await;
        refused(
            rig.service(Method::GET, "/schedules/reports"),
            404,
            "not_found",
        )
        .await;

        let binding = json!({ "filter": "shop.>", "queue": "mail", "kind": "confirm" });
        rig.put("/bindings/orders", &binding).await;
        assert_eq!(rig.get("/bindings").await[0]["filter"], "shop.>");
        rig.post("/events?subject=shop.orders", &json!({ "order": 7 }))
            .await;
        let job = claim(&rig, "mail").await;
        assert_eq!(job["kind"], "confirm");
        assert_eq!(job["payload"]["value"]["data"]["order"], 7, "{job}");
        granted(rig.service(Method::DELETE, "/bindings/orders")).await;
        refused(
            rig.service(Method::GET, "/bindings/orders"),
            404,
            "not_found",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn the_metrics_page_shows_every_queue_and_consumer() {
    with_hub(async |rig| {
        add(&rig, "mail", json!(1)).await;
        add(&rig, "mail", json!(2)).await;
        let job = claim(&rig, "mail").await;
        rig.ask(&format!(
            "/jobs/{}/complete?token={}",
            job["id"],
            token(&job)
        ))
        .await;
        rig.put("/consumers/audit", &json!({ "filter": "shop.>" }))
            .await;
        let page = rig.metrics().await;
        for line in [
            "portique_queue_jobs{queue=\"mail\",state=\"waiting\"} 1",
            "portique_queue_enqueued_total{queue=\"mail\"} 2",
            "portique_queue_completed_total{queue=\"mail\"} 1",
            "portique_queue_failures_total{queue=\"mail\"} 0",
            "portique_queue_losses_total{queue=\"mail\"} 0",
            "portique_queue_job_duration_seconds_count{queue=\"mail\"} 1",
            "portique_queue_job_duration_seconds_bucket{le=\"+Inf\",queue=\"mail\"} 1",
            "portique_consumer_dead_total{consumer=\"audit\"} 0",
        ] {
            assert!(
                page.lines().any(|found| found == line),
                "{line} is not in\n{page}"
            );
        }
        assert!(
            page.contains("portique_queue_oldest_seconds{queue=\"mail\"}"),
            "{page}"
        );
    })
    .await;
}
