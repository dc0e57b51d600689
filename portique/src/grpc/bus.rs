use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::BoxStream;
use portique_bus::{Bus, CompactionName, ConsumerName, DeliveryToken, Error, Sequence};
use portique_client::proto::bus::v1 as pb;
use portique_client::{bus_status, wire};
use portique_event::Event;
use portique_fault::Report;
use tonic::{Request, Response, Status, Streaming};

use super::calls::{self, Calls};
use super::door::{Door, Visitor, about};

type Reply<T> = Result<Response<T>, Status>;

/// Longest wait of one call: shorter than what proxies on the way call a dead connection.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The bus, over gRPC.
#[derive(Clone)]
pub(super) struct BusService {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) door: Arc<Door>,
}

/// Why a batch was not published: the front door's word, or the engine's.
enum Refused {
    Door(Report),
    Bus(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Bus(error)
    }
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Door(report) => portique_client::status::status(&report),
            Refused::Bus(error) => bus_status(&error),
        }
    }
}

impl BusService {
    async fn publish_batch(
        &self,
        visitor: Visitor,
        request: pb::PublishRequest,
    ) -> Result<pb::PublishReply, Refused> {
        let is_reserved = request.reserved;
        let events = self.checked(visitor, request)?;
        let sequences = if is_reserved {
            self.bus.publish_reserved(events).await?
        } else {
            self.bus.publish(events).await?
        };
        Ok(reply(sequences))
    }

    /// Publishes the batches of some calls together, those that may use the reserve by themselves; all
    /// begin in their order.
    async fn publish_calls(
        self,
        visitor: Visitor,
        calls: Vec<pb::PublishCall>,
    ) -> Vec<pb::PublishAnswer> {
        let is_reserved = |call: &pb::PublishCall| {
            call.request
                .as_ref()
                .is_some_and(|request| request.reserved)
        };
        let mut runs: Vec<Vec<pb::PublishCall>> = Vec::new();
        for call in calls {
            match runs.last_mut() {
                Some(run) if !is_reserved(&call) && !is_reserved(&run[0]) => run.push(call),
                _ => runs.push(vec![call]),
            }
        }
        let runs = runs.into_iter().map(|run| self.publish_run(visitor, run));
        join_all(runs).await.concat()
    }

    /// One call that may use the reserve, or some that may not.
    async fn publish_run(
        &self,
        visitor: Visitor,
        run: Vec<pb::PublishCall>,
    ) -> Vec<pb::PublishAnswer> {
        let mut answers = Vec::with_capacity(run.len());
        let mut numbers = Vec::with_capacity(run.len());
        let mut batches = Vec::with_capacity(run.len());
        for pb::PublishCall { call, request } in run {
            let request = request.unwrap_or_default();
            if request.reserved {
                let published = self.publish_batch(visitor, request).await;
                return vec![answer(call, published)];
            }
            match self.checked(visitor, request) {
                Err(refused) => answers.push(answer(call, Err(refused))),
                Ok(events) => {
                    numbers.push(call);
                    batches.push(events);
                }
            }
        }
        let published = self.bus.publish_each(batches).await;
        let published = published
            .into_iter()
            .map(|published| published.map(reply).map_err(Refused::Bus));
        let answered = numbers.into_iter().zip(published);
        answers.extend(answered.map(|(call, published)| answer(call, published)));
        answers
    }

    /// The events of a request, if this visitor may publish them.
    fn checked(
        &self,
        visitor: Visitor,
        request: pb::PublishRequest,
    ) -> Result<Vec<Event>, Refused> {
        if request.reserved {
            visitor.may_use_reserve().map_err(Refused::Door)?;
        }
        let events: Vec<Event> = wire::try_each(request.events).map_err(Error::from)?;
        for event in &events {
            let checked = self.door.check_subject(event.subject());
            checked.map_err(Refused::Door)?;
        }
        Ok(events)
    }

    /// The consumer that a change is about.
    fn consumer(&self, name: String) -> Result<ConsumerName, Status> {
        let name = ConsumerName::new(name).map_err(|error| bus_status(&error))?;
        self.door.check_consumer(&name)?;
        Ok(name)
    }
}

fn tokens(tokens: Vec<u64>) -> Vec<DeliveryToken> {
    tokens.into_iter().map(DeliveryToken).collect()
}

fn reply(sequences: Vec<Sequence>) -> pb::PublishReply {
    pb::PublishReply {
        sequences: sequences.into_iter().map(|at| at.0).collect(),
    }
}

fn answer(call: u64, published: Result<pb::PublishReply, Refused>) -> pb::PublishAnswer {
    use pb::publish_answer::Outcome;
    let outcome = match published {
        Ok(published) => Outcome::Published(published),
        Err(Refused::Bus(error)) => Outcome::Failed((&error).into()),
        Err(Refused::Door(report)) => Outcome::Failed((&report).into()),
    };
    pb::PublishAnswer {
        call,
        outcome: Some(outcome),
    }
}

fn refuse(error: Error) -> Status {
    bus_status(&error)
}

#[tonic::async_trait]
impl pb::bus_server::Bus for BusService {
    type PublishStreamStream = BoxStream<'static, Result<pb::PublishAnswers, Status>>;

    async fn publish(&self, request: Request<pb::PublishRequest>) -> Reply<pb::PublishReply> {
        let visitor = Visitor::of(&request);
        let published = self.publish_batch(visitor, request.into_inner()).await?;
        Ok(Response::new(published))
    }

    async fn publish_stream(
        &self,
        request: Request<Streaming<pb::PublishCalls>>,
    ) -> Reply<Self::PublishStreamStream> {
        let place = self.door.stream()?;
        let calls = PublishCalls {
            service: self.clone(),
            visitor: Visitor::of(&request),
        };
        let stop = self.door.stop();
        Ok(Response::new(calls::answer(
            request.into_inner(),
            calls,
            stop,
            place,
        )))
    }

    async fn read(&self, request: Request<pb::ReadRequest>) -> Reply<pb::Page> {
        let request = request.into_inner();
        let filter = wire::filter(request.filter).map_err(refuse)?;
        let start = wire::start(request.start);
        let page = self.bus.read(&filter, start, request.limit as usize);
        Ok(Response::new(page.await.map_err(refuse)?.into()))
    }

    async fn wait(&self, request: Request<pb::WaitRequest>) -> Reply<pb::WaitReply> {
        let from = Sequence(request.into_inner().from);
        let wait = tokio::time::timeout(WAIT_MAX, self.bus.wait(from));
        let reached = match self.door.while_open(wait).await? {
            Ok(waited) => waited.map(|()| true).map_err(refuse)?,
            Err(_) => false,
        };
        Ok(Response::new(pb::WaitReply { reached }))
    }

    async fn create_consumer(
        &self,
        request: Request<pb::CreateConsumerRequest>,
    ) -> Reply<pb::CreateConsumerReply> {
        let request = request.into_inner();
        let name = self.consumer(request.name)?;
        let options = request.options.unwrap_or_default().try_into();
        let options = options.map_err(refuse)?;
        self.bus.consumer(&name, options).await.map_err(refuse)?;
        about(Ok(Response::new(pb::CreateConsumerReply {})), &name)
    }

    async fn remove_consumer(
        &self,
        request: Request<pb::RemoveConsumerRequest>,
    ) -> Reply<pb::RemoveConsumerReply> {
        let name = self.consumer(request.into_inner().name)?;
        self.bus.remove_consumer(&name).await.map_err(refuse)?;
        about(Ok(Response::new(pb::RemoveConsumerReply {})), &name)
    }

    async fn list_consumers(
        &self,
        _: Request<pb::ListConsumersRequest>,
    ) -> Reply<pb::ListConsumersReply> {
        let consumers = self.bus.consumers().await.map_err(refuse)?;
        Ok(Response::new(pb::ListConsumersReply {
            consumers: wire::each(consumers),
        }))
    }

    async fn fetch(&self, request: Request<pb::FetchRequest>) -> Reply<pb::FetchReply> {
        let request = request.into_inner();
        let name = self.consumer(request.consumer)?;
        let wait = wire::duration(request.wait_ns).min(WAIT_MAX);
        let fetch = self.bus.fetch(&name, request.limit as usize, wait);
        let deliveries = self.door.while_open(fetch).await?.map_err(refuse)?;
        Ok(Response::new(pb::FetchReply {
            deliveries: wire::each(deliveries),
        }))
    }

    async fn ack(&self, request: Request<pb::AckRequest>) -> Reply<pb::AckReply> {
        let request = request.into_inner();
        let name = self.consumer(request.consumer)?;
        let tokens = tokens(request.tokens);
        self.bus.ack(&name, &tokens).await.map_err(refuse)?;
        Ok(Response::new(pb::AckReply {}))
    }

    async fn nak(&self, request: Request<pb::NakRequest>) -> Reply<pb::NakReply> {
        let request = request.into_inner();
        let name = self.consumer(request.consumer)?;
        let token = DeliveryToken(request.token);
        let delay = wire::duration(request.delay_ns);
        self.bus.nak(&name, token, delay).await.map_err(refuse)?;
        Ok(Response::new(pb::NakReply {}))
    }

    async fn extend(&self, request: Request<pb::ExtendRequest>) -> Reply<pb::ExtendReply> {
        let request = request.into_inner();
        let name = self.consumer(request.consumer)?;
        let tokens = tokens(request.tokens);
        self.bus.extend(&name, &tokens).await.map_err(refuse)?;
        Ok(Response::new(pb::ExtendReply {}))
    }

    async fn seek(&self, request: Request<pb::SeekRequest>) -> Reply<pb::SeekReply> {
        let request = request.into_inner();
        let name = self.consumer(request.consumer)?;
        let start = wire::start(request.start);
        self.bus.seek(&name, start).await.map_err(refuse)?;
        about(Ok(Response::new(pb::SeekReply {})), &name)
    }

    async fn create_compaction(
        &self,
        request: Request<pb::CreateCompactionRequest>,
    ) -> Reply<pb::CreateCompactionReply> {
        let request = request.into_inner();
        let name = CompactionName::new(request.name).map_err(refuse)?;
        let filter = wire::filter(request.filter).map_err(refuse)?;
        self.bus.compaction(&name, filter).await.map_err(refuse)?;
        about(Ok(Response::new(pb::CreateCompactionReply {})), &name)
    }

    async fn remove_compaction(
        &self,
        request: Request<pb::RemoveCompactionRequest>,
    ) -> Reply<pb::RemoveCompactionReply> {
        let name = CompactionName::new(request.into_inner().name).map_err(refuse)?;
        self.bus.remove_compaction(&name).await.map_err(refuse)?;
        about(Ok(Response::new(pb::RemoveCompactionReply {})), &name)
    }

    async fn list_compactions(
        &self,
        _: Request<pb::ListCompactionsRequest>,
    ) -> Reply<pb::ListCompactionsReply> {
        let compactions = self.bus.compactions().await.map_err(refuse)?;
        Ok(Response::new(pb::ListCompactionsReply {
            compactions: wire::each(compactions),
        }))
    }
}

/// Publishes the batches of a stream.
struct PublishCalls {
    service: BusService,
    visitor: Visitor,
}

impl Calls for PublishCalls {
    type Message = pb::PublishCalls;
    type Call = pb::PublishCall;
    type Answer = pb::PublishAnswer;
    type Answers = pb::PublishAnswers;

    fn calls(message: pb::PublishCalls) -> Vec<pb::PublishCall> {
        message.calls
    }

    fn begin(&self, calls: Vec<pb::PublishCall>) -> BoxFuture<'static, Vec<pb::PublishAnswer>> {
        let service = self.service.clone();
        service.publish_calls(self.visitor, calls).boxed()
    }

    fn answers(answers: Vec<pb::PublishAnswer>) -> pb::PublishAnswers {
        pb::PublishAnswers { answers }
    }
}
