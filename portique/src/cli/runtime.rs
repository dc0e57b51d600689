use tokio::runtime::{Builder, Runtime};

use crate::error::Error;

/// The threads that a hub runs on: one per core.
pub(super) fn for_a_hub() -> Result<Runtime, Error> {
    Runtime::new().map_err(|source| Error::Runtime { source })
}

/// One thread is enough to ask and print.
pub(super) fn for_a_visit() -> Result<Runtime, Error> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })
}
