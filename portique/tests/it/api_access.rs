//! Which token opens what.

use reqwest::Method;
use serde_json::json;

use crate::api_rig::{json as granted, refused, with_hub};

#[tokio::test]
async fn payloads_need_a_token_and_states_do_not() {
    with_hub(async |rig| {
        rig.post("/queues/mail/jobs", &json!({ "to": "ann" })).await;
        for path in [
            "/jobs/1",
            "/queues/mail/jobs",
            "/dead",
            "/schedules",
            "/bindings",
            "/events",
            "/events/stream",
            "/webhooks",
        ] {
            refused(rig.anonymous(Method::GET, path), 401, "unauthenticated").await;
        }
        for path in ["/queues", "/queues/mail", "/consumers"] {
            granted(rig.anonymous(Method::GET, path)).await;
        }
        for path in [
            "/queues/mail/jobs",
            "/queues/mail/claim",
            "/events",
            "/transactions",
        ] {
            let detail = refused(rig.anonymous(Method::POST, path), 401, "unauthenticated").await;
            assert!(detail.contains("service.token"), "{detail}");
            let wrong = rig
                .anonymous(Method::POST, path)
                .bearer_auth("0".repeat(64));
            refused(wrong, 401, "unauthenticated").await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_service_token_opens_queues_and_events_only() {
    with_hub(async |rig| {
        granted(rig.service(Method::GET, "/events")).await;
        granted(rig.commander(Method::GET, "/events")).await;
        for (method, path) in [
            (Method::POST, "/launch/rockets"),
            (Method::GET, "/webhooks"),
            (Method::PUT, "/webhooks/w"),
        ] {
            let detail = refused(rig.service(method, path), 403, "permission_denied").await;
            assert!(detail.contains("commander.token"), "{detail}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_a_part_of_the_hub_is_not_changed_from_outside() {
    with_hub(async |rig| {
        let event = |subject: &str| {
            json!({ "specversion": "1.0", "id": "1", "source": "/x", "type": "t", "subject": subject })
        };
        for subject in ["launch.ariane.lift_off", "launch", "dead.c.shop.orders"] {
            let publish = rig.commander(Method::POST, "/events");
            let publish = publish.header("content-type", "application/cloudevents+json");
            let publish = publish.body(event(subject).to_string());
            let detail = refused(publish, 403, "permission_denied").await;
            assert!(detail.contains(subject), "{detail}");
            let transaction = json!({ "publish": [event("shop.orders"), event(subject)] });
            let commit = rig.commander(Method::POST, "/transactions").json(&transaction);
            let detail = refused(commit, 403, "permission_denied").await;
            assert!(detail.starts_with("publish[1]: "), "{detail}");
        }
        assert_eq!(rig.get("/events?filter=shop.>").await["events"], json!([]));
        for filter in ["launch.>", ">", "*.ariane"] {
            let binding = json!({ "filter": filter, "queue": "q", "kind": "k" });
            let bind = rig.commander(Method::PUT, "/bindings/b").json(&binding);
            let detail = refused(bind, 403, "permission_denied").await;
            assert!(detail.contains(filter), "{detail}");
        }
        for name in ["webhook-w", "launch-log"] {
            let path = format!("/consumers/{name}");
            let create = rig.commander(Method::PUT, &path).json(&json!({ "filter": "a.>" }));
            refused(create, 403, "permission_denied").await;
            let remove = rig.commander(Method::DELETE, &path);
            refused(remove, 403, "permission_denied").await;
            let fetch = rig.commander(Method::POST, &format!("{path}/fetch"));
            refused(fetch, 403, "permission_denied").await;
        }
    })
    .await;
}
