use std::sync::atomic::Ordering;
use std::time::Duration;

use portique_bus::ConsumerName;
use portique_journal::Sequence;

use crate::Error;

use super::{Core, Release, Shared, checkpoint};

/// Turns of the housekeeping: fetching sees to its own redeliveries at once, so this only has to
/// be prompt for consumers that nobody fetches for.
const TICK: Duration = Duration::from_millis(500);

pub(super) async fn run(shared: &Shared) {
    while !shared.is_closed() {
        let ticked = tokio::select! {
            ticked = tick(shared) => ticked,
            () = closed(shared) => return,
        };
        if let Err(error) = ticked {
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

pub(super) async fn tick(shared: &Shared) -> Result<(), Error> {
    if shared.is_closed() {
        return Err(Error::Closed);
    }
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
    if checkpoint::is_due(shared) {
        checkpoint::write(shared).await?;
    }
    release(shared)
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

/// Lets retention have what no start and no consumer needs: an event that a consumer has not
/// settled is kept, however old it is, and one whose settlement may still be lost counts as such.
fn release(shared: &Shared) -> Result<(), Error> {
    let durable = shared.durable();
    let certain = {
        let mut core = shared.core();
        let release = core.release.unwrap_or_else(|| release_now(&core));
        let is_certain = release.last <= durable;
        core.release = (!is_certain).then_some(release);
        is_certain.then_some(release)
    };
    if let Some(release) = certain {
        shared.journal.trim(Sequence(release.before))?;
    }
    Ok(())
}

fn release_now(core: &Core) -> Release {
    let consumers = core.state.consumers();
    let floors = consumers.map(|consumer| consumer.ack_floor() + 1);
    Release {
        before: floors.fold(core.checkpoint.needed_from, u64::min),
        last: core.last,
    }
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
