use async_trait::async_trait;
use portique_bus::{ConsumerName, DeliveryToken, Sequence};
use portique_event::Event;

use crate::{Completion, Enqueued, Error, NewJob};

/// Changes of events and jobs that are made together or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transaction {
    /// Names this request for 24 hours: committing again with the same key and content gives the same answer,
    /// with other content [`Error::KeyConflict`]. 1 to 256 bytes.
    pub idempotency_key: Option<String>,
    /// Events to publish.
    pub publish: Vec<Event>,
    /// Jobs to enqueue.
    pub enqueue: Vec<NewJob>,
    /// Jobs that are done.
    pub complete: Vec<Completion>,
    /// Deliveries to acknowledge.
    pub acknowledge: Vec<(ConsumerName, Vec<DeliveryToken>)>,
    /// Positions to move.
    pub seek: Vec<Cursor>,
}

/// A consumer's new position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Whose.
    pub consumer: ConsumerName,
    /// The next event it receives; what it holds below stays in flight.
    pub next: Sequence,
}

/// What a transaction came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Committed {
    /// One per event.
    pub sequences: Vec<Sequence>,
    /// One per job.
    pub jobs: Vec<Enqueued>,
}

/// An engine that carries events and jobs in one log.
#[async_trait]
pub trait Transact: Send + Sync + 'static {
    /// Makes all changes or none; durable on return.
    ///
    /// # Errors
    /// [`Error::StaleLease`], [`Error::Bus`], and whatever publishing and enqueuing refuse; nothing
    /// was changed then.
    async fn commit(&self, transaction: Transaction) -> Result<Committed, Error>;
}
