//! What a module serves: commands and the telemetry stream.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::Stream;
use portique_clock::{Clock, Timestamp};
use subtle::ConstantTimeEq;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};

use crate::onboard::Identity;
use crate::onboard::cell::{Cell, Live, Pending};
use crate::onboard::ledger::{Progress, Receipt, Told};
use crate::rpc::{self, downlink, module_server};
use crate::{Answer, Command, Order};

/// Messages of one subscription that wait for the network.
const STREAM_MESSAGES_MAX: usize = 64;

/// Subscriptions at once: the ground's, one that it left behind, and a few to look at by hand.
const SUBSCRIPTIONS_MAX: usize = 8;

/// Greatest sample rate that may be asked for, per second of flight.
const SAMPLE_RATE_HZ_MAX: f64 = 100.0;

/// The module's gRPC service.
pub(crate) struct ModuleService {
    pub(crate) cell: Arc<Cell>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) subscriptions: Arc<tokio::sync::Semaphore>,
}

impl ModuleService {
    pub(crate) fn new(
        cell: Arc<Cell>,
        identity: Arc<Identity>,
        clock: Arc<dyn Clock>,
        tracker: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let subscriptions = Arc::new(tokio::sync::Semaphore::new(SUBSCRIPTIONS_MAX));
        Self {
            cell,
            identity,
            clock,
            tracker,
            stop,
            subscriptions,
        }
    }

    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let token = rpc::bearer(request).unwrap_or_default();
        if bool::from(token.as_bytes().ct_eq(self.identity.token.as_bytes())) {
            Ok(())
        } else {
            Err(Status::unauthenticated(
                "only the ground that this module attached to is heard",
            ))
        }
    }

    /// How long ago a command was sent, if the ground's clock is known.
    fn age(&self, sent: Timestamp) -> Option<Duration> {
        let now = self.clock.monotonic();
        self.cell.ground_time(|time| time.age(sent, now))
    }

    /// Hands a new command to the control task and waits for its answer.
    async fn execute_new(&self, command: Command) -> Result<Answer, Status> {
        let id = command.id.clone();
        let (answer, answered) = oneshot::channel();
        let begun = Arc::new(AtomicBool::new(false));
        let pending = Pending {
            command,
            answer,
            begun: Arc::clone(&begun),
        };
        let handed = self
            .cell
            .control()
            .is_some_and(|control| control.try_send(pending).is_ok());
        if handed && let Ok(answer) = answered.await {
            return Ok(answer);
        }
        if begun.load(Ordering::SeqCst) {
            self.cell
                .ledger(|ledger| ledger.settle(&id, Progress::Unknown));
            return Err(unknown());
        }
        self.cell.ledger(|ledger| ledger.forget(&id));
        Err(Status::unavailable(
            "the control task is down or overloaded; send it again",
        ))
    }
}

#[tonic::async_trait]
impl module_server::Module for ModuleService {
    type TelemetryStream = Pin<Box<dyn Stream<Item = Result<rpc::Downlink, Status>> + Send>>;

    async fn execute(
        &self,
        request: Request<rpc::Command>,
    ) -> Result<Response<rpc::Answer>, Status> {
        self.admit(&request)?;
        let (command, sent) = request.into_inner().checked()?;
        let receipt = self.cell.ledger(|ledger| ledger.begin(&command));
        let answer = match receipt {
            Receipt::Known(Progress::Answered(answer)) => answer,
            Receipt::Known(Progress::Unknown) => return Err(unknown()),
            Receipt::Known(Progress::Begun) => {
                return Err(Status::unavailable(
                    "being executed; ask again with the same id",
                ));
            }
            Receipt::Taken(order) => taken(&command, &order),
            Receipt::New => match too_late(&command, self.age(sent)) {
                Some(refusal) => {
                    let progress = Progress::Answered(refusal.clone());
                    self.cell
                        .ledger(|ledger| ledger.settle(&command.id, progress));
                    refusal
                }
                None => self.execute_new(command).await?,
            },
        };
        Ok(Response::new(answer.into()))
    }

    async fn telemetry(
        &self,
        request: Request<rpc::TelemetryRequest>,
    ) -> Result<Response<Self::TelemetryStream>, Status> {
        self.admit(&request)?;
        let request = request.into_inner();
        if !(0.0..=SAMPLE_RATE_HZ_MAX).contains(&request.rate_hz) {
            return Err(Status::invalid_argument(
                "rate_hz: 0 to 100 samples per second of flight",
            ));
        }
        let permit = Arc::clone(&self.subscriptions)
            .try_acquire_owned()
            .map_err(|_| Status::resource_exhausted("this module has 8 subscriptions already"))?;
        let live = self.cell.subscribe().ok_or_else(telemetry_down)?;
        self.cell.sample_rate_hz.send_if_modified(|rate| {
            let changed = *rate != request.rate_hz;
            *rate = request.rate_hz;
            changed
        });
        let (messages, stream) = mpsc::channel(STREAM_MESSAGES_MAX);
        let subscription = Subscription {
            cell: Arc::clone(&self.cell),
            live,
            messages,
            after: (request.incarnation, request.after),
        };
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = subscription.run() => {}
                () = stop.cancelled() => {}
            }
            drop(permit);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// One telemetry stream.
struct Subscription {
    cell: Arc<Cell>,
    live: broadcast::Receiver<Live>,
    messages: mpsc::Sender<Result<rpc::Downlink, Status>>,
    /// The last sequence that was sent, and the incarnation that it belongs to.
    after: (u64, u64),
}

impl Subscription {
    async fn run(mut self) {
        let mut told = self.cell.watch_told();
        loop {
            // Events go before samples: they are few, and must not wait behind a flood.
            while let Some((incarnation, sequence, message)) = self.next_told() {
                let ended = matches!(message, Told::Ended(_));
                if self
                    .messages
                    .send(Ok(event_message(incarnation, sequence, message)))
                    .await
                    .is_err()
                {
                    return;
                }
                self.after = (incarnation, sequence);
                self.cell.delivered(sequence);
                if ended {
                    return;
                }
            }
            let live = tokio::select! {
                biased;
                changed = told.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                () = self.messages.closed() => return,
                live = self.live.recv() => live,
            };
            match live {
                Ok(live) => {
                    if self.messages.send(Ok(live_message(live))).await.is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => {
                    _ = self.messages.send(Err(telemetry_down())).await;
                    return;
                }
            }
        }
    }
}

impl Subscription {
    /// The oldest message that this subscriber does not have, with its incarnation and sequence.
    fn next_told(&self) -> Option<(u64, u64, Told)> {
        let (incarnation, last) = self.after;
        self.cell.ledger(|ledger| {
            let known = ledger.incarnation();
            let after = if incarnation == known { last } else { 0 };
            let (sequence, message) = ledger.next_after(after)?;
            Some((known, sequence, message))
        })
    }
}

fn event_message(incarnation: u64, sequence: u64, message: Told) -> rpc::Downlink {
    let message = match message {
        Told::Event { event, happened_to } => {
            let module = happened_to.map(String::from).unwrap_or_default();
            downlink::Message::Event(rpc::Event {
                module,
                ..event.into()
            })
        }
        Told::Ended(reason) => downlink::Message::Ended(reason),
    };
    rpc::Downlink {
        sequence,
        incarnation,
        message: Some(message),
    }
}

fn live_message(live: Live) -> rpc::Downlink {
    let message = match live {
        Live::Sample(sample) => downlink::Message::Sample((&sample).into()),
        Live::Log(line) => downlink::Message::Log(line),
    };
    rpc::Downlink {
        sequence: 0,
        incarnation: 0,
        message: Some(message),
    }
}

/// The refusal of a command that arrives after its time. What makes things safe is never too late.
fn too_late(command: &Command, age: Option<Duration>) -> Option<Answer> {
    if matches!(command.order, Order::Destroy | Order::Safe) {
        return None;
    }
    let age = age.filter(|age| *age > command.valid_for)?;
    Some(Answer::Refused {
        reason: format!(
            "too late: {} arrived {:.3} s after it was sent and was valid for {:.3} s",
            command.order.name(),
            age.as_secs_f64(),
            command.valid_for.as_secs_f64()
        ),
    })
}

/// The refusal of a command under an id that stands for something else.
fn taken(command: &Command, earlier: &Order) -> Answer {
    Answer::Refused {
        reason: format!(
            "id {:?} was used for {} before: {} needs an id of its own",
            command.id,
            earlier.name(),
            command.order.name()
        ),
    }
}

fn unknown() -> Status {
    Status::aborted("the control task crashed on this command; whether it was executed is unknown")
}

fn telemetry_down() -> Status {
    Status::aborted("the telemetry task is down; subscribe again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(order: Order) -> Command {
        Command {
            id: "a".into(),
            order,
            valid_for: Duration::from_secs(2),
        }
    }

    #[test]
    fn an_order_is_late_after_its_time_and_never_by_an_unknown_clock() {
        let stage = command(Order::Stage);
        assert_eq!(too_late(&stage, None), None);
        assert_eq!(too_late(&stage, Some(Duration::from_secs(2))), None);
        let refused = too_late(&stage, Some(Duration::from_secs(3)));
        assert!(matches!(refused, Some(Answer::Refused { reason }) if reason.contains("3.000")));
    }

    #[test]
    fn what_makes_safe_is_never_late() {
        for order in [Order::Destroy, Order::Safe] {
            assert_eq!(
                too_late(&command(order), Some(Duration::from_secs(60))),
                None
            );
        }
    }
}
