//! What people decide about queues.

use std::collections::BTreeMap;

use super::enqueue::check_queue_count;
use super::entry::Entry;
use super::fact::{Decided, Defined, Fact, Pause, Removed};
use super::queue::Queue;
use super::{Machine, Now};
use crate::{Error, Label, QueueName, QueueOptions};

/// Most groups of a queue that are paused at a time.
const PAUSED_GROUPS_MAX: usize = 1_000;

impl Machine {
    /// Makes a queue, or gives it other options; none when it is so already.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]; [`Error::Exhausted`] when there are too many queues.
    pub fn decide_define_queue(
        &self,
        name: &QueueName,
        options: &QueueOptions,
    ) -> Result<Option<Fact>, Error> {
        options.check()?;
        let number = match self.queue_named(name) {
            Some(queue) if queue.options == *options => return Ok(None),
            Some(queue) => queue.number,
            None => {
                check_queue_count(self.queues.len())?;
                self.next_queue
            }
        };
        let defined = Defined::new(number, name, options);
        Ok(Some(Fact(Decided::QueueDefined(defined))))
    }

    /// Forgets an empty queue.
    ///
    /// # Errors
    /// [`Error::UnknownQueue`]; [`Error::QueueNotEmpty`].
    pub fn decide_remove_queue(&self, name: &QueueName) -> Result<Fact, Error> {
        let queue = self.existing(name)?;
        let jobs = queue.jobs();
        if jobs > 0 {
            return Err(Error::QueueNotEmpty {
                queue: name.clone(),
                jobs,
            });
        }
        let number = queue.number;
        Ok(Fact(Decided::QueueRemoved(Removed { queue: number })))
    }

    /// Stops claims of a queue or one of its groups.
    ///
    /// # Errors
    /// [`Error::UnknownQueue`]; [`Error::Exhausted`] when too many groups are paused.
    pub fn decide_pause(&self, name: &QueueName, group: Option<&Label>) -> Result<Fact, Error> {
        let queue = self.existing(name)?;
        let paused = queue.lanes.iter().filter(|(_, lane)| lane.is_paused);
        if group.is_some() && paused.count() >= PAUSED_GROUPS_MAX {
            return Err(Error::Exhausted {
                resource: "paused groups",
                remedy: format!("{PAUSED_GROUPS_MAX} are paused: pause the queue instead"),
            });
        }
        let pause = Pause::new(queue.number, group);
        Ok(Fact(Decided::QueuePaused(pause)))
    }

    /// Lets claims go on; also ends a drain.
    ///
    /// # Errors
    /// [`Error::UnknownQueue`].
    pub fn decide_resume(&self, name: &QueueName, group: Option<&Label>) -> Result<Fact, Error> {
        let queue = self.existing(name)?;
        let pause = Pause::new(queue.number, group);
        Ok(Fact(Decided::QueueResumed(pause)))
    }

    /// Refuses new jobs until the queue is resumed.
    ///
    /// # Errors
    /// [`Error::UnknownQueue`].
    pub fn decide_drain(&self, name: &QueueName) -> Result<Fact, Error> {
        let queue = self.existing(name)?;
        let pause = Pause::new(queue.number, None);
        Ok(Fact(Decided::QueueDraining(pause)))
    }
}

impl Queue {
    /// Gives the queue other options; every due job finds its place by them anew.
    pub(super) fn redefine(
        &mut self,
        entries: &mut BTreeMap<u64, Entry>,
        options: QueueOptions,
        now: Now,
    ) {
        let due: Vec<u64> = self.ages.iter().map(|(_, id)| *id).collect();
        for id in &due {
            self.leave(*id, due_entry(entries, *id));
        }
        self.options = options;
        for id in &due {
            self.enter(*id, due_entry(entries, *id));
        }
        let groups: Vec<_> = self.lanes.iter().map(|(number, _)| number).collect();
        for group in groups {
            self.forget_group(group, now.wall);
            self.refresh(group);
        }
        self.is_stirred = true;
        let limits = self.finished_limits();
        self.finished.evict(limits, now.wall);
    }
}

fn due_entry(entries: &BTreeMap<u64, Entry>, id: u64) -> &Entry {
    entries
        .get(&id)
        .expect("a due job in no backlog has an entry")
}
