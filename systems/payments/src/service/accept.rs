//! Taking transactions in: onto the disk, into the queue of those that post.

use portique_jobs::{NewJob, Transaction as JobTransaction};
use serde::{Deserialize, Serialize};

use super::open::blocking;
use super::{Payments, facts, queues};
use crate::batch::{self, BATCH_TRANSACTIONS_MAX, Columns};
use crate::lines::Read;
use crate::{Error, Refused, Transaction};

/// Bytes of the batches of one frame: what a transaction of the queues takes, with room for their counts.
const FRAME_BYTES_MAX: usize = 2 << 20;
/// Longest key of a request, in bytes: frames are named by it and a number.
const KEY_BYTES_MAX: usize = 200;
/// Refused lines that are told; more are counted.
const REFUSED_TOLD: usize = 1_000;

/// What a list of transactions came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Accepted {
    /// Transactions that are on disk, and will be posted or rejected.
    pub accepted: u64,
    /// Batches that they make.
    pub batches: u64,
    /// Lines that were refused.
    pub refused_lines: u64,
    /// Which, and why; the first thousand.
    pub refused: Vec<Refused>,
}

impl Payments {
    /// Takes in what was read; durable on return. `key` names the request: the same again is the same request.
    ///
    /// # Errors
    /// [`Error::Behind`] when the pipeline is; [`Error::Input`] for a key; what the queues fail with. Of more batches
    /// than fit into one frame, the first may have been taken then: the same again does them once.
    pub async fn accept(&self, read: Read, key: Option<&str>) -> Result<Accepted, Error> {
        check_key(key)?;
        self.check_pace().await?;
        let Read {
            taken,
            mut refused,
            refused_lines,
        } = read;
        refused.truncate(REFUSED_TOLD);
        let (count, frames) = blocking(move || Ok((taken.len(), frames(&taken)))).await?;
        let mut batches = 0;
        for (place, frame) in frames.into_iter().enumerate() {
            batches += frame.len() as u64;
            self.take_frame(frame, place, key).await?;
        }
        Ok(Accepted {
            accepted: count as u64,
            batches,
            refused_lines,
            refused,
        })
    }

    async fn take_frame(
        &self,
        frame: Vec<Columns>,
        place: usize,
        key: Option<&str>,
    ) -> Result<(), Error> {
        let count = frame.iter().map(Columns::count).sum();
        let id = match key {
            Some(key) => format!("{key}/{place}"),
            None => self.new_id(),
        };
        let enqueue = blocking(move || Ok(post_jobs(&frame))).await?;
        let transaction = JobTransaction {
            idempotency_key: key.map(|_| format!("payments/{id}")),
            publish: vec![facts::accepted(&id, count)],
            enqueue,
            ..JobTransaction::default()
        };
        self.parts.transact.commit(transaction).await?;
        Ok(())
    }
}

/// The jobs that post batches.
pub(super) fn post_jobs(batches: &[Columns]) -> Vec<NewJob> {
    let job = |batch: &Columns| queues::job(queues::POST, batch.to_json());
    batches.iter().map(job).collect()
}

/// Transactions in batches, and those in frames.
fn frames(transactions: &[Transaction]) -> Vec<Vec<Columns>> {
    let mut frames: Vec<Vec<Columns>> = Vec::new();
    let mut bytes = usize::MAX;
    for batch in batch::cut(transactions) {
        // Ends of lines and quotes are written with two.
        let more = batch.bytes() + batch.count() * BATCH_ROW_MARGIN;
        bytes = bytes.saturating_add(more);
        match frames.last_mut() {
            Some(frame) if bytes <= FRAME_BYTES_MAX => frame.push(batch),
            _ => {
                frames.push(vec![batch]);
                bytes = more;
            }
        }
    }
    frames
}

/// Bytes for what has to be written with two, in a usual transaction.
const BATCH_ROW_MARGIN: usize = 8;
const _: () = assert!(BATCH_TRANSACTIONS_MAX * BATCH_ROW_MARGIN < FRAME_BYTES_MAX / 8);

fn check_key(key: Option<&str>) -> Result<(), Error> {
    let length = key.map_or(1, str::len);
    match (1..=KEY_BYTES_MAX).contains(&length) {
        true => Ok(()),
        false => Err(Error::input(format!(
            "the idempotency key has {length} bytes: write 1 to {KEY_BYTES_MAX}"
        ))),
    }
}
