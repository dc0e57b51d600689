//! What a worker does with a job, whoever it is.

use futures_util::future::join_all;
use portique_jobs::{Completion, Lease, Settled};
use portique_records::{Document, OnConflict};
use tokio::sync::oneshot;

use super::inputs::PostWork;
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
        let wait = |answer: Result<Answer, Error>| async move {
            answer?.await.unwrap_or(Err(Error::Stopping))
        };
        join_all(answers.into_iter().map(wait)).await
    }

    /// Puts claimed batches into the journal and ends their jobs; durable on return.
    pub async fn journal_jobs(&self, jobs: Vec<ClaimedJob>) -> Vec<Result<Counted, Error>> {
        let leases: Vec<Lease> = jobs.iter().map(|job| job.lease).collect();
        let read = blocking(move || Ok(jobs.iter().map(read_journal).collect::<Vec<_>>()));
        let read = match read.await {
            Ok(read) => read,
            Err(error) => return leases.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut documents = Vec::new();
        let mut done = Vec::new();
        let mut outcomes: Vec<Result<Counted, Error>> = Vec::new();
        for (lease, read) in leases.into_iter().zip(read) {
            match read {
                Ok((number, counted, document)) => {
                    documents.push(document);
                    done.push((outcomes.len(), number, lease));
                    outcomes.push(Ok(counted));
                }
                Err(error) => outcomes.push(Err(error)),
            }
        }
        let ended = self
            .keep(documents, done.iter().map(|(_, _, lease)| *lease))
            .await;
        for (place, (at, number, lease)) in done.into_iter().enumerate() {
            match &ended {
                Ok(settled) if settled.get(place) != Some(&Settled::Done) => {
                    outcomes[at] = Err(Error::StaleLease { job: lease.id.0 });
                }
                Ok(_) => {
                    let count = outcomes[at].as_ref().map_or(0, |counted| counted.all());
                    self.shared.add_journalled(number, count);
                }
                Err(error) => outcomes[at] = Err(error.clone()),
            }
        }
        outcomes
    }

    async fn keep(
        &self,
        documents: Vec<Document>,
        leases: impl Iterator<Item = Lease>,
    ) -> Result<Vec<Settled>, Error> {
        if documents.is_empty() {
            return Ok(Vec::new());
        }
        let records = self.parts.records.as_ref();
        records
            .insert(journal::COLLECTION, documents, OnConflict::Keep)
            .await?;
        let completion = |lease| Completion {
            lease,
            result: None,
        };
        Ok(self
            .parts
            .jobs
            .complete(leases.map(completion).collect())
            .await?)
    }
}

type Answer = oneshot::Receiver<Result<Counted, Error>>;

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

fn read_journal(job: &ClaimedJob) -> Result<(u64, Counted, Document), Error> {
    let batch = PostedBatch::from_json(&job.body)?;
    if !batch.is_whole() {
        return Err(Error::input(
            "this is no posted batch: its hash is that of another one",
        ));
    }
    let body = serde_json::to_value(&batch).expect("texts and numbers are JSON");
    let id = journal::id(batch.number);
    Ok((batch.number, batch.counted(), Document { id, body }))
}
