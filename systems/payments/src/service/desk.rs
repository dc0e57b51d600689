//! The one loop that owns the ledger: decided, kept, then so for good.

mod frame;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use portique_bus::{Sequence, Start};
use portique_jobs::Transaction;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::checkpoint::{self, Checkpoint};
use super::inputs::{Input, PostWork};
use super::open::{Book, Opened, Window, blocking, consumer};
use super::shared::{Shared, Tally};
use super::{Parts, facts};
use crate::{AccountChange, Error, Rejection};
use frame::Frame;

/// Inputs taken at once.
const INPUTS_AT_ONCE: usize = 64;
/// Batches after which a checkpoint is due: a start applies half a million transactions in seconds.
const CHECKPOINT_BATCHES: u64 = 500;
/// A checkpoint is due after this long, when anything changed.
const CHECKPOINT_AFTER: Duration = Duration::from_mins(1);
/// Changes of accounts in one fact: it stays far below what an event carries.
const CHANGES_MAX: usize = 2_000;

/// Owns the ledger.
pub(super) struct Desk {
    parts: Parts,
    shared: Arc<Shared>,
    received: mpsc::Receiver<Input>,
    /// Away only while it is worked on.
    book: Option<Book>,
    window: Window,
    generation: u64,
    /// The first event that is not in the ledger.
    next: Sequence,
    /// The number of the newest batch of the newest checkpoint.
    kept: u64,
    /// Whether anything changed since.
    is_changed: bool,
    checkpoint_at: Duration,
}

impl Desk {
    pub(super) fn new(
        parts: Parts,
        shared: Arc<Shared>,
        received: mpsc::Receiver<Input>,
        opened: Opened,
    ) -> Self {
        let checkpoint_at = parts.clock.monotonic();
        Self {
            parts,
            shared,
            received,
            // What was read back is kept soon, so that the next start is quick.
            kept: 0,
            is_changed: opened.book.head.number > 0,
            book: Some(opened.book),
            window: opened.window,
            generation: opened.generation,
            next: opened.next,
            checkpoint_at,
        }
    }

    /// Runs until `stop`.
    ///
    /// # Errors
    /// When nothing more can be decided: what was committed last may be there or not.
    pub(super) async fn run(mut self, stop: CancellationToken) -> Result<(), Error> {
        let mut inputs = Vec::new();
        let mut writing = JoinSet::new();
        loop {
            let due = self.until_checkpoint();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                count = self.received.recv_many(&mut inputs, INPUTS_AT_ONCE) => {
                    if count == 0 {
                        break;
                    }
                }
                () = tokio::time::sleep(due) => {}
            }
            self.take_all(&mut inputs).await?;
            if writing.try_join_next().is_some() || writing.is_empty() {
                self.checkpoint_if_due(&mut writing);
            }
        }
        self.received.close();
        while writing.join_next().await.is_some() {}
        if self.is_changed {
            let written = write(self.parts.clone(), self.take_checkpoint()).await;
            complain(written);
        }
        Ok(())
    }

    async fn take_all(&mut self, inputs: &mut Vec<Input>) -> Result<(), Error> {
        let mut posts = VecDeque::new();
        for input in inputs.drain(..) {
            match input {
                Input::Post(work) => posts.extend(work),
                Input::Change(changes, reply) => {
                    self.post_all(&mut posts).await?;
                    let changed = self.change(changes).await;
                    if let Err(error @ Error::Damaged { .. }) = &changed {
                        return Err(error.clone());
                    }
                    // Who does not wait any more needs no answer, here and below.
                    let _ = reply.send(changed);
                }
                Input::Look(look) => {
                    self.post_all(&mut posts).await?;
                    let book = self.book()?;
                    look(&book.ledger, book.head.number);
                }
            }
        }
        self.post_all(&mut posts).await
    }

    /// Posts batches, as many in a frame as fit.
    async fn post_all(&mut self, posts: &mut VecDeque<PostWork>) -> Result<(), Error> {
        let mut works_max = usize::MAX;
        while !posts.is_empty() {
            let mut book = self.book.take().ok_or(Error::Stopping)?;
            let works = frame::fitting(posts, works_max);
            works_max = usize::MAX;
            let now = self.parts.clock.now();
            let (back, frame) = blocking(move || {
                let frame = Frame::decide(&mut book, works, now);
                Ok((book, frame))
            })
            .await?;
            book = back;
            let committed = self.parts.transact.commit(frame.transaction).await;
            match committed {
                Ok(committed) => {
                    book.ledger.settle();
                    book.head = frame.head;
                    self.settled(&committed.sequences, frame.head, &frame.posted);
                    frame.works.into_iter().for_each(|(work, counted)| {
                        let _ = work.reply.send(Ok(counted));
                    });
                }
                Err(error) => {
                    book.ledger.roll_back();
                    let works = frame.works.into_iter().map(|(work, _)| work).collect();
                    works_max = frame::give_back(error, works, posts)?;
                }
            }
            self.book = Some(book);
        }
        Ok(())
    }

    fn settled(&mut self, sequences: &[Sequence], head: crate::batch::Head, posted: &[u64]) {
        let remembered_max = self.parts.config.remembered_max;
        for (sequence, posted) in sequences.iter().zip(posted) {
            self.window.push(*sequence, *posted, remembered_max);
            self.next = Sequence(sequence.0 + 1);
        }
        self.is_changed = true;
        self.shared.put_head(head);
    }

    /// Changes accounts and keeps what changed.
    async fn change(
        &mut self,
        changes: Vec<AccountChange>,
    ) -> Result<Vec<Result<bool, Rejection>>, Error> {
        let mut outcomes = Vec::with_capacity(changes.len());
        for changes in changes.chunks(CHANGES_MAX) {
            outcomes.append(&mut self.change_some(changes).await?);
        }
        Ok(outcomes)
    }

    async fn change_some(
        &mut self,
        changes: &[AccountChange],
    ) -> Result<Vec<Result<bool, Rejection>>, Error> {
        let now = self.parts.clock.now();
        let ledger = &mut self.book.as_mut().ok_or(Error::Stopping)?.ledger;
        ledger.begin();
        let outcomes: Vec<_> = changes.iter().map(|change| ledger.change(change)).collect();
        let made: Vec<AccountChange> = changes
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| matches!(outcome, Ok(true)))
            .map(|(change, _)| change.clone())
            .collect();
        if made.is_empty() {
            return Ok(outcomes);
        }
        let publish = vec![facts::accounts(made, now)];
        let transaction = Transaction {
            publish,
            ..Transaction::default()
        };
        match self.parts.transact.commit(transaction).await {
            Ok(committed) => {
                ledger.settle();
                let last = committed.sequences.last();
                self.next = last.map_or(self.next, |last| Sequence(last.0 + 1));
                self.is_changed = true;
                Ok(outcomes)
            }
            Err(error) => {
                ledger.roll_back();
                Err(frame::fatal(error)?)
            }
        }
    }

    fn book(&self) -> Result<&Book, Error> {
        self.book.as_ref().ok_or(Error::Stopping)
    }

    fn until_checkpoint(&self) -> Duration {
        let now = self.parts.clock.monotonic();
        (self.checkpoint_at + CHECKPOINT_AFTER).saturating_sub(now)
    }

    fn checkpoint_if_due(&mut self, writing: &mut JoinSet<()>) {
        let head = self.shared.head();
        let is_due = self.until_checkpoint().is_zero()
            || head.number.saturating_sub(self.kept) >= CHECKPOINT_BATCHES;
        if !is_due {
            return;
        }
        self.checkpoint_at = self.parts.clock.monotonic();
        if !self.is_changed || !writing.is_empty() {
            return;
        }
        let (parts, checkpoint) = (self.parts.clone(), self.take_checkpoint());
        writing.spawn(async move { complain(write(parts, checkpoint).await) });
    }

    /// What is now, to be written.
    fn take_checkpoint(&mut self) -> Option<Checkpoint> {
        let book = self.book.as_ref()?;
        self.generation += 1;
        self.is_changed = false;
        self.kept = book.head.number;
        let tally: Tally = self.shared.tally();
        let needed = [Some(self.next), Some(tally.next), self.window.begins()];
        let floor = needed.into_iter().flatten().min().unwrap_or(self.next);
        let holds = book.ledger.holds().map(|(id, hold)| (id.clone(), *hold));
        Some(Checkpoint {
            generation: self.generation,
            next: self.next.0,
            floor: floor.0,
            head: book.head,
            tally,
            accounts: book.ledger.accounts().to_vec(),
            holds: holds.collect(),
        })
    }
}

/// Writes a checkpoint, then lets retention have what is before it.
async fn write(parts: Parts, checkpoint: Option<Checkpoint>) -> Result<(), Error> {
    let Some(checkpoint) = checkpoint else {
        return Ok(());
    };
    let floor = Start::Sequence(Sequence(checkpoint.floor));
    checkpoint::write(parts.records.as_ref(), checkpoint).await?;
    parts.bus.seek(&consumer(), floor).await?;
    Ok(())
}

/// A checkpoint that was not written is no loss: the facts are there, and held.
fn complain(written: Result<(), Error>) {
    if let Err(error) = written {
        tracing::warn!(%error, "the ledger's checkpoint is not written: tried again later");
    }
}
