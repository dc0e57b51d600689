//! One frame: batches decided on the ledger, and all that is kept of them together.

use std::collections::VecDeque;

use portique_clock::Timestamp;
use portique_jobs::{Completion, Transaction};

use crate::Error;
use crate::batch::{Counted, Head, PostedBatch};
use crate::service::inputs::PostWork;
use crate::service::open::Book;
use crate::service::{facts, queues};

/// Bytes of a frame's batches as they were asked for: with what became of them, twice, they fit into a transaction.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// Bytes that a batch may grow by what became of it, at least.
const VERDICTS_BYTES: usize = 2 * 1024;

/// What was decided, and is to be kept together.
pub(super) struct Frame {
    pub(super) transaction: Transaction,
    /// Each with what it came to.
    pub(super) works: Vec<(PostWork, Counted)>,
    /// Transactions of each batch that were posted.
    pub(super) posted: Vec<u64>,
    pub(super) head: Head,
}

impl Frame {
    /// Posts batches on the ledger; they are to be settled or rolled back.
    pub(super) fn decide(book: &mut Book, works: Vec<PostWork>, now: Timestamp) -> Self {
        let mut frame = Self {
            transaction: Transaction::default(),
            works: Vec::with_capacity(works.len()),
            posted: Vec::with_capacity(works.len()),
            head: book.head,
        };
        book.ledger.begin();
        for mut work in works {
            let transactions = work.transactions.iter();
            let verdicts: Vec<_> = transactions.map(|it| book.ledger.post(it)).collect();
            let columns = std::mem::take(&mut work.columns);
            let batch = PostedBatch::new(columns, &verdicts, &frame.head, now);
            let counted = batch.counted();
            frame.head = batch.head();
            frame.posted.push(counted.posted);
            frame.transaction.publish.push(facts::posted(&batch));
            let body = serde_json::to_vec(&batch).expect("texts and numbers are JSON");
            frame
                .transaction
                .enqueue
                .push(queues::job(queues::JOURNAL, body));
            frame.transaction.complete.push(Completion {
                lease: work.lease,
                result: None,
            });
            work.columns = batch.into_columns();
            frame.works.push((work, counted));
        }
        frame
    }
}

/// The first batches that fit into one frame, `works_max` at most and one at least.
pub(super) fn fitting(posts: &mut VecDeque<PostWork>, works_max: usize) -> Vec<PostWork> {
    let mut works = Vec::new();
    let mut bytes = 0;
    while let Some(work) = posts.front() {
        bytes += work.columns.bytes() + VERDICTS_BYTES;
        let is_full = bytes > FRAME_BYTES_MAX || works.len() >= works_max;
        if is_full && !works.is_empty() {
            break;
        }
        works.extend(posts.pop_front());
    }
    works
}

/// What becomes of batches whose frame was not kept, and has been rolled back: who lost his lease is told, the others
/// are tried again, by fewer where the frame was too large; and how many then.
///
/// # Errors
/// When nobody knows whether it was kept.
pub(super) fn give_back(
    error: portique_jobs::Error,
    works: Vec<PostWork>,
    posts: &mut VecDeque<PostWork>,
) -> Result<usize, Error> {
    let again = match &error {
        portique_jobs::Error::StaleLease { lease } => {
            let (stale, others): (Vec<_>, Vec<_>) =
                works.into_iter().partition(|work| work.lease == *lease);
            let is_known = !stale.is_empty();
            answer(stale, &Error::StaleLease { job: lease.id.0 });
            match is_known {
                true => (others, usize::MAX),
                false => {
                    answer(others, &Error::StaleLease { job: lease.id.0 });
                    (Vec::new(), usize::MAX)
                }
            }
        }
        portique_jobs::Error::BatchTooLarge { .. } if works.len() > 1 => {
            let half = works.len() / 2;
            (works, half)
        }
        _ => {
            let error = fatal(error)?;
            answer(works, &error);
            (Vec::new(), usize::MAX)
        }
    };
    let (works, works_max) = again;
    works
        .into_iter()
        .rev()
        .for_each(|work| posts.push_front(work));
    Ok(works_max)
}

/// The error, if it says that nothing was done.
///
/// # Errors
/// When it does not: the ledger in memory may then be another one than that on disk.
pub(super) fn fatal(error: portique_jobs::Error) -> Result<Error, Error> {
    match error {
        portique_jobs::Error::InDoubt { reason } => Err(Error::damaged(
            "whether the last frame of payments was kept",
            reason,
        )),
        error => Ok(error.into()),
    }
}

fn answer(works: Vec<PostWork>, error: &Error) {
    for work in works {
        let _ = work.reply.send(Err(error.clone()));
    }
}
