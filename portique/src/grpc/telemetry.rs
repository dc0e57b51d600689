//! Telemetry, over gRPC: batches of samples on a stream, each answered when it is durable.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, FuturesOrdered};
use futures_util::{FutureExt, StreamExt};
use portique_client::proto::telemetry::v1 as pb;
use portique_client::status::{grpc_code, retry_after_ms, status};
use portique_fault::{Code, Report};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::door::{Door, stopping};
use crate::intake::{Intake, Tables};

/// Batches of one stream that are under way at once; further ones wait in the connection, and then
/// with their sender.
const UNDER_WAY_MAX: usize = 16;

/// Telemetry, over gRPC.
#[derive(Clone)]
pub(super) struct TelemetryService {
    pub(super) intake: Intake,
    pub(super) door: Arc<Door>,
}

#[tonic::async_trait]
impl pb::telemetry_server::Telemetry for TelemetryService {
    type PushStream = BoxStream<'static, Result<pb::PushAnswers, Status>>;

    async fn push(
        &self,
        request: Request<Streaming<pb::PushBatch>>,
    ) -> Result<Response<Self::PushStream>, Status> {
        let session = Session {
            tables: self.intake.tables(),
            intake: self.intake.clone(),
            inbound: Some(request.into_inner()),
            under_way: FuturesOrdered::new(),
            ready: VecDeque::new(),
            end: None,
            stop: self.door.stop(),
            _place: self.door.stream()?,
        };
        let answers = stream::unfold(session, |mut session| async move {
            let next = session.next().await?;
            Some((next, session))
        });
        Ok(Response::new(answers.boxed()))
    }
}

/// One stream.
struct Session {
    intake: Intake,
    tables: Tables,
    /// None after the last batch.
    inbound: Option<Streaming<pb::PushBatch>>,
    under_way: FuturesOrdered<BoxFuture<'static, pb::PushAnswer>>,
    ready: VecDeque<pb::PushAnswer>,
    /// What the stream ends with, when everything is answered.
    end: Option<Status>,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Session {
    /// The next message to send; none when everything is answered and nothing more comes.
    async fn next(&mut self) -> Option<Result<pb::PushAnswers, Status>> {
        loop {
            while let Some(Some(answer)) = self.under_way.next().now_or_never() {
                self.ready.push_back(answer);
            }
            if !self.ready.is_empty() {
                let answers = self.ready.drain(..).collect();
                return Some(Ok(pb::PushAnswers { answers }));
            }
            if self.inbound.is_none() && self.under_way.is_empty() {
                return self.end.take().map(Err);
            }
            let listens = self.under_way.len() < UNDER_WAY_MAX;
            tokio::select! {
                biased;
                Some(answer) = self.under_way.next() => self.ready.push_back(answer),
                said = next_batch(&mut self.inbound), if listens => match said {
                    Ok(Some(batch)) => self.begin(batch).await,
                    Ok(None) => self.inbound = None,
                    Err(status) => self.end_with(status),
                },
                () = self.stop.cancelled(), if self.inbound.is_some() => self.end_with(stopping()),
            }
        }
    }

    /// Gives a batch to the store before the next one is read.
    async fn begin(&mut self, pushed: pb::PushBatch) {
        let batch = pushed.batch;
        let begun = match self.intake.begin_push(&self.tables, pushed).await {
            Ok(begun) => begun,
            Err(report) if is_of_the_store(&report) => {
                let failed = answer(batch, Err(report));
                self.under_way.push_back(std::future::ready(failed).boxed());
                return;
            }
            Err(report) => return self.end_with(status(&report)),
        };
        let intake = self.intake.clone();
        let finished = async move { answer(batch, intake.finish_push(begun).await) };
        self.under_way.push_back(finished.boxed());
    }

    fn end_with(&mut self, status: Status) {
        self.inbound = None;
        self.end = Some(status);
    }
}

/// Whether the batch was understood, so that the stream can go on.
fn is_of_the_store(report: &Report) -> bool {
    matches!(
        report.code,
        Code::Unavailable | Code::Internal | Code::DataLoss
    )
}

fn answer(batch: u64, taken: Result<pb::Taken, Report>) -> pb::PushAnswer {
    use pb::push_answer::Outcome;
    let outcome = match taken {
        Ok(taken) => Outcome::Taken(taken),
        Err(report) => Outcome::Failed(pb::Failure {
            code: grpc_code(report.code) as u32,
            message: report.message,
            retry_after_ms: retry_after_ms(report.retry).unwrap_or(0),
        }),
    };
    pb::PushAnswer {
        batch,
        outcome: Some(outcome),
    }
}

/// What the caller says next; never when it has said all.
async fn next_batch(
    inbound: &mut Option<Streaming<pb::PushBatch>>,
) -> Result<Option<pb::PushBatch>, Status> {
    match inbound {
        Some(inbound) => inbound.message().await,
        None => std::future::pending().await,
    }
}
