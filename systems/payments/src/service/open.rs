//! The ledger as it was: its newest checkpoint, and the facts since.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::stream::{self, Stream, TryStreamExt};
use portique_bus::{Bus, ConsumerName, ConsumerOptions, Page, Sequence, Start};

use super::Parts;
use super::checkpoint::{self, Checkpoint};
use super::facts::{self, Fact};
use super::shared::Tally;
use crate::batch::{Head, PostedBatch, Status};
use crate::{AccountChange, Error, Ledger, Transaction};

/// Facts read back in one go; a batch has some hundred kilobytes.
const PAGE_EVENTS: usize = 25;
/// Pages whose facts are read while the ledger takes in one before them.
const PAGES_AHEAD: usize = 2;
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

/// What the ledger takes in of an event.
enum Entry {
    Posted {
        batch: Box<PostedBatch>,
        transactions: Vec<Transaction>,
        statuses: Vec<Status>,
    },
    Accounts(Vec<AccountChange>),
    Accepted(u64),
}

/// Some events, as the ledger takes them in.
struct Entries {
    entries: Vec<(Sequence, Entry)>,
    /// Behind the last of them.
    next: Sequence,
}

pub(super) async fn open(parts: &Parts) -> Result<Opened, Error> {
    let options = ConsumerOptions::new(facts::filter(facts::FILTER));
    parts.bus.consumer(&consumer(), options).await?;
    let checkpoint = checkpoint::read(parts.records.as_ref()).await?;
    let start = match checkpoint.floor {
        0 => Start::First,
        floor => Start::Sequence(Sequence(floor)),
    };
    let remembered_max = parts.config.remembered_max;
    let mut opened = restored(checkpoint, remembered_max);
    let next = opened.next;
    let mut pages = pin!(pages(parts.bus.as_ref(), start));
    let mut read = pages.try_next().await?;
    while let Some(entries) = read {
        let taken = blocking(move || {
            opened.next = entries.next.max(opened.next);
            for (sequence, entry) in entries.entries {
                opened.take(sequence, entry, next, remembered_max)?;
            }
            Ok(opened)
        });
        (opened, read) = tokio::try_join!(taken, pages.try_next())?;
    }
    Ok(opened)
}

/// Every fact from `start` on, in order, read ahead.
fn pages(bus: &dyn Bus, start: Start) -> impl Stream<Item = Result<Entries, Error>> {
    stream::try_unfold(start, async |start| {
        let filter = facts::filter(facts::FILTER);
        let page = bus.read_back(&filter, start, PAGE_EVENTS).await?;
        let next = Start::Sequence(page.next);
        let is_last = page.events.is_empty() && start == next;
        Ok((!is_last).then_some((page, next)))
    })
    .map_ok(|page| blocking(move || Entries::read(page)))
    .try_buffered(PAGES_AHEAD)
}

impl Entries {
    fn read(page: Page) -> Result<Self, Error> {
        let mut entries = Vec::with_capacity(page.events.len());
        for delivered in page.events {
            let entry = match facts::read(delivered.event)? {
                Fact::Posted(batch) => Entry::posted(batch)?,
                Fact::Accounts(changes) => Entry::Accounts(changes),
                Fact::Accepted(count) => Entry::Accepted(count),
                Fact::Other => continue,
            };
            entries.push((delivered.sequence, entry));
        }
        Ok(Self {
            entries,
            next: page.next,
        })
    }
}

impl Entry {
    fn posted(batch: Box<PostedBatch>) -> Result<Self, Error> {
        let transactions = batch.columns().decode();
        let transactions = transactions.map_err(|error| damaged_batch(&batch, &error))?;
        let statuses = batch.statuses();
        let statuses = statuses.map_err(|error| damaged_batch(&batch, &error))?;
        Ok(Self::Posted {
            batch,
            transactions,
            statuses,
        })
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
        sequence: Sequence,
        entry: Entry,
        next: Sequence,
        remembered_max: usize,
    ) -> Result<(), Error> {
        let is_new = sequence >= next;
        match entry {
            Entry::Posted {
                batch,
                transactions,
                statuses,
            } => {
                let posted = transactions.iter().zip(statuses);
                self.take_batch(&batch, posted, is_new)?;
                self.window
                    .push(sequence, batch.counted().posted, remembered_max);
            }
            Entry::Accounts(changes) if is_new => {
                for change in &changes {
                    let changed = self.book.ledger.change(change);
                    changed.map_err(|error| damaged(sequence, &error))?;
                }
                self.book.ledger.settle();
            }
            Entry::Accepted(count) if sequence >= self.tally.next => {
                self.tally.transactions += count;
                self.tally.next = Sequence(sequence.0 + 1);
            }
            Entry::Accounts(_) | Entry::Accepted(_) => {}
        }
        Ok(())
    }

    fn take_batch<'a>(
        &mut self,
        batch: &PostedBatch,
        transactions: impl Iterator<Item = (&'a Transaction, Status)>,
        is_new: bool,
    ) -> Result<(), Error> {
        if is_new {
            let verified = batch.verify(&self.book.head);
            verified.map_err(|problem| damaged_batch(batch, &problem))?;
        }
        let ledger = &mut self.book.ledger;
        for (transaction, status) in transactions {
            match (status, is_new) {
                (Status::Posted, true) => {
                    let applied = ledger.apply(transaction);
                    applied.map_err(|problem| damaged_batch(batch, &problem))?;
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

fn damaged_batch(batch: &PostedBatch, problem: &dyn std::fmt::Display) -> Error {
    Error::damaged(format!("batch {} of payments", batch.number), problem)
}

fn damaged(sequence: Sequence, problem: &dyn std::fmt::Display) -> Error {
    Error::damaged(format!("event {sequence} of payments"), problem)
}
