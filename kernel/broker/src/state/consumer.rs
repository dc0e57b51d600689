use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use portique_bus::{ConsumerKind, ConsumerName, ConsumerOptions, ConsumerState, Sequence};

use crate::fact::{Created, DecodeError, Delivered};

use super::keys::{Key, Lines};

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
    pub(super) delay: Duration,
    /// Monotonic time of its first delivery, or of the start of the broker.
    pub(super) since: Duration,
}

/// What a consumer did since the broker was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) delivered: u64,
    pub(crate) redelivered: u64,
    pub(crate) acked: u64,
}

/// A durable consumer: its cursor, and what lies below it unsettled.
///
/// Every event that passes the filter and lies below `cursor` is settled, in `outstanding`, or parked
/// in `lines`; the last two hold `max_in_flight` entries at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumer {
    pub(crate) number: u64,
    pub(crate) name: ConsumerName,
    pub(crate) options: ConsumerOptions,
    /// The record that made or moved it, and where it began then.
    pub(super) made: u64,
    pub(super) start: u64,
    pub(crate) cursor: u64,
    pub(crate) dead: u64,
    /// Monotonic time of the last fetch.
    pub(super) used: Duration,
    /// How long nobody had fetched when `used` began.
    pub(super) idle_before: Duration,
    pub(super) counts: Counts,
    outstanding: BTreeMap<u64, Outstanding>,
    pub(super) lines: Lines,
    by_token: HashMap<u64, u64>,
    by_due: BTreeSet<(Duration, u64)>,
}

impl Consumer {
    pub(super) fn new(made: u64, created: &Created, now: Duration) -> Result<Self, DecodeError> {
        Ok(Self {
            number: created.consumer,
            name: created.name()?,
            options: created.options()?,
            made,
            start: created.cursor,
            cursor: created.cursor,
            dead: 0,
            used: now,
            idle_before: Duration::ZERO,
            counts: Counts::default(),
            outstanding: BTreeMap::new(),
            lines: Lines::default(),
            by_token: HashMap::new(),
            by_due: BTreeSet::new(),
        })
    }

    pub(crate) fn is_keyed(&self) -> bool {
        self.options.kind == ConsumerKind::Keyed
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

    pub(super) fn all_outstanding(&self) -> impl Iterator<Item = (u64, &Outstanding)> {
        self.outstanding
            .iter()
            .map(|(sequence, open)| (*sequence, open))
    }

    /// What it holds, parked events included.
    pub(crate) fn held_count(&self) -> usize {
        self.outstanding.len() + self.lines.parked_count()
    }

    /// Whether this event is neither settled nor still to be seen.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        self.outstanding.contains_key(&sequence) || self.lines.is_parked(sequence)
    }

    /// The event this token acknowledges.
    pub(crate) fn held(&self, token: u64) -> Option<u64> {
        self.by_token.get(&token).copied()
    }

    /// Everything up to here is settled.
    pub(crate) fn ack_floor(&self) -> u64 {
        let first_open = self.outstanding.first_key_value().map(|(first, _)| *first);
        let first_parked = self.lines.parked().next().map(|(first, _)| first);
        let floor = first_open.unwrap_or(self.cursor);
        floor
            .min(first_parked.unwrap_or(self.cursor))
            .saturating_sub(1)
    }

    /// How long nobody has fetched.
    pub(crate) fn idle(&self, now: Duration) -> Duration {
        self.idle_before
            .saturating_add(now.saturating_sub(self.used))
    }

    pub(crate) fn report(&self, last_event: u64, now: Duration) -> ConsumerState {
        let seen = self.cursor.saturating_sub(1);
        let first_delivered = self.outstanding.values().map(|open| open.since).min();
        ConsumerState {
            name: self.name.clone(),
            options: self.options.clone(),
            ack_floor: Sequence(self.ack_floor()),
            seen: Sequence(seen),
            lag: last_event.saturating_sub(seen),
            in_flight: self.outstanding.len() as u64,
            parked: self.lines.parked_count() as u64,
            oldest_unacked: first_delivered.map(|since| now.saturating_sub(since)),
            delivered: self.counts.delivered,
            redelivered: self.counts.redelivered,
            acked: self.counts.acked,
            dead: self.dead,
            idle: self.idle(now),
        }
    }

    pub(super) fn deliver(&mut self, fact: &Delivered, now: Duration) {
        self.fetched(now);
        self.cursor = self.cursor.max(fact.cursor);
        let (delay, due) = (
            self.options.ack_wait,
            now.saturating_add(self.options.ack_wait),
        );
        for (index, (sequence, attempt)) in fact.sequences.iter().zip(&fact.attempts).enumerate() {
            let first = self.outstanding.get(sequence).map(|open| open.since);
            let open = Outstanding {
                attempt: *attempt,
                token: Some(fact.token.saturating_add(index as u64)),
                due,
                delay,
                since: first.unwrap_or(now),
            };
            self.counts.delivered += 1;
            self.counts.redelivered += u64::from(*attempt > 1);
            let key = fact.keys.get(index).copied().unwrap_or(0);
            self.insert(*sequence, open, Key::from_disk(key));
        }
        for (sequence, key) in fact.parked.iter().zip(&fact.parked_keys) {
            self.lines.park(*sequence, Key::from_disk(*key));
        }
    }

    pub(super) fn give_back(&mut self, sequence: u64, delay: Duration, now: Duration) {
        if let Some(open) = self.outstanding.get(&sequence).copied() {
            let returned = Outstanding {
                token: None,
                due: now.saturating_add(delay),
                delay,
                ..open
            };
            self.insert(sequence, returned, self.lines.key(sequence));
        }
    }

    /// Has a delivery's `ack_wait` begin again.
    pub(super) fn extend(&mut self, sequence: u64, now: Duration) {
        if let Some(open) = self.outstanding.get(&sequence).copied() {
            let due = now.saturating_add(self.options.ack_wait);
            self.insert(
                sequence,
                Outstanding { due, ..open },
                self.lines.key(sequence),
            );
        }
    }

    /// Ends a delivery, or a wait for the first one; false when there was neither.
    pub(super) fn settle(&mut self, sequence: u64) -> bool {
        let old = self.outstanding.remove(&sequence);
        if let Some(old) = &old {
            self.forget(sequence, old);
        }
        let was_parked = self.lines.leave(sequence);
        old.is_some() || was_parked
    }

    /// Forgets what it holds and goes on from `cursor`.
    pub(super) fn seek(&mut self, made: u64, cursor: u64) {
        (self.made, self.start) = (made, cursor);
        self.cursor = cursor;
        self.outstanding.clear();
        self.by_token.clear();
        self.by_due.clear();
        self.lines = Lines::default();
    }

    /// Somebody fetches at `now`.
    pub(super) fn fetched(&mut self, now: Duration) {
        self.used = now;
        self.idle_before = Duration::ZERO;
    }

    pub(super) fn insert(&mut self, sequence: u64, new: Outstanding, key: Key) {
        if let Some(old) = self.outstanding.insert(sequence, new) {
            self.forget(sequence, &old);
        }
        self.lines.hold(sequence, key);
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
}
