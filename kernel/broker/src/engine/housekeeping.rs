use std::sync::atomic::Ordering;
use std::time::Duration;

use portique_bus::ConsumerName;

use crate::Error;

use super::{Shared, checkpoint, jobs, retention};

/// Turns of the housekeeping: fetching sees to its own redeliveries at once, so this only has to
/// be prompt for consumers that nobody fetches for.
const TICK: Duration = Duration::from_millis(500);

/// Sees to what becomes due for jobs when it does, and to the rest in turns, which may take longer.
pub(super) async fn run(shared: &Shared) {
    tokio::select! {
        () = keep_house(shared) => {}
        () = jobs::see_to_time(shared) => {}
    }
}

async fn keep_house(shared: &Shared) {
    while !shared.is_closed() {
        let turned = tokio::select! {
            turned = turn(shared) => turned,
            () = closed(shared) => return,
        };
        if let Err(error) = turned {
            let reason = portique_fault::chain(&error);
            if shared.is_closed() {
                return;
            }
            if error.is_final() {
                tracing::error!(reason, "the broker's housekeeping has stopped");
                return;
            }
            tracing::warn!(reason, "the broker's housekeeping tries again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = closed(shared) => {}
        }
    }
}

/// Everything once.
pub(super) async fn tick(shared: &Shared) -> Result<(), Error> {
    if shared.is_closed() {
        return Err(Error::Closed);
    }
    if let Err(error) = shared.see_to_due().await {
        let reason = portique_fault::chain(&error);
        tracing::warn!(reason, "what became due for jobs waits");
    }
    turn(shared).await
}

async fn turn(shared: &Shared) -> Result<(), Error> {
    let due = due_consumers(shared);
    for name in &due {
        match shared.bury_spent(name).await {
            Ok(()) | Err(portique_bus::Error::UnknownConsumer { .. }) => {}
            Err(error) => {
                let reason = portique_fault::chain(&error);
                tracing::warn!(consumer = %name, reason, "dead letters wait");
            }
        }
    }
    if let Err(error) = shared.remove_unused().await {
        let reason = portique_fault::chain(&error);
        tracing::warn!(reason, "consumers that nobody fetches for stay");
    }
    if !due.is_empty() {
        shared.changed.notify_waiters();
    }
    shared.core().remembered.expire(shared.clock.now());
    shared.carry().await;
    if checkpoint::is_due(shared) {
        checkpoint::write(shared).await?;
    }
    shared.try_compact().await;
    retention::release(shared)
}

fn due_consumers(shared: &Shared) -> Vec<ConsumerName> {
    let now = shared.clock.monotonic();
    let core = shared.core();
    let is_due = |due: Option<Duration>| due.is_some_and(|due| due <= now);
    let due = core
        .state
        .consumers()
        .filter(|consumer| is_due(consumer.next_due()));
    due.map(|consumer| consumer.name.clone()).collect()
}

async fn closed(shared: &Shared) {
    while !shared.closed.load(Ordering::SeqCst) {
        let mut changed = std::pin::pin!(shared.changed.notified());
        changed.as_mut().enable();
        if shared.is_closed() {
            return;
        }
        changed.await;
    }
}
