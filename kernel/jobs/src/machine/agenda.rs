//! When the clock of the wall next brings something, over all queues and schedules: it is asked for after
//! every frame, and nobody is to look at each of ten thousand then.

use std::collections::BTreeSet;

use portique_clock::Timestamp;

use super::Machine;
use super::queue::Queue;

/// The next time of every queue that has one, and of all schedules.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda {
    queues: BTreeSet<(Timestamp, u32)>,
    ticks: Ticks,
}

/// The next tick of any schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Ticks {
    /// A schedule has changed since somebody looked.
    #[default]
    Unknown,
    Known(Option<Timestamp>),
}

impl Machine {
    /// When the first delayed job of any queue, or the first tick of any schedule, is due.
    pub(super) fn next_on_agenda(&self) -> Option<Timestamp> {
        let delayed = self.agenda.queues.first().map(|(due, _)| *due);
        let tick = match self.agenda.ticks {
            Ticks::Known(tick) => tick,
            Ticks::Unknown => self.next_tick(),
        };
        delayed.into_iter().chain(tick).min()
    }

    /// Takes in that a queue may have another first delayed job.
    pub(super) fn plan(&mut self, number: u32) {
        if let Some(queue) = self.queues.get_mut(&number) {
            self.agenda.plan(queue);
        }
    }

    /// Takes in that schedules have changed.
    pub(super) fn plan_ticks(&mut self) {
        self.agenda.ticks = Ticks::Unknown;
    }

    /// Looks at every queue and schedule.
    pub(super) fn plan_all(&mut self) {
        self.agenda.queues.clear();
        for queue in self.queues.values_mut() {
            queue.planned = None;
            self.agenda.plan(queue);
        }
        self.agenda.ticks = Ticks::Known(self.next_tick());
    }

    /// Whether every queue is on the agenda for its first delayed job, or for an earlier time.
    pub(super) fn is_planned(&self) -> bool {
        self.queues.values().all(|queue| {
            let first = queue.delayed.first().map(|(due, _)| *due);
            let planned = queue.planned.filter(|planned| {
                let entry = (*planned, queue.number);
                self.agenda.queues.contains(&entry)
            });
            first.is_none_or(|first| planned.is_some_and(|planned| planned <= first))
        })
    }

    fn next_tick(&self) -> Option<Timestamp> {
        let schedules = self.schedules.values();
        schedules.filter_map(|scheduled| scheduled.next).min()
    }
}

impl Agenda {
    /// The queue is gone.
    pub(super) fn forget(&mut self, queue: &Queue) {
        if let Some(planned) = queue.planned {
            self.queues.remove(&(planned, queue.number));
        }
    }

    fn plan(&mut self, queue: &mut Queue) {
        let first = queue.delayed.first().map(|(due, _)| *due);
        if first == queue.planned {
            return;
        }
        if let Some(before) = queue.planned {
            self.queues.remove(&(before, queue.number));
        }
        self.queues.extend(first.map(|first| (first, queue.number)));
        queue.planned = first;
    }
}
