use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use portique_bus::{ConsumerName, ConsumerOptions, ConsumerState, Sequence};

use crate::fact::{CheckpointedConsumer, Created, DecodeError, Delivered, Pending, nanos};

/// One delivery that is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outstanding {
    /// Times it was delivered, this one included.
    pub(crate) attempt: u32,
    /// What acknowledges it; none once it was given back.
    pub(crate) token: Option<u64>,
    /// Monotonic time from which it may be delivered again.
    pub(crate) due: Duration,
    /// How long it waits from now when the broker starts anew.
    delay: Duration,
}

/// A durable consumer: its cursor, and what lies below it unsettled.
///
/// Every event that passes the filter and lies below `cursor` is settled or in `outstanding`, which
/// holds `max_in_flight` entries at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumer {
    pub(crate) number: u64,
    pub(crate) name: ConsumerName,
    pub(crate) options: ConsumerOptions,
    pub(crate) cursor: u64,
    pub(crate) dead: u64,
    outstanding: BTreeMap<u64, Outstanding>,
    by_token: HashMap<u64, u64>,
    by_due: BTreeSet<(Duration, u64)>,
}

impl Consumer {
    pub(super) fn new(created: &Created) -> Result<Self, DecodeError> {
        Ok(Self {
            number: created.consumer,
            name: created.name()?,
            options: created.options()?,
            cursor: created.cursor,
            dead: 0,
            outstanding: BTreeMap::new(),
            by_token: HashMap::new(),
            by_due: BTreeSet::new(),
        })
    }

    /// The events that may be delivered again at `now`, in order.
    pub(crate) fn due(&self, now: Duration) -> Vec<(u64, Outstanding)> {
        let mut due: Vec<_> = self
            .by_due
            .range(..=(now, u64::MAX))
            .filter_map(|(_, sequence)| Some((*sequence, *self.outstanding.get(sequence)?)))
            .collect();
        due.sort_unstable_by_key(|(sequence, _)| *sequence);
        due
    }

    /// When the next one may be delivered again.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.by_due.first().map(|(due, _)| *due)
    }

    pub(crate) fn outstanding(&self, sequence: u64) -> Option<&Outstanding> {
        self.outstanding.get(&sequence)
    }

    pub(crate) fn outstanding_count(&self) -> usize {
        self.outstanding.len()
    }

    /// The event this token acknowledges.
    pub(crate) fn held(&self, token: u64) -> Option<u64> {
        self.by_token.get(&token).copied()
    }

    /// Everything up to here is settled.
    pub(crate) fn ack_floor(&self) -> u64 {
        let first_open = self
            .outstanding
            .first_key_value()
            .map_or(self.cursor, |(first, _)| *first);
        first_open.saturating_sub(1)
    }

    pub(crate) fn report(&self) -> ConsumerState {
        ConsumerState {
            name: self.name.clone(),
            options: self.options.clone(),
            ack_floor: Sequence(self.ack_floor()),
            seen: Sequence(self.cursor.saturating_sub(1)),
            lag: 0,
            in_flight: self.outstanding.len() as u64,
            parked: 0,
            oldest_unacked: None,
            delivered: 0,
            redelivered: 0,
            acked: 0,
            dead: self.dead,
            idle: Duration::ZERO,
        }
    }

    pub(super) fn deliver(&mut self, fact: &Delivered, now: Duration) {
        self.cursor = self.cursor.max(fact.cursor);
        let delay = self.options.ack_wait;
        for (index, (sequence, attempt)) in fact.sequences.iter().zip(&fact.attempts).enumerate() {
            let token = Some(fact.token.saturating_add(index as u64));
            let due = now.saturating_add(delay);
            self.insert(
                *sequence,
                Outstanding {
                    attempt: *attempt,
                    token,
                    due,
                    delay,
                },
            );
        }
    }

    pub(super) fn give_back(&mut self, sequence: u64, delay: Duration, now: Duration) {
        if let Some(Outstanding { attempt, .. }) = self.outstanding.get(&sequence).copied() {
            let due = now.saturating_add(delay);
            self.insert(
                sequence,
                Outstanding {
                    attempt,
                    token: None,
                    due,
                    delay,
                },
            );
        }
    }

    /// Ends a delivery; false when there was none.
    pub(super) fn settle(&mut self, sequence: u64) -> bool {
        let old = self.outstanding.remove(&sequence);
        if let Some(old) = &old {
            self.forget(sequence, old);
        }
        old.is_some()
    }

    fn insert(&mut self, sequence: u64, new: Outstanding) {
        if let Some(old) = self.outstanding.insert(sequence, new) {
            self.forget(sequence, &old);
        }
        self.by_due.insert((new.due, sequence));
        if let Some(token) = new.token {
            self.by_token.insert(token, sequence);
        }
    }

    fn forget(&mut self, sequence: u64, old: &Outstanding) {
        self.by_due.remove(&(old.due, sequence));
        if let Some(token) = old.token {
            self.by_token.remove(&token);
        }
    }

    pub(super) fn checkpoint(&self) -> CheckpointedConsumer {
        let created = Created::new(self.number, &self.name, &self.options, self.cursor);
        let mut pending = Pending::default();
        let mut last = 0;
        for (sequence, open) in &self.outstanding {
            pending.steps.push(sequence - last);
            pending.attempts.push(open.attempt);
            pending.tokens.push(open.token.unwrap_or(0));
            let delay = if open.token.is_none() {
                nanos(open.delay)
            } else {
                0
            };
            pending.delays_nanos.push(delay);
            last = *sequence;
        }
        CheckpointedConsumer {
            created: Some(created),
            dead: self.dead,
            pending: Some(pending),
        }
    }

    pub(super) fn restore(from: &CheckpointedConsumer, now: Duration) -> Result<Self, DecodeError> {
        let shape = |problem| Err(DecodeError::Shape(problem));
        let Some(created) = &from.created else {
            return shape("a consumer has no name");
        };
        let mut consumer = Self::new(created)?;
        consumer.dead = from.dead;
        let pending = from.pending.clone().unwrap_or_default();
        let count = pending.steps.len();
        if [
            pending.attempts.len(),
            pending.tokens.len(),
            pending.delays_nanos.len(),
        ] != [count; 3]
        {
            return shape("its columns differ in length");
        }
        let mut sequence = 0_u64;
        for index in 0..count {
            sequence = sequence.saturating_add(pending.steps[index]);
            let attempt = pending.attempts[index];
            let token = Some(pending.tokens[index]).filter(|token| *token != 0);
            let delay = match token {
                Some(_) => consumer.options.ack_wait,
                None => Duration::from_nanos(pending.delays_nanos[index]),
            };
            let due = now.saturating_add(delay);
            consumer.insert(
                sequence,
                Outstanding {
                    attempt,
                    token,
                    due,
                    delay,
                },
            );
        }
        Ok(consumer)
    }
}
