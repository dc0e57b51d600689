//! The state machine against a naive model that keeps every event of every consumer.

mod keyed;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use portique_bus::{ConsumerKind, ConsumerName, ConsumerOptions, DeliveryToken, Error};
use portique_clock::{Random, Seeded};
use portique_event::Filter;
use proptest::prelude::*;

use super::*;
use crate::fact::Opened;

const ACK_WAIT: Duration = Duration::from_secs(10);
const MAX_DELIVER: u32 = 3;
const MAX_IN_FLIGHT: u32 = 4;

/// What a user does, or time.
#[derive(Debug, Clone)]
enum Step {
    Publish {
        is_wanted: bool,
    },
    Fetch {
        consumer: usize,
        limit: usize,
    },
    Ack {
        consumer: usize,
        pick: usize,
    },
    Nak {
        consumer: usize,
        pick: usize,
        delay_s: u64,
    },
    Wait {
        seconds: u64,
    },
    Restart {
        is_checkpointed: bool,
    },
}

/// How one event stands with one consumer, in the model.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    Unseen,
    Open {
        attempt: u32,
        token: Option<u64>,
        due_s: u64,
    },
    Settled,
    Dead,
}

/// The real state with its log, and the model beside it.
struct Pair {
    state: State,
    log: Vec<(u64, Fact)>,
    checkpoint: Option<(u64, Checkpoint)>,
    now_s: u64,
    wanted: BTreeMap<u64, bool>,
    model: Vec<BTreeMap<u64, Standing>>,
    used_tokens: Vec<Vec<u64>>,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            state: State::default(),
            log: Vec::new(),
            checkpoint: None,
            now_s: 0,
            wanted: BTreeMap::new(),
            model: vec![BTreeMap::new(); 2],
            used_tokens: vec![Vec::new(); 2],
        };
        pair.commit(Fact::Opened(Opened { epoch: 1 }));
        for index in 0..2 {
            let options = ConsumerOptions {
                ack_wait: ACK_WAIT,
                max_deliver: MAX_DELIVER,
                max_in_flight: MAX_IN_FLIGHT,
                ..ConsumerOptions::new(Filter::new("wanted.>").unwrap())
            };
            let fact = pair
                .state
                .decide_creation(&name(index), &options, 1)
                .unwrap();
            pair.commit(Fact::Created(fact));
        }
        pair
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
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Publish { is_wanted } => self.publish(is_wanted),
            Step::Fetch { consumer, limit } => self.fetch(consumer, limit),
            Step::Ack { consumer, pick } => self.ack(consumer, pick),
            Step::Nak {
                consumer,
                pick,
                delay_s,
            } => self.nak(consumer, pick, delay_s),
            Step::Wait { seconds } => self.now_s += seconds,
            Step::Restart { is_checkpointed } => self.restart(is_checkpointed),
        }
        self.compare();
    }

    fn publish(&mut self, is_wanted: bool) {
        self.commit(Fact::Published(Bytes::new()));
        let sequence = self.log.len() as u64;
        self.wanted.insert(sequence, is_wanted);
        if is_wanted {
            for events in &mut self.model {
                events.insert(sequence, Standing::Unseen);
            }
        }
    }

    fn fetch(&mut self, consumer: usize, limit: usize) {
        self.bury(consumer);
        let plan = self.state.plan(&name(consumer), limit, self.now()).unwrap();
        assert!(plan.spent.is_empty(), "burial left something");
        let end = self.log.len() as u64 + 1;
        let mut fresh: Vec<u64> = self
            .wanted
            .range(plan.cursor..)
            .filter(|(_, wanted)| **wanted)
            .map(|(s, _)| *s)
            .collect();
        let cursor = fresh.get(plan.fresh_max).copied().unwrap_or(end);
        fresh.truncate(plan.fresh_max);
        let fact = self
            .state
            .decide_delivery(&plan, &plan.again, &unkeyed(&fresh), cursor, self.now())
            .unwrap();
        let expected = self.expected_deliveries(consumer, limit);
        let found: Vec<_> = fact
            .sequences
            .iter()
            .copied()
            .zip(fact.attempts.clone())
            .collect();
        assert_eq!(found, expected, "deliveries to consumer {consumer}");
        let due_s = self.now_s + ACK_WAIT.as_secs();
        for (index, (sequence, attempt)) in expected.into_iter().enumerate() {
            let token = fact.token + index as u64;
            assert!(
                !self.used_tokens.iter().flatten().any(|used| *used == token),
                "token reused"
            );
            self.used_tokens[consumer].push(token);
            self.model[consumer].insert(
                sequence,
                Standing::Open {
                    attempt,
                    token: Some(token),
                    due_s,
                },
            );
        }
        self.commit(Fact::Delivered(fact));
    }

    fn expected_deliveries(&self, consumer: usize, limit: usize) -> Vec<(u64, u32)> {
        let events = &self.model[consumer];
        let mut expected: Vec<_> = events
            .iter()
            .filter_map(|(sequence, standing)| match standing {
                Standing::Open { attempt, due_s, .. } if *due_s <= self.now_s => {
                    Some((*sequence, attempt + 1))
                }
                _ => None,
            })
            .take(limit)
            .collect();
        let open = events
            .values()
            .filter(|s| matches!(s, Standing::Open { .. }))
            .count();
        let room = (MAX_IN_FLIGHT as usize - open).min(limit - expected.len());
        let unseen = events
            .iter()
            .filter(|(_, standing)| **standing == Standing::Unseen);
        expected.extend(unseen.take(room).map(|(sequence, _)| (*sequence, 1)));
        expected
    }

    fn bury(&mut self, consumer: usize) {
        let plan = self.state.plan(&name(consumer), 0, self.now()).unwrap();
        for sequence in plan.spent {
            let burial = self
                .state
                .decide_burial(plan.number, sequence, self.now())
                .unwrap();
            assert_eq!(burial.attempts, MAX_DELIVER);
            self.commit(Fact::Buried(burial.fact));
        }
        let now_s = self.now_s;
        for standing in self.model[consumer].values_mut() {
            if matches!(*standing, Standing::Open { attempt: MAX_DELIVER, due_s, .. } if due_s <= now_s)
            {
                *standing = Standing::Dead;
            }
        }
    }

    /// Picks a token that was given out at any time: most are stale.
    fn token(&self, consumer: usize, pick: usize) -> Option<u64> {
        let used = &self.used_tokens[consumer];
        used.len()
            .checked_sub(1 + pick % (used.len().max(1)))
            .map(|index| used[index])
    }

    fn holder(&self, consumer: usize, token: u64) -> Option<(u64, u32)> {
        self.model[consumer]
            .iter()
            .find_map(|(sequence, standing)| match standing {
                Standing::Open {
                    attempt,
                    token: Some(held),
                    ..
                } if *held == token => Some((*sequence, *attempt)),
                _ => None,
            })
    }

    fn ack(&mut self, consumer: usize, pick: usize) {
        let Some(token) = self.token(consumer, pick) else {
            return;
        };
        let decided = self
            .state
            .decide_acknowledgement(&name(consumer), &[DeliveryToken(token)]);
        match (decided, self.holder(consumer, token)) {
            (Ok(fact), Some((sequence, _))) => {
                self.model[consumer].insert(sequence, Standing::Settled);
                self.commit(Fact::Acknowledged(fact));
            }
            (Err(Error::StaleDelivery { .. }), None) => {}
            other => panic!("ack of {token}: {other:?}"),
        }
        let other = self
            .state
            .decide_acknowledgement(&name(1 - consumer), &[DeliveryToken(token)]);
        assert!(other.is_err(), "a token holds for one consumer only");
    }

    fn nak(&mut self, consumer: usize, pick: usize, delay_s: u64) {
        let Some(token) = self.token(consumer, pick) else {
            return;
        };
        let delay = Duration::from_secs(delay_s);
        let decided = self
            .state
            .decide_return(&name(consumer), DeliveryToken(token), delay);
        match (decided, self.holder(consumer, token)) {
            (Ok(fact), Some((sequence, attempt))) => {
                let due_s = self.now_s + if attempt == MAX_DELIVER { 0 } else { delay_s };
                let open = Standing::Open {
                    attempt,
                    token: None,
                    due_s,
                };
                self.model[consumer].insert(sequence, open);
                self.commit(Fact::Returned(fact));
            }
            (Err(Error::StaleDelivery { .. }), None) => {}
            other => panic!("nak of {token}: {other:?}"),
        }
    }

    /// Builds the state from the log again; every wait begins anew.
    fn restart(&mut self, is_checkpointed: bool) {
        let before = self.state.checkpoint();
        if is_checkpointed {
            self.commit(Fact::Checkpoint(before.clone()));
            self.checkpoint = Some((self.log.len() as u64, before.clone()));
        }
        let (start, mut state) = match &self.checkpoint {
            Some((sequence, checkpoint)) => {
                (*sequence, State::restore(checkpoint, self.now()).unwrap())
            }
            None => (0, State::default()),
        };
        for (sequence, fact) in self.log.iter().filter(|(sequence, _)| *sequence > start) {
            state.apply(*sequence, fact, self.now());
        }
        assert_eq!(
            state.checkpoint(),
            before,
            "replay gives the state that was"
        );
        let delays = self.return_delays();
        self.state = state;
        for (events, delays) in self.model.iter_mut().zip(delays) {
            for (sequence, standing) in events.iter_mut() {
                if let Standing::Open { token, due_s, .. } = standing {
                    let wait = if token.is_some() {
                        ACK_WAIT.as_secs()
                    } else {
                        delays[sequence]
                    };
                    *due_s = self.now_s + wait;
                }
            }
        }
        let epoch = self.state.epoch() + 1;
        self.commit(Fact::Opened(Opened { epoch }));
    }

    /// The last delay each event was given back with, by consumer.
    fn return_delays(&self) -> Vec<BTreeMap<u64, u64>> {
        let mut delays = vec![BTreeMap::new(); 2];
        for (_, fact) in &self.log {
            if let Fact::Returned(fact) = fact {
                let index = usize::try_from(fact.consumer).unwrap() - 1;
                delays[index].insert(fact.sequence, fact.delay_nanos / 1_000_000_000);
            }
        }
        delays
    }

    fn compare(&self) {
        for (index, events) in self.model.iter().enumerate() {
            let state = self.state.consumer(&name(index)).unwrap();
            let open = events
                .values()
                .filter(|s| matches!(s, Standing::Open { .. }))
                .count();
            assert_eq!(state.held_count(), open);
            assert!(open <= MAX_IN_FLIGHT as usize, "max_in_flight holds");
            let dead = events.values().filter(|s| **s == Standing::Dead).count();
            assert_eq!(state.dead, dead as u64);
            let floor = state.ack_floor();
            for (sequence, standing) in events.range(..=floor) {
                let is_settled = matches!(standing, Standing::Settled | Standing::Dead);
                assert!(
                    is_settled,
                    "{sequence} is {standing:?} below the floor {floor}"
                );
            }
        }
    }
}

fn unkeyed(sequences: &[u64]) -> Vec<Fresh> {
    let fresh = |sequence: &u64| Fresh {
        sequence: *sequence,
        key: Key::NONE,
    };
    sequences.iter().map(fresh).collect()
}

fn name(index: usize) -> ConsumerName {
    ConsumerName::new(format!("c{index}")).unwrap()
}

fn any_step() -> impl Strategy<Value = Step> {
    let consumer = 0..2_usize;
    prop_oneof![
        4 => any::<bool>().prop_map(|is_wanted| Step::Publish { is_wanted }),
        4 => (consumer.clone(), 1..6_usize)
            .prop_map(|(consumer, limit)| Step::Fetch { consumer, limit }),
        3 => (consumer.clone(), 0..8_usize).prop_map(|(consumer, pick)| Step::Ack { consumer, pick }),
        2 => (consumer, 0..8_usize, 0..15_u64)
            .prop_map(|(consumer, pick, delay_s)| Step::Nak { consumer, pick, delay_s }),
        3 => (1..12_u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => any::<bool>().prop_map(|is_checkpointed| Step::Restart { is_checkpointed }),
    ]
}

proptest! {
    #[test]
    fn the_state_agrees_with_the_model(steps in proptest::collection::vec(any_step(), 1..120)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.step(step);
        }
    }
}

#[test]
fn a_full_checkpoint_fits_into_one_record() {
    let mut state = State::default();
    let mut random = Seeded::new(1);
    let options = ConsumerOptions {
        max_deliver: 1_000,
        max_in_flight: 65_536,
        kind: ConsumerKind::Keyed,
        inactive_after: Some(Duration::from_secs(86_400)),
        ..ConsumerOptions::new(Filter::new("a".repeat(255)).unwrap())
    };
    for index in 0..256 {
        let name = ConsumerName::new(format!("{index:0>64}")).unwrap();
        let created = state
            .decide_creation(&name, &options, u64::MAX >> 8)
            .unwrap();
        state.apply(1, &Fact::Created(created), Duration::ZERO);
    }
    state.apply(2, &Fact::Opened(Opened { epoch: 65_535 }), Duration::ZERO);
    let (mut sequence, mut left) = (1 << 48, 70_000_u64);
    let first = ConsumerName::new(format!("{:0>64}", 0)).unwrap();
    // An event in every stretch of the map's words, as far as it reaches.
    let words = event_map::WORDS_MAX as u64;
    for word in 0..2 * words {
        let event = sequence + word * event_map::WORD;
        state.apply(event, &Fact::Published(Bytes::new()), Duration::ZERO);
    }
    while left > 0 {
        let plan = state.plan(&first, 1_000, Duration::ZERO).unwrap();
        let fresh: Vec<Fresh> = (0..1_000)
            .map(|step| Fresh {
                sequence: sequence + step * 20_000,
                key: Key::from_disk(random.below(1 << 32) as u32),
            })
            .collect();
        let fact = state
            .decide_delivery(&plan, &[], &fresh, u64::MAX >> 8, Duration::ZERO)
            .unwrap();
        let attempts = fact
            .attempts
            .iter()
            .map(|_| 900 + random.below(99) as u32)
            .collect();
        let fact = Fact::Delivered(crate::fact::Delivered {
            attempts,
            cursor: 0,
            ..fact
        });
        state.apply(3, &fact, Duration::ZERO);
        sequence += 20_000_000;
        left -= 1_000;
    }
    let mut checkpoint = state.checkpoint();
    state.note_idle(&mut checkpoint, Duration::from_secs(86_400));
    (
        checkpoint.stands_for,
        checkpoint.parts_from,
        checkpoint.parts,
    ) = (1 << 60, 1 << 60, 1 << 20);
    let map = checkpoint.event_map.as_ref().unwrap();
    assert_eq!(map.len() as u64, words * 8, "the map is full");
    let (_, body) = Fact::Checkpoint(checkpoint).encode();
    assert!(
        state.plan(&first, 1, Duration::ZERO).unwrap().fresh_max == 0,
        "the limit is reached"
    );
    assert!(
        body.len() <= portique_journal::RECORD_BYTES_MAX,
        "{} bytes",
        body.len()
    );
}

#[test]
fn a_consumer_must_be_asked_for_as_it_was_made() {
    let mut pair = Pair::new();
    let consumer = pair.state.consumer(&name(0)).unwrap();
    let mut options = consumer.options.clone();
    assert!(check_same(consumer, &options).is_ok());
    options.max_deliver += 1;
    let error = check_same(consumer, &options).unwrap_err().to_string();
    assert!(
        error.contains("max_deliver") && error.contains("3, not 4"),
        "{error}"
    );
    let removed = pair.state.decide_removal(&name(0)).unwrap();
    pair.commit(Fact::Removed(removed));
    assert!(matches!(
        pair.state.decide_removal(&name(0)),
        Err(Error::UnknownConsumer { .. })
    ));
}

#[test]
fn two_fetches_planned_at_once_share_the_last_delivery() {
    let mut pair = Pair::new();
    pair.publish(true);
    for _ in 1..MAX_DELIVER {
        pair.fetch(0, 1);
        pair.nak(0, 0, 0);
    }
    let plan = pair.state.plan(&name(0), 1, pair.now()).unwrap();
    let deliver = |pair: &Pair| {
        let now = pair.now();
        let fact = pair
            .state
            .decide_delivery(&plan, &plan.again, &[], plan.cursor, now);
        fact.unwrap()
    };
    let first = deliver(&pair);
    assert_eq!(first.attempts, [MAX_DELIVER]);
    let token = DeliveryToken(first.token);
    pair.commit(Fact::Delivered(first));
    let returned = pair.state.decide_return(&name(0), token, Duration::ZERO);
    pair.commit(Fact::Returned(returned.unwrap()));
    let second = deliver(&pair);
    assert_eq!(second.attempts, [0_u32; 0], "its deliveries are spent");
}

#[test]
fn what_was_settled_meanwhile_is_neither_lost_nor_counted() {
    let mut pair = Pair::new();
    pair.publish(true);
    pair.fetch(0, 1);
    let sequence = *pair.wanted.first_key_value().unwrap().0;
    let loss = pair.state.decide_loss(1, sequence).expect("it is held");
    pair.ack(0, 0);
    assert_eq!(pair.state.decide_loss(1, sequence), None);
    pair.commit(Fact::Buried(loss));
    assert_eq!(pair.state.consumer(&name(0)).unwrap().dead, 0);
}
