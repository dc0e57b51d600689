//! The ground's end of the line to one attached module.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::backoff::Backoff;
use crate::link::LinkError;
use crate::link::outlet::Outlet;
use crate::rpc::module_client::ModuleClient;
use crate::rpc::{self, downlink};
use crate::{Answer, Command, Downlink, Error, ModuleId};

/// Waits between attempts to hear the module again.
const RETRY: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// Wait before a command is sent again with the same id; a crashed control task is back by then.
const RESEND_WAIT: Duration = Duration::from_millis(20);

/// Longest wait for the answer to a command that stays valid for longer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Silence after which the line is taken for dead; modules send a heartbeat each second.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Longest text from a module, in characters; the rest is cut off.
const TEXT_CHARS_MAX: usize = 4_096;

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

/// How the module is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Not heard.
    Down,
    /// Telemetry flows, or did until the telemetry task went down.
    Up,
    /// Its telemetry ended for good.
    Ended,
}

/// The line to one module.
pub(crate) struct Uplink {
    module: ModuleId,
    outlet: Arc<Outlet>,
    sample_rate_hz: f64,
    address: watch::Sender<Address>,
    line: watch::Sender<Line>,
}

impl Uplink {
    pub(crate) fn new(
        module: ModuleId,
        outlet: Arc<Outlet>,
        sample_rate_hz: f64,
        address: Address,
    ) -> Self {
        Self {
            module,
            outlet,
            sample_rate_hz,
            address: watch::Sender::new(address),
            line: watch::Sender::new(Line::Down),
        }
    }

    pub(crate) fn line(&self) -> Line {
        *self.line.borrow()
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
        let mut after = 0;
        loop {
            let at = address.borrow_and_update().clone();
            let end = tokio::select! {
                end = self.hear(&at, &mut after) => end,
                _ = address.changed() => Err(Status::unavailable("the module has moved")),
            };
            match end {
                Ok(()) => return,
                Err(status) => {
                    if self.line() == Line::Up {
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
    async fn hear(&self, at: &Address, after: &mut u64) -> Result<(), Status> {
        let request = rpc::TelemetryRequest {
            rate_hz: self.sample_rate_hz,
            after: *after,
        };
        let request = rpc::with_bearer(request, &at.token)?;
        let mut client = ModuleClient::new(at.channel.clone())
            .max_decoding_message_size(crate::onboard::MESSAGE_BYTES_MAX);
        let mut messages = within(SILENCE_MAX, client.telemetry(request))
            .await?
            .into_inner();
        self.up().await;
        while let Some(message) = next(&mut messages).await? {
            if message.sequence != 0 {
                if message.sequence <= *after {
                    continue;
                }
                *after = message.sequence;
            }
            if self.forward(message).await? {
                return Ok(());
            }
        }
        Err(Status::unavailable("the module hung up"))
    }

    /// Returns whether this was the end.
    async fn forward(&self, message: rpc::Downlink) -> Result<bool, Status> {
        let module = &self.module;
        match message.message {
            Some(downlink::Message::Sample(sample)) => {
                self.outlet.sample(module, sample.try_into()?);
            }
            Some(downlink::Message::Event(event)) => {
                let module = self.happened_to(&event.module)?;
                self.outlet
                    .tell(Downlink::Event(module, event.try_into()?))
                    .await;
            }
            Some(downlink::Message::Log(line)) => {
                let line = cut(line);
                self.outlet.tell(Downlink::Log(module.clone(), line)).await;
            }
            Some(downlink::Message::Ended(reason)) => {
                let reason = cut(reason);
                self.line.send_replace(Line::Ended);
                self.outlet
                    .tell(Downlink::Ended(module.clone(), reason))
                    .await;
                return Ok(true);
            }
            None => {}
        }
        Ok(false)
    }

    /// The module that an event is about: this one, unless another is named.
    fn happened_to(&self, named: &str) -> Result<ModuleId, Status> {
        if named.is_empty() {
            return Ok(self.module.clone());
        }
        ModuleId::new(named).map_err(|error| Status::invalid_argument(error.to_string()))
    }

    async fn up(&self) {
        if self.line.send_replace(Line::Up) != Line::Up {
            self.outlet.tell(Downlink::Up(self.module.clone())).await;
        }
    }

    /// A stream broke: the module is down, unless it says itself that only its telemetry is.
    async fn lost(&self, status: &Status) {
        let reason = rpc::reason(status);
        if status.code() == Code::Aborted {
            self.outlet
                .tell(Downlink::Log(self.module.clone(), reason))
                .await;
        } else if self.line.send_replace(Line::Down) == Line::Up {
            self.outlet
                .tell(Downlink::Down(self.module.clone(), reason))
                .await;
        }
    }

    /// Sends a command and waits for its answer; sends it again, with the same id, while the line
    /// is broken and the command valid.
    pub(crate) async fn command(&self, command: &Command) -> Result<Answer, LinkError> {
        let message = rpc::Command::sent(command, self.outlet.clock().now());
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
                    self.unreachable(rpc::reason(&status))
                });
            }
            tokio::time::sleep(RESEND_WAIT).await;
        }
    }

    async fn execute(&self, message: rpc::Command) -> Result<Answer, Status> {
        let at = self.address.borrow().clone();
        let request = rpc::with_bearer(message, &at.token)?;
        let reply = ModuleClient::new(at.channel).execute(request).await?;
        reply.into_inner().try_into()
    }

    fn unreachable(&self, reason: String) -> LinkError {
        LinkError::Unreachable {
            rocket: self.outlet.rocket().clone(),
            module: self.module.clone(),
            reason,
        }
    }

    fn timed_out(&self, command: &Command) -> LinkError {
        LinkError::TimedOut {
            rocket: self.outlet.rocket().clone(),
            module: self.module.clone(),
            seconds: command.valid_for.min(ANSWER_MAX).as_secs_f64(),
        }
    }
}

async fn next(messages: &mut Streaming<rpc::Downlink>) -> Result<Option<rpc::Downlink>, Status> {
    within(SILENCE_MAX, messages.message()).await
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
        text.truncate(end);
    }
    text
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
