use std::collections::VecDeque;

use bytes::Bytes;

/// What a slot costs beside its record's bytes, so that empty slots are bounded too.
const SLOT_BYTES: usize = 64;

/// A job's record, as the journal has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    pub(crate) kind: u8,
    pub(crate) body: Bytes,
}

/// The newest records of jobs, in memory, until their jobs are finished.
#[derive(Debug)]
pub(crate) struct JobTail {
    /// By sequence; the body is empty once nobody will ask for it.
    slots: VecDeque<(u64, Stored)>,
    bytes: usize,
    bytes_max: usize,
}

impl JobTail {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            slots: VecDeque::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// Adds the newest record and drops the oldest beyond the limit.
    pub(crate) fn push(&mut self, sequence: u64, stored: Stored) {
        self.bytes += stored.body.len() + SLOT_BYTES;
        self.slots.push_back((sequence, stored));
        while self.bytes > self.bytes_max && self.pop() {}
    }

    /// The record at this place, if it is here.
    pub(crate) fn find(&self, sequence: u64) -> Option<&Stored> {
        let index = self.index(sequence)?;
        Some(&self.slots[index].1).filter(|stored| !stored.body.is_empty())
    }

    /// Gives up a record that nobody will ask for any more.
    pub(crate) fn forget(&mut self, sequence: u64) {
        let Some(index) = self.index(sequence) else {
            return;
        };
        let stored = std::mem::take(&mut self.slots[index].1);
        self.bytes -= stored.body.len();
        let is_empty = |slot: &(u64, Stored)| slot.1.body.is_empty();
        while self.slots.front().is_some_and(is_empty) && self.pop() {}
    }

    fn index(&self, sequence: u64) -> Option<usize> {
        // Jobs are worked off from the front for the most part.
        if self.slots.front()?.0 == sequence {
            return Some(0);
        }
        self.slots
            .binary_search_by_key(&sequence, |(place, _)| *place)
            .ok()
    }

    fn pop(&mut self) -> bool {
        let oldest = self.slots.pop_front();
        self.bytes -= oldest
            .as_ref()
            .map_or(0, |(_, stored)| stored.body.len() + SLOT_BYTES);
        oldest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Stored {
        Stored {
            kind: 37,
            body: Bytes::from(vec![1; 100 - SLOT_BYTES]),
        }
    }

    #[test]
    fn the_oldest_records_go_first_and_finished_ones_at_once() {
        let mut tail = JobTail::new(300);
        for sequence in [3, 5, 9] {
            tail.push(sequence, body());
        }
        assert!([3, 5, 9].iter().all(|place| tail.find(*place).is_some()));
        assert!(tail.find(4).is_none());
        tail.forget(3);
        tail.forget(3);
        tail.push(10, body());
        assert!(tail.find(5).is_some(), "what was forgotten made room");
        tail.push(11, body());
        assert!(tail.find(5).is_none() && tail.find(9).is_some());
    }

    #[test]
    fn slots_of_finished_jobs_are_bounded_too() {
        let mut tail = JobTail::new(1_000);
        tail.push(1, body());
        for sequence in 2..10_000 {
            tail.push(sequence, body());
            tail.forget(sequence);
        }
        assert!(tail.slots.len() * SLOT_BYTES <= 1_000);
    }
}
