//! Transactions that travel together, and what became of them.
//!
//! A batch is written in columns, as JSON with few and long texts: a thousand transactions are read in a fraction of a
//! millisecond, what is the same for many is there once, and the texts are searched where they are. The format is in
//! `docs/formats/payments-batch.md`.

mod chain;
mod columns;
mod posted;
mod row;

pub use chain::Hash;
pub use columns::{BatchError, Columns};
pub use posted::{Counted, PostedBatch};
pub(crate) use posted::{Head, kind_mark, status_mark};
pub use row::{Row, Status};

use crate::Transaction;

/// Transactions of one batch at most.
pub const BATCH_TRANSACTIONS_MAX: usize = 1_000;
/// Bytes of a batch at most, as it is written: with a reason for each transaction it still fits into one event.
const BATCH_BYTES_MAX: usize = 400 * 1024;

/// Cuts transactions into batches, in order.
pub fn cut(transactions: &[Transaction]) -> Vec<Columns> {
    let mut batches = Vec::new();
    let mut rest = transactions;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take(BATCH_TRANSACTIONS_MAX).take_while(|one| {
            bytes += columns::bytes_max(one);
            bytes <= BATCH_BYTES_MAX
        });
        // One alone always fits.
        let (batch, others) = rest.split_at(fit.count().max(1));
        batches.push(Columns::new(batch));
        rest = others;
    }
    batches
}
