use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use portique_bus::Bus;
use portique_jobs::{Jobs, Transact};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::Error;
use crate::bus::{Publishing, RemoteBus};
use crate::jobs::{Enqueuing, RemoteJobs};
use crate::pipeline::Pipeline;
use crate::proto::bus::v1::bus_client::BusClient;
use crate::proto::jobs::v1::jobs_client::JobsClient;
use crate::proto::jobs::v1::transact_client::TransactClient;
use crate::proto::telemetry::v1::telemetry_client::TelemetryClient;
use crate::telemetry::{Pushing, Telemetry};
use crate::tls::Trust;
use crate::transact::RemoteTransact;

/// How long a call waits for a hub that is not there, when nobody says: a restart takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest time to make a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that says nothing is asked this often whether it is alive.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Bytes on their way to us for one call, and for all: enough for a fast network between.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Bytes of one frame from the hub: most messages are one.
const FRAME_BYTES_MAX: u32 = 1 << 20;
/// Largest message from the hub: its lists end before.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// Where the hub is, and who asks.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The address of its gRPC, such as `http://127.0.0.1:4702`, or with `https`.
    pub url: String,
    /// The content of `service.token` or `commander.token` in its data folder.
    pub token: String,
    /// How long a call waits for a hub that is not there, before it is unavailable; 30 s by default.
    pub patience: Duration,
    /// Whom to believe to be the hub, where the address begins with `https`; whom the machine trusts by default.
    pub trust: Trust,
}

impl ClientOptions {
    /// Options for a hub, with the default patience and trust.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
            patience: PATIENCE,
            trust: Trust::default(),
        }
    }
}

/// Whether the hub is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Connection {
    /// Nothing was asked yet.
    #[default]
    Idle,
    /// The last call reached it.
    Reached,
    /// It is not reached, and tried again.
    Waiting {
        /// Why, as far as it is known.
        reason: String,
    },
}

/// A hub's ports, reached over one connection; clones share it.
///
/// Whatever does not reach the hub is tried again with backoff for as long as its patience lasts,
/// which is logged and seen in [`connection`](Self::connection). What reached it and was not answered
/// is repeated only when repeating is harmless; else it is in doubt.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    channel: Channel,
    bearer: Bearer,
    pub(crate) patience: Duration,
    pub(crate) connection: watch::Sender<Connection>,
    seed: AtomicU64,
    publishing: OnceLock<Pipeline<Publishing>>,
    enqueuing: OnceLock<Pipeline<Enqueuing>>,
    telemetry: OnceLock<Pushing>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_with_the_last: DropGuard,
}

/// A channel that shows the token.
pub(crate) type Admitted = InterceptedService<Channel, Bearer>;

impl Client {
    /// A client for a hub, which need not be there yet: the connection is made by the first call.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Trust`] and [`Error::Token`] for what cannot be right.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(options: ClientOptions) -> Result<Self, Error> {
        let endpoint = endpoint(&options.url).map_err(|source| Error::Url {
            url: options.url.clone(),
            source,
        })?;
        let bearer = format!("Bearer {}", options.token.trim());
        let bearer = Bearer(bearer.parse().map_err(|_| Error::Token)?);
        let seed = getrandom::u64().map_err(|error| Error::Random {
            reason: error.to_string(),
        })?;
        let stop = CancellationToken::new();
        let shared = Shared {
            channel: options.trust.channel(endpoint).await?,
            bearer,
            patience: options.patience,
            connection: watch::Sender::default(),
            seed: AtomicU64::new(seed),
            publishing: OnceLock::new(),
            enqueuing: OnceLock::new(),
            telemetry: OnceLock::new(),
            tasks: TaskTracker::new(),
            _stop_with_the_last: stop.clone().drop_guard(),
            stop,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The hub's bus.
    pub fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(RemoteBus::new(self.clone()))
    }

    /// The hub's job queues.
    pub fn jobs(&self) -> Arc<dyn Jobs> {
        Arc::new(RemoteJobs::new(self.clone()))
    }

    /// The hub's transactions.
    pub fn transact(&self) -> Arc<dyn Transact> {
        Arc::new(RemoteTransact::new(self.clone()))
    }

    /// The hub's telemetry, for samples of this program; all of them share one stream.
    pub fn telemetry(&self) -> Telemetry {
        let shared = &self.shared;
        let pushing = shared.telemetry.get_or_init(|| {
            let client = TelemetryClient::new(shared.admitted());
            Pushing::start(client, shared.line(), &shared.tasks)
        });
        Telemetry::new(self.clone(), pushing.clone())
    }

    /// Whether the hub is reached, and its changes.
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.shared.connection.subscribe()
    }

    pub(crate) fn bus_client(&self) -> BusClient<Admitted> {
        BusClient::new(self.shared.admitted()).max_decoding_message_size(REPLY_BYTES_MAX)
    }

    pub(crate) fn jobs_client(&self) -> JobsClient<Admitted> {
        self.shared.jobs_client()
    }

    pub(crate) fn transact_client(&self) -> TransactClient<Admitted> {
        TransactClient::new(self.shared.admitted()).max_decoding_message_size(REPLY_BYTES_MAX)
    }

    pub(crate) fn publishing(&self) -> &Pipeline<Publishing> {
        let shared = &self.shared;
        shared.publishing.get_or_init(|| {
            let client = BusClient::new(shared.admitted());
            Pipeline::start(Publishing(client), shared.line(), &shared.tasks)
        })
    }

    pub(crate) fn enqueuing(&self) -> &Pipeline<Enqueuing> {
        let shared = &self.shared;
        shared.enqueuing.get_or_init(|| {
            let client = shared.jobs_client();
            Pipeline::start(Enqueuing(client), shared.line(), &shared.tasks)
        })
    }
}

/// What a task of the client needs to wait for the hub.
pub(crate) struct Line {
    pub(crate) patience: Duration,
    pub(crate) connection: watch::Sender<Connection>,
    pub(crate) seed: u64,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    fn admitted(&self) -> Admitted {
        InterceptedService::new(self.channel.clone(), self.bearer.clone())
    }

    fn jobs_client(&self) -> JobsClient<Admitted> {
        JobsClient::new(self.admitted()).max_decoding_message_size(REPLY_BYTES_MAX)
    }

    /// Another one each time.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.fetch_add(1, Ordering::Relaxed)
    }

    fn line(&self) -> Line {
        Line {
            patience: self.patience,
            connection: self.connection.clone(),
            seed: self.seed(),
            stop: self.stop.clone(),
        }
    }
}

/// Shows the token with each call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = self.0.clone();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

fn endpoint(url: &str) -> Result<Endpoint, tonic::transport::Error> {
    Ok(Endpoint::from_shared(url.to_owned())?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_while_idle(true))
}
