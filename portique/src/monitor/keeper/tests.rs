use portique_jobs::{JobKind, NewJob, Payload, QueueName};
use portique_records::{Document, OnConflict};
use serde_json::json;

use super::*;
use crate::monitor::ground::Ground;

#[derive(Debug, Clone, PartialEq)]
struct Said(String);

impl KeptFact for Said {
    const NAME: &'static str = "tests";

    fn kind(&self) -> &'static str {
        "said"
    }

    fn key(&self) -> Option<String> {
        Some("k".to_owned())
    }

    fn encode(&self) -> Vec<u8> {
        json!({"said": self.0}).to_string().into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let said = value["said"].as_str().ok_or("nothing was said")?;
        Ok(Self(said.to_owned()))
    }
}

fn said(texts: &[&str]) -> Vec<Said> {
    texts.iter().map(|text| Said((*text).to_owned())).collect()
}

/// A keeper as after a restart, and what it applied.
async fn restart(ground: &Ground) -> (Keeper<Said>, Vec<Said>) {
    let (keeper, applied) = try_restart(ground).await;
    (keeper.unwrap(), applied)
}

async fn try_restart(ground: &Ground) -> (Result<Keeper<Said>, Error>, Vec<Said>) {
    let mut applied = Vec::new();
    let keeper = Keeper::open(ground.ports.clone(), |fact| applied.push(fact)).await;
    (keeper, applied)
}

async fn floor(ground: &Ground) -> Sequence {
    let consumers = ground.ports.bus.consumers().await.unwrap();
    consumers[0].ack_floor
}

fn job(payload: &str) -> NewJob {
    let payload = Payload {
        content_type: "text/plain".into(),
        body: payload.to_owned().into(),
    };
    let queue = QueueName::new("tellings").unwrap();
    NewJob::new(queue, JobKind::new("tell").unwrap(), payload)
}

#[tokio::test]
async fn a_restart_applies_what_was_kept_in_order() {
    let rig = Ground::open().await;
    let (mut keeper, applied) = restart(&rig).await;
    assert_eq!(applied, []);
    let nothing = Transaction::default;
    keeper.keep(&said(&["a", "b"]), nothing()).await.unwrap();
    keeper.keep(&said(&["c"]), nothing()).await.unwrap();
    assert_eq!(restart(&rig).await.1, said(&["a", "b", "c"]));

    keeper.checkpoint(said(&["abc"])).await.unwrap();
    keeper.keep(&said(&["d"]), nothing()).await.unwrap();
    let (mut keeper, applied) = restart(&rig).await;
    assert_eq!(applied, said(&["abc", "d"]));
    keeper.checkpoint(said(&[])).await.unwrap();
    assert_eq!(restart(&rig).await.1, []);
    rig.close().await;
}

#[tokio::test]
async fn what_belongs_to_facts_is_kept_with_them_or_not_at_all() {
    let rig = Ground::open().await;
    let (mut keeper, _) = restart(&rig).await;
    let with = |jobs| Transaction {
        enqueue: jobs,
        ..Transaction::default()
    };
    let committed = keeper
        .keep(&said(&["a"]), with(vec![job("x")]))
        .await
        .unwrap();
    assert_eq!(committed.jobs.len(), 1);
    assert_eq!(committed.sequences, []);

    let large = "x".repeat(4 << 20);
    let refused = keeper.keep(&said(&["b"]), with(vec![job(&large)])).await;
    assert!(matches!(refused, Err(Error::Bus { .. })), "{refused:?}");
    assert_eq!(restart(&rig).await.1, said(&["a"]));
    rig.close().await;
}

#[tokio::test]
async fn facts_are_events_that_visitors_can_read() {
    let rig = Ground::open().await;
    let (mut keeper, _) = restart(&rig).await;
    keeper
        .keep(&said(&["a"]), Transaction::default())
        .await
        .unwrap();
    let all = Filter::new("monitor.>").unwrap();
    let page = rig.ports.bus.read(&all, Start::First, 10).await.unwrap();
    let event = &page.events[0].event;
    assert_eq!(event.subject().as_str(), "monitor.tests.said");
    assert_eq!(event.kind(), "portique.monitor.tests.said");
    assert_eq!(event.extension("partitionkey"), Some("k"));
    assert_eq!(event.json(), Some(&json!({"said": "a"})));
    rig.close().await;
}

#[tokio::test]
async fn many_facts_and_large_ones_go_frame_by_frame() {
    let rig = Ground::open().await;
    let (mut keeper, _) = restart(&rig).await;
    let large = "l".repeat(FACT_BYTES_MAX - 100);
    let mut facts: Vec<Said> = (0..1_200).map(|n| Said(n.to_string())).collect();
    facts.extend([Said(large.clone()), Said(large)]);
    keeper.keep(&facts, Transaction::default()).await.unwrap();
    assert_eq!(restart(&rig).await.1, facts);
    assert!(keeper.is_checkpoint_due());

    keeper.checkpoint(facts.clone()).await.unwrap();
    assert!(!keeper.is_checkpoint_due());
    assert_eq!(restart(&rig).await.1, facts);

    let too_large = Said("x".repeat(FACT_BYTES_MAX));
    let facts = [Said("small".into()), too_large];
    let refused = keeper
        .keep(&facts, Transaction::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(restart(&rig).await.1.len(), 1_202);
    rig.close().await;
}

#[tokio::test]
async fn a_checkpoint_that_was_not_finished_counts_for_nothing() {
    let rig = Ground::open().await;
    let (mut keeper, _) = restart(&rig).await;
    keeper
        .keep(&said(&["a"]), Transaction::default())
        .await
        .unwrap();
    keeper.checkpoint(said(&["A"])).await.unwrap();
    let half = Document {
        id: "tests/2/0".into(),
        body: json!({"name": "tests", "generation": 2, "text": "{\"sai"}),
    };
    let records = &rig.ports.records;
    let collection = "monitor_checkpoints";
    let inserted = records.insert(collection, vec![half], OnConflict::Replace);
    inserted.await.unwrap();
    let (mut keeper, applied) = restart(&rig).await;
    assert_eq!(applied, said(&["A"]));

    keeper
        .keep(&said(&["b"]), Transaction::default())
        .await
        .unwrap();
    keeper.checkpoint(said(&["AB"])).await.unwrap();
    assert_eq!(restart(&rig).await.1, said(&["AB"]));
    let left = records.count(collection, portique_records::Query::default());
    assert_eq!(left.await.unwrap(), 2, "the head and one document");
    rig.close().await;
}

#[tokio::test]
async fn retention_gets_what_a_checkpoint_has_and_nothing_else() {
    let rig = Ground::open().await;
    let (mut keeper, _) = restart(&rig).await;
    assert_eq!(rig.ports.bus.consumers().await.unwrap(), []);
    let facts: Vec<Said> = (0..150).map(|n| Said(n.to_string())).collect();
    keeper.keep(&facts, Transaction::default()).await.unwrap();
    let held = floor(&rig).await;
    rig.clock.advance(Duration::from_mins(1));
    assert!(keeper.is_checkpoint_due());
    keeper.checkpoint(said(&["all"])).await.unwrap();
    let released = floor(&rig).await;
    assert!(released.0 >= held.0 + 150, "{held} {released}");
    // Nothing is new, and a moment later it is not asked for either.
    assert!(!keeper.is_checkpoint_due());
    keeper.checkpoint(said(&["all"])).await.unwrap();
    assert_eq!(floor(&rig).await, released);
    rig.close().await;
}

#[tokio::test]
async fn a_fact_that_cannot_be_read_is_named() {
    let rig = Ground::open().await;
    let subject = Subject::new("monitor.tests.said").unwrap();
    let event = Event::builder("e-1", "/monitor", "t", subject);
    let event = event.json(json!({"unsaid": true})).build().unwrap();
    rig.ports.bus.publish(vec![event]).await.unwrap();
    let error = try_restart(&rig).await.0.err().unwrap();
    assert_eq!(error.code(), Code::DataLoss);
    assert_eq!(
        error.to_string(),
        "what was decided about tests cannot be read: event e-1: nothing was said"
    );
    rig.close().await;
}
