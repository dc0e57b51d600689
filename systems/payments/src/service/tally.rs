//! Counts what was taken in, by reading it from the bus.

use std::sync::Arc;
use std::time::Duration;

use portique_bus::{Sequence, Start};

use super::facts::{self, Fact};
use super::shared::Shared;
use super::{Parts, facts::ACCEPTED};
use crate::Error;

/// Events read in one go.
const PAGE_EVENTS: usize = 1_000;
/// After a failure.
const RETRY: Duration = Duration::from_secs(1);

pub(super) async fn run(parts: Parts, shared: Arc<Shared>) {
    loop {
        if let Err(error) = follow(&parts, &shared).await {
            tracing::warn!(%error, "what is taken in cannot be counted: trying again");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(parts: &Parts, shared: &Shared) -> Result<(), Error> {
    let filter = facts::filter(ACCEPTED);
    loop {
        let mut tally = shared.tally();
        let start = Start::Sequence(tally.next);
        let page = parts.bus.read_back(&filter, start, PAGE_EVENTS).await?;
        let is_end = page.events.is_empty();
        for delivered in page.events {
            if let Fact::Accepted(count) = facts::read(delivered.event)? {
                tally.transactions += count;
            }
        }
        tally.next = page.next.max(Sequence(1));
        shared.put_tally(tally);
        if is_end {
            parts.bus.wait(tally.next).await?;
        }
    }
}
