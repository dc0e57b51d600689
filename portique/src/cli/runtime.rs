use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::Error;

/// Threads for work that blocks are woken in turn, so that a longer patience keeps all that were ever needed at
/// once, each with memory of its own.
const BLOCKING_KEEP_ALIVE: Duration = Duration::from_millis(500);

/// The threads that a hub runs on: one per core.
pub(super) fn for_a_hub() -> Result<Runtime, Error> {
    Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(BLOCKING_KEEP_ALIVE)
        .build()
        .map_err(|source| Error::Runtime { source })
}

/// One thread is enough to ask and print.
pub(super) fn for_a_visit() -> Result<Runtime, Error> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })
}
