//! A consumer in a checkpoint, and out of it.

use std::time::Duration;

use crate::fact::{CheckpointedConsumer, Created, DecodeError, Pending, nanos};

use super::Consumer;
use super::consumer::Outstanding;
use super::keys::Key;

/// How long a consumer is kept at least after a start, however long nobody had fetched: its members
/// must find the hub again first.
const GRACE: Duration = Duration::from_secs(5 * 60);

impl Consumer {
    /// As it stands; `idle_nanos` is left to who knows the time.
    pub(super) fn checkpoint(&self) -> CheckpointedConsumer {
        let created = Created::new(self.number, &self.name, &self.options, self.cursor);
        let mut pending = Pending::default();
        let mut last = 0;
        for (sequence, open) in self.all_outstanding() {
            let is_returned = open.token.is_none();
            pending.steps.push(sequence - last);
            pending.attempts.push(open.attempt);
            pending.tokens.push(open.token.unwrap_or(0));
            pending
                .delays_nanos
                .push(if is_returned { nanos(open.delay) } else { 0 });
            if self.is_keyed() {
                pending.keys.push(self.lines.key(sequence).to_disk());
            }
            last = sequence;
        }
        let mut last = 0;
        for (sequence, key) in self.lines.parked() {
            pending.parked_steps.push(sequence - last);
            pending.parked_keys.push(key.to_disk());
            last = sequence;
        }
        CheckpointedConsumer {
            created: Some(created),
            dead: self.dead,
            pending: Some(pending),
            idle_nanos: 0,
            made: self.made,
            start: self.start,
        }
    }

    pub(super) fn restore(from: &CheckpointedConsumer, now: Duration) -> Result<Self, DecodeError> {
        let Some(created) = &from.created else {
            return Err(DecodeError::Shape("a consumer has no name"));
        };
        let mut consumer = Self::new(from.made, created, now)?;
        consumer.start = from.start;
        consumer.dead = from.dead;
        consumer.idle_before = consumer.idle_after_start(Duration::from_nanos(from.idle_nanos));
        let pending = from.pending.clone().unwrap_or_default();
        let steps = pending.steps.len();
        let columns = [
            &pending.attempts.len(),
            &pending.tokens.len(),
            &pending.delays_nanos.len(),
        ];
        let keys_fit = pending.keys.is_empty() || pending.keys.len() == steps;
        let parked_fit = pending.parked_keys.len() == pending.parked_steps.len();
        if columns != [&steps; 3] || !keys_fit || !parked_fit {
            return Err(DecodeError::Shape("its columns differ in length"));
        }
        consumer.restore_outstanding(&pending, now);
        let mut sequence = 0_u64;
        for (step, key) in pending.parked_steps.iter().zip(&pending.parked_keys) {
            sequence = sequence.saturating_add(*step);
            consumer.lines.park(sequence, Key::from_disk(*key));
        }
        Ok(consumer)
    }

    fn restore_outstanding(&mut self, pending: &Pending, now: Duration) {
        let mut sequence = 0_u64;
        for (index, step) in pending.steps.iter().enumerate() {
            sequence = sequence.saturating_add(*step);
            let token = Some(pending.tokens[index]).filter(|token| *token != 0);
            let delay = match token {
                Some(_) => self.options.ack_wait,
                None => Duration::from_nanos(pending.delays_nanos[index]),
            };
            let open = Outstanding {
                attempt: pending.attempts[index],
                token,
                due: now.saturating_add(delay),
                delay,
                since: now,
            };
            let key = pending.keys.get(index).copied().unwrap_or(0);
            self.insert(sequence, open, Key::from_disk(key));
        }
    }

    fn idle_after_start(&self, idle: Duration) -> Duration {
        let longest = self.options.inactive_after.unwrap_or(Duration::MAX);
        idle.min(longest.saturating_sub(GRACE))
    }
}
