//! What the facts came to: the consumers and where each of them stands.
//!
//! [`State::apply`] is pure, total and the only way the state changes: the same facts in the same order at
//! the same times give the same state.

mod compactions;
mod consumer;
mod decide;
mod event_map;
mod keys;
mod stored;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use portique_bus::{ConsumerName, ConsumerState};

use crate::fact::{Checkpoint, DecodeError, Fact, Published, nanos};

pub(crate) use compactions::{Compactions, compaction_key};
pub(crate) use consumer::Consumer;
pub(crate) use decide::{Fresh, Plan, check_same};
pub(crate) use event_map::EventMap;
pub(crate) use keys::Key;

/// Bits of a token that count deliveries within one epoch: 10^12 of them.
const TOKEN_COUNT_BITS: u32 = 40;

/// What the bus did since the broker was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    pub(crate) redelivered: u64,
    pub(crate) acked: u64,
    pub(crate) buried: u64,
}

/// Everything the broker knows about its consumers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    epoch: u64,
    /// Deliveries made in this epoch.
    deliveries: u64,
    next_consumer: u64,
    last_event: u64,
    event_map: EventMap,
    consumers: BTreeMap<u64, Consumer>,
    numbers: BTreeMap<ConsumerName, u64>,
    held_total: usize,
    totals: Totals,
    compactions: Compactions,
}

impl State {
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The newest event's sequence; 0 when there is none.
    pub(crate) fn last_event(&self) -> u64 {
        self.last_event
    }

    /// Where events are.
    pub(crate) fn event_map(&self) -> &EventMap {
        &self.event_map
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.numbers
            .values()
            .filter_map(|number| self.consumers.get(number))
    }

    pub(crate) fn consumer(&self, name: &ConsumerName) -> Option<&Consumer> {
        self.consumers.get(self.numbers.get(name)?)
    }

    /// Every consumer for people and metrics, by name; `now` is monotonic time.
    pub(crate) fn report(&self, now: Duration) -> Vec<ConsumerState> {
        let consumers = self.consumers();
        consumers
            .map(|consumer| consumer.report(self.last_event, now))
            .collect()
    }

    /// Everything this state is, to begin replay from.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let (event_map_from, event_map) = self.event_map.checkpoint();
        Checkpoint {
            epoch: self.epoch,
            next_consumer: self.next_consumer,
            last_event: self.last_event,
            consumers: self.consumers.values().map(Consumer::checkpoint).collect(),
            event_map_from,
            event_map: Some(event_map),
            ..Checkpoint::default()
        }
    }

    pub(crate) fn compactions(&self) -> &Compactions {
        &self.compactions
    }

    /// Takes the compactions of a checkpoint in.
    pub(crate) fn restore_compactions(&mut self, pieces: &[Bytes]) -> Result<(), DecodeError> {
        self.compactions = Compactions::restore(pieces)?;
        Ok(())
    }

    /// Takes in that a compaction found nothing up to `cursor`, which is no fact.
    pub(crate) fn skip_compaction(&mut self, number: u64, cursor: u64) {
        self.compactions.skip(number, cursor);
    }

    /// Writes into this state's checkpoint how long nobody had fetched.
    pub(crate) fn note_idle(&self, checkpoint: &mut Checkpoint, now: Duration) {
        let consumers = checkpoint.consumers.iter_mut();
        for (stored, consumer) in consumers.zip(self.consumers.values()) {
            stored.idle_nanos = nanos(consumer.idle(now));
        }
    }

    /// Takes a fact in; `sequence` is its record's, `now` is monotonic time.
    ///
    /// Facts about a consumer that does not exist are without effect.
    pub(crate) fn apply(&mut self, sequence: u64, fact: &Fact, now: Duration) {
        self.count(fact);
        match fact {
            Fact::Published(_) => self.note_event(sequence),
            Fact::Created(created) => {
                let consumer = Consumer::new(sequence, created, now);
                self.insert(consumer.expect("a fact is checked when it is decided or decoded"));
            }
            Fact::Removed(removed) => self.remove(removed.consumer),
            Fact::Delivered(delivered) => {
                self.with(delivered.consumer, |consumer| {
                    consumer.deliver(delivered, now)
                });
                self.count_tokens(delivered.token, delivered.sequences.len());
            }
            Fact::Acknowledged(acknowledged) => self.with(acknowledged.consumer, |consumer| {
                acknowledged.sequences.iter().for_each(|sequence| {
                    consumer.counts.acked += u64::from(consumer.settle(*sequence))
                });
            }),
            Fact::Returned(returned) => self.with(returned.consumer, |consumer| {
                let delay = Duration::from_nanos(returned.delay_nanos);
                consumer.give_back(returned.sequence, delay, now);
            }),
            Fact::Buried(buried) => self.with(buried.consumer, |consumer| {
                consumer.dead += u64::from(consumer.settle(buried.sequence));
            }),
            Fact::Sought(sought) => {
                self.with(sought.consumer, |consumer| {
                    consumer.seek(sequence, sought.cursor)
                });
            }
            Fact::Carried(body) => {
                self.note_event(sequence);
                self.carry(sequence, body);
            }
            Fact::Compacting(made) => {
                let made = self.compactions.make(made);
                made.expect("a fact is checked when it is decided or decoded");
            }
            Fact::CompactionEnded(ended) => self.compactions.end(ended.compaction),
            Fact::Indexed(indexed) => self.compactions.index(indexed),
            Fact::Opened(opened) => {
                self.epoch = opened.epoch;
                self.deliveries = 0;
                self.totals = Totals::default();
                let consumers = self.consumers.values_mut();
                consumers.for_each(|consumer| consumer.counts = consumer::Counts::default());
            }
            // One that stands for an earlier record says nothing about this moment.
            Fact::Checkpoint(checkpoint) if checkpoint.stands_for == 0 => self.check(checkpoint),
            Fact::Checkpoint(_) | Fact::CheckpointPart(_) | Fact::Transacted(_) => {}
        }
    }

    /// Takes in that somebody fetches for a consumer, which is no fact: what is told by it is only
    /// when an unused one goes.
    pub(crate) fn fetched(&mut self, name: &ConsumerName, now: Duration) {
        let number = self.numbers.get(name).copied();
        self.with(number.unwrap_or(0), |consumer| consumer.fetched(now));
    }

    /// The state a checkpoint describes.
    ///
    /// # Errors
    /// When it holds what no version writes, such as a malformed name.
    pub(crate) fn restore(checkpoint: &Checkpoint, now: Duration) -> Result<Self, DecodeError> {
        let mut state = Self {
            epoch: checkpoint.epoch,
            next_consumer: checkpoint.next_consumer,
            last_event: checkpoint.last_event,
            event_map: match &checkpoint.event_map {
                Some(map) => EventMap::restore(checkpoint.event_map_from, map)?,
                None => EventMap::unknown_until(checkpoint.last_event),
            },
            ..Self::default()
        };
        for consumer in &checkpoint.consumers {
            state.insert(Consumer::restore(consumer, now)?);
        }
        Ok(state)
    }

    /// A checkpoint met in the middle of replay says what is known already; going on with another
    /// state would lose deliveries silently.
    fn check(&self, checkpoint: &Checkpoint) {
        assert_eq!(
            self.last_event, checkpoint.last_event,
            "replay missed an event"
        );
        assert_eq!(
            self.consumers.len(),
            checkpoint.consumers.len(),
            "replay missed a fact"
        );
    }

    fn note_event(&mut self, sequence: u64) {
        self.last_event = sequence;
        self.event_map.note(sequence);
    }

    fn carry(&mut self, sequence: u64, body: &Bytes) {
        // One that does not parse is refused by whoever reads it.
        let carried = Published::parse(body.clone()).ok();
        if let Some(carriage) = carried.and_then(|carried| carried.carriage()) {
            self.compactions.carry(carriage.previous, sequence);
        }
    }

    fn count(&mut self, fact: &Fact) {
        let totals = &mut self.totals;
        match fact {
            Fact::Published(_) => totals.published += 1,
            Fact::Delivered(fact) => {
                totals.delivered += fact.sequences.len() as u64;
                let repeated = fact.attempts.iter().filter(|attempt| **attempt > 1);
                totals.redelivered += repeated.count() as u64;
            }
            Fact::Acknowledged(fact) => totals.acked += fact.sequences.len() as u64,
            Fact::Buried(_) => totals.buried += 1,
            _ => {}
        }
    }

    fn insert(&mut self, consumer: Consumer) {
        self.remove(consumer.number);
        self.next_consumer = self.next_consumer.max(consumer.number + 1);
        self.held_total += consumer.held_count();
        self.numbers.insert(consumer.name.clone(), consumer.number);
        self.consumers.insert(consumer.number, consumer);
    }

    fn remove(&mut self, number: u64) {
        if let Some(consumer) = self.consumers.remove(&number) {
            self.numbers.remove(&consumer.name);
            self.held_total -= consumer.held_count();
        }
    }

    fn with(&mut self, number: u64, change: impl FnOnce(&mut Consumer)) {
        if let Some(consumer) = self.consumers.get_mut(&number) {
            let before = consumer.held_count();
            change(consumer);
            self.held_total = self.held_total + consumer.held_count() - before;
        }
    }

    fn count_tokens(&mut self, first: u64, count: usize) {
        let last = first.saturating_add(count as u64).saturating_sub(1);
        if last >> TOKEN_COUNT_BITS == self.epoch {
            self.deliveries = self.deliveries.max(last & ((1 << TOKEN_COUNT_BITS) - 1));
        }
    }

    fn next_token(&self) -> u64 {
        (self.epoch << TOKEN_COUNT_BITS) + self.deliveries + 1
    }
}
