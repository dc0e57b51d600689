use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use portique_event::Filter;

use crate::{ConsumerName, Error, Sequence, Start};

/// Longest `ack_wait`: a delivery held longer than a day is forgotten work, not slow work.
const ACK_WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Most deliveries of one event: beyond this the trouble is in the event.
const MAX_DELIVER_MAX: u32 = 1_000;
/// Most unacknowledged deliveries: what an engine must remember for each consumer.
const MAX_IN_FLIGHT_MAX: u32 = 65_536;
/// Shortest `inactive_after`: members that fetch again and again are never this far apart.
const INACTIVE_AFTER_MIN: Duration = Duration::from_secs(1);
/// Longest `inactive_after`: a consumer meant to stay longer is meant to stay.
const INACTIVE_AFTER_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How the members of a consumer, everybody who fetches for it, share its events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ConsumerKind {
    /// Whoever fetches first is given the oldest event that is due; redelivery breaks the order.
    #[default]
    Shared,
    /// As `Shared`, but in the order of each key: of the events with one key only one is in flight,
    /// and the next is delivered when that is acknowledged or dead, also when it is delivered again.
    ///
    /// The key is the CloudEvents extension `partitionkey`; an event without one has no order.
    /// Events passed over because their key is busy count against `max_in_flight`.
    Keyed,
}

impl fmt::Display for ConsumerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared => "shared",
            Self::Keyed => "keyed",
        })
    }
}

impl FromStr for ConsumerKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "shared" => Ok(Self::Shared),
            "keyed" => Ok(Self::Keyed),
            _ => Err(Error::InvalidOption {
                name: "kind",
                problem: format!("{text:?}: write shared or keyed"),
            }),
        }
    }
}

/// How a durable consumer behaves; two calls with the same name must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// Which subjects it receives.
    pub filter: Filter,
    /// How its members share its events.
    pub kind: ConsumerKind,
    /// Where it begins when it is created.
    pub start: Start,
    /// How long a delivery may stay unacknowledged before it is delivered again.
    pub ack_wait: Duration,
    /// Deliveries of one event before it is dead; at least 1.
    pub max_deliver: u32,
    /// Unacknowledged deliveries before fetching waits; at least 1.
    pub max_in_flight: u32,
    /// How long nobody may fetch before the consumer is removed with all it holds; none: it stays.
    ///
    /// Broadcast is one consumer per member with such a time: each receives everything, and one whose
    /// member went away does not hold retention for ever.
    pub inactive_after: Option<Duration>,
}

impl ConsumerOptions {
    /// Options for `filter` from the first event kept: shared, 30 s to acknowledge, 5 deliveries, 1,024
    /// in flight, kept until it is removed.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            kind: ConsumerKind::Shared,
            start: Start::First,
            ack_wait: Duration::from_secs(30),
            max_deliver: 5,
            max_in_flight: 1_024,
            inactive_after: None,
        }
    }

    /// Checks the ranges every engine keeps: `ack_wait` 1 ms to 24 h, `max_deliver` 1 to 1,000,
    /// `max_in_flight` 1 to 65,536, `inactive_after` 1 s to 90 days.
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
        let inactive = INACTIVE_AFTER_MIN..=INACTIVE_AFTER_MAX;
        if let Some(after) = self
            .inactive_after
            .filter(|after| !inactive.contains(after))
        {
            let problem = format!("{after:?}: write 1 s to 90 days");
            return outside("inactive_after", problem);
        }
        Ok(())
    }
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
    /// Everything up to here was delivered, or does not pass the filter, or waits for its key.
    pub seen: Sequence,
    /// Events published since `seen`, at most: an engine may count sequences, those that do not pass
    /// the filter included. 0 says that there are none.
    pub lag: u64,
    /// Deliveries waiting for an acknowledgement, or given back and waiting to be delivered again.
    pub in_flight: u64,
    /// Events of a keyed consumer that wait for an earlier one of their key.
    pub parked: u64,
    /// How long ago the oldest of those in flight was first delivered; none when there is none. After
    /// a restart it counts from there.
    pub oldest_unacked: Option<Duration>,
    /// Deliveries since the engine was started, repeated ones included.
    pub delivered: u64,
    /// Deliveries that were not the first of their event, since the engine was started.
    pub redelivered: u64,
    /// Events acknowledged since the engine was started.
    pub acked: u64,
    /// Events given up on since the consumer was created.
    pub dead: u64,
    /// How long nobody has fetched; it is kept as exactly as `inactive_after` needs it.
    pub idle: Duration,
}
