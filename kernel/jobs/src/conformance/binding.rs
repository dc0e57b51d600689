use portique_event::{Event, Filter, Subject};

use super::support::{
    check_idle, claim, complete, define, kind, label, options, queue, schedule_name,
};
use super::{Capabilities, Harness, cases};
use crate::{Binding, Error, JobOptions};

cases! {
    events_become_jobs: |claims| claims.bindings,
    bindings_outlive_a_restart: |claims| claims.bindings && claims.durable,
}

pub(super) fn event(id: &str, subject: &str) -> Event {
    let subject = Subject::new(subject).expect("the suite writes subjects");
    Event::builder(id, "/conformance", "conformance.case", subject)
        .json(serde_json::json!({ "id": id }))
        .extension("partitionkey", "customer-7")
        .extension(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .build()
        .expect("the suite keeps the limits of events")
}

pub(super) fn binding(filter: &str) -> Binding {
    Binding {
        name: schedule_name("orders"),
        filter: Filter::new(filter).expect("the suite writes filters"),
        queue: queue(),
        kind: kind("bill"),
        options: JobOptions::default(),
    }
}

async fn events_become_jobs(harness: &mut dyn Harness, _: Capabilities) {
    let (jobs, bus) = (harness.jobs(), harness.bus());
    let bus = bus.expect("a harness that claims bindings has a bus");
    define(&*jobs, options()).await;
    jobs.bind(binding("orders.*")).await.expect("it is bound");
    assert_eq!(
        jobs.bindings().await.expect("listing works"),
        [binding("orders.*")]
    );
    let batch = vec![
        event("1", "orders.new"),
        event("2", "visits.new"),
        event("3", "orders.paid"),
    ];
    bus.publish(batch).await.expect("the batch is published");
    let claimed = claim(&*jobs, "w", 2).await;
    check_idle(&*jobs).await;
    for (claimed, id) in claimed.iter().zip(["1", "3"]) {
        assert_eq!(claimed.kind, kind("bill"));
        assert_eq!(claimed.payload.content_type, "application/cloudevents+json");
        let body: serde_json::Value =
            serde_json::from_slice(&claimed.payload.body).expect("it is JSON");
        assert_eq!((&body["id"], &body["data"]["id"]), (&id.into(), &id.into()));
        assert_eq!(claimed.key, Some(label("customer-7")));
        assert!(
            claimed.headers.contains_key("traceparent"),
            "{:?}",
            claimed.headers
        );
    }
    complete(&*jobs, &claimed).await;

    jobs.unbind(&schedule_name("orders"))
        .await
        .expect("it is there");
    bus.publish(vec![event("4", "orders.new")])
        .await
        .expect("it is published");
    check_idle(&*jobs).await;
    assert_eq!(jobs.bindings().await.expect("listing works"), []);
    let refused = jobs.unbind(&schedule_name("orders")).await;
    assert!(
        matches!(
            refused,
            Err(Error::UnknownName {
                what: "binding",
                ..
            })
        ),
        "{refused:?}"
    );
}

async fn bindings_outlive_a_restart(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    jobs.bind(binding("orders.*")).await.expect("it is bound");
    drop(jobs);
    harness.reopen(std::time::Duration::ZERO).await;
    let (jobs, bus) = (harness.jobs(), harness.bus());
    let bus = bus.expect("a harness that claims bindings has a bus");
    assert_eq!(
        jobs.bindings().await.expect("listing works"),
        [binding("orders.*")]
    );
    bus.publish(vec![event("1", "orders.new")])
        .await
        .expect("it is published");
    claim(&*jobs, "w", 1).await;
}
