//! Keeps what is at work like what is asked for, whatever changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_bus::Bus;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::CONSUMER_PREFIX;
use super::definition::Webhook;
use super::outlet::{self, Means};
use super::store::Store;
use crate::api::refusal::Reply;

/// What is asked for is compared with what is at work this often, whether or not it changed.
const LOOK_EVERY: Duration = Duration::from_secs(30);

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
    pub(super) wake: Notify,
    /// Held by whoever changes webhooks and consumers, so that none is left without the other.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// A webhook at work, and how it is stopped.
struct AtWork {
    webhook: Webhook,
    stop: AbortHandle,
}

impl Pusher {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        let mut at_work = BTreeMap::new();
        if let Err(problem) = self.sweep().await {
            tracing::warn!(
                problem = problem.message(),
                "cannot look for webhooks' consumers"
            );
        }
        loop {
            if let Err(problem) = self.reconcile(&mut at_work, &mut tasks).await {
                tracing::warn!(problem = problem.message(), "cannot look for webhooks");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changes.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            while tasks.try_join_next().is_some() {}
        }
        tasks.shutdown().await;
    }

    /// Starts what is asked for and not at work, and stops what is not asked for.
    async fn reconcile(
        &self,
        at_work: &mut BTreeMap<String, AtWork>,
        tasks: &mut JoinSet<()>,
    ) -> Reply<()> {
        let _turn = self.changes.turn.lock().await;
        let asked = self.store.all().await?;
        at_work.retain(|_, working| {
            let stays = asked.contains(&working.webhook) && !working.stop.is_finished();
            if !stays {
                working.stop.abort();
            }
            stays
        });
        for webhook in asked {
            if at_work.contains_key(&webhook.name) {
                continue;
            }
            let consumer = webhook.consumer();
            self.means
                .bus
                .consumer(&consumer, webhook.options())
                .await?;
            let stop = tasks.spawn(outlet::run(self.means.clone(), webhook.clone()));
            at_work.insert(webhook.name.clone(), AtWork { webhook, stop });
        }
        Ok(())
    }

    /// Removes consumers whose webhook a crash took away: they would hold retention for ever.
    async fn sweep(&self) -> Reply<()> {
        let _turn = self.changes.turn.lock().await;
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
