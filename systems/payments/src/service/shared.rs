use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portique_bus::Sequence;
use tokio::sync::watch;

use super::journal::Filters;
use crate::Error;
use crate::batch::{Counted, Head};

/// How long somebody waits for the journal to have what the ledger has.
const CATCH_UP: Duration = Duration::from_secs(10);

/// How many transactions were taken in, counted from the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// The first event that is not counted.
    pub(super) next: Sequence,
    pub(super) transactions: u64,
}

/// What of the batches is in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Journalled {
    /// All up to this batch are.
    pub(super) through: u64,
    /// Transactions of those.
    pub(super) transactions: u64,
    /// Batches behind a gap, with their transactions.
    pub(super) ahead: BTreeMap<u64, u64>,
}

impl Journalled {
    fn add(&mut self, number: u64, transactions: u64) {
        if number > self.through {
            self.ahead.insert(number, transactions);
        }
        while let Some(transactions) = self.ahead.remove(&(self.through + 1)) {
            self.through += 1;
            self.transactions += transactions;
        }
    }

    fn all(&self) -> u64 {
        self.transactions + self.ahead.values().sum::<u64>()
    }
}

/// What is seen of payments without asking the desk: counts of what is on disk.
#[derive(Debug)]
pub struct Shared {
    head: Mutex<Head>,
    tally: Mutex<Tally>,
    journalled: watch::Sender<Journalled>,
    pub(super) filters: Filters,
    /// Of all batches; until then searches would miss some.
    are_filters_read: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(head: Head, tally: Tally, journalled: Journalled) -> Self {
        Self {
            filters: Filters::default(),
            are_filters_read: watch::Sender::new(false),
            head: Mutex::new(head),
            tally: Mutex::new(tally),
            journalled: watch::Sender::new(journalled),
        }
    }

    /// Transactions that were decided.
    pub fn decided(&self) -> Counted {
        self.head().totals
    }

    /// Transactions that were taken in.
    pub fn accepted(&self) -> u64 {
        self.tally().transactions
    }

    /// Transactions that can be searched.
    pub fn journalled(&self) -> u64 {
        self.journalled.borrow().all()
    }

    pub(super) fn head(&self) -> Head {
        *lock(&self.head)
    }

    pub(super) fn put_head(&self, head: Head) {
        *lock(&self.head) = head;
    }

    pub(super) fn tally(&self) -> Tally {
        *lock(&self.tally)
    }

    pub(super) fn put_tally(&self, tally: Tally) {
        *lock(&self.tally) = tally;
    }

    pub(super) fn add_journalled(&self, number: u64, transactions: u64) {
        self.journalled
            .send_modify(|journalled| journalled.add(number, transactions));
    }

    /// Waits until so many transactions can be searched, counted from the first of all.
    pub async fn journal_counts(&self, transactions: u64) {
        let mut journalled = self.journalled.subscribe();
        // The sender is here, and outlives this.
        let _ = journalled
            .wait_for(|journalled| journalled.all() >= transactions)
            .await;
    }

    pub(super) fn filters_are_read(&self) {
        self.are_filters_read.send_replace(true);
    }

    /// Waits until all of the journal can be searched.
    ///
    /// # Errors
    /// [`Error::Behind`] when that takes long.
    pub(super) async fn can_be_searched(&self) -> Result<(), Error> {
        let are_read = |are_read: &bool| *are_read;
        let is_soon = caught_up(&self.are_filters_read, are_read).await;
        is_soon.map_err(|after| Error::Behind {
            reason: "the journal is still being read back after the start".into(),
            after,
        })
    }

    /// Waits until the journal has all batches through this one.
    ///
    /// # Errors
    /// [`Error::Behind`] when that takes long.
    pub(super) async fn journal_has(&self, number: u64) -> Result<(), Error> {
        let has = |journalled: &Journalled| journalled.through >= number;
        let is_soon = caught_up(&self.journalled, has).await;
        is_soon.map_err(|after| Error::Behind {
            reason: format!("the journal does not have batch {number} yet"),
            after,
        })
    }
}

/// Waits until something that follows the ledger is so far; how long to wait for another try when that takes long.
async fn caught_up<T>(
    follower: &watch::Sender<T>,
    is_so_far: impl FnMut(&T) -> bool,
) -> Result<(), Duration> {
    let mut follower = follower.subscribe();
    match tokio::time::timeout(CATCH_UP, follower.wait_for(is_so_far)).await {
        // The sender outlives this.
        Ok(_) => Ok(()),
        Err(_) => Err(CATCH_UP),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_that_overtake_others_wait_for_them() {
        let mut journalled = Journalled::default();
        journalled.add(2, 20);
        assert_eq!((journalled.through, journalled.all()), (0, 20));
        journalled.add(1, 10);
        journalled.add(1, 10);
        assert_eq!((journalled.through, journalled.all()), (2, 30));
        assert!(journalled.ahead.is_empty());
    }
}
