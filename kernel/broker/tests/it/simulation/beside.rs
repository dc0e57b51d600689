use std::cell::Cell;
use std::future::pending;

use portique_journal::{Committer, Journal, Step};

/// One seed of so many lets whoever waits alone write, beside a committer that sleeps.
const SEEDS_PER_LONELY: u64 = 4;
/// Turns of everybody else after which a committer that sleeps looks again by itself.
const TURNS_ASLEEP_MAX: u64 = 64;

/// What runs the committer beside the workload, on the same thread.
pub(super) struct Beside {
    journal: Journal,
    waiters_write: bool,
    /// Records that became durable while the committer slept.
    pub(super) lonely: Cell<u64>,
}

impl Beside {
    pub(super) fn new(seed: u64, journal: &Journal) -> Self {
        Self {
            journal: journal.clone(),
            waiters_write: seed % SEEDS_PER_LONELY == SEEDS_PER_LONELY - 1,
            lonely: Cell::new(0),
        }
    }

    /// The committer does all there is to do before the workload goes on, so that a seed always
    /// cuts the same write; with the power, everybody stops.
    pub(super) async fn commit(&self, mut committer: Committer, is_cut: impl Fn() -> bool) {
        if self.waiters_write {
            committer.let_waiters_write();
        }
        loop {
            let step = committer.step();
            if is_cut() {
                return;
            }
            match step {
                Step::Worked => {}
                Step::Idle(_) if self.waiters_write => self.sleep(&committer, &is_cut).await,
                Step::Idle(_) => tokio::task::yield_now().await,
                Step::Done => pending().await,
            }
            if is_cut() {
                return;
            }
        }
    }

    /// As a thread would, until somebody has something for it or its time is up.
    async fn sleep(&self, committer: &Committer, is_cut: impl Fn() -> bool) {
        let before = self.journal.durable().0;
        for _ in 0..TURNS_ASLEEP_MAX {
            tokio::task::yield_now().await;
            if is_cut() || !committer.may_sleep() {
                break;
            }
        }
        let lonely = self.journal.durable().0 - before;
        self.lonely.set(self.lonely.get() + lonely);
    }
}
