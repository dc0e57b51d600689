//! The world's gRPC service: seats for control tasks, windows for telemetry tasks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use portique_flight::Body;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::WorldHandle;
use super::observers::OBSERVER_FRAMES_MAX;
use super::world::{CONTROL_FRAMES_MAX, Input};
use crate::link::vehicles::Registry;
use crate::rpc::{
    self, FromControl, Join, KEPT_BYTES_MAX, SensorFrame, ToControl, from_control, world_server,
};

#[cfg(test)]
mod tests;

/// Control tasks on their seats at once, in all worlds, with those that were ousted and did not hang
/// up yet: three for each of some eighty rockets.
const SEATS_MAX: usize = 256;

/// Longest wait for the first message of a control task; it is sent with the call.
const JOIN_WAIT: Duration = Duration::from_secs(2);

/// Serves the worlds of all simulated rockets of a hub.
pub(crate) struct WorldService {
    registry: Arc<Registry>,
    next_holder: AtomicU64,
    seats: Arc<Semaphore>,
}

impl WorldService {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            next_holder: AtomicU64::new(1),
            seats: Arc::new(Semaphore::new(SEATS_MAX)),
        }
    }
}

type Frames<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl world_server::World for WorldService {
    type FlyStream = Frames<ToControl>;
    type ObserveStream = Frames<SensorFrame>;

    async fn fly(
        &self,
        request: Request<Streaming<FromControl>>,
    ) -> Result<Response<Self::FlyStream>, Status> {
        let token = rpc::bearer(&request).unwrap_or_default().to_owned();
        if !self.registry.expects(&token) {
            return Err(Status::permission_denied(
                "the token is of no simulated module",
            ));
        }
        let permit = Arc::clone(&self.seats)
            .try_acquire_owned()
            .map_err(|_| Status::resource_exhausted("256 control tasks fly already"))?;
        let mut messages = request.into_inner();
        let Join { rocket, module } = join(&mut messages).await?;
        let site = self.registry.world(&rocket, &module, &token)?;
        let body = body(&module)?;
        let holder = self.next_holder.fetch_add(1, Ordering::Relaxed);
        let (frames, stream) = mpsc::channel(CONTROL_FRAMES_MAX);
        put(
            &site.world,
            Input::Sit {
                body,
                holder,
                frames,
            },
        )
        .await?;
        let seat = TakenSeat {
            world: site.world,
            body,
            holder,
        };
        site.work.tracker.spawn(async move {
            let hear = seat.hear(messages);
            if let Some(Err(status)) = site.work.stop.run_until_cancelled(hear).await {
                tracing::debug!(%body, reason = rpc::reason(&status), "control left its seat");
            }
            _ = seat.world.inputs.send(Input::Leave { body, holder }).await;
            drop(permit);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream).map(Ok))))
    }

    async fn observe(
        &self,
        request: Request<rpc::ObserveRequest>,
    ) -> Result<Response<Self::ObserveStream>, Status> {
        let token = rpc::bearer(&request).unwrap_or_default().to_owned();
        let rpc::ObserveRequest {
            rocket,
            module,
            rate_hz,
        } = request.into_inner();
        let site = self.registry.world(&rocket, &module, &token)?;
        let body = body(&module)?;
        if !(0.0..=1_000.0).contains(&rate_hz) {
            return Err(Status::invalid_argument(
                "rate_hz: 0 to 1000 frames per second of flight",
            ));
        }
        let period_s = if rate_hz > 0.0 { 1.0 / rate_hz } else { 0.0 };
        let (frames, stream) = mpsc::channel(OBSERVER_FRAMES_MAX);
        put(
            &site.world,
            Input::Observe {
                body,
                period_s,
                frames,
            },
        )
        .await?;
        Ok(Response::new(Box::pin(ReceiverStream::new(stream).map(Ok))))
    }
}

/// A seat with somebody on it.
struct TakenSeat {
    world: WorldHandle,
    body: Body,
    holder: u64,
}

impl TakenSeat {
    async fn hear(&self, mut messages: Streaming<FromControl>) -> Result<(), Status> {
        let (body, holder) = (self.body, self.holder);
        while let Some(message) = messages.message().await? {
            let input = match message.message {
                Some(from_control::Message::Actuators(frame)) => Input::Answer {
                    body,
                    holder,
                    frame: frame.frame,
                    actuators: frame.checked()?,
                },
                Some(from_control::Message::Keep(rpc::Keep {
                    memory,
                    ledger,
                    confirm,
                })) => {
                    let sizes = [memory.as_ref(), ledger.as_ref()];
                    if sizes
                        .into_iter()
                        .flatten()
                        .any(|kept| kept.len() > KEPT_BYTES_MAX)
                    {
                        return Err(Status::resource_exhausted("keep: at most 64 KiB each"));
                    }
                    Input::Keep {
                        body,
                        holder,
                        memory,
                        ledger,
                        confirm,
                    }
                }
                Some(from_control::Message::Fault(fault)) => Input::Inject {
                    body,
                    fault: rpc::world_fault(fault)?,
                },
                Some(from_control::Message::Join(_)) | None => {
                    return Err(Status::invalid_argument("a join comes first and only once"));
                }
            };
            put(&self.world, input).await?;
        }
        Ok(())
    }
}

/// The first message of a control task.
async fn join(messages: &mut Streaming<FromControl>) -> Result<Join, Status> {
    let first = tokio::time::timeout(JOIN_WAIT, messages.message())
        .await
        .map_err(|_| Status::deadline_exceeded("no join within 2 s"))??;
    match first.and_then(|first| first.message) {
        Some(from_control::Message::Join(join)) => Ok(join),
        _ => Err(Status::invalid_argument("the first message must be a join")),
    }
}

async fn put(world: &WorldHandle, input: Input) -> Result<(), Status> {
    world
        .inputs
        .send(input)
        .await
        .map_err(|_| Status::unavailable("the world has ended"))
}

fn body(module: &str) -> Result<Body, Status> {
    module.parse().map_err(|_| {
        Status::invalid_argument(format!(
            "module {module} has no body in the simulated world"
        ))
    })
}
