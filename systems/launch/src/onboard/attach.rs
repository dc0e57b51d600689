//! Announcing the module to the ground, again and again.

use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Clock, Timestamp};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::backoff::Backoff;
use crate::onboard::cell::Cell;
use crate::onboard::{Identity, Outcome, tasks};
use crate::rpc::ground_client::GroundClient;
use crate::rpc::{self, AttachReply, AttachRequest};

/// Waits between attempts: quick at first, as ground and module often start together.
const RETRY: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// Longest wait for the ground's answer.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(2);

/// Bounds on how often the ground may want a renewal.
const RENEW_MIN: Duration = Duration::from_millis(100);
/// See [`RENEW_MIN`].
const RENEW_MAX: Duration = Duration::from_secs(60);

/// The announcement of one module.
pub(crate) struct Attaching {
    pub(crate) ground: Channel,
    pub(crate) identity: Arc<Identity>,
    pub(crate) endpoint: String,
    pub(crate) lost_after: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Attaching {
    /// Attaches, starts the two tasks at the first success, and renews from then on.
    pub(crate) async fn run(
        self,
        cell: Arc<Cell>,
        tracker: TaskTracker,
        outcomes: mpsc::Sender<Outcome>,
        stop: CancellationToken,
    ) {
        let work = async {
            let mut started = false;
            let mut retry = RETRY;
            let mut heard = Instant::now();
            loop {
                let asked = self.clock.monotonic();
                let wait = match self.attach().await {
                    Ok(reply) => {
                        let heard_at = self.clock.monotonic();
                        let told = Timestamp::from_nanos(reply.ground_unix_ns);
                        cell.ground_time(|time| time.heard(told, asked, heard_at));
                        retry.succeeded();
                        heard = Instant::now();
                        if !std::mem::replace(&mut started, true) {
                            let world = reply.simulated.then(|| self.ground.clone());
                            let place = tasks::Place {
                                cell: cell.clone(),
                                identity: self.identity.clone(),
                                world,
                            };
                            place.start(&tracker, &outcomes, &stop);
                        }
                        renewal(&reply)
                    }
                    Err(status) if is_hopeless(&status) => {
                        return Outcome::Refused(rpc::reason(&status));
                    }
                    Err(status) => {
                        tracing::debug!(reason = rpc::reason(&status), "the ground is not ready");
                        retry.failed()
                    }
                };
                if self.lost_after.is_some_and(|limit| heard.elapsed() > limit) {
                    return Outcome::GroundLost;
                }
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            outcome = work => { _ = outcomes.send(outcome).await; }
            () = stop.cancelled() => {}
        }
    }

    async fn attach(&self) -> Result<AttachReply, Status> {
        let request = AttachRequest {
            rocket: self.identity.rocket.to_string(),
            module: self.identity.module.to_string(),
            endpoint: self.endpoint.clone(),
        };
        let request = rpc::with_bearer(request, &self.identity.token)?;
        let mut client = GroundClient::new(self.ground.clone())
            .max_decoding_message_size(rpc::MESSAGE_BYTES_MAX);
        match tokio::time::timeout(ATTACH_TIMEOUT, client.attach(request)).await {
            Ok(reply) => Ok(reply?.into_inner()),
            Err(_) => Err(Status::deadline_exceeded("the ground did not answer")),
        }
    }
}

fn renewal(reply: &AttachReply) -> Duration {
    Duration::try_from_secs_f64(reply.renew_s)
        .unwrap_or(RENEW_MAX)
        .clamp(RENEW_MIN, RENEW_MAX)
}

fn is_hopeless(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unauthenticated | Code::PermissionDenied | Code::InvalidArgument
    )
}
