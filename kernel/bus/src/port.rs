//! The port: a trait, and the types it speaks in.
//!
//! Programs publish batches and read pages by sequence; consumers are given deliveries, which they
//! acknowledge, give back or lose after their `ack_wait`. An engine is behind it, and says
//! [`Error::Unsupported`] for what it lacks; the port itself keeps nothing and checks no rights.

mod compaction;
mod consumer;
mod event;
mod name;

use std::time::Duration;

use async_trait::async_trait;
use portique_event::{Event, Filter};

use crate::Error;

pub use compaction::CompactionState;
pub use consumer::{ConsumerKind, ConsumerOptions, ConsumerState};
pub use event::{Delivered, Delivery, DeliveryToken, Page, Sequence, Start};
pub use name::{CompactionName, ConsumerName};

/// An engine that carries events.
///
/// A method with a body here may be absent from an engine, which then answers
/// [`Error::Unsupported`].
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Publishes all or none; returns once they are durable, with one sequence per event in order.
    /// An empty batch returns an empty list.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the batch was published.
    async fn publish(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error>;

    /// As [`publish`](Bus::publish) of one batch after another, with one result for each: every
    /// batch is all or none by itself, and one that is refused holds up no other. An engine may
    /// write them together.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open which batches were published.
    async fn publish_each(&self, batches: Vec<Vec<Event>>) -> Vec<Result<Vec<Sequence>, Error>> {
        let mut published = Vec::with_capacity(batches.len());
        for batch in batches {
            published.push(self.publish(batch).await);
        }
        published
    }

    /// As [`publish`](Bus::publish), for what must be written down even when the disk is nearly
    /// full, such as a safety order: an engine that keeps space in reserve lets these use it.
    async fn publish_reserved(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error> {
        self.publish(events).await
    }

    /// Up to `limit` durable events that pass `filter`, from `start` on. Does not wait: an empty
    /// page means the end was reached, and `Page::next` is where to read on.
    async fn read(&self, filter: &Filter, start: Start, limit: usize) -> Result<Page, Error>;

    /// As [`read`](Bus::read), for a service that reads its own facts back before it serves: an engine
    /// that holds replays to a budget lets these through, because people wait for them.
    async fn read_back(&self, filter: &Filter, start: Start, limit: usize) -> Result<Page, Error> {
        self.read(filter, start, limit).await
    }

    /// Returns when an event with sequence `from` or later is durable.
    async fn wait(&self, from: Sequence) -> Result<(), Error>;

    /// Creates a durable consumer, or finds it as it is when the options agree.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the engine lacks its kind or `inactive_after`.
    async fn consumer(&self, name: &ConsumerName, options: ConsumerOptions) -> Result<(), Error>;

    /// Forgets a consumer and its position.
    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), Error>;

    /// Every consumer, by name.
    async fn consumers(&self) -> Result<Vec<ConsumerState>, Error>;

    /// Up to `limit` deliveries; waits up to `wait` for the first one and may return none.
    ///
    /// # Cancel safety
    /// What was fetched by a dropped future is delivered again after `ack_wait`.
    async fn fetch(
        &self,
        consumer: &ConsumerName,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error>;

    /// Acknowledges deliveries; durable on return.
    ///
    /// # Errors
    /// [`Error::StaleDelivery`] when one of them is no longer held; then none is acknowledged.
    async fn ack(&self, consumer: &ConsumerName, tokens: &[DeliveryToken]) -> Result<(), Error>;

    /// Gives a delivery back, to be delivered again after `delay`; it counts as a delivery.
    async fn nak(
        &self,
        consumer: &ConsumerName,
        token: DeliveryToken,
        delay: Duration,
    ) -> Result<(), Error>;

    /// Lets the `ack_wait` of deliveries begin again, for work that takes long. It need not
    /// outlast a restart, after which every delivery has its full `ack_wait`.
    ///
    /// # Errors
    /// [`Error::StaleDelivery`] when one of them is no longer held; then none is extended.
    async fn extend(&self, consumer: &ConsumerName, tokens: &[DeliveryToken]) -> Result<(), Error> {
        let _ = (consumer, tokens);
        Err(Error::Unsupported { what: "extend" })
    }

    /// Moves a consumer: it goes on from `start`, and what it holds is forgotten with its tokens
    /// and counts of deliveries. Durable on return.
    async fn seek(&self, consumer: &ConsumerName, start: Start) -> Result<(), Error> {
        let _ = (consumer, start);
        Err(Error::Unsupported { what: "seek" })
    }

    /// Creates a [compaction](CompactionState), or finds it when the filter agrees. It holds what
    /// is kept now and whatever comes.
    ///
    /// An event it carries past retention is read where it was carried to, with another sequence;
    /// a consumer that was there before that is not given it once more.
    async fn compaction(&self, name: &CompactionName, filter: Filter) -> Result<(), Error> {
        let _ = (name, filter);
        Err(Error::Unsupported { what: "compaction" })
    }

    /// Ends a compaction; what it held goes with retention.
    async fn remove_compaction(&self, name: &CompactionName) -> Result<(), Error> {
        let _ = name;
        Err(Error::Unsupported { what: "compaction" })
    }

    /// Every compaction, by name.
    async fn compactions(&self) -> Result<Vec<CompactionState>, Error> {
        Err(Error::Unsupported { what: "compaction" })
    }
}
