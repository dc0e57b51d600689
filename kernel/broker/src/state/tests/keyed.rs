//! A keyed consumer against a model that keeps each key's events in a list.

use super::*;

const KEYS: u32 = 3;

#[derive(Debug, Clone)]
enum KeyedStep {
    /// An event with one of the keys; 0 is none.
    Publish {
        key: u32,
    },
    Fetch {
        limit: usize,
    },
    Ack {
        pick: usize,
    },
    Nak {
        pick: usize,
        delay_s: u64,
    },
    Lose {
        pick: usize,
    },
    Wait {
        seconds: u64,
    },
    Seek {
        back: u64,
    },
    Restart {
        is_checkpointed: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Held {
    sequence: u64,
    attempt: u32,
    token: u64,
}

/// The state with its log, and every event with its key; 0 is none.
struct Keyed {
    state: State,
    log: Vec<(u64, Fact)>,
    checkpoint: Option<(u64, Checkpoint)>,
    now_s: u64,
    keys: BTreeMap<u64, u32>,
    /// What is neither acknowledged nor dead, of all that was ever delivered or not.
    open: BTreeMap<u64, u32>,
    held: Vec<Held>,
}

impl Keyed {
    fn new() -> Self {
        let mut keyed = Self {
            state: State::default(),
            log: Vec::new(),
            checkpoint: None,
            now_s: 0,
            keys: BTreeMap::new(),
            open: BTreeMap::new(),
            held: Vec::new(),
        };
        keyed.commit(Fact::Opened(Opened { epoch: 1 }));
        let options = ConsumerOptions {
            kind: ConsumerKind::Keyed,
            ack_wait: ACK_WAIT,
            max_deliver: MAX_DELIVER,
            max_in_flight: MAX_IN_FLIGHT,
            ..ConsumerOptions::new(Filter::new(">").unwrap())
        };
        let created = keyed.state.decide_creation(&name(0), &options, 1).unwrap();
        keyed.commit(Fact::Created(created));
        keyed
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.now_s)
    }

    fn commit(&mut self, fact: Fact) {
        let sequence = self.log.len() as u64 + 1;
        let (kind, body) = fact.encode();
        let fact = Fact::decode(kind, body).unwrap();
        self.state.apply(sequence, &fact, self.now());
        self.log.push((sequence, fact));
        self.state
            .consumer(&name(0))
            .inspect(|consumer| consumer.lines.check());
    }

    fn step(&mut self, step: &KeyedStep) {
        match *step {
            KeyedStep::Publish { key } => {
                self.commit(Fact::Published(Bytes::new()));
                self.keys.insert(self.log.len() as u64, key);
                self.open.insert(self.log.len() as u64, key);
            }
            KeyedStep::Fetch { limit } => self.fetch(limit),
            KeyedStep::Ack { pick } => self.ack(pick),
            KeyedStep::Nak { pick, delay_s } => self.nak(pick, delay_s),
            KeyedStep::Lose { pick } => self.lose(pick),
            KeyedStep::Wait { seconds } => self.now_s += seconds,
            KeyedStep::Seek { back } => self.seek(back),
            KeyedStep::Restart { is_checkpointed } => self.restart(is_checkpointed),
        }
        self.check_held();
    }

    fn fetch(&mut self, limit: usize) {
        let spent = self.state.plan(&name(0), 0, self.now()).unwrap().spent;
        for sequence in spent {
            let burial = self.state.decide_burial(1, sequence, self.now()).unwrap();
            self.settle(sequence);
            self.commit(Fact::Buried(burial.fact));
        }
        loop {
            let plan = self.state.plan(&name(0), limit, self.now()).unwrap();
            let end = self.log.len() as u64 + 1;
            let unseen = self.keys.range(plan.cursor..);
            let mut fresh: Vec<Fresh> = unseen
                .map(|(sequence, key)| Fresh {
                    sequence: *sequence,
                    key: Key::from_disk(*key),
                })
                .collect();
            let cursor = fresh.get(plan.look_max).map_or(end, |left| left.sequence);
            fresh.truncate(plan.look_max);
            let again = &plan.again;
            let fact = self
                .state
                .decide_delivery(&plan, again, &fresh, cursor, self.now());
            let fact = fact.unwrap();
            self.check_deliveries(&fact, limit);
            let only_parked = fact.sequences.is_empty() && !fact.parked.is_empty();
            self.commit(Fact::Delivered(fact));
            if !only_parked {
                return;
            }
        }
    }

    fn check_deliveries(&mut self, fact: &crate::fact::Delivered, limit: usize) {
        assert!(fact.sequences.len() <= limit);
        assert!(
            fact.sequences.is_sorted_by(|a, b| a < b),
            "{:?}",
            fact.sequences
        );
        let first_token = fact.token;
        for (index, (sequence, attempt)) in fact.sequences.iter().zip(&fact.attempts).enumerate() {
            let key = *self
                .open
                .get(sequence)
                .expect("what is settled does not come again");
            let mut earlier = self.open.range(..sequence);
            let ahead = earlier.find(|(_, other)| key != 0 && **other == key);
            assert_eq!(ahead, None, "{sequence} overtakes one of its key {key}");
            let before = self.held.iter().find(|held| held.sequence == *sequence);
            assert_eq!(*attempt, before.map_or(1, |held| held.attempt + 1));
            self.held.retain(|held| held.sequence != *sequence);
            self.held.push(Held {
                sequence: *sequence,
                attempt: *attempt,
                token: first_token + index as u64,
            });
        }
        // Somebody who asks for more than there is is given every key that is free.
        let consumer = self.state.consumer(&name(0)).unwrap();
        let has_room = consumer.held_count() + fact.sequences.len() + fact.parked.len()
            < MAX_IN_FLIGHT as usize;
        if fact.sequences.len() + fact.parked.len() < limit && has_room {
            for (sequence, key) in &self.open {
                let is_held = self.held.iter().any(|held| held.sequence == *sequence);
                let first = self.open.iter().find(|(_, other)| *other == key);
                let is_first = *key == 0 || first.is_some_and(|(first, _)| first == sequence);
                assert!(
                    is_held || !is_first,
                    "{sequence} of key {key} is not delivered"
                );
            }
        }
    }

    fn pick(&self, pick: usize) -> Option<Held> {
        let index = pick.checked_rem(self.held.len())?;
        Some(self.held[index])
    }

    fn ack(&mut self, pick: usize) {
        let Some(held) = self.pick(pick) else { return };
        let token = DeliveryToken(held.token);
        if let Ok(fact) = self.state.decide_acknowledgement(&name(0), &[token]) {
            self.settle(held.sequence);
            self.commit(Fact::Acknowledged(fact));
        }
    }

    fn nak(&mut self, pick: usize, delay_s: u64) {
        let Some(held) = self.pick(pick) else { return };
        let delay = Duration::from_secs(delay_s);
        let fact = self
            .state
            .decide_return(&name(0), DeliveryToken(held.token), delay);
        if let Ok(fact) = fact {
            self.commit(Fact::Returned(fact));
        }
    }

    /// An event that nobody can be given goes, parked or not.
    fn lose(&mut self, pick: usize) {
        let sequences: Vec<u64> = self.open.keys().copied().collect();
        let Some(index) = pick.checked_rem(sequences.len()) else {
            return;
        };
        if let Some(fact) = self.state.decide_loss(1, sequences[index]) {
            self.settle(sequences[index]);
            self.commit(Fact::Buried(fact));
        }
    }

    fn settle(&mut self, sequence: u64) {
        self.open.remove(&sequence);
        self.held.retain(|held| held.sequence != sequence);
    }

    fn seek(&mut self, back: u64) {
        let cursor = (self.log.len() as u64).saturating_sub(back).max(1);
        let fact = self.state.decide_seek(&name(0), cursor).unwrap();
        self.commit(Fact::Sought(fact));
        self.held.clear();
        self.open = self
            .keys
            .range(cursor..)
            .map(|(s, key)| (*s, *key))
            .collect();
    }

    fn restart(&mut self, is_checkpointed: bool) {
        let before = self.state.checkpoint();
        if is_checkpointed {
            self.commit(Fact::Checkpoint(before.clone()));
            self.checkpoint = Some((self.log.len() as u64, before.clone()));
        }
        let restored = self.checkpoint.as_ref().map(|(sequence, checkpoint)| {
            (*sequence, State::restore(checkpoint, self.now()).unwrap())
        });
        let (start, mut state) = restored.unwrap_or_default();
        for (sequence, fact) in self.log.iter().filter(|(sequence, _)| *sequence > start) {
            state.apply(*sequence, fact, self.now());
        }
        assert_eq!(
            state.checkpoint(),
            before,
            "replay gives the state that was"
        );
        self.state = state;
        let epoch = self.state.epoch() + 1;
        self.commit(Fact::Opened(Opened { epoch }));
    }

    fn check_held(&self) {
        let consumer = self.state.consumer(&name(0)).unwrap();
        assert!(
            consumer.held_count() <= MAX_IN_FLIGHT as usize,
            "max_in_flight holds"
        );
        for held in &self.held {
            assert!(
                consumer.outstanding(held.sequence).is_some(),
                "{held:?} is held"
            );
        }
        let first_open = self.open.first_key_value().map(|(first, _)| *first);
        assert!(first_open.is_none_or(|first| consumer.ack_floor() < first));
    }
}

fn any_step() -> impl Strategy<Value = KeyedStep> {
    prop_oneof![
        6 => (0..=KEYS).prop_map(|key| KeyedStep::Publish { key }),
        5 => (1..6_usize).prop_map(|limit| KeyedStep::Fetch { limit }),
        4 => (0..8_usize).prop_map(|pick| KeyedStep::Ack { pick }),
        2 => (0..8_usize, 0..15_u64).prop_map(|(pick, delay_s)| KeyedStep::Nak { pick, delay_s }),
        1 => (0..8_usize).prop_map(|pick| KeyedStep::Lose { pick }),
        2 => (1..12_u64).prop_map(|seconds| KeyedStep::Wait { seconds }),
        1 => (0..20_u64).prop_map(|back| KeyedStep::Seek { back }),
        1 => any::<bool>().prop_map(|is_checkpointed| KeyedStep::Restart { is_checkpointed }),
    ]
}

proptest! {
    #[test]
    fn the_order_of_a_key_is_kept(steps in proptest::collection::vec(any_step(), 1..150)) {
        let mut keyed = Keyed::new();
        for step in &steps {
            keyed.step(step);
        }
    }
}

#[test]
fn a_long_ack_wait_begins_again_for_all_or_none() {
    let mut pair = Pair::new();
    pair.publish(true);
    pair.publish(true);
    pair.fetch(0, 2);
    let tokens: Vec<_> = pair.used_tokens[0]
        .iter()
        .copied()
        .map(DeliveryToken)
        .collect();
    pair.now_s += 9;
    let stale = [tokens[0], DeliveryToken(7)];
    let now = pair.now();
    assert!(pair.state.extend(&name(0), &stale, now).is_err());
    pair.state.extend(&name(0), &tokens[1..], now).unwrap();
    pair.now_s += 2;
    let plan = pair.state.plan(&name(0), 2, pair.now()).unwrap();
    assert_eq!(plan.again.len(), 1, "the extended one is not due");
    pair.now_s += 8;
    let plan = pair.state.plan(&name(0), 2, pair.now()).unwrap();
    assert_eq!(
        plan.again.len(),
        2,
        "a full wait, from when it was extended"
    );
}
