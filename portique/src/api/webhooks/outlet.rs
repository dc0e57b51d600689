//! One webhook at work: fetch, push, settle.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::Uri;
use portique_bus::{Bus, ConsumerName, Delivery};
use portique_clock::{Clock, Random, Seeded};
use portique_event::{EXTENSIONS_MAX, Event, Subject};
use portique_jobs::{Transact, Transaction};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::definition::Webhook;
use super::outcomes::Outcomes;
use super::push::Push;
use super::receiver::Receivers;
use super::signature::Secret;
use super::verdict::{self, Verdict};

/// How long one fetch waits for an event.
const FETCH_WAIT: Duration = Duration::from_secs(30);
/// After a bus that could not be asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Where events are put that are given up on, before the consumer's name.
const DEAD: &str = "dead";
/// Longest subject, in bytes.
const SUBJECT_BYTES_MAX: usize = 255;
/// Longest value of an extension, in bytes.
const REASON_BYTES_MAX: usize = 512;
/// What a dead letter says about its origin.
const ORIGIN: [&str; 6] = [
    "originid",
    "originsubject",
    "originsequence",
    "originconsumer",
    "attempts",
    "reason",
];

/// What every webhook needs to work.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) transact: Arc<dyn Transact>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<Mutex<Seeded>>,
    pub(super) receivers: Receivers,
    pub(super) outcomes: Outcomes,
    /// Bounds the pushes of all webhooks together.
    pub(super) pushes: Arc<Semaphore>,
}

/// A webhook at work.
struct Outlet {
    means: Means,
    webhook: Webhook,
    consumer: ConsumerName,
    url: Uri,
    secret: Secret,
}

/// Pushes events until it is dropped; what is under way then is pushed again later.
pub(super) async fn run(means: Means, webhook: Webhook) {
    let secret = match webhook.secret() {
        Ok(secret) => secret,
        Err(problem) => {
            tracing::error!(webhook = webhook.name, problem, "a webhook cannot work");
            return;
        }
    };
    let concurrency = webhook.concurrency;
    let outlet = Arc::new(Outlet {
        consumer: webhook.consumer(),
        url: webhook.url(),
        means,
        webhook,
        secret,
    });
    let mut sending = JoinSet::new();
    loop {
        while sending.len() >= concurrency {
            sending.join_next().await;
        }
        let free = concurrency - sending.len();
        let bus = &outlet.means.bus;
        match bus.fetch(&outlet.consumer, free, FETCH_WAIT).await {
            Ok(deliveries) => {
                for delivery in deliveries {
                    sending.spawn(outlet.clone().deliver(delivery));
                }
            }
            Err(error) => {
                tracing::warn!(webhook = outlet.webhook.name, %error, "cannot fetch its events");
                tokio::time::sleep(ASK_AGAIN_AFTER).await;
            }
        }
        while sending.try_join_next().is_some() {}
    }
}

impl Outlet {
    async fn deliver(self: Arc<Self>, delivery: Delivery) {
        let verdict = self.push(&delivery).await;
        let webhook = &self.webhook.name;
        self.means.outcomes.count(webhook, &verdict);
        match &verdict {
            Verdict::Ack => {}
            Verdict::Retry { after, reason } => {
                tracing::debug!(webhook, reason, ?after, "a push came to nothing");
            }
            Verdict::Reject { reason } => {
                tracing::warn!(webhook, reason, "an event is given up on");
            }
        }
        if let Err(error) = self.settle(&delivery, verdict).await {
            let error = portique_fault::chain(&error);
            tracing::warn!(
                webhook,
                error,
                "a push cannot be settled and is repeated later"
            );
        }
    }

    async fn push(&self, delivery: &Delivery) -> Verdict {
        let luck = self.luck();
        let Ok(_turn) = self.means.pushes.acquire().await else {
            return verdict::of_silence("the hub is stopping".into(), delivery.attempt, luck);
        };
        let delivered = &delivery.delivered;
        let push = Push {
            url: &self.url,
            mode: self.webhook.mode,
            secret: &self.secret,
            id: format!("{}-{}", self.webhook.name, delivered.sequence),
            event: &delivered.event,
            now: self.means.clock.now(),
        };
        let within = self.webhook.timeout();
        match self.means.receivers.send(push.request(), within).await {
            Ok((status, headers)) => verdict::of_answer(status, &headers, delivery.attempt, luck),
            Err(reason) => verdict::of_silence(reason, delivery.attempt, luck),
        }
    }

    async fn settle(
        &self,
        delivery: &Delivery,
        verdict: Verdict,
    ) -> Result<(), portique_jobs::Error> {
        let bus = &self.means.bus;
        match verdict {
            Verdict::Ack => bus.ack(&self.consumer, &[delivery.token]).await?,
            Verdict::Retry { after, .. } => bus.nak(&self.consumer, delivery.token, after).await?,
            Verdict::Reject { reason } => {
                let letter = self.letter(delivery, &reason)?;
                let transaction = Transaction {
                    publish: letter.into_iter().collect(),
                    acknowledge: vec![(self.consumer.clone(), vec![delivery.token])],
                    ..Transaction::default()
                };
                self.means.transact.commit(transaction).await?;
            }
        }
        Ok(())
    }

    /// What the bus would write when the attempts are spent, with the reason; none for what is a dead
    /// letter already.
    fn letter(
        &self,
        delivery: &Delivery,
        reason: &str,
    ) -> Result<Option<Event>, portique_bus::Error> {
        let delivered = &delivery.delivered;
        let event = &delivered.event;
        if event.subject().tokens().next() == Some(DEAD) {
            return Ok(None);
        }
        let consumer = &self.consumer;
        let mut subject = format!("{DEAD}.{consumer}.{}", event.subject());
        subject.truncate(SUBJECT_BYTES_MAX);
        let subject = Subject::new(subject.trim_end_matches('.'))?;
        let reason: String = reason
            .chars()
            .filter(|c| !c.is_control())
            .take(REASON_BYTES_MAX / 4)
            .collect();
        let letter = event
            .clone()
            .into_builder()
            .id(format!("{DEAD}-{consumer}-{}", delivered.sequence))
            .subject(subject)
            .extension("originid", event.id().as_str())
            .extension("originsubject", event.subject().as_str())
            .extension("originsequence", delivered.sequence.to_string())
            .extension("originconsumer", consumer.as_str())
            .extension("attempts", delivery.attempt.to_string())
            .extension("reason", reason)
            .limit_extensions(EXTENSIONS_MAX - ORIGIN.len(), &ORIGIN)
            .build()?;
        Ok(Some(letter))
    }

    fn luck(&self) -> f64 {
        let mut random = self
            .means
            .random
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        random.unit()
    }
}
