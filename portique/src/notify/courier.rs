//! Who carries notifications: takes jobs of the queue, sends, and says what became of them.

mod leases;

use std::sync::Arc;
use std::time::Duration;

use portique_jobs::{Claim, Claimed, Failing, Failure, Jobs, Settled};
use portique_monitor::notify::{NotificationJob, Outcome};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::attempts::Attempt;
use super::handle::{Notifier, Settlement};
use super::queue;
use super::send::{Sender, Verdict};
use super::setup::Setup;
use leases::Leases;

/// Notifications that the first courier has under way at once: a connection each.
const SLOTS: usize = 240;
/// Couriers with one notification at a time: what a crash left is given to who has nothing else in hand, and
/// must not wait for one another.
const SINGLES: usize = 16;
/// How long one claim waits for a notification.
const CLAIM_WAIT: Duration = Duration::from_secs(30);
/// After a queue that could not be asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long a stop waits for what is under way: a receiver that answers at all does so within.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// What every courier needs.
#[derive(Clone)]
pub(super) struct Couriers {
    pub(super) jobs: Arc<dyn Jobs>,
    pub(super) notifier: Notifier,
    pub(super) sender: Sender,
    leases: Leases,
}

impl Couriers {
    pub(super) fn new(jobs: Arc<dyn Jobs>, notifier: Notifier, sender: Sender) -> Self {
        Self {
            leases: Leases::new(Arc::clone(&jobs)),
            jobs,
            notifier,
            sender,
        }
    }

    /// Runs until `stop`; what does not arrive soon after is sent again after the next start.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut keeping = JoinSet::new();
        keeping.spawn(self.leases.clone().keep());
        let mut couriers = JoinSet::new();
        couriers.spawn(self.clone().work(0, SLOTS, stop.clone()));
        for number in 1..=SINGLES {
            couriers.spawn(self.clone().work(number, 1, stop.clone()));
        }
        stop.cancelled().await;
        let ending = async { while couriers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_MAX, ending).await.is_err() {
            self.leases.release().await;
            couriers.shutdown().await;
        }
    }

    /// Carries up to `slots` notifications at a time until `stop`, and ends with the last of them.
    async fn work(self, number: usize, slots: usize, stop: CancellationToken) {
        let mut sending = JoinSet::new();
        loop {
            while sending.len() >= slots {
                sending.join_next().await;
            }
            let claim = Claim {
                queue: queue::name(),
                worker: queue::worker(number),
                limit: slots - sending.len(),
                wait: CLAIM_WAIT,
                lease: None,
            };
            let claimed = tokio::select! {
                () = stop.cancelled() => break,
                claimed = self.jobs.claim(claim) => claimed,
            };
            match claimed {
                Ok(claimed) => {
                    for claimed in claimed {
                        sending.spawn(self.clone().carry(claimed));
                    }
                }
                Err(error) => {
                    let problem = portique_fault::chain(&error);
                    tracing::warn!(problem, "cannot ask for notifications");
                    tokio::time::sleep(ASK_AGAIN_AFTER).await;
                }
            }
            while sending.try_join_next().is_some() {}
        }
        while sending.join_next().await.is_some() {}
    }

    async fn carry(self, claimed: Claimed) {
        let _held = self.leases.hold(claimed.lease);
        let job = match NotificationJob::decode(&claimed.payload.body) {
            Ok(job) => job,
            Err(error) => {
                let reason = format!("this job is no notification: {error}");
                self.fail(&claimed, None, Failure::Reject, reason).await;
                return;
            }
        };
        match self.attempt(&job).await {
            Verdict::Delivered => self.delivered(&claimed, &job).await,
            Verdict::Retry { after, reason } => {
                let failure = after.map_or(Failure::Policy, Failure::After);
                self.fail(&claimed, Some(&job), failure, reason).await;
            }
            Verdict::Reject(reason) => {
                self.fail(&claimed, Some(&job), Failure::Reject, reason)
                    .await;
            }
        }
    }

    async fn attempt(&self, job: &NotificationJob) -> Verdict {
        let shared = &self.notifier.shared;
        let kind = Setup::kind_of(&job.integration);
        shared.figures.begin(kind);
        let setup = self.setup_for(job);
        let verdict = self.sender.send(&setup, job, shared.clock.now()).await;
        shared.figures.end(kind, verdict == Verdict::Delivered);
        verdict
    }

    /// The newest configuration that has the receiver: what is on its way survives that it is taken out.
    fn setup_for(&self, job: &NotificationJob) -> Arc<Setup> {
        let setups = self.notifier.shared.setups();
        let has_way = |setup: &&Arc<Setup>| {
            let receiver = setup.config.receiver(&job.receiver);
            let ways = receiver
                .into_iter()
                .flat_map(|receiver| &receiver.integrations);
            ways.map(|way| way.key())
                .any(|key| *key == *job.integration)
        };
        let found = setups.iter().find(has_way).cloned();
        found.unwrap_or_else(|| self.notifier.shared.setup())
    }

    async fn delivered(&self, claimed: &Claimed, job: &NotificationJob) {
        let shared = &self.notifier.shared;
        let after = shared.clock.now().since(job.at);
        shared.figures.sent(Setup::kind_of(&job.integration), after);
        let (receiver, integration) = (&job.receiver, &job.integration);
        tracing::debug!(%receiver, %integration, id = job.id, "told");
        let settlement = Settlement {
            id: job.id,
            outcome: Outcome::Delivered,
            lease: Some(claimed.lease),
        };
        if let Err(problem) = self.notifier.settle(settlement).await {
            let problem = problem.message;
            tracing::warn!(
                problem,
                id = job.id,
                "told, but that cannot be kept: told again later"
            );
        }
    }

    async fn fail(
        &self,
        claimed: &Claimed,
        job: Option<&NotificationJob>,
        failure: Failure,
        reason: String,
    ) {
        let failing = Failing {
            lease: claimed.lease,
            reason: reason.clone(),
            failure,
        };
        let settled = match self.jobs.fail(vec![failing]).await {
            Ok(mut settled) => settled.pop(),
            Err(error) => {
                let problem = portique_fault::chain(&error);
                tracing::warn!(problem, "an attempt that failed cannot be kept");
                None
            }
        };
        let Some(job) = job else { return };
        let (receiver, integration) = (&job.receiver, &job.integration);
        let shared = &self.notifier.shared;
        if settled == Some(Settled::Dead) {
            tracing::warn!(%receiver, %integration, id = job.id, reason, "a notification is given up");
            shared.figures.given_up(Setup::kind_of(integration));
            let settlement = Settlement {
                id: job.id,
                outcome: Outcome::Failed {
                    reason: Arc::from(reason),
                },
                lease: None,
            };
            // Whoever looks at dead letters next settles it otherwise.
            let _ = self.notifier.settle(settlement).await;
            return;
        }
        tracing::debug!(%receiver, %integration, id = job.id, reason, "an attempt came to nothing");
        let attempt = Attempt {
            job: claimed.lease.id,
            number: claimed.attempt,
            at: shared.clock.now(),
            reason,
        };
        shared.attempts.note(job.id, attempt);
    }
}
