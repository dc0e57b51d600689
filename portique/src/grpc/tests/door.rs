use std::time::Duration;

use portique_bus::{ConsumerName, ConsumerOptions, Error};
use portique_client::Client;
use portique_event::{Event, Filter, Subject};
use portique_jobs::{
    self as jobs, Binding, Claim, Completion, JobKind, JobOptions, NewJob, Payload, QueueName,
    QueueOptions, ScheduleName, Transaction, WorkerName,
};

use super::rig::{Rig, SERVICE};

fn event(subject: &str) -> Event {
    let subject = Subject::new(subject).unwrap();
    let event = Event::builder("1", "/tests", "tests.case", subject);
    event.build().unwrap()
}

fn binding(filter: &str) -> Binding {
    Binding {
        name: ScheduleName::new("outside").unwrap(),
        filter: Filter::new(filter).unwrap(),
        queue: QueueName::new("outside").unwrap(),
        kind: JobKind::new("outside").unwrap(),
        options: JobOptions::default(),
    }
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T, Error>, word: &str) {
    let Err(Error::InvalidOption { name, problem }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(name, "authorization");
    assert!(problem.contains(word), "{problem}");
}

#[tokio::test]
async fn nobody_enters_without_a_token() {
    let rig = Rig::open().await;
    let stranger = rig.client_with("a stranger's").await;
    check_refused(
        stranger.bus().consumers().await,
        "this token is not the hub's",
    );
    check_refused(
        stranger.bus().publish(vec![event("a")]).await,
        "this token is not the hub's",
    );
    let nobody = rig.client_with("").await;
    check_refused(nobody.bus().consumers().await, "token");
    rig.client_with(SERVICE)
        .await
        .bus()
        .consumers()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_belongs_to_the_hub_is_not_changed_from_outside() {
    let rig = Rig::open().await;
    for client in [rig.client().clone(), rig.client_with(SERVICE).await] {
        check_owned(&client).await;
    }
}

async fn check_owned(client: &Client) {
    let bus = client.bus();
    let published = bus.publish(vec![event("free.a"), event("owned.a")]).await;
    check_refused(published, "owned.>");
    let name = ConsumerName::new("owned-log").unwrap();
    let options = ConsumerOptions::new(Filter::all());
    check_refused(bus.consumer(&name, options).await, "owned-");
    check_refused(bus.remove_consumer(&name).await, "owned-");
    for filter in ["owned.>", "owned.*", "*.a", ">"] {
        let refused = client.jobs().bind(binding(filter)).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(filter), "{refused}");
    }
    client.jobs().bind(binding("free.>")).await.unwrap();
    let transaction = Transaction {
        publish: vec![event("owned.a")],
        ..Transaction::default()
    };
    let committed = client.transact().commit(transaction).await;
    let refused = committed.unwrap_err().to_string();
    assert!(refused.contains("owned.>"), "{refused}");
    bus.publish(vec![event("free.a")]).await.unwrap();
    check_owned_queue(client).await;
}

async fn check_owned_queue(client: &Client) {
    let (queues, name) = (client.jobs(), QueueName::new("owned.queue").unwrap());
    let kind = JobKind::new("outside").unwrap();
    let job = |queue: &QueueName| NewJob::new(queue.clone(), kind.clone(), Payload::json("{}"));
    let binding = Binding {
        queue: name.clone(),
        ..binding("free.>")
    };
    let claim = Claim {
        queue: name.clone(),
        worker: WorkerName::new("outside").unwrap(),
        limit: 1,
        wait: Duration::ZERO,
        lease: None,
    };
    let transaction = Transaction {
        enqueue: vec![job(&name)],
        ..Transaction::default()
    };
    let refusals = [
        queues.enqueue(vec![job(&name)]).await.err(),
        queues.claim(claim).await.err(),
        queues
            .define_queue(&name, QueueOptions::default())
            .await
            .err(),
        queues.remove_queue(&name).await.err(),
        queues.pause(&name, None).await.err(),
        queues.drain(&name).await.err(),
        queues.bind(binding).await.err(),
        client.transact().commit(transaction).await.err(),
    ];
    for refusal in refusals {
        assert!(
            matches!(&refusal, Some(jobs::Error::OwnedQueue { queue }) if *queue == name),
            "{refusal:?}"
        );
    }
    let free = QueueName::new("free.queue").unwrap();
    queues.enqueue(vec![job(&free)]).await.unwrap();
}

#[tokio::test]
async fn workers_of_the_hub_s_own_queue_claim_and_give_back_and_no_more() {
    let rig = Rig::open().await;
    let (queues, name) = (rig.client().jobs(), QueueName::new("owned.worked").unwrap());
    let kind = JobKind::new("inside").unwrap();
    let job = NewJob::new(name.clone(), kind, Payload::json("{}"));
    let inside = rig.broker().jobs();
    let id = inside.enqueue(vec![job.clone()]).await.unwrap()[0].id;
    let claim = || Claim {
        queue: name.clone(),
        worker: WorkerName::new("outside").unwrap(),
        limit: 1,
        wait: Duration::ZERO,
        lease: None,
    };
    let lease = queues.claim(claim()).await.unwrap()[0].lease;
    let done = || Completion {
        lease,
        result: None,
    };
    let transaction = Transaction {
        complete: vec![done()],
        ..Transaction::default()
    };
    let refusals = [
        queues.enqueue(vec![job]).await.err(),
        queues.complete(vec![done()]).await.err(),
        rig.client().transact().commit(transaction).await.err(),
        queues.cancel(&[id]).await.err(),
        queues.edit_dead(id, Payload::json("1")).await.err(),
        queues.drain(&name).await.err(),
        queues.remove_queue(&name).await.err(),
    ];
    for refusal in refusals {
        assert!(
            matches!(&refusal, Some(jobs::Error::OwnedQueue { queue }) if *queue == name),
            "{refusal:?}"
        );
    }
    queues.release(&[lease], Duration::ZERO).await.unwrap();
    queues.pause(&name, None).await.unwrap();
    assert!(queues.claim(claim()).await.unwrap().is_empty());
    queues.resume(&name, None).await.unwrap();
    let again = queues.claim(claim()).await.unwrap();
    assert_eq!(again[0].lease.id, id);
    inside
        .complete(vec![Completion {
            lease: again[0].lease,
            result: None,
        }])
        .await
        .unwrap();
}

#[tokio::test]
async fn the_reserve_is_for_the_commander() {
    let rig = Rig::open().await;
    let service = rig.client_with(SERVICE).await;
    check_refused(
        service.bus().publish_reserved(vec![event("a")]).await,
        "the disk's reserve",
    );
    let commander = rig.client().bus();
    commander.publish_reserved(vec![event("a")]).await.unwrap();
}
