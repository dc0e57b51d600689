use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use portique_broker::{Broker, Config};
use portique_client::proto::jobs::v1::jobs_client::JobsClient;
use portique_client::{Client, ClientOptions};
use portique_clock::{Clock, Seeded, SimulatedClock, Timestamp, WallClock};
use portique_journal::{Journal, SimulatedDisk, spawn};
use portique_records::{SqliteConfig, SqliteRecords};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::access::{self, Gate};
use crate::api::{Owned, OwnedQueue};
use crate::grpc::{self, Door, Ports, add_to};
use crate::token::Token;

pub(super) const COMMANDER: &str = "commander";
pub(super) const SERVICE: &str = "service";
/// More than any test has.
const CONNECTIONS_MAX: usize = 16;

/// A broker behind gRPC, and a client of it.
pub(super) struct Rig {
    disk: Arc<SimulatedDisk>,
    clock: Arc<SimulatedClock>,
    running: Option<Running>,
}

struct Running {
    broker: Broker,
    journal: Journal,
    committer: JoinHandle<()>,
    stop: CancellationToken,
    address: SocketAddr,
    server: JoinSet<()>,
    client: Client,
}

impl Rig {
    pub(super) async fn open() -> Self {
        let clock = SimulatedClock::new(Timestamp::from_millis(1_795_000_000_000));
        let mut rig = Self {
            disk: Arc::new(SimulatedDisk::new(1, 1 << 30)),
            clock: Arc::new(clock),
            running: None,
        };
        rig.start().await;
        rig
    }

    async fn start(&mut self) {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let journal_config = portique_journal::Config {
            segment_bytes: 8 * 1024 * 1024,
            reserve_bytes: 0,
            ..portique_journal::Config::default()
        };
        let opened = Journal::open(
            journal_config,
            self.disk.clone(),
            clock.clone(),
            &mut Seeded::new(7),
        );
        let opened = opened.unwrap();
        let committer = spawn(opened.committer).unwrap();
        let journal = opened.journal;
        let broker = Broker::open(Config::default(), journal.clone(), clock).await;
        let broker = broker.unwrap();
        let stop = CancellationToken::new();
        let (server, address) = open_door(&broker, stop.clone()).await;
        self.running = Some(Running {
            broker,
            journal,
            committer,
            stop,
            address,
            server,
            client: client(address, COMMANDER).await,
        });
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Shows the commander token.
    pub(super) fn client(&self) -> &Client {
        &self.running().client
    }

    /// Shows this token.
    pub(super) async fn client_with(&self, token: &str) -> Client {
        client(self.running().address, token).await
    }

    /// The contract itself, as a program in another language has it.
    pub(super) async fn raw_jobs(&self) -> RawJobs {
        let address = self.running().address;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        JobsClient::with_interceptor(channel, show_token as fn(Request<()>) -> Admitted)
    }

    pub(super) fn broker(&self) -> &Broker {
        &self.running().broker
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.broker().tick().await.unwrap();
    }

    /// Stops in order and starts again, on another port.
    pub(super) async fn restart(&mut self, down: Duration) {
        self.stop().await;
        self.clock.advance(down);
        self.start().await;
    }

    async fn stop(&mut self) {
        let Running {
            broker,
            journal,
            committer,
            stop,
            mut server,
            client,
            ..
        } = self.running.take().unwrap();
        drop(client);
        stop.cancel();
        server.shutdown().await;
        broker.close().await.unwrap();
        drop(broker);
        journal.close();
        committer.join().unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(Running {
            journal, committer, ..
        }) = self.running.take()
        {
            journal.close();
            let _ = committer.join();
        }
    }
}

type RawJobs = JobsClient<InterceptedService<Channel, fn(Request<()>) -> Admitted>>;
type Admitted = Result<Request<()>, Status>;

fn show_token(mut request: Request<()>) -> Admitted {
    let value = format!("Bearer {SERVICE}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    Ok(request)
}

async fn open_door(broker: &Broker, stop: CancellationToken) -> (JoinSet<()>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let owned = Owned {
        subjects: vec!["owned"],
        consumers: vec!["owned-"],
        queues: vec![
            OwnedQueue::closed("owned.queue"),
            OwnedQueue {
                can_claim: true,
                can_pause: true,
                name: "owned.worked",
            },
        ],
        asked: Vec::new(),
    };
    let ports = Ports {
        bus: broker.bus(),
        jobs: owned.keep_jobs(broker.jobs()),
        transact: owned.keep_transact(broker.transact(), broker.jobs()),
        intake: None,
    };
    let door = Door::new(owned, stop.clone());
    let routes = add_to(Routes::default(), ports, door, gate().await);
    let mut server = JoinSet::new();
    server.spawn(async move {
        let incoming = crate::tls::incoming(listener, None, CONNECTIONS_MAX);
        grpc::serve(incoming, routes, stop).await.unwrap();
    });
    (server, address)
}

/// Nobody but the holders of the two tokens; what is refused is written nowhere.
async fn gate() -> Gate {
    let records = SqliteRecords::open(SqliteConfig::in_memory()).unwrap();
    let parts = access::Parts {
        records: Arc::new(records),
        clock: Arc::new(WallClock::new()),
        commander: &Token::from_text(COMMANDER),
        service: &Token::from_text(SERVICE),
    };
    let (access, _) = access::open(parts).await.unwrap();
    Gate::new(access, 0, true, false).unwrap()
}

async fn client(address: SocketAddr, token: &str) -> Client {
    let options = ClientOptions::new(format!("http://{address}"), token);
    Client::connect(options).await.unwrap()
}
