//! What a worker does with a job, whoever it is.

use futures_util::future::join_all;
use portique_jobs::{JobState, Lease};
use portique_records::Document;
use tokio::sync::oneshot;

use super::inputs::PostWork;
use super::journal::{Entry, Filter};
use super::open::blocking;
use super::{Payments, journal};
use crate::Error;
use crate::batch::{Columns, Counted, PostedBatch};

/// A job as it was claimed.
pub struct ClaimedJob {
    /// What ends it.
    pub lease: Lease,
    /// Its payload.
    pub body: bytes::Bytes,
}

impl Payments {
    /// Checks that a job is in somebody's hands: what comes after its end is refused, also after a restart.
    ///
    /// # Errors
    /// [`Error::StaleLease`].
    pub async fn check_active(&self, lease: Lease) -> Result<(), Error> {
        let stale = Error::StaleLease { job: lease.id.0 };
        match self.parts.jobs.job(lease.id).await {
            Ok(view) => match view.state {
                JobState::Active { token, .. } if token == lease.token => Ok(()),
                _ => Err(stale),
            },
            Err(portique_jobs::Error::UnknownJob { .. }) => Err(stale),
            Err(error) => Err(error.into()),
        }
    }

    /// Posts claimed batches; each is durable, and its job done, when its outcome is there.
    pub async fn post_jobs(&self, jobs: Vec<ClaimedJob>) -> Vec<Result<Counted, Error>> {
        let read = blocking(move || Ok(jobs.into_iter().map(read_post).collect::<Vec<_>>()));
        let read = match read.await {
            Ok(read) => read,
            Err(error) => return vec![Err(error)],
        };
        let mut works = Vec::new();
        let mut answers = Vec::new();
        for read in read {
            match read {
                Ok((work, answer)) => {
                    works.push(work);
                    answers.push(Ok(answer));
                }
                Err(error) => answers.push(Err(error)),
            }
        }
        if let Err(error) = self.post(works).await {
            return answers.into_iter().map(|_| Err(error.clone())).collect();
        }
        join_all(answers.into_iter().map(outcome)).await
    }

    /// Puts claimed batches into the journal and ends their jobs; each is durable when its outcome is there. What was begun
    /// is ended even when nobody waits for it.
    pub async fn journal_jobs(&self, jobs: Vec<ClaimedJob>) -> Vec<Result<Counted, Error>> {
        let read = blocking(move || Ok(jobs.iter().map(read_journal).collect::<Vec<_>>()));
        let read = match read.await {
            Ok(read) => read,
            Err(error) => return vec![Err(error)],
        };
        let mut answers = Vec::new();
        for read in read {
            answers.push(match read {
                Ok((entry, answer)) => {
                    let sent = self.journalling.send(entry).await;
                    sent.map(|()| answer).map_err(|_| Error::Stopping)
                }
                Err(error) => Err(error),
            });
        }
        join_all(answers.into_iter().map(outcome)).await
    }
}

type Answer = oneshot::Receiver<Result<Counted, Error>>;

async fn outcome(answer: Result<Answer, Error>) -> Result<Counted, Error> {
    answer?.await.unwrap_or(Err(Error::Stopping))
}

fn read_post(job: ClaimedJob) -> Result<(PostWork, Answer), Error> {
    let columns = Columns::from_json(&job.body)?;
    let transactions = columns.decode()?;
    let (reply, answer) = oneshot::channel();
    let work = PostWork {
        lease: job.lease,
        columns,
        transactions,
        reply,
    };
    Ok((work, answer))
}

fn read_journal(job: &ClaimedJob) -> Result<(Entry, Answer), Error> {
    let batch = PostedBatch::from_json(&job.body)?;
    if !batch.is_whole() {
        return Err(Error::input(
            "this is no posted batch: its hash is that of another one",
        ));
    }
    let body = serde_json::to_value(&batch).expect("texts and numbers are JSON");
    let id = journal::id(batch.number);
    let (reply, answer) = oneshot::channel();
    let entry = Entry {
        lease: job.lease,
        number: batch.number,
        counted: batch.counted(),
        document: Document { id, body },
        filter: Filter::of(&batch),
        reply,
    };
    Ok((entry, answer))
}
