use std::collections::BTreeMap;
use std::task::Waker;

/// Tasks that wait for a sequence to become durable, in its order, so that one pass of the
/// watermark wakes exactly those it reached.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: BTreeMap<(u64, u64), Waker>,
    next: u64,
}

impl Waiters {
    /// Has `waker` woken once the watermark reaches `sequence`; the ticket replaces or removes it.
    pub(crate) fn add(&mut self, sequence: u64, waker: Waker) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.insert((sequence, ticket), waker);
        ticket
    }

    /// Puts another waker in the place of an earlier one.
    pub(crate) fn replace(&mut self, sequence: u64, ticket: u64, waker: &Waker) {
        let place = self
            .waiting
            .entry((sequence, ticket))
            .or_insert_with(|| waker.clone());
        place.clone_from(waker);
    }

    /// Forgets one that no longer waits.
    pub(crate) fn remove(&mut self, sequence: u64, ticket: u64) {
        self.waiting.remove(&(sequence, ticket));
    }

    /// Takes out those that wait for `durable` or less.
    pub(crate) fn reached(&mut self, durable: u64) -> BTreeMap<(u64, u64), Waker> {
        let later = self.waiting.split_off(&(durable.saturating_add(1), 0));
        std::mem::replace(&mut self.waiting, later)
    }

    /// Takes out all.
    pub(crate) fn all(&mut self) -> BTreeMap<(u64, u64), Waker> {
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_takes_what_it_reached_and_no_more() {
        let mut waiters = Waiters::default();
        let first = waiters.add(3, Waker::noop().clone());
        waiters.add(3, Waker::noop().clone());
        waiters.add(4, Waker::noop().clone());
        waiters.remove(3, first);
        assert_eq!(waiters.reached(2).len(), 0);
        assert_eq!(waiters.reached(3).len(), 1);
        assert_eq!(waiters.all().len(), 1);
    }
}
