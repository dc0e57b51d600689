use std::collections::VecDeque;
use std::sync::Arc;

use portique_bus::{Delivered, Sequence};
use portique_clock::Timestamp;
use portique_event::Event;

use crate::fact::Carriage;

/// An event with the time the bus took it.
#[derive(Debug)]
pub(crate) struct Stamped {
    pub(crate) accepted: Timestamp,
    pub(crate) event: Event,
    pub(crate) carriage: Option<Carriage>,
}

/// An event in its place; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) sequence: u64,
    pub(crate) stamped: Arc<Stamped>,
}

impl Placed {
    pub(crate) fn to_delivered(&self) -> Delivered {
        Delivered {
            sequence: Sequence(self.sequence),
            accepted: self.stamped.accepted,
            event: self.stamped.event.clone(),
        }
    }
}

/// The newest events, in memory: all from `covers_from` on, and whatever is not durable yet.
#[derive(Debug)]
pub(crate) struct Tail {
    events: VecDeque<(Placed, usize)>,
    bytes: usize,
    bytes_max: usize,
    covers_from: u64,
    /// The newest event that is not in `events`; 0 when there is none.
    older: u64,
}

impl Tail {
    /// An empty tail behind `last`, the newest record, and `last_event`, the newest event.
    pub(crate) fn new(bytes_max: usize, last: u64, last_event: u64) -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
            bytes_max,
            covers_from: last + 1,
            older: last_event,
        }
    }

    /// Adds the newest event and drops the oldest durable ones beyond the limit.
    pub(crate) fn push(&mut self, placed: Placed, bytes: usize, durable: u64) {
        self.bytes += bytes;
        self.events.push_back((placed, bytes));
        while self.bytes > self.bytes_max && self.front().is_some_and(|front| front <= durable) {
            if let Some((oldest, bytes)) = self.events.pop_front() {
                self.bytes -= bytes;
                self.covers_from = oldest.sequence + 1;
                self.older = oldest.sequence;
            }
        }
    }

    /// Whether every event from here on is in memory.
    pub(crate) fn covers(&self, from: u64) -> bool {
        from >= self.covers_from
    }

    /// The events from here on, oldest first, each with its bytes.
    pub(crate) fn from(&self, from: u64) -> impl Iterator<Item = &(Placed, usize)> {
        let start = self
            .events
            .partition_point(|(placed, _)| placed.sequence < from);
        self.events.range(start..)
    }

    /// One event, with its bytes.
    pub(crate) fn find(&self, sequence: u64) -> Option<&(Placed, usize)> {
        self.from(sequence)
            .next()
            .filter(|(placed, _)| placed.sequence == sequence)
    }

    /// The newest event at or below `durable`; 0 when there is none.
    pub(crate) fn last_event(&self, durable: u64) -> u64 {
        let end = self
            .events
            .partition_point(|(placed, _)| placed.sequence <= durable);
        end.checked_sub(1)
            .map_or(self.older, |last| self.events[last].0.sequence)
    }

    fn front(&self) -> Option<u64> {
        self.events.front().map(|(oldest, _)| oldest.sequence)
    }
}

#[cfg(test)]
mod tests {
    use portique_event::Subject;

    use super::*;

    fn placed(sequence: u64) -> Placed {
        let event = Event::builder("1", "/s", "t", Subject::new("a").unwrap())
            .build()
            .unwrap();
        Placed {
            sequence,
            stamped: Arc::new(Stamped {
                accepted: Timestamp::EPOCH,
                event,
                carriage: None,
            }),
        }
    }

    #[test]
    fn the_oldest_durable_events_go_first() {
        let mut tail = Tail::new(100, 5, 4);
        assert_eq!(tail.last_event(5), 4);
        tail.push(placed(6), 60, 5);
        tail.push(placed(8), 60, 5);
        assert!(
            tail.covers(6),
            "6 is not durable, so it stays over the limit"
        );
        assert_eq!((tail.last_event(7), tail.last_event(8)), (6, 8));
        tail.push(placed(9), 60, 8);
        assert!(tail.covers(9) && !tail.covers(8));
        assert!(tail.find(8).is_none() && tail.find(9).is_some());
        assert_eq!(tail.last_event(8), 8, "what was dropped still counts");
    }
}
