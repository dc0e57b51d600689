//! A hub's job queues as the port: every call is one message and one answer, repeated where that does
//! no harm; only batches of new jobs travel on a stream of their own.

mod enqueuing;

use std::time::Duration;

use async_trait::async_trait;
use portique_jobs::{
    Binding, Claim, Claimed, Completion, DeadFilter, DeadLetter, Enqueued, Error, Extension,
    Failing, JobFilter, JobId, JobPage, JobView, Jobs, Label, Lease, NewJob, Payload, Progress,
    QueueName, QueueOptions, QueueState, Schedule, ScheduleName, ScheduleState, Settled,
};
use tokio::time::Instant;
use tonic::{Response, Status};

use crate::call::{self, Repeat};
use crate::client::{Admitted, Client};
use crate::proto::jobs::v1 as pb;
use crate::proto::jobs::v1::jobs_client::JobsClient;
use crate::wire;

pub(crate) use enqueuing::Enqueuing;

/// Longest wait of one call; a longer one is several.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A hub's job queues.
pub(crate) struct RemoteJobs {
    client: Client,
}

impl RemoteJobs {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    async fn call<M, T, F>(
        &self,
        repeat: Repeat,
        message: M,
        call: impl Fn(JobsClient<Admitted>, M) -> F,
    ) -> Result<T, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let attempt = || call(self.client.jobs_client(), message.clone());
        Ok(self.client.call(repeat, attempt).await?)
    }
}

/// The hub's answer does not say what the contract asks it to.
fn malformed(error: Error) -> Error {
    Error::Unavailable {
        reason: call::malformed(&error),
    }
}

fn of_queue(queue: &QueueName) -> pb::QueueRequest {
    pb::QueueRequest {
        queue: queue.to_string(),
    }
}

fn of_group(queue: &QueueName, group: Option<&Label>) -> pb::GroupRequest {
    pb::GroupRequest {
        queue: queue.to_string(),
        group: group.map(Label::to_string),
    }
}

fn of_name(name: &ScheduleName) -> pb::NameRequest {
    pb::NameRequest {
        name: name.to_string(),
    }
}

fn of_jobs(ids: &[JobId]) -> pb::JobsRequest {
    pb::JobsRequest {
        ids: ids.iter().map(|id| id.0).collect(),
    }
}

/// A list must have an entry for each that was asked about.
fn settled(reply: pb::SettleReply, asked: usize) -> Result<Vec<Settled>, Error> {
    one_each(wire::each(reply.settled), asked)
}

fn one_each<T>(answers: Vec<T>, asked: usize) -> Result<Vec<T>, Error> {
    if answers.len() == asked {
        return Ok(answers);
    }
    Err(Error::InDoubt {
        reason: format!("the hub answered {} of {asked} questions", answers.len()),
    })
}

#[async_trait]
impl Jobs for RemoteJobs {
    async fn define_queue(&self, name: &QueueName, options: QueueOptions) -> Result<(), Error> {
        let request = pb::DefineQueueRequest {
            queue: name.to_string(),
            options: Some(options.into()),
        };
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.define_queue(request).await
        };
        self.call(Repeat::Harmless, request, call).await?;
        Ok(())
    }

    async fn remove_queue(&self, name: &QueueName) -> Result<(), Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.remove_queue(request).await
        };
        self.call(Repeat::Doubles, of_queue(name), call).await?;
        Ok(())
    }

    async fn queues(&self) -> Result<Vec<QueueState>, Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.list_queues(request).await
        };
        let reply = self
            .call(Repeat::Harmless, pb::ListRequest {}, call)
            .await?;
        wire::try_each(reply.queues).map_err(malformed)
    }

    async fn queue(&self, name: &QueueName) -> Result<QueueState, Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.show_queue(request).await
        };
        let state = self.call(Repeat::Harmless, of_queue(name), call).await?;
        state.try_into().map_err(malformed)
    }

    async fn pause(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error> {
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.pause(request).await };
        self.call(Repeat::Harmless, of_group(queue, group), call)
            .await?;
        Ok(())
    }

    async fn resume(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error> {
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.resume(request).await };
        self.call(Repeat::Harmless, of_group(queue, group), call)
            .await?;
        Ok(())
    }

    async fn drain(&self, queue: &QueueName) -> Result<(), Error> {
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.drain(request).await };
        self.call(Repeat::Harmless, of_queue(queue), call).await?;
        Ok(())
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, Error> {
        let asked = jobs.len();
        let request = pb::EnqueueRequest {
            jobs: wire::each(jobs),
        };
        one_each(self.client.enqueuing().call(request).await?, asked)
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, Error> {
        let request = pb::ClaimRequest::from(claim);
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.claim(request).await };
        let reply = self.call(Repeat::Harmless, request, call).await?;
        wire::try_each(reply.jobs).map_err(malformed)
    }

    async fn extend(&self, leases: &[Lease]) -> Result<Vec<Extension>, Error> {
        let request = pb::ExtendRequest {
            leases: wire::each(leases.to_vec()),
        };
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.extend(request).await };
        let reply = self.call(Repeat::Harmless, request, call).await?;
        let extensions = reply.extensions().map(Extension::from).collect();
        one_each(extensions, leases.len())
    }

    async fn progress(&self, lease: Lease, progress: Progress) -> Result<(), Error> {
        let request = pb::ProgressRequest {
            lease: Some(lease.into()),
            share: progress.share,
            note: progress.note,
        };
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.progress(request).await
        };
        self.call(Repeat::Harmless, request, call).await?;
        Ok(())
    }

    async fn complete(&self, completions: Vec<Completion>) -> Result<Vec<Settled>, Error> {
        let asked = completions.len();
        let request = pb::CompleteRequest {
            completions: wire::each(completions),
        };
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.complete(request).await
        };
        settled(self.call(Repeat::Harmless, request, call).await?, asked)
    }

    async fn fail(&self, failings: Vec<Failing>) -> Result<Vec<Settled>, Error> {
        let asked = failings.len();
        let request = pb::FailRequest {
            failings: wire::each(failings),
        };
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.fail(request).await };
        settled(self.call(Repeat::Doubles, request, call).await?, asked)
    }

    async fn release(&self, leases: &[Lease], delay: Duration) -> Result<Vec<Settled>, Error> {
        let request = pb::ReleaseRequest {
            leases: wire::each(leases.to_vec()),
            delay_ns: wire::nanos(delay),
        };
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.release(request).await
        };
        let reply = self.call(Repeat::Doubles, request, call).await?;
        settled(reply, leases.len())
    }

    async fn job(&self, id: JobId) -> Result<JobView, Error> {
        let request = pb::ShowJobRequest {
            id: id.0,
            wait_ns: 0,
        };
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.show_job(request).await
        };
        let view = self.call(Repeat::Harmless, request, call).await?;
        view.try_into().map_err(malformed)
    }

    async fn wait_job(&self, id: JobId, wait: Duration) -> Result<JobView, Error> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let request = pb::ShowJobRequest {
                id: id.0,
                wait_ns: wire::nanos(left.min(WAIT_MAX)),
            };
            let call = |mut client: JobsClient<Admitted>, request| async move {
                client.show_job(request).await
            };
            let view = self.call(Repeat::Harmless, request, call).await?;
            let view = JobView::try_from(view).map_err(malformed)?;
            if view.state.is_final() || left <= WAIT_MAX {
                return Ok(view);
            }
        }
    }

    async fn list(&self, filter: JobFilter) -> Result<JobPage, Error> {
        let request = pb::ListJobsRequest::from(filter);
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.list_jobs(request).await
        };
        let page = self.call(Repeat::Harmless, request, call).await?;
        page.try_into().map_err(malformed)
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.cancel(request).await };
        let reply = self.call(Repeat::Doubles, of_jobs(ids), call).await?;
        settled(reply, ids.len())
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.retry(request).await };
        let reply = self.call(Repeat::Doubles, of_jobs(ids), call).await?;
        settled(reply, ids.len())
    }

    async fn dead(&self, filter: DeadFilter) -> Result<Vec<DeadLetter>, Error> {
        let request = pb::ListDeadRequest::from(filter);
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.list_dead(request).await
        };
        let reply = self.call(Repeat::Harmless, request, call).await?;
        wire::try_each(reply.letters).map_err(malformed)
    }

    async fn edit_dead(&self, id: JobId, payload: Payload) -> Result<(), Error> {
        let request = pb::EditDeadRequest {
            id: id.0,
            payload: Some(payload.into()),
        };
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.edit_dead(request).await
        };
        self.call(Repeat::Doubles, request, call).await?;
        Ok(())
    }

    async fn drop_dead(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.drop_dead(request).await
        };
        let reply = self.call(Repeat::Doubles, of_jobs(ids), call).await?;
        settled(reply, ids.len())
    }

    async fn define_schedule(&self, schedule: Schedule) -> Result<(), Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.define_schedule(request).await
        };
        self.call(Repeat::Harmless, pb::Schedule::from(schedule), call)
            .await?;
        Ok(())
    }

    async fn remove_schedule(&self, name: &ScheduleName) -> Result<(), Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.remove_schedule(request).await
        };
        self.call(Repeat::Doubles, of_name(name), call).await?;
        Ok(())
    }

    async fn schedules(&self) -> Result<Vec<ScheduleState>, Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.list_schedules(request).await
        };
        let reply = self
            .call(Repeat::Harmless, pb::ListRequest {}, call)
            .await?;
        wire::try_each(reply.schedules).map_err(malformed)
    }

    async fn bind(&self, binding: Binding) -> Result<(), Error> {
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.bind(request).await };
        self.call(Repeat::Harmless, pb::Binding::from(binding), call)
            .await?;
        Ok(())
    }

    async fn unbind(&self, name: &ScheduleName) -> Result<(), Error> {
        let call =
            |mut client: JobsClient<Admitted>, request| async move { client.unbind(request).await };
        self.call(Repeat::Doubles, of_name(name), call).await?;
        Ok(())
    }

    async fn bindings(&self) -> Result<Vec<Binding>, Error> {
        let call = |mut client: JobsClient<Admitted>, request| async move {
            client.list_bindings(request).await
        };
        let reply = self
            .call(Repeat::Harmless, pb::ListRequest {}, call)
            .await?;
        wire::try_each(reply.bindings).map_err(malformed)
    }
}
