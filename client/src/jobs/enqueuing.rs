use async_trait::async_trait;
use portique_jobs::{Enqueued, Error};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::call::Failed;
use crate::client::Admitted;
use crate::pipeline::Calls;
use crate::proto::jobs::v1 as pb;
use crate::proto::jobs::v1::jobs_client::JobsClient;
use crate::wire;

/// Enqueues many batches on one stream.
pub(crate) struct Enqueuing(pub(crate) JobsClient<Admitted>);

#[async_trait]
impl Calls for Enqueuing {
    type Request = pb::EnqueueRequest;
    type Reply = Vec<Enqueued>;
    type Message = pb::EnqueueCalls;
    type Answers = pb::EnqueueAnswers;
    type Error = Error;

    fn message(calls: Vec<(u64, pb::EnqueueRequest)>) -> pb::EnqueueCalls {
        let calls = calls.into_iter().map(|(call, request)| pb::EnqueueCall {
            call,
            request: Some(request),
        });
        pb::EnqueueCalls {
            calls: calls.collect(),
        }
    }

    fn answers(message: pb::EnqueueAnswers) -> Vec<(u64, Result<Vec<Enqueued>, Error>)> {
        use pb::enqueue_answer::Outcome;
        let answers = message.answers.into_iter().map(|answer| {
            let outcome = match answer.outcome {
                Some(Outcome::Enqueued(reply)) => Ok(wire::each(reply.jobs)),
                Some(Outcome::Failed(failure)) => Err(failure.into()),
                None => Err(Failed::unsaid().into()),
            };
            (answer.call, outcome)
        });
        answers.collect()
    }

    fn too_large(given: usize, max: usize) -> Error {
        Error::BatchTooLarge {
            given,
            max,
            unit: "bytes",
        }
    }

    async fn open(
        &self,
        messages: ReceiverStream<pb::EnqueueCalls>,
    ) -> Result<Streaming<pb::EnqueueAnswers>, Status> {
        let answers = self.0.clone().enqueue_stream(messages).await?;
        Ok(answers.into_inner())
    }
}
