//! The ledger as it was: its newest checkpoint, and the facts since.

use std::collections::VecDeque;

use portique_bus::{ConsumerName, ConsumerOptions, Delivered, Sequence, Start};

use super::Parts;
use super::checkpoint::{self, Checkpoint};
use super::facts::{self, Fact};
use super::shared::Tally;
use crate::batch::{Head, PostedBatch, Status};
use crate::{Error, Ledger};

/// Facts read back in one go.
const PAGE_EVENTS: usize = 100;
/// Holds retention off the facts that no checkpoint has, and off those that are remembered.
const CONSUMER: &str = "payments-ledger";

/// The ledger, and what stands beside it.
pub(super) struct Book {
    pub(super) ledger: Ledger,
    pub(super) head: Head,
}

/// Where the transactions that are remembered begin on the bus.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Batches with their transactions that were posted, oldest first.
    batches: VecDeque<(Sequence, u64)>,
    posted: u64,
}

/// What was brought back.
pub(super) struct Opened {
    pub(super) book: Book,
    pub(super) window: Window,
    pub(super) tally: Tally,
    /// Of the newest checkpoint.
    pub(super) generation: u64,
    /// The first event that is not in the ledger.
    pub(super) next: Sequence,
}

impl Window {
    pub(super) fn push(&mut self, sequence: Sequence, posted: u64, remembered_max: usize) {
        self.batches.push_back((sequence, posted));
        self.posted += posted;
        while let Some((_, oldest)) = self.batches.front()
            && self.posted - oldest >= remembered_max as u64
        {
            self.posted -= oldest;
            self.batches.pop_front();
        }
    }

    /// The first event that is still needed to remember; none when nothing is.
    pub(super) fn begins(&self) -> Option<Sequence> {
        self.batches.front().map(|(sequence, _)| *sequence)
    }
}

pub(super) fn consumer() -> ConsumerName {
    ConsumerName::new(CONSUMER).expect("a constant that is a name")
}

pub(super) async fn open(parts: &Parts) -> Result<Opened, Error> {
    let options = ConsumerOptions::new(facts::filter(facts::FILTER));
    parts.bus.consumer(&consumer(), options).await?;
    let checkpoint = checkpoint::read(parts.records.as_ref()).await?;
    let mut start = match checkpoint.floor {
        0 => Start::First,
        floor => Start::Sequence(Sequence(floor)),
    };
    let mut opened = restored(checkpoint, parts.config.remembered_max);
    let filter = facts::filter(facts::FILTER);
    let next = opened.next;
    loop {
        let page = parts.bus.read_back(&filter, start, PAGE_EVENTS).await?;
        opened.next = page.next.max(opened.next);
        if page.events.is_empty() {
            return Ok(opened);
        }
        start = Start::Sequence(page.next);
        let remembered_max = parts.config.remembered_max;
        opened = blocking(move || {
            for delivered in page.events {
                opened.take(delivered, next, remembered_max)?;
            }
            Ok(opened)
        })
        .await?;
    }
}

/// Work of more than a moment, beside the tasks.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::damaged("the state of payments", error)))
}

fn restored(checkpoint: Checkpoint, remembered_max: usize) -> Opened {
    let mut ledger = Ledger::new(remembered_max);
    for account in checkpoint.accounts {
        ledger.restore_account(account);
    }
    for (id, hold) in checkpoint.holds {
        ledger.restore_hold(id, hold);
    }
    Opened {
        book: Book {
            ledger,
            head: checkpoint.head,
        },
        window: Window::default(),
        tally: checkpoint.tally,
        generation: checkpoint.generation,
        next: Sequence(checkpoint.next),
    }
}

impl Opened {
    /// Takes a fact back; those before `next` are in the checkpoint, and only remembered.
    fn take(
        &mut self,
        delivered: Delivered,
        next: Sequence,
        remembered_max: usize,
    ) -> Result<(), Error> {
        let sequence = delivered.sequence;
        let is_new = sequence >= next;
        match facts::read(delivered.event)? {
            Fact::Posted(batch) => {
                self.take_batch(&batch, is_new)?;
                self.window
                    .push(sequence, batch.counted().posted, remembered_max);
            }
            Fact::Accounts(changes) if is_new => {
                for change in &changes {
                    let changed = self.book.ledger.change(change);
                    changed.map_err(|error| damaged(sequence, &error))?;
                }
                self.book.ledger.settle();
            }
            Fact::Accepted(count) if sequence >= self.tally.next => {
                self.tally.transactions += count;
                self.tally.next = Sequence(sequence.0 + 1);
            }
            Fact::Accounts(_) | Fact::Accepted(_) | Fact::Other => {}
        }
        Ok(())
    }

    fn take_batch(&mut self, batch: &PostedBatch, is_new: bool) -> Result<(), Error> {
        let place = format!("batch {} of payments", batch.number);
        let wrong = |problem: &dyn std::fmt::Display| Error::damaged(place.clone(), problem);
        if is_new {
            let verified = batch.verify(&self.book.head);
            verified.map_err(|problem| wrong(&problem))?;
        }
        let transactions = batch.columns().decode();
        let transactions = transactions.map_err(|error| wrong(&error))?;
        let statuses = batch.statuses().map_err(|error| wrong(&error))?;
        let ledger = &mut self.book.ledger;
        for (transaction, status) in transactions.iter().zip(statuses) {
            match (status, is_new) {
                (Status::Posted, true) => {
                    let applied = ledger.apply(transaction);
                    applied.map_err(|problem| wrong(&problem))?;
                }
                (Status::Posted, false) => ledger.remember(transaction),
                (Status::Rejected | Status::Known, _) => {}
            }
        }
        if is_new {
            self.book.head = batch.head();
        }
        Ok(())
    }
}

fn damaged(sequence: Sequence, problem: &dyn std::fmt::Display) -> Error {
    Error::damaged(format!("event {sequence} of payments"), problem)
}
