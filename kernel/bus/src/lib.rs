//! The event bus port: what every engine that carries events promises.
//!
//! A publisher hands over a batch of events; it is told their [`Sequence`]s once all of them are on
//! stable storage, or none. Readers [replay](Bus::read) from a sequence or a time, or keep a durable
//! *consumer*: a named group whose deliveries are acknowledged one by one, redelivered after
//! `ack_wait`, and put aside on `dead.<consumer>.<subject>` after `max_deliver` deliveries. Consumers
//! are independent of each other. A [keyed](ConsumerKind::Keyed) one keeps the order of each key; one
//! with [`inactive_after`](ConsumerOptions::inactive_after) goes when nobody fetches for it, which is how
//! every member of a broadcast has its own.
//!
//! A dead letter is the event with another id and subject, and the extensions `originid`,
//! `originsubject`, `originsequence`, `originconsumer` and `attempts`. An event whose subject begins
//! with `dead.` has no letter of its own: it is given up on where it is.
//!
//! The port is at-least-once; a consumer may see an event twice, never out of existence. What every
//! engine must do is written once, as the suite of the feature `conformance`.

mod error;
mod port;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use error::Error;
pub use port::{
    Bus, CompactionName, CompactionState, ConsumerKind, ConsumerName, ConsumerOptions,
    ConsumerState, Delivered, Delivery, DeliveryToken, Page, Sequence, Start,
};
