use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use portique_jobs::{Error, JobId, QueueName};
use tokio::sync::Notify;

/// Most claims and waits for a job at a time: each is a connection somebody holds open.
const WAITING_MAX: usize = 10_000;

/// Who waits for work, by queue, and who waits for the end of a job.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    lines: HashMap<QueueName, Line>,
    watched: HashMap<JobId, Watch>,
    count: usize,
}

/// The claims that wait for jobs of one queue.
#[derive(Debug, Default)]
struct Line {
    notify: Arc<Notify>,
    claims: usize,
    /// How often the last wake may still be passed on: once to each, lest two who can do nothing with
    /// it wake each other for ever.
    passes: Cell<usize>,
}

/// Those who wait for one job.
#[derive(Debug, Default)]
struct Watch {
    notify: Arc<Notify>,
    watchers: usize,
}

impl Waiting {
    /// Stands in line for jobs; [`leave`](Self::leave) must follow.
    pub(crate) fn join(&mut self, queue: &QueueName) -> Result<Arc<Notify>, Error> {
        self.count_in()?;
        let line = match self.lines.get_mut(queue) {
            Some(line) => line,
            None => self.lines.entry(queue.clone()).or_default(),
        };
        line.claims += 1;
        Ok(line.notify.clone())
    }

    pub(crate) fn leave(&mut self, queue: &QueueName) {
        self.count -= 1;
        if let Some(line) = self.lines.get_mut(queue) {
            line.claims -= 1;
            if line.claims == 0 {
                self.lines.remove(queue);
            }
        }
    }

    /// Wakes the claim that has waited longest; whoever leaves jobs for others wakes the next.
    pub(crate) fn wake(&self, queue: &QueueName) {
        if let Some(line) = self.lines.get(queue) {
            line.passes.set(line.claims);
            line.notify.notify_one();
        }
    }

    /// Whoever was woken is given nothing while others might be: the next in line looks too.
    pub(crate) fn pass(&self, queue: &QueueName) {
        let Some(line) = self.lines.get(queue) else {
            return;
        };
        if let Some(left) = line.passes.get().checked_sub(1) {
            line.passes.set(left);
            line.notify.notify_one();
        }
    }

    /// Whether somebody waits for jobs of a queue.
    pub(crate) fn is_awaited(&self, queue: &QueueName) -> bool {
        self.lines.contains_key(queue)
    }

    /// The queues for whose jobs somebody waits.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &QueueName> {
        self.lines.keys()
    }

    /// Watches a job; [`unwatch`](Self::unwatch) must follow.
    pub(crate) fn watch(&mut self, id: JobId) -> Result<Arc<Notify>, Error> {
        self.count_in()?;
        let watch = self.watched.entry(id).or_default();
        watch.watchers += 1;
        Ok(watch.notify.clone())
    }

    pub(crate) fn unwatch(&mut self, id: JobId) {
        self.count -= 1;
        if let Some(watch) = self.watched.get_mut(&id) {
            watch.watchers -= 1;
            if watch.watchers == 0 {
                self.watched.remove(&id);
            }
        }
    }

    /// A job has ended.
    pub(crate) fn tell(&self, job: JobId) {
        if let Some(watch) = self.watched.get(&job) {
            watch.notify.notify_waiters();
        }
    }

    /// Wakes everybody: the broker is being closed.
    pub(crate) fn wake_all(&self) {
        let lines = self.lines.values().map(|line| &line.notify);
        let watched = self.watched.values().map(|watch| &watch.notify);
        lines
            .chain(watched)
            .for_each(|notify| notify.notify_waiters());
    }

    fn count_in(&mut self) -> Result<(), Error> {
        if self.count >= WAITING_MAX {
            return Err(Error::Exhausted {
                resource: "waiting calls",
                remedy: format!("{WAITING_MAX} wait already: claim more jobs with fewer calls"),
            });
        }
        self.count += 1;
        Ok(())
    }
}
