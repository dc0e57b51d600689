use portique_bus::ConsumerState;

use super::Broker;

/// What the bus did since the broker was opened, for metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct BusFigures {
    /// Events published, dead letters included.
    pub published: u64,
    /// Deliveries of all consumers, repeated ones included.
    pub delivered: u64,
    /// Deliveries that were not the first of their event to their consumer.
    pub redelivered: u64,
    /// Deliveries acknowledged.
    pub acked: u64,
    /// Events that consumers gave up on.
    pub dead: u64,
    /// Damaged records that consumers went on without, counted once for each consumer; any is an
    /// alarm.
    pub damaged: u64,
    /// Jobs that events are bound to and did not become, because their queue did not take them.
    pub jobs_missed: u64,
    /// Bytes that replays read from the journal, under their budget.
    pub replayed_bytes: u64,
    /// Every consumer by name, with its lag.
    pub consumers: Vec<ConsumerState>,
}

impl Broker {
    /// What the bus did since the broker was opened. It takes time with the deliveries in flight, some
    /// microseconds for a thousand.
    pub fn bus_figures(&self) -> BusFigures {
        let now = self.shared.clock.monotonic();
        let replayed_bytes = self.shared.replays.total();
        let core = self.shared.core();
        let totals = core.state.totals();
        BusFigures {
            published: totals.published,
            delivered: totals.delivered,
            redelivered: totals.redelivered,
            acked: totals.acked,
            dead: totals.buried,
            damaged: core.damaged,
            jobs_missed: core.jobs_missed,
            replayed_bytes,
            consumers: core.state.report(now),
        }
    }
}
