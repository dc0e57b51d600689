//! Orders on their way: one at a time and in order for each module, except those that make it safe.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use super::inputs::Input;
use crate::mission::OrderStage;
use crate::{Answer, Command, Link, ModuleId, Order, RocketId};

/// Orders that may wait for one module: a count gives three, a person a few.
const WAITING_MAX: usize = 64;
/// How soon a reflex tries again to reach a module.
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// How long a reflex goes on trying: a computer restarts in seconds.
const RETRY_FOR: Duration = Duration::from_secs(30);

/// An order on its way over a link.
pub(super) struct Parcel {
    pub(super) link: Option<Arc<dyn Link>>,
    pub(super) rocket: RocketId,
    pub(super) module: ModuleId,
    pub(super) command: Command,
}

/// The ways to all modules.
pub(super) struct Couriers {
    inputs: mpsc::Sender<Input>,
    tracker: TaskTracker,
    timeout: Duration,
    ways: BTreeMap<(RocketId, ModuleId), Way>,
}

struct Way {
    parcels: mpsc::Sender<(u64, Parcel)>,
    /// Parcels of an earlier generation are not delivered any more.
    generation: watch::Sender<u64>,
}

impl Couriers {
    pub(super) fn new(
        inputs: mpsc::Sender<Input>,
        tracker: TaskTracker,
        timeout: Duration,
    ) -> Self {
        let ways = BTreeMap::new();
        Self {
            inputs,
            tracker,
            timeout,
            ways,
        }
    }

    /// Sends an order after those that were given before it. One that makes the module safe, or
    /// destroys it, goes at once and takes the place of all that still wait.
    pub(super) fn send(&mut self, parcel: Parcel) {
        let overtakes = matches!(parcel.command.order, Order::Safe | Order::Destroy);
        let key = (parcel.rocket.clone(), parcel.module.clone());
        if overtakes {
            self.overtake(&key.0, &key.1);
            let (inputs, timeout) = (self.inputs.clone(), self.timeout);
            self.tracker.spawn(async move {
                deliver(parcel, &inputs, timeout, std::future::pending()).await;
            });
            return;
        }
        let way = self
            .ways
            .entry(key)
            .or_insert_with(|| open_way(self.inputs.clone(), &self.tracker, self.timeout));
        let generation = *way.generation.borrow();
        if let Err(refused) = way.parcels.try_send((generation, parcel)) {
            let (_, parcel) = refused.into_inner();
            let inputs = self.inputs.clone();
            let reason = format!("{WAITING_MAX} orders wait for this module already");
            let timeout = self.timeout;
            self.tracker.spawn(async move {
                deliver(parcel, &inputs, timeout, std::future::ready(reason)).await;
            });
        }
    }

    /// Gives up what still waits for a module: something more urgent is on its way to it.
    pub(super) fn overtake(&mut self, rocket: &RocketId, module: &ModuleId) {
        if let Some(way) = self.ways.get(&(rocket.clone(), module.clone())) {
            way.generation.send_modify(|generation| *generation += 1);
        }
    }

    /// Forgets the ways to a rocket's modules; what is on its way is still answered.
    pub(super) fn forget(&mut self, rocket: &RocketId) {
        self.ways.retain(|(known, _), _| known != rocket);
    }
}

fn open_way(inputs: mpsc::Sender<Input>, tracker: &TaskTracker, timeout: Duration) -> Way {
    let (parcels, mut received) = mpsc::channel::<(u64, Parcel)>(WAITING_MAX);
    let generation = watch::Sender::new(0);
    let mut current = generation.subscribe();
    tracker.spawn(async move {
        while let Some((generation, parcel)) = received.recv().await {
            let later = current.wait_for(|current| *current != generation);
            let overtaken = async {
                // A way that is gone has no later orders either.
                if later.await.is_err() {
                    std::future::pending::<()>().await;
                }
                "a later order took its place".to_owned()
            };
            deliver(parcel, &inputs, timeout, overtaken).await;
        }
    });
    Way {
        parcels,
        generation,
    }
}

/// Delivers a parcel, unless it is given up first, and tells the worker what came of it.
async fn deliver(
    parcel: Parcel,
    inputs: &mpsc::Sender<Input>,
    timeout: Duration,
    given_up: impl Future<Output = String>,
) {
    let Parcel {
        link,
        rocket,
        module,
        command,
    } = parcel;
    let id = command.id.clone();
    let answer = async {
        match &link {
            Some(link) => ask(link, &module, command, timeout).await,
            None => (
                OrderStage::Failed,
                Some("its vehicle is not connected".into()),
            ),
        }
    };
    let (stage, reason) = tokio::select! {
        biased;
        reason = given_up => (OrderStage::Failed, Some(reason)),
        answer = answer => answer,
    };
    // A closed worker means the hub is stopping; its restart marks the order unanswered.
    let _ = inputs
        .send(Input::Answered {
            rocket,
            module,
            id,
            stage,
            reason,
        })
        .await;
}

/// Sends a reflex's command until the module has answered; the same id is executed once at most.
pub(super) async fn insist(
    link: &Arc<dyn Link>,
    module: &ModuleId,
    command: Command,
    timeout: Duration,
) -> (OrderStage, Option<String>) {
    let tries = async {
        loop {
            let (stage, reason) = ask(link, module, command.clone(), timeout).await;
            if stage != OrderStage::Failed {
                return (stage, reason);
            }
            tracing::error!(%module, reason, "a reflex did not reach its module; trying again");
            tokio::time::sleep(RETRY_EVERY).await;
        }
    };
    match tokio::time::timeout(RETRY_FOR, tries).await {
        Ok(answer) => answer,
        Err(_) => (
            OrderStage::Failed,
            Some(format!("no answer within {RETRY_FOR:?}")),
        ),
    }
}

async fn ask(
    link: &Arc<dyn Link>,
    module: &ModuleId,
    command: Command,
    timeout: Duration,
) -> (OrderStage, Option<String>) {
    match tokio::time::timeout(timeout, link.command(module, command)).await {
        Ok(Ok(Answer::Accepted)) => (OrderStage::Accepted, None),
        Ok(Ok(Answer::Refused { reason })) => (OrderStage::Refused, Some(reason)),
        Ok(Err(error)) => (OrderStage::Failed, Some(portique_fault::chain(&error))),
        Err(_) => (
            OrderStage::Failed,
            Some(format!("no answer within {timeout:?}")),
        ),
    }
}
