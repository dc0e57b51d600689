use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use portique_client::proto::jobs::v1 as pb;
use portique_client::wire;
use portique_jobs::{
    Completion, Error, Extension, Failing, JobId, Jobs, Lease, LeaseToken, Progress, SETTLE_MAX,
    Settled,
};

/// What became of something that a worker asked for.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) outcomes: Vec<pb::Outcome>,
    /// What could not be settled, and is in the worker's hands as before.
    pub(super) unchanged: Vec<Lease>,
    /// What a heartbeat found lost or cancelled.
    pub(super) gone: Vec<(Lease, Extension)>,
}

type Settling = BoxFuture<'static, Answer>;
type Held = BTreeMap<JobId, LeaseToken>;

/// Begins all that a message asks for; what it settles is held no more.
///
/// # Errors
/// [`Error::InvalidOption`] for an entry without a lease.
pub(super) fn begin(
    jobs: &Arc<dyn Jobs>,
    message: pb::WorkerMessage,
    held: &mut Held,
) -> Result<Vec<Settling>, Error> {
    let completions: Vec<Completion> = wire::try_each(message.completions)?;
    let failings: Vec<Failing> = wire::try_each(message.failings)?;
    let release = message.release.unwrap_or_default();
    let released: Vec<Lease> = wire::each(release.leases);
    let extended: Vec<Lease> = wire::each(message.extend);
    let done = completions.iter().map(|completion| completion.lease);
    let failed = failings.iter().map(|failing| failing.lease);
    for lease in done.chain(failed).chain(released.iter().copied()) {
        held.remove(&lease.id);
    }
    let mut begun = Vec::new();
    if !completions.is_empty() {
        begun.push(complete(Arc::clone(jobs), completions));
    }
    if !failings.is_empty() {
        begun.push(fail(Arc::clone(jobs), failings));
    }
    if !released.is_empty() {
        let delay = wire::duration(release.delay_ns);
        for leases in released.chunks(SETTLE_MAX).map(<[_]>::to_vec) {
            let jobs = Arc::clone(jobs);
            let releasing = async move {
                let settled = jobs.release(&leases, delay).await;
                settle_answer(leases, settled)
            };
            begun.push(releasing.boxed());
        }
    }
    if !extended.is_empty() {
        begun.push(extend(Arc::clone(jobs), extended));
    }
    for request in message.progress {
        begun.push(progress(Arc::clone(jobs), request)?);
    }
    if message.heartbeat && !held.is_empty() {
        let leases = held.iter().map(|(id, token)| Lease {
            id: *id,
            token: *token,
        });
        begun.push(heartbeat(Arc::clone(jobs), leases.collect()));
    }
    Ok(begun)
}

fn complete(jobs: Arc<dyn Jobs>, completions: Vec<Completion>) -> Settling {
    async move {
        let leases = completions.iter().map(|completion| completion.lease);
        let leases = leases.collect();
        settle_answer(leases, jobs.complete(completions).await)
    }
    .boxed()
}

fn fail(jobs: Arc<dyn Jobs>, failings: Vec<Failing>) -> Settling {
    async move {
        let leases = failings.iter().map(|failing| failing.lease).collect();
        settle_answer(leases, jobs.fail(failings).await)
    }
    .boxed()
}

fn settle_answer(leases: Vec<Lease>, settled: Result<Vec<Settled>, Error>) -> Answer {
    match settled {
        Ok(settled) => {
            let outcomes = leases.into_iter().zip(settled).map(|(lease, settled)| {
                outcome(lease, pb::outcome::Outcome::Settled(settled.into()))
            });
            Answer {
                outcomes: outcomes.collect(),
                ..Answer::default()
            }
        }
        Err(error) => Answer {
            unchanged: leases.clone(),
            ..refused(leases, &error)
        },
    }
}

fn refused(leases: Vec<Lease>, error: &Error) -> Answer {
    let outcomes = leases
        .into_iter()
        .map(|lease| outcome(lease, pb::outcome::Outcome::Failed(error.into())));
    Answer {
        outcomes: outcomes.collect(),
        ..Answer::default()
    }
}

fn outcome(lease: Lease, outcome: pb::outcome::Outcome) -> pb::Outcome {
    pb::Outcome {
        lease: Some(lease.into()),
        outcome: Some(outcome),
    }
}

fn extend(jobs: Arc<dyn Jobs>, leases: Vec<Lease>) -> Settling {
    async move {
        match jobs.extend(&leases).await {
            Ok(extensions) => {
                let outcomes = leases
                    .into_iter()
                    .zip(extensions)
                    .map(|(lease, extension)| {
                        let extension = pb::Extension::from(extension);
                        outcome(lease, pb::outcome::Outcome::Extension(extension.into()))
                    });
                Answer {
                    outcomes: outcomes.collect(),
                    ..Answer::default()
                }
            }
            Err(error) => refused(leases, &error),
        }
    }
    .boxed()
}

/// Tells only what is gone; an engine that cannot extend now is asked again by the next heartbeat.
fn heartbeat(jobs: Arc<dyn Jobs>, leases: Vec<Lease>) -> Settling {
    async move {
        let mut answer = Answer::default();
        for leases in leases.chunks(SETTLE_MAX) {
            let extensions = match jobs.extend(leases).await {
                Ok(extensions) => extensions,
                Err(error) => {
                    tracing::debug!(%error, "a worker's heartbeat extends nothing");
                    break;
                }
            };
            let gone = leases.iter().copied().zip(extensions);
            answer
                .gone
                .extend(gone.filter(|(_, extension)| *extension != Extension::Held));
        }
        answer
    }
    .boxed()
}

/// Tells only of progress that was refused.
fn progress(jobs: Arc<dyn Jobs>, request: pb::ProgressRequest) -> Result<Settling, Error> {
    let lease = wire::lease(request.lease)?;
    let progress = Progress {
        share: request.share,
        note: request.note,
    };
    let saying = async move {
        match jobs.progress(lease, progress).await {
            Ok(()) => Answer::default(),
            Err(error) => refused(vec![lease], &error),
        }
    };
    Ok(saying.boxed())
}
