//! The workers that hold jobs.

use super::entry::Number;
use super::names::Named;
use crate::WorkerName;

/// A worker and what it holds, over all queues.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) name: WorkerName,
    pub(super) active: u32,
    /// How many of them are suspects; while there is one, the worker is given nothing else.
    pub(super) suspects: u32,
}

/// Workers that hold something.
#[derive(Debug, Clone)]
pub(super) struct Workers(Named<Worker>);

impl Workers {
    pub(super) fn new() -> Self {
        Self(Named::new())
    }

    /// The number of a worker, which is made when it is new; it must be given a job then. None when it is
    /// no name.
    pub(super) fn number(&mut self, name: &str) -> Option<Number> {
        if let Some(number) = self.0.number(name) {
            return Some(number);
        }
        let worker = Worker {
            name: WorkerName::new(name).ok()?,
            active: 0,
            suspects: 0,
        };
        Some(self.0.number_or_insert(name, || worker))
    }

    pub(super) fn by_name(&self, name: &WorkerName) -> Option<&Worker> {
        self.0.find(self.0.number(name.as_str())?)
    }

    pub(super) fn name(&self, number: Number) -> WorkerName {
        let worker = self.0.find(number);
        worker.expect("who holds a job is known").name.clone()
    }

    pub(super) fn take(&mut self, number: Number, is_suspect: bool) {
        let worker = self.0.find_mut(number).expect("its number was just given");
        worker.active += 1;
        worker.suspects += u32::from(is_suspect);
    }

    /// Forgets a worker that was given nothing after all.
    pub(super) fn forget_idle(&mut self, number: Number) {
        if self.0.find(number).is_some_and(|worker| worker.active == 0) {
            self.0.remove(number);
        }
    }

    pub(super) fn give_up(&mut self, number: Number, is_suspect: bool) {
        let Some(worker) = self.0.find_mut(number) else {
            return;
        };
        worker.active -= 1;
        worker.suspects -= u32::from(is_suspect);
        if worker.active == 0 {
            self.0.remove(number);
        }
    }
}
