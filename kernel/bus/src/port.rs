use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use portique_clock::Timestamp;
use portique_event::{Event, Filter};

use crate::Error;

/// Longest consumer name, in bytes: it must fit into a subject beside another subject.
const CONSUMER_NAME_BYTES_MAX: usize = 64;
/// Longest `ack_wait`: a delivery held longer than a day is forgotten work, not slow work.
const ACK_WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Most deliveries of one event: beyond this the trouble is in the event.
const MAX_DELIVER_MAX: u32 = 1_000;
/// Most unacknowledged deliveries: what an engine must remember for each consumer.
const MAX_IN_FLIGHT_MAX: u32 = 65_536;

/// An event's place in the bus: rising, unique, not necessarily without gaps; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a durable consumer: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerName(String);

impl ConsumerName {
    /// A checked name.
    ///
    /// # Errors
    /// [`Error::ConsumerName`] when it is empty, too long, or holds another character.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let is_name = (1..=CONSUMER_NAME_BYTES_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if is_name {
            Ok(Self(text))
        } else {
            Err(Error::ConsumerName { text })
        }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConsumerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The oldest event still kept.
    First,
    /// Only what is published from now on.
    New,
    /// The event with this sequence, or the next one kept.
    Sequence(Sequence),
    /// The first event accepted by the bus at or after this time.
    Time(Timestamp),
}

/// How a durable consumer behaves; two calls with the same name must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// Which subjects it receives.
    pub filter: Filter,
    /// Where it begins when it is created.
    pub start: Start,
    /// How long a delivery may stay unacknowledged before it is delivered again.
    pub ack_wait: Duration,
    /// Deliveries of one event before it is dead; at least 1.
    pub max_deliver: u32,
    /// Unacknowledged deliveries before fetching waits; at least 1.
    pub max_in_flight: u32,
}

impl ConsumerOptions {
    /// Options for `filter` from the first event kept: 30 s to acknowledge, 5 deliveries, 1,024 in
    /// flight.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            start: Start::First,
            ack_wait: Duration::from_secs(30),
            max_deliver: 5,
            max_in_flight: 1_024,
        }
    }

    /// Checks the ranges every engine keeps: `ack_wait` 1 ms to 24 h, `max_deliver` 1 to 1,000,
    /// `max_in_flight` 1 to 65,536.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] names the first that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        let outside = |name, problem: String| Err(Error::InvalidOption { name, problem });
        if !(Duration::from_millis(1)..=ACK_WAIT_MAX).contains(&self.ack_wait) {
            let problem = format!("{:?}: write 1 ms to 24 h", self.ack_wait);
            return outside("ack_wait", problem);
        }
        if !(1..=MAX_DELIVER_MAX).contains(&self.max_deliver) {
            let problem = format!("{}: write 1 to {MAX_DELIVER_MAX}", self.max_deliver);
            return outside("max_deliver", problem);
        }
        if !(1..=MAX_IN_FLIGHT_MAX).contains(&self.max_in_flight) {
            let problem = format!("{}: write 1 to {MAX_IN_FLIGHT_MAX}", self.max_in_flight);
            return outside("max_in_flight", problem);
        }
        Ok(())
    }
}

/// An event read back, with where and when the bus took it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// Its place.
    pub sequence: Sequence,
    /// When the bus accepted it.
    pub accepted: Timestamp,
    /// The event itself.
    pub event: Event,
}

/// Some events in order, and where to read on.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Events that passed the filter, oldest first.
    pub events: Vec<Delivered>,
    /// Reading on from here misses nothing and repeats nothing.
    pub next: Sequence,
}

/// Names one delivery of one event to one consumer; worthless after the next delivery of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryToken(pub u64);

/// An event handed to a consumer, to be acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What acknowledges it.
    pub token: DeliveryToken,
    /// 1 for the first delivery.
    pub attempt: u32,
    /// The event and its place.
    pub delivered: Delivered,
}

/// A consumer's position, for people and metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerState {
    /// Its name.
    pub name: ConsumerName,
    /// How it was created.
    pub options: ConsumerOptions,
    /// Everything up to here is acknowledged or dead.
    pub ack_floor: Sequence,
    /// Deliveries waiting for an acknowledgement.
    pub in_flight: u64,
    /// Events given up on since the consumer was created.
    pub dead: u64,
}

/// An engine that carries events.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Publishes all or none; returns once they are durable, with one sequence per event in order.
    /// An empty batch returns an empty list.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the batch was published.
    async fn publish(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error>;

    /// As [`publish`](Bus::publish), for what must be written down even when the disk is nearly full,
    /// such as a safety order: an engine that keeps space in reserve lets these use it.
    async fn publish_reserved(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error> {
        self.publish(events).await
    }

    /// Up to `limit` durable events that pass `filter`, from `start` on. Does not wait: an empty
    /// page means the end was reached, and `Page::next` is where to read on.
    async fn read(&self, filter: &Filter, start: Start, limit: usize) -> Result<Page, Error>;

    /// Returns when an event with sequence `from` or later is durable.
    async fn wait(&self, from: Sequence) -> Result<(), Error>;

    /// Creates a durable consumer, or finds it as it is when the options agree.
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
}
