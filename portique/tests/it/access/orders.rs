use std::time::Duration;

use portique_client::proto::jobs::v1 as pb;
use portique_client::proto::jobs::v1::jobs_client::JobsClient;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::Request;
use tonic::transport::Endpoint;

use super::{Place, answer, with_closed_hub};

/// How often what is written afterwards is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Place {
    /// The audit records of an action, once there is one: orders are written after they are answered.
    async fn records_of(&self, action: &str) -> Vec<Value> {
        let path = "/api/v1/access/audit?limit=1000";
        for _ in 0..3_000 {
            let records = self.commander(Method::GET, path, Value::Null).await;
            let mut records = records.as_array().unwrap().clone();
            records.retain(|record| record["action"] == action);
            if !records.is_empty() {
                return records;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("no record of {action}");
    }
}

#[tokio::test]
async fn what_people_order_is_in_the_audit_journal_and_the_flow_of_data_is_not() {
    with_closed_hub(async |place| {
        let alice = place.user("alice", &["operator"]).await;
        let ask = |method: Method, path: &str| alice.with(place.ask(method, path));
        let job = json!({ "kind": "letter", "payload": {} });
        let enqueue = ask(Method::POST, "/api/v1/queues/mail/jobs");
        answer(enqueue.json(&job), None).await;
        let missing = ask(Method::POST, "/api/v1/queues/Nothing!/drain");
        let missing = missing.send().await.unwrap().status();
        assert!(missing.is_client_error(), "{missing}");
        let pause = ask(Method::POST, "/api/v1/queues/mail/pause");
        answer(pause, None).await;
        let paused = place.records_of("POST /api/v1/queues/{queue}/pause").await;
        assert_eq!(paused.len(), 1, "{paused:?}");
        assert_eq!(paused[0]["who"], "user:alice");
        assert_eq!(paused[0]["target"], "/api/v1/queues/mail/pause");
        assert_eq!(paused[0]["outcome"], "done");

        let channel = Endpoint::from_shared(place.grpc.clone()).unwrap();
        let mut client = JobsClient::new(channel.connect().await.unwrap());
        let mut resume = Request::new(pb::GroupRequest {
            queue: "mail".into(),
            group: None,
        });
        let token = format!("Bearer {}", place.commander).parse().unwrap();
        resume.metadata_mut().insert("authorization", token);
        client.resume(resume).await.unwrap();
        let resumed = place.records_of("gRPC /portique.jobs.v1.Jobs/Resume").await;
        assert_eq!(resumed[0]["target"], "mail");
        assert_eq!(resumed[0]["who"], "token:commander");

        let path = "/api/v1/access/audit?limit=1000";
        let all = place.commander(Method::GET, path, Value::Null).await;
        let text = all.to_string();
        // The order that was given before these two was refused, and the job was no order.
        assert!(
            !text.contains("/drain") && !text.contains("mail/jobs"),
            "{text}"
        );
        let path = "/api/v1/access/audit/verify";
        let verdict = place.commander(Method::GET, path, Value::Null).await;
        assert_eq!(verdict["holds"], true, "{verdict}");
    })
    .await;
}

/// The gate lets them publish; the part of the hub that owns the subject does not.
#[tokio::test]
async fn what_a_part_of_the_hub_denies_is_in_the_audit_journal_too() {
    with_closed_hub(async |place| {
        let alice = place.user("alice", &["operator"]).await;
        let event = json!({
            "specversion": "1.0", "id": "1", "source": "test", "type": "t", "subject": "launch.demo.forged",
            "data": {},
        });
        let publish = alice.with(place.ask(Method::POST, "/api/v1/events"));
        let publish = publish.header("content-type", "application/cloudevents+json");
        let refused = publish.body(event.to_string()).send().await.unwrap();
        assert_eq!(refused.status(), 403, "{:?}", refused.text().await);
        let records = place.records_of("POST /api/v1/events").await;
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!(records[0]["who"], "user:alice");
        assert_eq!(records[0]["outcome"], "refused");
        let reason = records[0]["reason"].as_str().unwrap();
        assert!(reason.contains("launch.> belongs to a part of the hub"), "{reason}");

        let channel = Endpoint::from_shared(place.grpc.clone()).unwrap();
        let mut client = JobsClient::new(channel.connect().await.unwrap());
        let mut resume = Request::new(pb::GroupRequest {
            queue: "monitor.notifications".into(),
            group: None,
        });
        let token = format!("Bearer {}", place.commander).parse().unwrap();
        resume.metadata_mut().insert("authorization", token);
        let refused = client.resume(resume).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{refused}");
        let records = place.records_of("gRPC /portique.jobs.v1.Jobs/Resume").await;
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!(records[0]["outcome"], "refused", "{records:?}");
    })
    .await;
}
