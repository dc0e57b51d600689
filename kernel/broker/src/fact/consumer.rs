use std::time::Duration;

use portique_bus::{ConsumerKind, ConsumerName, ConsumerOptions, Sequence, Start};
use portique_clock::Timestamp;
use portique_event::Filter;
use prost::Message;

use super::DecodeError;

/// A consumer made.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Created {
    #[prost(uint64, tag = "1")]
    pub(crate) consumer: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    filter: String,
    #[prost(oneof = "AskedStart", tags = "4, 5, 6, 7")]
    start: Option<AskedStart>,
    #[prost(uint64, tag = "8")]
    pub(crate) cursor: u64,
    #[prost(uint64, tag = "9")]
    ack_wait_nanos: u64,
    #[prost(uint32, tag = "10")]
    max_deliver: u32,
    #[prost(uint32, tag = "11")]
    max_in_flight: u32,
    #[prost(bool, tag = "12")]
    keyed: bool,
    #[prost(uint64, tag = "13")]
    inactive_after_nanos: u64,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
enum AskedStart {
    #[prost(bool, tag = "4")]
    First(bool),
    #[prost(bool, tag = "5")]
    New(bool),
    #[prost(uint64, tag = "6")]
    Sequence(u64),
    #[prost(sfixed64, tag = "7")]
    Time(i64),
}

impl Created {
    pub(crate) fn new(
        consumer: u64,
        name: &ConsumerName,
        options: &ConsumerOptions,
        cursor: u64,
    ) -> Self {
        Self {
            consumer,
            name: name.to_string(),
            filter: options.filter.to_string(),
            start: Some(match options.start {
                Start::First => AskedStart::First(true),
                Start::New => AskedStart::New(true),
                Start::Sequence(sequence) => AskedStart::Sequence(sequence.0),
                Start::Time(time) => AskedStart::Time(time.as_nanos()),
            }),
            cursor,
            ack_wait_nanos: nanos(options.ack_wait),
            max_deliver: options.max_deliver,
            max_in_flight: options.max_in_flight,
            keyed: options.kind == ConsumerKind::Keyed,
            inactive_after_nanos: options.inactive_after.map_or(0, nanos),
        }
    }

    /// Itself, when its name and options keep the rules of the bus.
    pub(crate) fn checked(self) -> Result<Self, DecodeError> {
        self.name()?;
        self.options()?;
        Ok(self)
    }

    pub(crate) fn name(&self) -> Result<ConsumerName, DecodeError> {
        Ok(ConsumerName::new(self.name.as_str())?)
    }

    pub(crate) fn options(&self) -> Result<ConsumerOptions, DecodeError> {
        let start = self
            .start
            .ok_or(DecodeError::Shape("its start is missing"))?;
        let options = ConsumerOptions {
            filter: Filter::new(self.filter.as_str())?,
            start: match start {
                AskedStart::First(_) => Start::First,
                AskedStart::New(_) => Start::New,
                AskedStart::Sequence(sequence) => Start::Sequence(Sequence(sequence)),
                AskedStart::Time(nanos) => Start::Time(Timestamp::from_nanos(nanos)),
            },
            ack_wait: Duration::from_nanos(self.ack_wait_nanos),
            max_deliver: self.max_deliver,
            max_in_flight: self.max_in_flight,
            kind: match self.keyed {
                true => ConsumerKind::Keyed,
                false => ConsumerKind::Shared,
            },
            inactive_after: match self.inactive_after_nanos {
                0 => None,
                nanos => Some(Duration::from_nanos(nanos)),
            },
        };
        options.check()?;
        Ok(options)
    }
}

/// A consumer forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Removed {
    #[prost(uint64, tag = "1")]
    pub(crate) consumer: u64,
}

/// Events handed out; `attempts` stands beside `sequences`, tokens count on from `token`. Of a keyed
/// consumer `keys` does too, and `parked` are events passed over, with their keys.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Delivered {
    #[prost(uint64, tag = "1")]
    pub(crate) consumer: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) cursor: u64,
    #[prost(uint64, repeated, tag = "3")]
    pub(crate) sequences: Vec<u64>,
    #[prost(uint32, repeated, tag = "4")]
    pub(crate) attempts: Vec<u32>,
    #[prost(uint64, tag = "5")]
    pub(crate) token: u64,
    #[prost(fixed32, repeated, tag = "6")]
    pub(crate) keys: Vec<u32>,
    #[prost(uint64, repeated, tag = "7")]
    pub(crate) parked: Vec<u64>,
    #[prost(fixed32, repeated, tag = "8")]
    pub(crate) parked_keys: Vec<u32>,
}

/// Deliveries settled.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Acknowledged {
    #[prost(uint64, tag = "1")]
    pub(crate) consumer: u64,
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) sequences: Vec<u64>,
}

/// A delivery given back.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Returned {
    #[prost(uint64, tag = "1")]
    pub(crate) consumer: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) sequence: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) delay_nanos: u64,
}

/// An event given up on.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Buried {
    #[prost(uint64, tag = "1")]
    pub(crate) consumer: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) sequence: u64,
}

/// A consumer moved: it holds nothing and goes on from `cursor`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Sought {
    #[prost(uint64, tag = "1")]
    pub(crate) consumer: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) cursor: u64,
}

/// Nanoseconds on disk; durations here are at most some months.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
