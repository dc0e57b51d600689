use std::collections::HashMap;
use std::sync::Arc;

use portique_jobs::{
    Claimed, Completion, Failing, Failure, Lease, PAYLOAD_BYTES_MAX, Payload, Progress,
    REASON_BYTES_MAX,
};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::handler::{Handler, Job, JobError};

/// Words of progress that wait to be sent.
const PROGRESS_MAX: usize = 256;

/// What a job came to, to be said to the hub.
#[derive(Debug, Clone)]
pub(super) enum Settlement {
    Done(Completion),
    Failed(Failing),
}

/// The jobs in hand, and what the hub has not acknowledged of them; outlives streams.
pub(super) struct Desk {
    handler: Arc<dyn Handler>,
    concurrency: usize,
    running: JoinSet<Result<Option<Payload>, JobError>>,
    /// Which job a task does.
    tasks: HashMap<Id, Lease>,
    in_hand: HashMap<Lease, CancellationToken>,
    unsettled: HashMap<Lease, Settlement>,
    says: mpsc::Sender<(Lease, Progress)>,
    said: mpsc::Receiver<(Lease, Progress)>,
}

/// How a job ended here.
pub(super) enum Ended {
    /// The hub is to know what it came to.
    Settled(Settlement),
    /// Whoever settled it has told the hub already; otherwise it goes back.
    GivenBack(Lease),
    /// It had been cancelled, so that there is nothing to say.
    Cancelled,
}

/// What a desk hears of its jobs.
pub(super) enum News {
    /// One ended.
    Ended(Ended),
    /// One is further.
    Progress(Lease, Progress),
}

impl Desk {
    pub(super) fn new(handler: Arc<dyn Handler>, concurrency: usize) -> Self {
        let (says, said) = mpsc::channel(PROGRESS_MAX);
        Self {
            handler,
            concurrency,
            running: JoinSet::new(),
            tasks: HashMap::new(),
            in_hand: HashMap::new(),
            unsettled: HashMap::new(),
            says,
            said,
        }
    }

    /// Jobs that can be begun now.
    pub(super) fn room(&self) -> usize {
        self.concurrency.saturating_sub(self.running.len())
    }

    /// Nothing is in hand, and the hub knows of all that was.
    pub(super) fn is_clear(&self) -> bool {
        self.running.is_empty() && self.unsettled.is_empty()
    }

    pub(super) fn in_hand(&self) -> impl Iterator<Item = Lease> + '_ {
        self.in_hand.keys().copied()
    }

    pub(super) fn unsettled(&self) -> impl Iterator<Item = &Settlement> {
        self.unsettled.values()
    }

    /// Begins a job.
    pub(super) fn begin(&mut self, claimed: Claimed) {
        let lease = claimed.lease;
        let cancelled = CancellationToken::new();
        let job = Job {
            claimed,
            cancelled: cancelled.clone(),
            progress: self.says.clone(),
        };
        let handler = Arc::clone(&self.handler);
        let task = self.running.spawn(async move { handler.handle(job).await });
        self.tasks.insert(task.id(), lease);
        self.in_hand.insert(lease, cancelled);
    }

    /// What happens next; never while nothing is in hand.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping it.
    pub(super) async fn news(&mut self) -> News {
        tokio::select! {
            Some(ended) = self.running.join_next_with_id() => News::Ended(self.ended(ended)),
            Some((lease, progress)) = self.said.recv() => News::Progress(lease, progress),
        }
    }

    /// Another job that has ended already.
    pub(super) fn try_ended(&mut self) -> Option<Ended> {
        let ended = self.running.try_join_next_with_id()?;
        Some(self.ended(ended))
    }

    /// The hub says that a job is not this worker's any more.
    pub(super) fn lose(&mut self, lease: Lease) {
        if let Some(cancelled) = self.in_hand.get(&lease) {
            cancelled.cancel();
        }
    }

    /// The hub knows what a job came to.
    pub(super) fn settled(&mut self, lease: Lease) -> Option<Settlement> {
        self.unsettled.remove(&lease)
    }

    /// The hub could not take it now.
    pub(super) fn keep(&mut self, lease: Lease, settlement: Settlement) {
        self.unsettled.insert(lease, settlement);
    }

    /// What a job came to, instead of what the hub would not take.
    pub(super) fn fail(&mut self, lease: Lease, reason: &str) -> Settlement {
        let settlement = failed(lease, reason, Failure::Policy);
        self.unsettled.insert(lease, settlement.clone());
        settlement
    }

    /// Ends all jobs at once: the hub will hear of nothing that they do.
    pub(super) fn abandon(&mut self) {
        for cancelled in self.in_hand.values() {
            cancelled.cancel();
        }
        self.in_hand.clear();
        self.tasks.clear();
        self.running = JoinSet::new();
    }

    fn ended(
        &mut self,
        ended: Result<(Id, Result<Option<Payload>, JobError>), JoinError>,
    ) -> Ended {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let lease = self.tasks.remove(&id);
        let in_hand = lease.and_then(|lease| Some((lease, self.in_hand.remove(&lease)?)));
        let lease = match in_hand {
            Some((lease, cancelled)) if !cancelled.is_cancelled() => lease,
            _ => return Ended::Cancelled,
        };
        let settlement = match ended {
            Ok((_, Ok(result))) => done(lease, result),
            Ok((_, Err(error))) => {
                let failure = match &error {
                    JobError::SettledElsewhere => return Ended::GivenBack(lease),
                    JobError::Retry(_) => Failure::Policy,
                    JobError::RetryAfter { delay, .. } => Failure::After(*delay),
                    JobError::Reject(_) => Failure::Reject,
                };
                failed(lease, &error.to_string(), failure)
            }
            Err(error) => failed(lease, &panicked(error), Failure::Policy),
        };
        self.unsettled.insert(lease, settlement.clone());
        Ended::Settled(settlement)
    }
}

fn done(lease: Lease, result: Option<Payload>) -> Settlement {
    let bytes = result.as_ref().map_or(0, |result| result.body.len());
    if bytes > PAYLOAD_BYTES_MAX {
        let reason = format!(
            "its result has {bytes} bytes, over the limit of {PAYLOAD_BYTES_MAX}: store it \
             elsewhere and give its address"
        );
        return failed(lease, &reason, Failure::Reject);
    }
    Settlement::Done(Completion { lease, result })
}

fn failed(lease: Lease, reason: &str, failure: Failure) -> Settlement {
    let end = reason.floor_char_boundary(REASON_BYTES_MAX);
    Settlement::Failed(Failing {
        lease,
        reason: reason[..end].into(),
        failure,
    })
}

fn panicked(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "the worker ended it".into();
    };
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the handler panicked: {}", said.unwrap_or("without a word"))
}
