use portique_bus::{
    CompactionName, CompactionState, ConsumerKind, ConsumerName, ConsumerOptions, ConsumerState,
    Delivered, Delivery, DeliveryToken, Error, Page, Sequence, Start,
};
use portique_event::{Event, Filter};

use super::event::filter as event_filter;
use super::{duration, nanos, time};
use crate::proto::bus::v1 as pb;

/// A part that a message must have.
fn absent(name: &'static str) -> Error {
    Error::InvalidOption {
        name,
        problem: "absent: write it".into(),
    }
}

impl From<Start> for pb::Start {
    fn from(start: Start) -> Self {
        use pb::start::Start as Wire;
        let start = match start {
            Start::First => Wire::First(pb::start::First {}),
            Start::New => Wire::New(pb::start::New {}),
            Start::Sequence(sequence) => Wire::Sequence(sequence.0),
            Start::Time(at) => Wire::TimeUnixNs(at.as_nanos()),
        };
        Self { start: Some(start) }
    }
}

/// Where to begin; from the first when nothing is said.
pub fn start(start: Option<pb::Start>) -> Start {
    use pb::start::Start as Wire;
    match start.and_then(|start| start.start) {
        None | Some(Wire::First(_)) => Start::First,
        Some(Wire::New(_)) => Start::New,
        Some(Wire::Sequence(sequence)) => Start::Sequence(Sequence(sequence)),
        Some(Wire::TimeUnixNs(at)) => Start::Time(time(at)),
    }
}

impl From<ConsumerOptions> for pb::ConsumerOptions {
    fn from(options: ConsumerOptions) -> Self {
        let kind = match options.kind {
            ConsumerKind::Shared => pb::ConsumerKind::Shared,
            ConsumerKind::Keyed => pb::ConsumerKind::Keyed,
        };
        Self {
            filter: options.filter.as_str().into(),
            start: Some(options.start.into()),
            ack_wait_ns: Some(nanos(options.ack_wait)),
            max_deliver: Some(options.max_deliver),
            max_in_flight: Some(options.max_in_flight),
            kind: kind.into(),
            inactive_after_ns: options.inactive_after.map(nanos),
        }
    }
}

impl TryFrom<pb::ConsumerOptions> for ConsumerOptions {
    type Error = Error;

    fn try_from(options: pb::ConsumerOptions) -> Result<Self, Error> {
        let kind = match pb::ConsumerKind::try_from(options.kind) {
            Ok(pb::ConsumerKind::Shared) => ConsumerKind::Shared,
            Ok(pb::ConsumerKind::Keyed) => ConsumerKind::Keyed,
            Err(unknown) => {
                return Err(Error::InvalidOption {
                    name: "kind",
                    problem: format!("none that is known: {unknown}"),
                });
            }
        };
        let default = Self::new(event_filter(options.filter)?);
        Ok(Self {
            kind,
            start: start(options.start),
            ack_wait: options.ack_wait_ns.map_or(default.ack_wait, duration),
            max_deliver: options.max_deliver.unwrap_or(default.max_deliver),
            max_in_flight: options.max_in_flight.unwrap_or(default.max_in_flight),
            inactive_after: options.inactive_after_ns.map(duration),
            filter: default.filter,
        })
    }
}

impl From<Delivered> for pb::Delivered {
    fn from(delivered: Delivered) -> Self {
        Self {
            sequence: delivered.sequence.0,
            accepted_unix_ns: delivered.accepted.as_nanos(),
            event: Some(delivered.event.into()),
        }
    }
}

impl TryFrom<pb::Delivered> for Delivered {
    type Error = Error;

    fn try_from(delivered: pb::Delivered) -> Result<Self, Error> {
        let event = delivered.event.ok_or_else(|| absent("event"))?;
        Ok(Self {
            sequence: Sequence(delivered.sequence),
            accepted: time(delivered.accepted_unix_ns),
            event: Event::try_from(event)?,
        })
    }
}

impl From<Page> for pb::Page {
    fn from(page: Page) -> Self {
        Self {
            events: page.events.into_iter().map(Into::into).collect(),
            next: page.next.0,
        }
    }
}

impl TryFrom<pb::Page> for Page {
    type Error = Error;

    fn try_from(page: pb::Page) -> Result<Self, Error> {
        let events = page.events.into_iter().map(TryInto::try_into);
        Ok(Self {
            events: events.collect::<Result<_, Error>>()?,
            next: Sequence(page.next),
        })
    }
}

impl From<Delivery> for pb::Delivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            token: delivery.token.0,
            attempt: delivery.attempt,
            delivered: Some(delivery.delivered.into()),
        }
    }
}

impl TryFrom<pb::Delivery> for Delivery {
    type Error = Error;

    fn try_from(delivery: pb::Delivery) -> Result<Self, Error> {
        let delivered = delivery.delivered.ok_or_else(|| absent("delivered"))?;
        Ok(Self {
            token: DeliveryToken(delivery.token),
            attempt: delivery.attempt,
            delivered: delivered.try_into()?,
        })
    }
}

impl From<ConsumerState> for pb::ConsumerState {
    fn from(state: ConsumerState) -> Self {
        Self {
            name: state.name.to_string(),
            options: Some(state.options.into()),
            ack_floor: state.ack_floor.0,
            in_flight: state.in_flight,
            dead: state.dead,
            seen: state.seen.0,
            lag: state.lag,
            parked: state.parked,
            oldest_unacked_ns: state.oldest_unacked.map(nanos),
            delivered: state.delivered,
            redelivered: state.redelivered,
            acked: state.acked,
            idle_ns: nanos(state.idle),
        }
    }
}

impl TryFrom<pb::ConsumerState> for ConsumerState {
    type Error = Error;

    fn try_from(state: pb::ConsumerState) -> Result<Self, Error> {
        Ok(Self {
            name: ConsumerName::new(state.name)?,
            options: state.options.unwrap_or_default().try_into()?,
            ack_floor: Sequence(state.ack_floor),
            seen: Sequence(state.seen),
            lag: state.lag,
            in_flight: state.in_flight,
            parked: state.parked,
            oldest_unacked: state.oldest_unacked_ns.map(duration),
            delivered: state.delivered,
            redelivered: state.redelivered,
            acked: state.acked,
            dead: state.dead,
            idle: duration(state.idle_ns),
        })
    }
}

impl From<CompactionState> for pb::CompactionState {
    fn from(state: CompactionState) -> Self {
        Self {
            name: state.name.to_string(),
            filter: state.filter.as_str().into(),
            keys: state.keys,
            refused: state.refused,
        }
    }
}

impl TryFrom<pb::CompactionState> for CompactionState {
    type Error = Error;

    fn try_from(state: pb::CompactionState) -> Result<Self, Error> {
        Ok(Self {
            name: CompactionName::new(state.name)?,
            filter: event_filter(state.filter)?,
            keys: state.keys,
            refused: state.refused,
        })
    }
}

/// A filter of a request; none at all is the one that every subject passes.
///
/// # Errors
/// [`Error::Event`] when it is malformed.
pub fn filter(text: String) -> Result<Filter, Error> {
    Ok(event_filter(text)?)
}
