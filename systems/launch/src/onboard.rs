//! The on-board computer of one module.
//!
//! A computer serves the vehicle link (`proto/vehicle.proto`) and attaches itself to the ground,
//! again and again, so that neither has to start first. Inside, two tasks work side by side: *control* flies
//! (orders and sensors in, actuators and answers out), *telemetry* reads the same sensors by itself and
//! tells the ground. They share a cell with the latest state and nothing else; either may crash, which
//! the other survives and reports, and is started again after a moment.
//!
//! A command's answer is kept in a ledger, so that the same id is executed at most once over
//! reconnections and restarts. In a simulated world control law and ledger are kept by the world,
//! as a real computer would keep them in memory that survives a reset.
//!
//! Without a world, as when somebody attaches a camera by hand, the module sends its heartbeat and refuses
//! what it cannot do.
//!
//! What is not here: processes, signals and command lines (the front door's).

mod attach;
mod cell;
mod commands;
mod control;
mod ground_time;
mod ledger;
mod parameters;
mod tasks;
mod telemetry;

#[cfg(test)]
pub(crate) use telemetry::simulated_sample;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};

use crate::onboard::attach::Attaching;
use crate::onboard::cell::Cell;
use crate::onboard::commands::ModuleService;
use crate::rpc::MESSAGE_BYTES_MAX;
use crate::rpc::module_server::ModuleServer;
use crate::{Error, ModuleId, RocketId};

/// Longest time for answers on their way when a computer ends.
const DRAIN_MAX: Duration = Duration::from_millis(500);

/// Longest wait for the ground to read the last words of a destroyed module.
const LAST_WORDS_MAX: Duration = Duration::from_secs(2);

/// Which computer to be, and where the ground is.
#[derive(Debug, Clone)]
pub struct ComputerOptions {
    /// The rocket.
    pub rocket: RocketId,
    /// The module of it: `booster`, `stage2` and `payload` have control laws, other names do not.
    pub module: ModuleId,
    /// Where the ground serves gRPC, such as `http://127.0.0.1:8081`.
    pub ground: String,
    /// Where to serve; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The endpoint to give to the ground, when it is not the one listened on.
    pub advertise: Option<String>,
    /// The secret that admits this module to the ground, and the ground to this module.
    pub token: String,
    /// End when the ground was away this long; `None` waits for ever.
    pub lost_after: Option<Duration>,
}

/// How a computer's life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was told to stop.
    Stopped,
    /// Its module is no more; it must not be started again.
    Destroyed,
    /// It crashed, by order.
    Crashed,
    /// The ground was away for longer than allowed.
    GroundLost,
    /// The ground does not want it; the text says why.
    Refused(String),
}

/// Who this computer is.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) rocket: RocketId,
    pub(crate) module: ModuleId,
    pub(crate) token: String,
}

/// Outcomes that may be reported at once, one for each task that can end a computer.
const OUTCOMES_MAX: usize = 4;

/// Runs a computer until it is stopped, destroyed, or has no ground left to talk to.
///
/// # Errors
/// [`Error::Input`] when the ground's address or the own one cannot be used.
///
/// # Cancel safety
/// Dropping the future leaves its tasks running until `stop` is cancelled.
pub async fn run(
    options: ComputerOptions,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<Outcome, Error> {
    let ground = endpoint(&options.ground)?.connect_lazy();
    run_over(ground, options, clock, stop).await
}

/// As [`run`], over a channel to the ground that the caller has made, such as one that is encrypted.
///
/// # Errors
/// [`Error::Input`] when the own address cannot be used.
///
/// # Cancel safety
/// As [`run`].
pub async fn run_over(
    ground: Channel,
    options: ComputerOptions,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<Outcome, Error> {
    let stop = stop.child_token();
    let _stop_tasks = stop.clone().drop_guard();
    let (incoming, advertised) = bind(&options).await?;
    let cell = Arc::new(Cell::new());
    let identity = Arc::new(Identity {
        rocket: options.rocket,
        module: options.module,
        token: options.token,
    });
    let tracker = TaskTracker::new();
    let (outcomes, mut outcome) = mpsc::channel(OUTCOMES_MAX);

    let service = ModuleService::new(
        cell.clone(),
        identity.clone(),
        clock.clone(),
        tracker.clone(),
        stop.clone(),
    );
    let serve = Server::builder()
        .add_service(ModuleServer::new(service).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
    tracker.spawn(serve);
    let attaching = Attaching {
        ground,
        identity: identity.clone(),
        endpoint: advertised,
        lost_after: options.lost_after,
        clock,
    };
    tracker.spawn(attaching.run(cell.clone(), tracker.clone(), outcomes, stop.clone()));
    tracker.close();

    let end = tokio::select! {
        Some(end) = outcome.recv() => end,
        () = stop.cancelled() => Outcome::Stopped,
    };
    if end == Outcome::Destroyed {
        _ = tokio::time::timeout(LAST_WORDS_MAX, cell.all_delivered()).await;
    }
    stop.cancel();
    _ = tokio::time::timeout(DRAIN_MAX, tracker.wait()).await;
    Ok(end)
}

async fn bind(options: &ComputerOptions) -> Result<(TcpIncoming, String), Error> {
    let refused = |error: std::io::Error| Error::Input {
        what: "listen address",
        problem: format!("{} cannot be used: {error}", options.listen),
    };
    let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let advertised = options
        .advertise
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    // Small messages that somebody waits for: they must not wait for more to fill a packet.
    Ok((
        TcpIncoming::from(listener).with_nodelay(Some(true)),
        advertised,
    ))
}

/// A peer of the vehicle link, ready to be connected to.
///
/// # Errors
/// [`Error::Input`] for what is no address.
pub fn endpoint(address: &str) -> Result<Endpoint, Error> {
    let endpoint = Channel::from_shared(address.to_owned()).map_err(|error| Error::Input {
        what: "endpoint",
        problem: format!("{address:?} is no address ({error}); write http://HOST:PORT"),
    })?;
    Ok(endpoint
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(2))
        .http2_keep_alive_interval(Duration::from_secs(2))
        .keep_alive_timeout(Duration::from_secs(2))
        .keep_alive_while_idle(true))
}
