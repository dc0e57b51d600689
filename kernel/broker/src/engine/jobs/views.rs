//! What people are told about jobs: from the machine, and from the journal what the machine does not keep.

use std::sync::Arc;
use std::time::Duration;

use portique_jobs::{
    DeadFilter, DeadLetter, Error, Fact, FoundDead, FoundJob, JobFilter, JobId, JobPage, JobRecord,
    JobState, JobView, Payload,
};
use portique_journal::Lane;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::Shared;
use crate::engine::commit::Draft;

use super::records::Found;

/// Longest wait of one call: the caller asks again, so that a lost caller is forgotten.
const WATCH_WAIT_MAX: Duration = Duration::from_secs(60);
/// Bytes of payloads in one answer; dead letters beyond it come without theirs being read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Somebody who waits for the end of a job.
struct Watcher<'a> {
    shared: &'a Shared,
    id: JobId,
    notify: Arc<Notify>,
}

impl<'a> Watcher<'a> {
    fn new(shared: &'a Shared, id: JobId) -> Result<Self, Error> {
        let mut core = shared.core();
        let notify = core.jobs.waiting.watch(id)?;
        core.jobs.machine.watch(id);
        Ok(Self { shared, id, notify })
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        let mut core = self.shared.core();
        core.jobs.waiting.unwatch(self.id);
        core.jobs.machine.unwatch(self.id);
    }
}

impl Shared {
    pub(super) async fn job(&self, id: JobId) -> Result<JobView, Error> {
        let found = self.find_job(id).await?;
        self.fill_in(found).await
    }

    pub(super) async fn wait_job(&self, id: JobId, wait: Duration) -> Result<JobView, Error> {
        let deadline = Instant::now() + wait.min(WATCH_WAIT_MAX);
        let found = self.find_job(id).await?;
        if found.view.state.is_final() || wait.is_zero() {
            return self.fill_in(found).await;
        }
        let watcher = Watcher::new(self, id)?;
        loop {
            let mut ended = std::pin::pin!(watcher.notify.notified());
            ended.as_mut().enable();
            self.check_jobs_open()?;
            let found = self.find_job(id).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if found.view.state.is_final() || left.is_zero() {
                return self.fill_in(found).await;
            }
            tokio::select! {
                () = ended => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    pub(super) async fn list(&self, filter: JobFilter) -> Result<JobPage, Error> {
        let (found, last) = {
            let core = self.core();
            (core.jobs.machine.list(&filter, self.now())?, core.last)
        };
        self.wait_for(last).await?;
        Ok(JobPage {
            jobs: found.jobs.into_iter().map(|job| job.view).collect(),
            next: found.next,
        })
    }

    pub(super) async fn dead(&self, filter: DeadFilter) -> Result<Vec<DeadLetter>, Error> {
        let (found, last) = {
            let core = self.core();
            (core.jobs.machine.dead(&filter)?, core.last)
        };
        self.wait_for(last).await?;
        let ids: Vec<_> = found.iter().map(|dead| Some(dead.id)).collect();
        let records = self.load_jobs(&ids, ANSWER_BYTES_MAX).await?;
        let letters = found.into_iter().zip(records);
        Ok(letters.map(|(dead, record)| letter(dead, record)).collect())
    }

    pub(super) async fn edit_dead(&self, id: JobId, payload: Payload) -> Result<(), Error> {
        let record = self.load_jobs(&[Some(id)], 0).await?.pop().flatten();
        let Some(record) = record else {
            let found = self.find_job(id).await?;
            return Err(Error::WrongState {
                id,
                state: found.view.state.word(),
                rule: "only dead jobs whose record is kept and whole are edited",
            });
        };
        let edit = |core: &mut crate::engine::Core, now| {
            let machine = &core.jobs.machine;
            let fact = machine.decide_edit_dead(record.clone(), payload.clone(), now)?;
            Ok(vec![Draft::jobs(fact)])
        };
        let pending = self.change_jobs(Lane::Drain, edit).await?;
        self.settle_down(pending, 0).await
    }

    /// What the machine knows, once that is durable.
    async fn find_job(&self, id: JobId) -> Result<FoundJob, Error> {
        let (found, last) = {
            let core = self.core();
            (core.jobs.machine.job(id, self.now()), core.last)
        };
        let found = found.ok_or(Error::UnknownJob { id })?;
        self.wait_for(last).await?;
        Ok(found)
    }

    /// Adds what only the journal knows, as far as it is kept and whole.
    async fn fill_in(&self, found: FoundJob) -> Result<JobView, Error> {
        let FoundJob {
            mut view,
            location,
            result,
        } = found;
        if let Some(record) = self.read_job(location, view.id).await? {
            view.group = view.group.or_else(|| record.group());
            view.key = view.key.or_else(|| record.key());
            view.enqueued = Some(record.enqueued());
            view.payload = Some(record.payload());
            view.headers = record.headers().clone();
            view.kind = Some(record.kind);
        }
        if let (Some(place), JobState::Completed { .. }) = (result, &view.state) {
            view.result = self.read_result(place, view.id).await?;
        }
        Ok(view)
    }

    async fn read_job(&self, place: u64, id: JobId) -> Result<Option<JobRecord>, Error> {
        let stored = self.core().jobs.tail.find(place).cloned();
        let stored = match stored {
            Some(stored) => Some(stored),
            None => self.read_record(place).await?.ok(),
        };
        let decode = |stored: crate::job_tail::Stored| {
            JobRecord::decode(place, stored.kind, stored.body).ok()
        };
        Ok(stored.and_then(decode).filter(|record| record.id == id))
    }

    async fn read_result(&self, place: u64, id: JobId) -> Result<Option<Payload>, Error> {
        let Ok(stored) = self.read_record(place).await? else {
            return Ok(None);
        };
        Ok(Fact::result(stored.kind, stored.body, id).ok().flatten())
    }

    async fn read_record(&self, place: u64) -> Result<Found, Error> {
        let read = self.read_records(None, vec![place], 0).await?.pop();
        Ok(read.map_or_else(|| Err("it is not kept".into()), |(_, found)| found))
    }
}

fn letter(dead: FoundDead, record: Option<JobRecord>) -> DeadLetter {
    DeadLetter {
        id: dead.id,
        queue: dead.queue,
        payload: record.as_ref().map(JobRecord::payload),
        kind: record.map(|record| record.kind),
        at: dead.at,
        reason: dead.reason,
        failures: dead.failures,
        losses: dead.losses,
        redrives: dead.redrives,
    }
}
