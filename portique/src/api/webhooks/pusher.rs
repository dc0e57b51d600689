//! Keeps what is at work like what is asked for, whatever changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_bus::Bus;
use tokio::sync::{MutexGuard, Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::CONSUMER_PREFIX;
use super::definition::Webhook;
use super::outlet::{self, Means};
use super::store::Store;
use crate::api::refusal::Reply;

/// What is asked for is compared with what is at work this often, whether or not it changed.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Longest wait of a change for being taken up: that takes a moment, but in a hub that stops nobody does.
const TAKE_UP_WAIT: Duration = Duration::from_secs(5);

/// Owns every webhook at work; it ends with the hub.
pub(crate) struct Pusher {
    pub(super) store: Store,
    pub(super) means: Means,
    pub(super) changes: Arc<Changes>,
}

/// What handlers and the pusher share.
#[derive(Default)]
pub(super) struct Changes {
    /// Wakes the pusher.
    wake: Notify,
    /// How many changes were made. Held by whoever changes webhooks and consumers, so that none is left
    /// without the other.
    made: tokio::sync::Mutex<u64>,
    /// How many of them the pusher works by.
    taken_up: watch::Sender<u64>,
}

/// A webhook at work; its one task ends when this is dropped.
struct AtWork {
    webhook: Webhook,
    task: JoinSet<()>,
}

impl Changes {
    /// Keeps everybody else from changing webhooks and their consumers.
    pub(super) async fn turn(&self) -> MutexGuard<'_, u64> {
        self.made.lock().await
    }

    /// Ends the turn in which webhooks were changed, and waits until they work as they are now: what is
    /// published afterwards is not pushed as it was asked for before.
    pub(super) async fn take_up(&self, mut turn: MutexGuard<'_, u64>) {
        *turn += 1;
        let change = *turn;
        drop(turn);
        self.wake.notify_one();
        let mut taken_up = self.taken_up.subscribe();
        let waited = taken_up.wait_for(|taken_up| *taken_up >= change);
        if tokio::time::timeout(TAKE_UP_WAIT, waited).await.is_err() {
            tracing::warn!("webhooks go on as they were before for now");
        }
    }
}

impl Pusher {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut at_work = BTreeMap::new();
        if let Err(problem) = self.sweep().await {
            tracing::warn!(
                problem = problem.message(),
                "cannot look for webhooks' consumers"
            );
        }
        loop {
            if let Err(problem) = self.reconcile(&mut at_work).await {
                tracing::warn!(problem = problem.message(), "cannot look for webhooks");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changes.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        for working in at_work.values_mut() {
            working.task.shutdown().await;
        }
    }

    /// Starts what is asked for and not at work, and stops what is not asked for.
    async fn reconcile(&self, at_work: &mut BTreeMap<String, AtWork>) -> Reply<()> {
        let made = self.changes.turn().await;
        let asked = self.store.all().await?;
        for (name, mut working) in std::mem::take(at_work) {
            let has_ended = working.task.try_join_next().is_some();
            if asked.contains(&working.webhook) && !has_ended {
                at_work.insert(name, working);
            } else {
                working.task.shutdown().await;
            }
        }
        for webhook in asked {
            if at_work.contains_key(&webhook.name) {
                continue;
            }
            let consumer = webhook.consumer();
            self.means
                .bus
                .consumer(&consumer, webhook.options())
                .await?;
            let mut task = JoinSet::new();
            task.spawn(outlet::run(self.means.clone(), webhook.clone()));
            at_work.insert(webhook.name.clone(), AtWork { webhook, task });
        }
        self.changes.taken_up.send_replace(*made);
        Ok(())
    }

    /// Removes consumers whose webhook a crash took away: they would hold retention for ever.
    async fn sweep(&self) -> Reply<()> {
        let _turn = self.changes.turn().await;
        let asked = self.store.all().await?;
        let bus: &dyn Bus = self.means.bus.as_ref();
        for state in bus.consumers().await? {
            let webhook = state.name.as_str().strip_prefix(CONSUMER_PREFIX);
            let is_asked_for = |name: &str| asked.iter().any(|webhook| webhook.name == name);
            if webhook.is_some_and(|name| !is_asked_for(name)) {
                bus.remove_consumer(&state.name).await?;
            }
        }
        Ok(())
    }
}
