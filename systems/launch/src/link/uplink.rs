//! The ground's end of the line to one attached module.

mod freeze;
mod hearing;
mod in_flight;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use freeze::Freeze;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::backoff::Backoff;
use crate::link::LinkError;
use crate::link::medium::{Lane, Medium};
use crate::link::presence::{Line, Presence};
use crate::link::uplink::hearing::Hearing;
use crate::link::uplink::in_flight::InFlight;
use crate::rpc::module_client::ModuleClient;
use crate::rpc::{self, MESSAGE_BYTES_MAX};
use crate::{Answer, Command, Downlink, Error};

/// Waits between attempts to hear the module again.
const RETRY: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// Wait before a command is sent again with the same id; a crashed control task is back by then.
const RESEND_WAIT: Duration = Duration::from_millis(20);

/// Longest wait for the answer to a command that stays valid for longer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Silence after which the line is taken for dead; modules send a heartbeat each second.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A line that held this long is well: its earlier breaks do not delay the next attempt.
const WELL_AFTER: Duration = Duration::from_secs(5);

/// Where the module was last heard of.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) endpoint: String,
    pub(crate) token: String,
    pub(crate) channel: Channel,
}

impl Address {
    /// # Errors
    /// [`Error::Input`] when `endpoint` is no address.
    pub(crate) fn new(endpoint: String, token: String) -> Result<Self, Error> {
        let channel = crate::onboard::endpoint(&endpoint)?.connect_lazy();
        Ok(Self {
            endpoint,
            token,
            channel,
        })
    }
}

/// The line to one module.
pub(crate) struct Uplink {
    presence: Arc<Presence>,
    medium: Arc<Medium>,
    sample_rate_hz: f64,
    address: watch::Sender<Address>,
}

impl Uplink {
    pub(crate) fn new(
        presence: Arc<Presence>,
        medium: Arc<Medium>,
        sample_rate_hz: f64,
        address: Address,
    ) -> Self {
        Self {
            presence,
            medium,
            sample_rate_hz,
            address: watch::Sender::new(address),
        }
    }

    pub(crate) fn line(&self) -> Line {
        self.presence.line()
    }

    /// The module has announced itself, perhaps from a new place.
    pub(crate) fn announce(&self, address: Address) {
        self.address.send_if_modified(|known| {
            let moved = known.endpoint != address.endpoint || known.token != address.token;
            if moved {
                *known = address;
            }
            moved
        });
    }

    /// Where the module is now.
    pub(crate) fn endpoint(&self) -> String {
        self.address.borrow().endpoint.clone()
    }

    /// Hears the module until its telemetry ends for good.
    pub(crate) async fn listen(&self) {
        let mut address = self.address.subscribe();
        let mut retry = RETRY;
        let mut hearing = Hearing::new(self.presence.module().clone());
        loop {
            let at = address.borrow_and_update().clone();
            let started = Instant::now();
            let end = tokio::select! {
                end = self.hear(&at, &mut hearing) => end,
                _ = address.changed() => Err(Status::unavailable("the module has moved")),
            };
            match end {
                Ok(()) => return,
                Err(status) => {
                    if self.line() == Line::Up && started.elapsed() >= WELL_AFTER {
                        retry.succeeded();
                    }
                    self.lost(&status).await;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(retry.failed()) => {}
                _ = address.changed() => retry.succeeded(),
            }
        }
    }

    /// Forwards one stream; returns when the telemetry ended for good.
    async fn hear(&self, at: &Address, hearing: &mut Hearing) -> Result<(), Status> {
        let request = rpc::with_bearer(hearing.request(self.sample_rate_hz), &at.token)?;
        let mut client =
            ModuleClient::new(at.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let subscribed = within(SILENCE_MAX, async {
            self.medium.carry(Lane::Subscriptions).await;
            client.telemetry(request).await
        });
        let mut messages = InFlight::new(&self.medium, subscribed.await?.into_inner());
        self.presence.up().await;
        while let Some(message) = within(SILENCE_MAX, messages.next()).await? {
            let (sequence, incarnation) = (message.sequence, message.incarnation);
            if hearing.knows(sequence, incarnation) {
                continue;
            }
            if let Some(said) = message.message {
                match hearing.read(said) {
                    Ok(Downlink::Ended(_, reason)) => {
                        self.presence.ended(reason).await;
                        return Ok(());
                    }
                    Ok(said) => self.hand_on(said).await,
                    Err(status) => self.dropped(hearing.dropped(&status)).await,
                }
            }
            hearing.handed_on(sequence, incarnation);
        }
        Err(Status::unavailable("the module hung up"))
    }

    async fn hand_on(&self, said: Downlink) {
        let outlet = self.presence.outlet();
        match said {
            Downlink::Sample(module, sample) => outlet.sample(&module, sample),
            said => outlet.tell(said).await,
        }
    }

    async fn dropped(&self, line: Option<String>) {
        if let Some(line) = line {
            let (rocket, module) = (self.presence.outlet().rocket(), self.presence.module());
            tracing::warn!(%rocket, %module, line, "messages dropped");
            self.presence.log(line).await;
        }
    }

    /// A stream broke: the module is down, unless it says itself that only its telemetry is.
    async fn lost(&self, status: &Status) {
        let reason = rpc::text(&rpc::reason(status));
        if status.code() == Code::Aborted {
            self.presence.interrupted(reason).await;
        } else {
            self.presence.broke(reason).await;
        }
    }

    /// Sends a command and waits for its answer; sends it again, with the same id, while the line
    /// is broken and the command valid.
    pub(crate) async fn command(&self, command: &Command) -> Result<Answer, LinkError> {
        let message = rpc::Command::sent(command, self.presence.outlet().clock().now());
        let deadline = Instant::now() + command.valid_for.min(ANSWER_MAX);
        let mut sent = false;
        loop {
            if self.line() == Line::Ended {
                return Err(self.unreachable("its telemetry has ended for good".into()));
            }
            let Ok(reply) = tokio::time::timeout_at(deadline, self.execute(message.clone())).await
            else {
                return Err(self.timed_out(command));
            };
            let status = match reply {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            sent |= status.code() != Code::Unavailable;
            let retry = matches!(
                status.code(),
                Code::Unavailable | Code::Unknown | Code::Cancelled
            );
            if !retry || Instant::now() + RESEND_WAIT >= deadline {
                return Err(if retry && sent {
                    self.timed_out(command)
                } else {
                    self.unreachable(rpc::text(&rpc::reason(&status)))
                });
            }
            tokio::time::sleep(RESEND_WAIT).await;
        }
    }

    async fn execute(&self, message: rpc::Command) -> Result<Answer, Status> {
        let at = self.address.borrow().clone();
        let request = rpc::with_bearer(message, &at.token)?;
        let mut client = ModuleClient::new(at.channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        self.medium.carry(Lane::Commands).await;
        let reply = client.execute(request).await;
        self.medium.carry(Lane::Answers).await;
        reply?.into_inner().try_into()
    }

    fn unreachable(&self, reason: String) -> LinkError {
        LinkError::Unreachable {
            rocket: self.presence.outlet().rocket().clone(),
            module: self.presence.module().clone(),
            reason,
        }
    }

    fn timed_out(&self, command: &Command) -> LinkError {
        LinkError::TimedOut {
            rocket: self.presence.outlet().rocket().clone(),
            module: self.presence.module().clone(),
            seconds: command.valid_for.min(ANSWER_MAX).as_secs_f64(),
        }
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Status::deadline_exceeded("the module is silent")),
    }
}
