//! The bus's side of the history: who was given which event, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::Totals;
use super::findings::Findings;
use super::sequence_set::SequenceSet;
use crate::fact::{
    Acknowledged, Buried, Created, DecodeError, Delivered, Published, Returned, Sought,
};

/// Bits of a token that count within one epoch.
const TOKEN_COUNT_BITS: u32 = 40;

/// Events and where each consumer stands, from the facts alone.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    events: SequenceSet,
    /// Events whose subject begins with `dead.`, which have no letter of their own.
    letters: SequenceSet,
    /// The newest letter: its record, whose it is and of what.
    last_letter: Option<(u64, String, u64)>,
    consumers: BTreeMap<u64, Consumer>,
    last_token: u64,
    epoch: u64,
    /// The first record read.
    first: u64,
}

#[derive(Debug, Default)]
struct Consumer {
    name: String,
    cursor: u64,
    max_deliver: u32,
    max_in_flight: usize,
    held: BTreeMap<u64, Held>,
    /// Passed over by a keyed consumer, to be delivered later.
    parked: BTreeSet<u64>,
    /// What became of earlier events before the first record read is not known.
    unknown_below: u64,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    attempt: u32,
    is_returned: bool,
    key: Option<u32>,
}

impl Deliveries {
    pub(super) fn begin(&mut self, first: u64) {
        self.first = first;
    }

    pub(super) fn open(&mut self, epoch: u64, findings: &mut Findings) {
        if epoch <= self.epoch {
            findings.report(
                "epoch_does_not_rise",
                format!("{epoch} after {}", self.epoch),
            );
        }
        self.epoch = epoch;
    }

    pub(super) fn contains_event(&self, sequence: u64) -> bool {
        self.events.contains(sequence)
    }

    pub(super) fn publish(&mut self, sequence: u64, event: Published) -> Result<(), DecodeError> {
        self.events.insert(sequence);
        if event.subject()?.as_str().starts_with("dead.") {
            self.letters.insert(sequence);
            let event = event.into_event()?;
            let origin = event
                .extension("originsequence")
                .and_then(|text| text.parse().ok());
            let consumer = event.extension("originconsumer").map(ToOwned::to_owned);
            if let (Some(origin), Some(consumer)) = (origin, consumer) {
                self.last_letter = Some((sequence, consumer, origin));
            }
        }
        Ok(())
    }

    pub(super) fn create(&mut self, created: &Created) -> Result<(), DecodeError> {
        let options = created.options()?;
        let consumer = Consumer {
            name: created.name()?.to_string(),
            cursor: created.cursor,
            max_deliver: options.max_deliver,
            max_in_flight: options.max_in_flight as usize,
            ..Consumer::default()
        };
        self.consumers.insert(created.consumer, consumer);
        Ok(())
    }

    pub(super) fn remove(&mut self, consumer: u64) {
        self.consumers.remove(&consumer);
    }

    pub(super) fn seek(&mut self, sought: &Sought) {
        let consumer = self.consumer(sought.consumer);
        consumer.held.clear();
        consumer.parked.clear();
        consumer.cursor = sought.cursor;
        consumer.unknown_below = 0;
    }

    /// A consumer; one made before the first record read is known from now on, what it did with earlier
    /// events is not.
    fn consumer(&mut self, number: u64) -> &mut Consumer {
        let unknown_below = self.first;
        self.consumers.entry(number).or_insert_with(|| Consumer {
            name: format!("number {number}"),
            max_deliver: u32::MAX,
            max_in_flight: usize::MAX,
            unknown_below,
            ..Consumer::default()
        })
    }

    pub(super) fn deliver(&mut self, fact: &Delivered, findings: &mut Findings) {
        self.check_tokens(fact, findings);
        for sequence in fact.sequences.iter().chain(&fact.parked) {
            if *sequence >= self.first && !self.events.contains(*sequence) {
                findings.report("delivered_nothing", format!("there is no event {sequence}"));
            }
        }
        let consumer = self.consumer(fact.consumer);
        for (index, (sequence, attempt)) in fact.sequences.iter().zip(&fact.attempts).enumerate() {
            let key = fact.keys.get(index).copied();
            consumer.check_delivery(*sequence, *attempt, key, findings);
            let held = Held {
                attempt: *attempt,
                is_returned: false,
                key,
            };
            consumer.parked.remove(sequence);
            consumer.held.insert(*sequence, held);
        }
        consumer.parked.extend(&fact.parked);
        if fact.cursor < consumer.cursor {
            let what = format!(
                "{}: {} after {}",
                consumer.name, fact.cursor, consumer.cursor
            );
            findings.report("cursor_goes_back", what);
        }
        consumer.cursor = fact.cursor;
        if consumer.held.len() > consumer.max_in_flight {
            let what = format!("{} holds {}", consumer.name, consumer.held.len());
            findings.report("in_flight_over_limit", what);
        }
    }

    fn check_tokens(&mut self, fact: &Delivered, findings: &mut Findings) {
        let count = fact.sequences.len() as u64;
        if count == 0 {
            return;
        }
        let last = fact.token.saturating_add(count - 1);
        let is_known_epoch = self.epoch != 0;
        if fact.token <= self.last_token {
            let what = format!("{} after {}", fact.token, self.last_token);
            findings.report("delivery_token_does_not_rise", what);
        }
        if is_known_epoch && fact.token >> TOKEN_COUNT_BITS != self.epoch {
            let what = format!("{} is not of epoch {}", fact.token, self.epoch);
            findings.report("delivery_token_of_another_start", what);
        }
        self.last_token = self.last_token.max(last);
    }

    pub(super) fn acknowledge(
        &mut self,
        fact: &Acknowledged,
        totals: &mut Totals,
        findings: &mut Findings,
    ) {
        for sequence in &fact.sequences {
            totals.acknowledged += 1;
            let consumer = self.consumer(fact.consumer);
            consumer.settle(*sequence, "acknowledged_not_held", findings);
        }
    }

    pub(super) fn give_back(&mut self, fact: &Returned, findings: &mut Findings) {
        let consumer = self.consumer(fact.consumer);
        match consumer.held.get_mut(&fact.sequence) {
            Some(held) => held.is_returned = true,
            None if fact.sequence < consumer.unknown_below => {}
            None => {
                let what = format!("{}: event {}", consumer.name, fact.sequence);
                findings.report("returned_not_held", what);
            }
        }
    }

    pub(super) fn bury(
        &mut self,
        sequence: u64,
        fact: &Buried,
        totals: &mut Totals,
        findings: &mut Findings,
    ) {
        totals.buried += 1;
        let letter = self.last_letter.take();
        let needs_letter = fact.sequence >= self.first && !self.letters.contains(fact.sequence);
        let consumer = self.consumer(fact.consumer);
        let is_known = consumer.max_in_flight != usize::MAX;
        let has_letter = letter.is_some_and(|(at, name, origin)| {
            at + 1 == sequence && origin == fact.sequence && (name == consumer.name || !is_known)
        });
        if needs_letter && !has_letter {
            let what = format!("{}: event {} has no letter", consumer.name, fact.sequence);
            findings.report("buried_without_letter", what);
        }
        consumer.settle(fact.sequence, "buried_not_held", findings);
    }
}

impl Consumer {
    fn check_delivery(
        &self,
        sequence: u64,
        attempt: u32,
        key: Option<u32>,
        findings: &mut Findings,
    ) {
        let name = &self.name;
        let is_unknown = sequence < self.unknown_below;
        match self.held.get(&sequence) {
            Some(held) if attempt != held.attempt + 1 => {
                let what = format!("{name}: event {sequence}: {attempt} after {}", held.attempt);
                findings.report("attempt_does_not_follow", what);
            }
            None if sequence < self.cursor && !self.parked.contains(&sequence) && !is_unknown => {
                let what = format!("{name}: event {sequence} was settled");
                findings.report("delivered_after_its_end", what);
            }
            None if attempt != 1 && !is_unknown => {
                let what = format!("{name}: event {sequence} begins with attempt {attempt}");
                findings.report("attempt_does_not_follow", what);
            }
            _ => {}
        }
        if attempt > self.max_deliver {
            let what = format!("{name}: event {sequence}: attempt {attempt}");
            findings.report("delivered_too_often", what);
        }
        let is_same_key = |(other, held): (&u64, &Held)| *other != sequence && held.key == key;
        if key.is_some() && self.held.iter().any(is_same_key) {
            let what = format!("{name}: event {sequence} while another of its key is held");
            findings.report("key_held_twice", what);
        }
    }

    fn settle(&mut self, sequence: u64, rule: &'static str, findings: &mut Findings) {
        match self.held.remove(&sequence) {
            Some(held) if held.is_returned && rule == "acknowledged_not_held" => {
                let what = format!("{}: event {sequence} was given back", self.name);
                findings.report("acknowledged_after_return", what);
            }
            None if sequence >= self.unknown_below => {
                findings.report(rule, format!("{}: event {sequence}", self.name));
            }
            _ => {}
        }
    }
}
