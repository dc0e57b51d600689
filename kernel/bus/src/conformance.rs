//! What every engine must do, as tests over the port.
//!
//! An engine's own tests hand [`suite`] a factory of [`Harness`]es, each around a fresh and empty
//! engine, and the [`Capabilities`] it claims. What is claimed is tested; what is not claimed must
//! be refused, so that the table stays true. A failing case panics.

mod compaction;
mod consume;
mod durability;
mod keyed;
mod position;
mod publish;
mod read;
mod redeliver;
mod refuse;
mod support;
mod table;

pub use table::table;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portique_clock::Timestamp;

use crate::Bus;

/// One engine under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The engine; after [`reopen`](Self::reopen) it is another one.
    fn bus(&self) -> Arc<dyn Bus>;

    /// The time by the engine's clock.
    fn now(&self) -> Timestamp;

    /// Lets this much time pass for the engine, and what becomes due take place.
    async fn advance(&mut self, by: Duration);

    /// Stops the engine and starts it again on what it stored.
    async fn reopen(&mut self);
}

/// What an engine claims beyond what every engine must do.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Reading and consuming may begin at a time; else [`InvalidOption`](crate::Error).
    pub start_by_time: bool,
    /// A delivery may be given back for later; else [`InvalidOption`](crate::Error).
    pub delayed_nak: bool,
    /// Events and consumers are there after a restart; else neither is.
    pub durable: bool,
    /// Consumers may be keyed; else [`Unsupported`](crate::Error).
    pub keyed: bool,
    /// Consumers may be removed when nobody fetches; else [`Unsupported`](crate::Error).
    pub inactive_after: bool,
    /// A delivery's `ack_wait` may begin again; else [`Unsupported`](crate::Error).
    pub extend: bool,
    /// A consumer may be moved; else [`Unsupported`](crate::Error).
    pub seek: bool,
    /// The newest event of each key can be held; else [`Unsupported`](crate::Error).
    pub compaction: bool,
    /// Events that every consumer has acknowledged are read again.
    pub replay: bool,
    /// Most events of one batch.
    pub batch_events_max: usize,
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
type Case = for<'a> fn(&'a mut dyn Harness, Capabilities) -> Running<'a>;

const CASES: [Case; 32] = [
    |harness, _| Box::pin(publish::events_come_back_as_published(harness)),
    |harness, _| Box::pin(publish::publishers_keep_their_order(harness)),
    |harness, claims| Box::pin(publish::a_refused_batch_leaves_nothing(harness, claims)),
    |harness, claims| {
        Box::pin(publish::batches_together_are_each_by_itself(
            harness, claims,
        ))
    },
    |harness, _| Box::pin(publish::reserved_events_are_events(harness)),
    |harness, _| Box::pin(read::filters_select(harness)),
    |harness, _| Box::pin(read::pages_neither_miss_nor_repeat(harness)),
    |harness, _| Box::pin(read::starts_are_kept(harness)),
    |harness, claims| Box::pin(read::a_start_by_time_is_kept_or_refused(harness, claims)),
    |harness, _| Box::pin(read::waiting_ends_with_the_event(harness)),
    |harness, _| Box::pin(consume::consumers_are_independent(harness)),
    |harness, _| Box::pin(consume::acknowledged_is_not_delivered_again(harness)),
    |harness, _| Box::pin(consume::a_fetch_waits_for_the_first_event(harness)),
    |harness, _| Box::pin(consume::in_flight_is_limited(harness)),
    |harness, _| Box::pin(consume::workers_of_one_consumer_share(harness)),
    |harness, _| Box::pin(redeliver::unacknowledged_comes_again_in_order(harness)),
    |harness, _| Box::pin(redeliver::a_stale_token_acknowledges_nothing(harness)),
    |harness, _| Box::pin(redeliver::given_back_comes_again_at_once(harness)),
    |harness, claims| Box::pin(redeliver::a_delay_is_kept_or_refused(harness, claims)),
    |harness, _| Box::pin(redeliver::the_last_delivery_ends_in_a_dead_letter(harness)),
    |harness, claims| Box::pin(durability::a_restart_loses_nothing(harness, claims)),
    |harness, claims| Box::pin(keyed::a_key_has_one_event_in_flight(harness, claims)),
    |harness, claims| Box::pin(keyed::redelivery_keeps_the_order_of_a_key(harness, claims)),
    |harness, claims| Box::pin(keyed::a_restart_keeps_the_order_of_a_key(harness, claims)),
    |harness, claims| {
        Box::pin(position::an_extended_delivery_has_its_time_again(
            harness, claims,
        ))
    },
    |harness, claims| {
        Box::pin(position::a_consumer_that_is_moved_goes_on_there(
            harness, claims,
        ))
    },
    |harness, claims| {
        Box::pin(position::a_restart_keeps_where_a_consumer_was_moved(
            harness, claims,
        ))
    },
    |harness, claims| {
        Box::pin(position::what_was_acknowledged_is_read_again(
            harness, claims,
        ))
    },
    |harness, claims| {
        Box::pin(position::a_consumer_nobody_fetches_for_goes(
            harness, claims,
        ))
    },
    |harness, claims| {
        Box::pin(compaction::a_compaction_holds_the_newest_of_each_key(
            harness, claims,
        ))
    },
    |harness, claims| Box::pin(refuse::consumers_are_as_they_were_made(harness, claims)),
    |harness, _| Box::pin(refuse::bad_input_is_refused(harness)),
];

/// Runs every case, each on an engine of its own.
///
/// # Panics
/// When the engine does not do what the port promises, or does what it does not claim.
pub async fn suite<F, Fut>(capabilities: Capabilities, factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Box<dyn Harness>>,
{
    for case in CASES {
        let mut harness = factory().await;
        case(&mut *harness, capabilities).await;
    }
}
