use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use portique_bus::{
    Bus, CompactionName, CompactionState, ConsumerName, ConsumerOptions, ConsumerState, Delivery,
    DeliveryToken, Error, Page, Sequence, Start,
};
use portique_event::{Event, Filter};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use crate::call::{self, Failed, Repeat};
use crate::client::{Admitted, Client};
use crate::pipeline::Calls;
use crate::proto::bus::v1 as pb;
use crate::proto::bus::v1::bus_client::BusClient;
use crate::wire;

/// Longest wait of one call; a longer one is several.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A hub's bus.
pub(crate) struct RemoteBus {
    client: Client,
}

impl RemoteBus {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    async fn call<M, T, F>(
        &self,
        repeat: Repeat,
        message: M,
        call: impl Fn(BusClient<Admitted>, M) -> F,
    ) -> Result<T, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let attempt = || call(self.client.bus_client(), message.clone());
        Ok(self.client.call(repeat, attempt).await?)
    }
}

/// The hub's answer does not say what the contract asks it to.
fn malformed(error: Error) -> Error {
    Error::Unavailable {
        reason: call::malformed(&error),
    }
}

fn tokens(tokens: &[DeliveryToken]) -> Vec<u64> {
    tokens.iter().map(|token| token.0).collect()
}

#[async_trait]
impl Bus for RemoteBus {
    async fn publish(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error> {
        let request = pb::PublishRequest {
            events: wire::each(events),
            reserved: false,
        };
        self.client.publishing().call(request).await
    }

    async fn publish_each(&self, batches: Vec<Vec<Event>>) -> Vec<Result<Vec<Sequence>, Error>> {
        // In this order they are put on the stream, where the hub takes them together.
        join_all(batches.into_iter().map(|batch| self.publish(batch))).await
    }

    async fn publish_reserved(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error> {
        let request = pb::PublishRequest {
            events: wire::each(events),
            reserved: true,
        };
        let call =
            |mut client: BusClient<Admitted>, request| async move { client.publish(request).await };
        let reply = self.call(Repeat::Doubles, request, call).await?;
        Ok(reply.sequences.into_iter().map(Sequence).collect())
    }

    async fn read(&self, filter: &Filter, start: Start, limit: usize) -> Result<Page, Error> {
        let request = pb::ReadRequest {
            filter: filter.as_str().into(),
            start: Some(start.into()),
            limit: wire::count(limit),
        };
        let call =
            |mut client: BusClient<Admitted>, request| async move { client.read(request).await };
        let page = self.call(Repeat::Harmless, request, call).await?;
        page.try_into().map_err(malformed)
    }

    async fn wait(&self, from: Sequence) -> Result<(), Error> {
        loop {
            let request = pb::WaitRequest { from: from.0 };
            let call = |mut client: BusClient<Admitted>, request| async move {
                client.wait(request).await
            };
            if self.call(Repeat::Harmless, request, call).await?.reached {
                return Ok(());
            }
        }
    }

    async fn consumer(&self, name: &ConsumerName, options: ConsumerOptions) -> Result<(), Error> {
        let request = pb::CreateConsumerRequest {
            name: name.to_string(),
            options: Some(options.into()),
        };
        let call = |mut client: BusClient<Admitted>, request| async move {
            client.create_consumer(request).await
        };
        self.call(Repeat::Harmless, request, call).await?;
        Ok(())
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), Error> {
        let request = pb::RemoveConsumerRequest {
            name: name.to_string(),
        };
        let call = |mut client: BusClient<Admitted>, request| async move {
            client.remove_consumer(request).await
        };
        self.call(Repeat::Doubles, request, call).await?;
        Ok(())
    }

    async fn consumers(&self) -> Result<Vec<ConsumerState>, Error> {
        let call = |mut client: BusClient<Admitted>, request| async move {
            client.list_consumers(request).await
        };
        let request = pb::ListConsumersRequest {};
        let reply = self.call(Repeat::Harmless, request, call).await?;
        wire::try_each(reply.consumers).map_err(malformed)
    }

    async fn fetch(
        &self,
        consumer: &ConsumerName,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let request = pb::FetchRequest {
                consumer: consumer.to_string(),
                limit: wire::count(limit),
                wait_ns: wire::nanos(left.min(WAIT_MAX)),
            };
            let call = |mut client: BusClient<Admitted>, request| async move {
                client.fetch(request).await
            };
            let reply = self.call(Repeat::Harmless, request, call).await?;
            if !reply.deliveries.is_empty() || left <= WAIT_MAX {
                return wire::try_each(reply.deliveries).map_err(malformed);
            }
        }
    }

    async fn ack(&self, consumer: &ConsumerName, held: &[DeliveryToken]) -> Result<(), Error> {
        let request = pb::AckRequest {
            consumer: consumer.to_string(),
            tokens: tokens(held),
        };
        let call =
            |mut client: BusClient<Admitted>, request| async move { client.ack(request).await };
        self.call(Repeat::Doubles, request, call).await?;
        Ok(())
    }

    async fn nak(
        &self,
        consumer: &ConsumerName,
        token: DeliveryToken,
        delay: Duration,
    ) -> Result<(), Error> {
        let request = pb::NakRequest {
            consumer: consumer.to_string(),
            token: token.0,
            delay_ns: wire::nanos(delay),
        };
        let call =
            |mut client: BusClient<Admitted>, request| async move { client.nak(request).await };
        self.call(Repeat::Doubles, request, call).await?;
        Ok(())
    }

    async fn extend(&self, consumer: &ConsumerName, held: &[DeliveryToken]) -> Result<(), Error> {
        let request = pb::ExtendRequest {
            consumer: consumer.to_string(),
            tokens: tokens(held),
        };
        let call =
            |mut client: BusClient<Admitted>, request| async move { client.extend(request).await };
        self.call(Repeat::Harmless, request, call).await?;
        Ok(())
    }

    async fn seek(&self, consumer: &ConsumerName, start: Start) -> Result<(), Error> {
        let request = pb::SeekRequest {
            consumer: consumer.to_string(),
            start: Some(start.into()),
        };
        let call =
            |mut client: BusClient<Admitted>, request| async move { client.seek(request).await };
        self.call(Repeat::Doubles, request, call).await?;
        Ok(())
    }

    async fn compaction(&self, name: &CompactionName, filter: Filter) -> Result<(), Error> {
        let request = pb::CreateCompactionRequest {
            name: name.to_string(),
            filter: filter.as_str().into(),
        };
        let call = |mut client: BusClient<Admitted>, request| async move {
            client.create_compaction(request).await
        };
        self.call(Repeat::Harmless, request, call).await?;
        Ok(())
    }

    async fn remove_compaction(&self, name: &CompactionName) -> Result<(), Error> {
        let request = pb::RemoveCompactionRequest {
            name: name.to_string(),
        };
        let call = |mut client: BusClient<Admitted>, request| async move {
            client.remove_compaction(request).await
        };
        self.call(Repeat::Doubles, request, call).await?;
        Ok(())
    }

    async fn compactions(&self) -> Result<Vec<CompactionState>, Error> {
        let call = |mut client: BusClient<Admitted>, request| async move {
            client.list_compactions(request).await
        };
        let request = pb::ListCompactionsRequest {};
        let reply = self.call(Repeat::Harmless, request, call).await?;
        wire::try_each(reply.compactions).map_err(malformed)
    }
}

/// Publishes many batches on one stream.
#[derive(Clone)]
pub(crate) struct Publishing(pub(crate) BusClient<Admitted>);

#[async_trait]
impl Calls for Publishing {
    type Request = pb::PublishRequest;
    type Reply = Vec<Sequence>;
    type Message = pb::PublishCalls;
    type Answers = pb::PublishAnswers;
    type Error = Error;

    fn message(calls: Vec<(u64, pb::PublishRequest)>) -> pb::PublishCalls {
        let calls = calls.into_iter().map(|(call, request)| pb::PublishCall {
            call,
            request: Some(request),
        });
        pb::PublishCalls {
            calls: calls.collect(),
        }
    }

    fn answers(message: pb::PublishAnswers) -> Vec<(u64, Result<Vec<Sequence>, Error>)> {
        use pb::publish_answer::Outcome;
        let answers = message.answers.into_iter().map(|answer| {
            let outcome = match answer.outcome {
                Some(Outcome::Published(reply)) => {
                    Ok(reply.sequences.into_iter().map(Sequence).collect())
                }
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
        messages: ReceiverStream<pb::PublishCalls>,
    ) -> Result<Streaming<pb::PublishAnswers>, Status> {
        let answers = self.0.clone().publish_stream(messages).await?;
        Ok(answers.into_inner())
    }
}
