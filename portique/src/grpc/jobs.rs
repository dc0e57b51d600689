use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::BoxStream;
use portique_client::proto::jobs::v1 as pb;
use portique_client::{jobs_status, wire};
use portique_jobs::{
    Binding, Claim, Claimed, Error, JobId, Jobs, Label, Lease, Payload, Progress, QueueName,
    Schedule, ScheduleName, Settled,
};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::calls::{self, Calls};
use super::door::{Door, about};
use super::work;

type Reply<T> = Result<Response<T>, Status>;

/// Longest wait of one call: shorter than what proxies on the way call a dead connection.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Jobs of one order that the audit journal names.
const NAMED_MAX: usize = 32;
/// Bytes of jobs and letters after which a list ends: what a caller holds as one message.
const REPLY_BYTES_MAX: usize = 16 << 20;

/// The job queues, over gRPC.
#[derive(Clone)]
pub(super) struct JobsService {
    pub(super) jobs: Arc<dyn Jobs>,
    pub(super) door: Arc<Door>,
}

impl JobsService {
    async fn enqueue_batch(&self, request: pb::EnqueueRequest) -> Result<pb::EnqueueReply, Error> {
        let jobs = wire::try_each(request.jobs)?;
        let enqueued = self.jobs.enqueue(jobs).await?;
        Ok(pb::EnqueueReply {
            jobs: wire::each(enqueued),
        })
    }

    /// What fits into a reply; the rest goes back, without costing an attempt.
    async fn fitting(&self, claimed: Vec<Claimed>) -> Result<Vec<pb::Claimed>, Error> {
        let mut bytes = 0;
        let mut fitting = Vec::with_capacity(claimed.len());
        let mut surplus = Vec::new();
        for claimed in claimed {
            bytes += claimed.payload.body.len();
            if bytes <= REPLY_BYTES_MAX || fitting.is_empty() {
                fitting.push(claimed.into());
            } else {
                surplus.push(claimed.lease);
            }
        }
        if !surplus.is_empty() {
            self.jobs.release(&surplus, Duration::ZERO).await?;
        }
        Ok(fitting)
    }
}

fn refuse(error: Error) -> Status {
    jobs_status(&error)
}

fn queue(name: String) -> Result<QueueName, Status> {
    QueueName::new(name).map_err(refuse)
}

fn schedule_name(name: String) -> Result<ScheduleName, Status> {
    ScheduleName::new(name).map_err(refuse)
}

fn group(request: pb::GroupRequest) -> Result<(QueueName, Option<Label>), Status> {
    let group = request.group.map(Label::new).transpose().map_err(refuse)?;
    Ok((queue(request.queue)?, group))
}

fn ids(request: pb::JobsRequest) -> Vec<JobId> {
    request.ids.into_iter().map(JobId).collect()
}

fn done(result: Result<(), Error>) -> Reply<pb::Done> {
    result.map_err(refuse)?;
    Ok(Response::new(pb::Done {}))
}

fn settled(result: Result<Vec<Settled>, Error>) -> Reply<pb::SettleReply> {
    let settled = wire::each(result.map_err(refuse)?);
    Ok(Response::new(pb::SettleReply { settled }))
}

/// Jobs as the audit journal names them, the first few of many.
fn several(ids: &[JobId]) -> String {
    let named: Vec<String> = ids
        .iter()
        .take(NAMED_MAX)
        .map(|id| id.0.to_string())
        .collect();
    let more = if ids.len() > NAMED_MAX { " ..." } else { "" };
    format!("{}{more}", named.join(" "))
}

#[tonic::async_trait]
impl pb::jobs_server::Jobs for JobsService {
    type EnqueueStreamStream = BoxStream<'static, Result<pb::EnqueueAnswers, Status>>;
    type WorkStream = BoxStream<'static, Result<pb::HubMessage, Status>>;

    async fn define_queue(&self, request: Request<pb::DefineQueueRequest>) -> Reply<pb::Done> {
        let request = request.into_inner();
        let name = queue(request.queue)?;
        let options = request.options.unwrap_or_default().try_into();
        let options = options.map_err(refuse)?;
        about(done(self.jobs.define_queue(&name, options).await), &name)
    }

    async fn remove_queue(&self, request: Request<pb::QueueRequest>) -> Reply<pb::Done> {
        let name = queue(request.into_inner().queue)?;
        about(done(self.jobs.remove_queue(&name).await), &name)
    }

    async fn list_queues(&self, _: Request<pb::ListRequest>) -> Reply<pb::ListQueuesReply> {
        let queues = wire::each(self.jobs.queues().await.map_err(refuse)?);
        Ok(Response::new(pb::ListQueuesReply { queues }))
    }

    async fn show_queue(&self, request: Request<pb::QueueRequest>) -> Reply<pb::QueueState> {
        let name = queue(request.into_inner().queue)?;
        let state = self.jobs.queue(&name).await.map_err(refuse)?;
        Ok(Response::new(state.into()))
    }

    async fn pause(&self, request: Request<pb::GroupRequest>) -> Reply<pb::Done> {
        let (queue, group) = group(request.into_inner())?;
        about(done(self.jobs.pause(&queue, group.as_ref()).await), &queue)
    }

    async fn resume(&self, request: Request<pb::GroupRequest>) -> Reply<pb::Done> {
        let (queue, group) = group(request.into_inner())?;
        about(done(self.jobs.resume(&queue, group.as_ref()).await), &queue)
    }

    async fn drain(&self, request: Request<pb::QueueRequest>) -> Reply<pb::Done> {
        let name = queue(request.into_inner().queue)?;
        about(done(self.jobs.drain(&name).await), &name)
    }

    async fn enqueue(&self, request: Request<pb::EnqueueRequest>) -> Reply<pb::EnqueueReply> {
        let enqueued = self.enqueue_batch(request.into_inner()).await;
        Ok(Response::new(enqueued.map_err(refuse)?))
    }

    async fn enqueue_stream(
        &self,
        request: Request<Streaming<pb::EnqueueCalls>>,
    ) -> Reply<Self::EnqueueStreamStream> {
        let place = self.door.stream()?;
        let answers = calls::answer(
            request.into_inner(),
            EnqueueCalls(self.clone()),
            self.door.stop(),
            place,
        );
        Ok(Response::new(answers))
    }

    async fn claim(&self, request: Request<pb::ClaimRequest>) -> Reply<pb::ClaimReply> {
        let mut claim = Claim::try_from(request.into_inner()).map_err(refuse)?;
        claim.wait = claim.wait.min(WAIT_MAX);
        let claimed = self.door.while_open(self.jobs.claim(claim)).await?;
        let jobs = self.fitting(claimed.map_err(refuse)?).await;
        Ok(Response::new(pb::ClaimReply {
            jobs: jobs.map_err(refuse)?,
        }))
    }

    async fn extend(&self, request: Request<pb::ExtendRequest>) -> Reply<pb::ExtendReply> {
        let leases: Vec<Lease> = wire::each(request.into_inner().leases);
        let extensions = self.jobs.extend(&leases).await.map_err(refuse)?;
        let extensions = extensions.into_iter().map(pb::Extension::from);
        Ok(Response::new(pb::ExtendReply {
            extensions: extensions.map(Into::into).collect(),
        }))
    }

    async fn progress(&self, request: Request<pb::ProgressRequest>) -> Reply<pb::Done> {
        let request = request.into_inner();
        let lease = wire::lease(request.lease).map_err(refuse)?;
        let progress = Progress {
            share: request.share,
            note: request.note,
        };
        done(self.jobs.progress(lease, progress).await)
    }

    async fn complete(&self, request: Request<pb::CompleteRequest>) -> Reply<pb::SettleReply> {
        let completions = wire::try_each(request.into_inner().completions).map_err(refuse)?;
        settled(self.jobs.complete(completions).await)
    }

    async fn fail(&self, request: Request<pb::FailRequest>) -> Reply<pb::SettleReply> {
        let failings = wire::try_each(request.into_inner().failings).map_err(refuse)?;
        settled(self.jobs.fail(failings).await)
    }

    async fn release(&self, request: Request<pb::ReleaseRequest>) -> Reply<pb::SettleReply> {
        let request = request.into_inner();
        let leases: Vec<Lease> = wire::each(request.leases);
        let delay = wire::duration(request.delay_ns);
        settled(self.jobs.release(&leases, delay).await)
    }

    async fn work(
        &self,
        request: Request<Streaming<pb::WorkerMessage>>,
    ) -> Reply<Self::WorkStream> {
        let place = self.door.stream()?;
        let jobs = Arc::clone(&self.jobs);
        let stream = work::serve(request.into_inner(), jobs, self.door.stop(), place).await?;
        Ok(Response::new(stream))
    }

    async fn show_job(&self, request: Request<pb::ShowJobRequest>) -> Reply<pb::JobView> {
        let request = request.into_inner();
        let id = JobId(request.id);
        let wait = wire::duration(request.wait_ns).min(WAIT_MAX);
        let view = if wait.is_zero() {
            self.jobs.job(id).await
        } else {
            self.door.while_open(self.jobs.wait_job(id, wait)).await?
        };
        Ok(Response::new(view.map_err(refuse)?.into()))
    }

    async fn list_jobs(&self, request: Request<pb::ListJobsRequest>) -> Reply<pb::JobPage> {
        let filter = request.into_inner().try_into().map_err(refuse)?;
        let page = self.jobs.list(filter).await.map_err(refuse)?;
        Ok(Response::new(page.into()))
    }

    async fn cancel(&self, request: Request<pb::JobsRequest>) -> Reply<pb::SettleReply> {
        let ids = ids(request.into_inner());
        about(settled(self.jobs.cancel(&ids).await), several(&ids))
    }

    async fn retry(&self, request: Request<pb::JobsRequest>) -> Reply<pb::SettleReply> {
        let ids = ids(request.into_inner());
        about(settled(self.jobs.retry(&ids).await), several(&ids))
    }

    async fn list_dead(&self, request: Request<pb::ListDeadRequest>) -> Reply<pb::ListDeadReply> {
        let filter = request.into_inner().try_into().map_err(refuse)?;
        let mut letters: Vec<pb::DeadLetter> =
            wire::each(self.jobs.dead(filter).await.map_err(refuse)?);
        let mut bytes = 0;
        let fits = letters.iter().position(|letter| {
            bytes += letter.encoded_len();
            bytes > REPLY_BYTES_MAX
        });
        if let Some(count) = fits {
            letters.truncate(count.max(1));
        }
        Ok(Response::new(pb::ListDeadReply { letters }))
    }

    async fn edit_dead(&self, request: Request<pb::EditDeadRequest>) -> Reply<pb::Done> {
        let request = request.into_inner();
        let payload = Payload::from(request.payload.unwrap_or_default());
        let edited = self.jobs.edit_dead(JobId(request.id), payload).await;
        about(done(edited), request.id)
    }

    async fn drop_dead(&self, request: Request<pb::JobsRequest>) -> Reply<pb::SettleReply> {
        let ids = ids(request.into_inner());
        about(settled(self.jobs.drop_dead(&ids).await), several(&ids))
    }

    async fn define_schedule(&self, request: Request<pb::Schedule>) -> Reply<pb::Done> {
        let schedule: Schedule = request.into_inner().try_into().map_err(refuse)?;
        let name = schedule.name.clone();
        about(done(self.jobs.define_schedule(schedule).await), name)
    }

    async fn remove_schedule(&self, request: Request<pb::NameRequest>) -> Reply<pb::Done> {
        let name = schedule_name(request.into_inner().name)?;
        about(done(self.jobs.remove_schedule(&name).await), &name)
    }

    async fn list_schedules(&self, _: Request<pb::ListRequest>) -> Reply<pb::ListSchedulesReply> {
        let schedules = wire::each(self.jobs.schedules().await.map_err(refuse)?);
        Ok(Response::new(pb::ListSchedulesReply { schedules }))
    }

    async fn bind(&self, request: Request<pb::Binding>) -> Reply<pb::Done> {
        let binding: Binding = request.into_inner().try_into().map_err(refuse)?;
        self.door.check_binding(&binding.filter)?;
        let name = binding.name.clone();
        about(done(self.jobs.bind(binding).await), name)
    }

    async fn unbind(&self, request: Request<pb::NameRequest>) -> Reply<pb::Done> {
        let name = schedule_name(request.into_inner().name)?;
        about(done(self.jobs.unbind(&name).await), &name)
    }

    async fn list_bindings(&self, _: Request<pb::ListRequest>) -> Reply<pb::ListBindingsReply> {
        let bindings = wire::each(self.jobs.bindings().await.map_err(refuse)?);
        Ok(Response::new(pb::ListBindingsReply { bindings }))
    }
}

/// Enqueues the batches of a stream.
struct EnqueueCalls(JobsService);

impl Calls for EnqueueCalls {
    type Message = pb::EnqueueCalls;
    type Call = pb::EnqueueCall;
    type Answer = pb::EnqueueAnswer;
    type Answers = pb::EnqueueAnswers;

    fn calls(message: pb::EnqueueCalls) -> Vec<pb::EnqueueCall> {
        message.calls
    }

    fn begin(&self, calls: Vec<pb::EnqueueCall>) -> BoxFuture<'static, Vec<pb::EnqueueAnswer>> {
        let calls = calls.into_iter().map(|call| enqueue(self.0.clone(), call));
        join_all(calls).boxed()
    }

    fn answers(answers: Vec<pb::EnqueueAnswer>) -> pb::EnqueueAnswers {
        pb::EnqueueAnswers { answers }
    }
}

async fn enqueue(service: JobsService, call: pb::EnqueueCall) -> pb::EnqueueAnswer {
    use pb::enqueue_answer::Outcome;
    let request = call.request.unwrap_or_default();
    let outcome = match service.enqueue_batch(request).await {
        Ok(enqueued) => Outcome::Enqueued(enqueued),
        Err(error) => Outcome::Failed((&error).into()),
    };
    pb::EnqueueAnswer {
        call: call.call,
        outcome: Some(outcome),
    }
}
