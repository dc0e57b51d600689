//! Programs that reach a hub over gRPC: all of the way, on the clock of the wall.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use portique::{Config, Data, Hub};
use portique_bus::{ConsumerName, ConsumerOptions};
use portique_client::{Client, ClientOptions, Connection, Job, Worker};
use portique_event::{Event, Filter, Subject};
use portique_jobs::{JobKind, JobState, NewJob, Payload, QueueName};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::in_process::config;

/// Longer than a hub takes to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A hub that runs until it is stopped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    hub: JoinSet<()>,
}

impl Running {
    pub(crate) async fn start(config: Config) -> Self {
        let hub = Hub::open(config).await.unwrap();
        let address = hub.addresses().grpc;
        let (stop, stopped) = oneshot::channel();
        let mut running = JoinSet::new();
        running.spawn(async move {
            hub.run(async { _ = stopped.await }).await.unwrap();
        });
        Self {
            address,
            stop,
            hub: running,
        }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.send(()).unwrap();
        self.hub.join_next().await.unwrap().unwrap();
    }

    pub(crate) async fn client(&self, folder: &Path) -> Client {
        let token = std::fs::read_to_string(folder.join("service.token")).unwrap();
        let url = format!("http://{}", self.address);
        Client::connect(ClientOptions::new(url, token))
            .await
            .unwrap()
    }
}

fn event(id: usize) -> Event {
    let subject = Subject::new("plant.north").unwrap();
    let event = Event::builder(id.to_string(), "/plant", "plant.pump.started", subject);
    event
        .json(serde_json::json!({ "pump": id }))
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_publishers_share_a_stream_and_a_consumer_hears_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Running::start(config(Data::Folder(folder.path().into()))).await;
    let client = hub.client(folder.path()).await;
    let consumer = ConsumerName::new("tests").unwrap();
    let options = ConsumerOptions::new(Filter::new("plant.>").unwrap());
    client.bus().consumer(&consumer, options).await.unwrap();
    let mut publishing = JoinSet::new();
    for id in 0..256 {
        let bus = client.bus();
        publishing.spawn(async move { bus.publish(vec![event(id)]).await.unwrap() });
    }
    let published = publishing.join_all().await;
    let mut sequences: Vec<_> = published.into_iter().flatten().collect();
    sequences.sort();
    sequences.dedup();
    assert_eq!(sequences.len(), 256, "each has a place of its own");
    let mut heard = 0;
    while heard < 256 {
        let deliveries = client.bus().fetch(&consumer, 100, PATIENCE).await.unwrap();
        assert!(!deliveries.is_empty(), "heard {heard} of 256");
        heard += deliveries.len();
        let tokens: Vec<_> = deliveries.iter().map(|delivery| delivery.token).collect();
        client.bus().ack(&consumer, &tokens).await.unwrap();
    }
    assert_eq!(heard, 256);
    drop(client);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_outlives_a_restart_of_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::Folder(folder.path().into());
    let hub = Running::start(config(data.clone())).await;
    let client = hub.client(folder.path()).await;
    let queue = QueueName::new("mail").unwrap();
    let worker = Worker::builder(client.clone(), queue.clone()).concurrency(4);
    let worker = worker.handler(|job: Job| async move { Ok(Some(job.claimed().payload.clone())) });
    let (stop, stopped) = oneshot::channel::<()>();
    let mut working = JoinSet::new();
    working.spawn(worker.unwrap().run(async { _ = stopped.await }));
    check_jobs(&client, &queue).await;

    let mut connection = client.connection();
    let again = Config {
        grpc_listen: hub.address,
        ..config(data)
    };
    hub.stop().await;
    let is_waiting = |connection: &Connection| matches!(connection, Connection::Waiting { .. });
    connection.wait_for(is_waiting).await.unwrap();
    let hub = Running::start(again).await;
    check_jobs(&client, &queue).await;

    stop.send(()).unwrap();
    working.join_next().await.unwrap().unwrap().unwrap();
    drop(client);
    hub.stop().await;
}

async fn check_jobs(client: &Client, queue: &QueueName) {
    let payload = Payload::json(r#"{"to":"everybody"}"#);
    let kind = JobKind::new("send").unwrap();
    let job = NewJob::new(queue.clone(), kind, payload.clone());
    let enqueued = client.jobs().enqueue(vec![job; 20]).await.unwrap();
    for job in enqueued {
        let view = client.jobs().wait_job(job.id, PATIENCE).await.unwrap();
        assert!(matches!(view.state, JobState::Completed { .. }), "{view:?}");
        assert_eq!(view.result.as_ref(), Some(&payload));
    }
}
