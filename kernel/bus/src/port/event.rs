use std::fmt;

use portique_clock::Timestamp;
use portique_event::Event;

/// An event's place in the bus: rising, unique, not necessarily without gaps; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
