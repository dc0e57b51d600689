use portique_jobs::Lease;
use tokio::sync::oneshot;

use crate::batch::{Columns, Counted};
use crate::{AccountChange, Error, Ledger, Rejection, Transaction};

/// What the desk is asked for.
pub(super) enum Input {
    /// Claimed batches; each has an answer of its own.
    Post(Vec<PostWork>),
    Change(
        Vec<AccountChange>,
        oneshot::Sender<Result<Vec<Result<bool, Rejection>>, Error>>,
    ),
    /// Looks at the ledger and the number of its newest batch.
    Look(Look),
}

/// Reads the ledger while nobody changes it; its second argument is the number of the newest batch.
pub(super) type Look = Box<dyn FnOnce(&Ledger, u64) + Send>;

/// A claimed batch.
pub(super) struct PostWork {
    pub(super) lease: Lease,
    pub(super) columns: Columns,
    pub(super) transactions: Vec<Transaction>,
    pub(super) reply: oneshot::Sender<Result<Counted, Error>>,
}
