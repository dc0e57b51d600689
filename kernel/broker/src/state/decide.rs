//! What the broker decides: a state, a request and a time in, a fact out; nothing is changed here.

use std::collections::HashSet;
use std::time::Duration;

use portique_bus::{ConsumerName, ConsumerOptions, DeliveryToken, Error};

use crate::fact::{Acknowledged, Buried, Created, Delivered, Removed, Returned, Sought, nanos};

use super::{Consumer, Key, State};

/// Most consumers: each costs memory, and a line in every checkpoint.
const CONSUMERS_MAX: usize = 256;
/// Most unsettled deliveries and parked events of all consumers together: at 18 bytes each at most
/// they fit into a checkpoint, which is one record of the journal, beside the map of events.
const HELD_MAX: usize = 45_056;
/// Events a keyed consumer looks at for one fetch: enough to find another key behind a busy one, and
/// all of them are in memory at once.
const KEYED_LOOK_MAX: usize = 256;
/// Longest delay of a delivery given back; longer is a schedule, which is not a consumer's business.
const NAK_DELAY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a consumer may be given now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) number: u64,
    /// The record that made or moved it, and where it began then.
    pub(crate) made: u64,
    pub(crate) start: u64,
    /// Where to look for events it has not seen.
    pub(crate) cursor: u64,
    /// Events to deliver again, in order.
    pub(crate) again: Vec<u64>,
    /// Events delivered often enough, in order.
    pub(crate) spent: Vec<u64>,
    /// How many events it has not seen it may be given.
    pub(crate) fresh_max: usize,
    /// How many of them to look for: those of a busy key are parked.
    pub(crate) look_max: usize,
    /// When, in monotonic time, something else may be delivered again.
    pub(crate) next_due: Option<Duration>,
}

/// An event a consumer has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fresh {
    pub(crate) sequence: u64,
    pub(crate) key: Key,
}

/// An event given up on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Burial {
    pub(crate) fact: Buried,
    pub(crate) attempts: u32,
}

impl State {
    pub(crate) fn plan(
        &self,
        name: &ConsumerName,
        limit: usize,
        now: Duration,
    ) -> Result<Plan, Error> {
        let consumer = self.existing(name)?;
        let max_deliver = consumer.options.max_deliver;
        let (spent, again): (Vec<_>, Vec<_>) = consumer
            .due(now)
            .into_iter()
            .partition(|(_, open)| open.attempt >= max_deliver);
        let mut again: Vec<u64> = again.into_iter().map(|(sequence, _)| sequence).collect();
        again.extend(consumer.lines.ready());
        again.sort_unstable();
        again.truncate(limit);
        let room = self.room(consumer);
        let fresh_max = room.min(limit - again.len());
        let look_max = if consumer.is_keyed() && fresh_max > 0 {
            fresh_max.max(KEYED_LOOK_MAX).min(room)
        } else {
            fresh_max
        };
        Ok(Plan {
            number: consumer.number,
            made: consumer.made,
            start: consumer.start,
            cursor: consumer.cursor,
            again,
            spent: spent.into_iter().map(|(sequence, _)| sequence).collect(),
            fresh_max,
            look_max,
            next_due: consumer.next_due(),
        })
    }

    /// Deliveries of what was planned and found; none when someone else moved the cursor meanwhile.
    ///
    /// `cursor` is how far was looked for `fresh`. A fact without sequences only moves the cursor and
    /// parks what waits for its key.
    pub(crate) fn decide_delivery(
        &self,
        plan: &Plan,
        again: &[u64],
        fresh: &[Fresh],
        cursor: u64,
        now: Duration,
    ) -> Option<Delivered> {
        let consumer = self.consumers.get(&plan.number)?;
        if consumer.cursor != plan.cursor {
            return None;
        }
        let mut fact = Delivered {
            consumer: plan.number,
            cursor,
            token: self.next_token(),
            ..Delivered::default()
        };
        for sequence in again {
            if let Some(attempt) = next_attempt(consumer, *sequence, now) {
                fact.sequences.push(*sequence);
                fact.attempts.push(attempt);
                fact.keys.push(consumer.lines.key(*sequence).to_disk());
            }
        }
        self.add_fresh(&mut fact, consumer, fresh, plan.fresh_max);
        if !consumer.is_keyed() {
            fact.keys.clear();
        }
        Some(fact)
    }

    /// Adds what there is room for: the first `deliver_max` whose key is free are delivered, those
    /// whose key is busy are parked.
    fn add_fresh(
        &self,
        fact: &mut Delivered,
        consumer: &Consumer,
        fresh: &[Fresh],
        deliver_max: usize,
    ) {
        let mut taken = HashSet::new();
        let mut deliver_left = deliver_max;
        let room = self.room(consumer);
        for (index, Fresh { sequence, key }) in fresh.iter().copied().enumerate() {
            if index == room || deliver_left == 0 {
                fact.cursor = sequence;
                return;
            }
            let is_ordered = consumer.is_keyed() && key != Key::NONE;
            if is_ordered && (consumer.lines.is_busy(key) || !taken.insert(key)) {
                fact.parked.push(sequence);
                fact.parked_keys.push(key.to_disk());
            } else {
                deliver_left -= 1;
                fact.sequences.push(sequence);
                fact.attempts.push(1);
                fact.keys.push(key.to_disk());
            }
        }
    }

    pub(crate) fn decide_creation(
        &self,
        name: &ConsumerName,
        options: &ConsumerOptions,
        cursor: u64,
    ) -> Result<Created, Error> {
        if self.consumers.len() >= CONSUMERS_MAX {
            let remedy = format!("{CONSUMERS_MAX} exist: remove one that is not used");
            return Err(Error::Exhausted {
                resource: "consumers",
                remedy,
            });
        }
        Ok(Created::new(
            self.next_consumer.max(1),
            name,
            options,
            cursor,
        ))
    }

    /// The removal of consumers that nobody fetched for in their `inactive_after`.
    pub(crate) fn decide_unused(&self, now: Duration) -> Vec<Removed> {
        let is_unused = |consumer: &&Consumer| {
            let after = consumer.options.inactive_after;
            after.is_some_and(|after| consumer.idle(now) >= after)
        };
        let unused = self.consumers().filter(is_unused);
        let removed = |consumer: &Consumer| Removed {
            consumer: consumer.number,
        };
        unused.map(removed).collect()
    }

    pub(crate) fn decide_removal(&self, name: &ConsumerName) -> Result<Removed, Error> {
        Ok(Removed {
            consumer: self.existing(name)?.number,
        })
    }

    /// Moves a consumer to `cursor`.
    pub(crate) fn decide_seek(&self, name: &ConsumerName, cursor: u64) -> Result<Sought, Error> {
        Ok(Sought {
            consumer: self.existing(name)?.number,
            cursor,
        })
    }

    /// Has the `ack_wait` of deliveries begin again: of all of them, or none. It is no fact, because
    /// a start of the broker does the same for every delivery.
    pub(crate) fn extend(
        &mut self,
        name: &ConsumerName,
        tokens: &[DeliveryToken],
        now: Duration,
    ) -> Result<(), Error> {
        let extended = self.decide_acknowledgement(name, tokens)?;
        self.with(extended.consumer, |consumer| {
            let sequences = extended.sequences.iter();
            sequences.for_each(|sequence| consumer.extend(*sequence, now));
        });
        Ok(())
    }

    pub(crate) fn decide_acknowledgement(
        &self,
        name: &ConsumerName,
        tokens: &[DeliveryToken],
    ) -> Result<Acknowledged, Error> {
        let consumer = self.existing(name)?;
        let mut sequences = Vec::with_capacity(tokens.len());
        for token in tokens {
            sequences.push(held(consumer, *token)?);
        }
        sequences.sort_unstable();
        sequences.dedup();
        Ok(Acknowledged {
            consumer: consumer.number,
            sequences,
        })
    }

    /// Gives a delivery back; its last one has nothing to wait for.
    pub(crate) fn decide_return(
        &self,
        name: &ConsumerName,
        token: DeliveryToken,
        delay: Duration,
    ) -> Result<Returned, Error> {
        if delay > NAK_DELAY_MAX {
            let problem = format!("{delay:?}: write at most 24 h");
            return Err(Error::InvalidOption {
                name: "delay",
                problem,
            });
        }
        let consumer = self.existing(name)?;
        let sequence = held(consumer, token)?;
        let is_spent = consumer
            .outstanding(sequence)
            .is_some_and(|open| open.attempt >= consumer.options.max_deliver);
        let delay_nanos = if is_spent { 0 } else { nanos(delay) };
        Ok(Returned {
            consumer: consumer.number,
            sequence,
            delay_nanos,
        })
    }

    /// Gives an event up, when its deliveries are spent and the last one is over.
    pub(crate) fn decide_burial(
        &self,
        number: u64,
        sequence: u64,
        now: Duration,
    ) -> Option<Burial> {
        let consumer = self.consumers.get(&number)?;
        let open = consumer.outstanding(sequence)?;
        let is_over = open.due <= now && open.attempt >= consumer.options.max_deliver;
        let fact = Buried {
            consumer: number,
            sequence,
        };
        is_over.then_some(Burial {
            fact,
            attempts: open.attempt,
        })
    }

    /// Gives an event up that nobody can be given again, while it is unsettled.
    pub(crate) fn decide_loss(&self, number: u64, sequence: u64) -> Option<Buried> {
        let is_held = self.consumers.get(&number)?.holds(sequence);
        is_held.then_some(Buried {
            consumer: number,
            sequence,
        })
    }

    fn existing(&self, name: &ConsumerName) -> Result<&Consumer, Error> {
        self.consumer(name)
            .ok_or_else(|| Error::UnknownConsumer { name: name.clone() })
    }

    fn room(&self, consumer: &Consumer) -> usize {
        let own = usize::try_from(consumer.options.max_in_flight).unwrap_or(usize::MAX);
        let own_room = own.saturating_sub(consumer.held_count());
        own_room.min(HELD_MAX.saturating_sub(self.held_total))
    }
}

/// Checks that a consumer found by name is the one that was asked for.
pub(crate) fn check_same(existing: &Consumer, requested: &ConsumerOptions) -> Result<(), Error> {
    let old = &existing.options;
    let columns = [
        (
            "filter",
            old.filter.to_string(),
            requested.filter.to_string(),
        ),
        ("kind", old.kind.to_string(), requested.kind.to_string()),
        (
            "inactive_after",
            format!("{:?}", old.inactive_after),
            format!("{:?}", requested.inactive_after),
        ),
        (
            "start",
            format!("{:?}", old.start),
            format!("{:?}", requested.start),
        ),
        (
            "ack_wait",
            format!("{:?}", old.ack_wait),
            format!("{:?}", requested.ack_wait),
        ),
        (
            "max_deliver",
            old.max_deliver.to_string(),
            requested.max_deliver.to_string(),
        ),
        (
            "max_in_flight",
            old.max_in_flight.to_string(),
            requested.max_in_flight.to_string(),
        ),
    ];
    for (option, existing_text, requested_text) in columns {
        if existing_text != requested_text {
            return Err(Error::ConsumerDiffers {
                name: existing.name.clone(),
                option,
                existing: existing_text,
                requested: requested_text,
            });
        }
    }
    Ok(())
}

/// Which delivery of an event this would be; none when it is not due, spent, or behind another.
fn next_attempt(consumer: &Consumer, sequence: u64, now: Duration) -> Option<u32> {
    if consumer.lines.is_ready(sequence) {
        return Some(1);
    }
    consumer
        .outstanding(sequence)
        // Another fetch may have taken its last delivery since it was planned.
        .filter(|open| open.due <= now && open.attempt < consumer.options.max_deliver)
        .map(|open| open.attempt.saturating_add(1))
}

fn held(consumer: &Consumer, token: DeliveryToken) -> Result<u64, Error> {
    consumer.held(token.0).ok_or_else(|| Error::StaleDelivery {
        consumer: consumer.name.clone(),
        token,
    })
}
