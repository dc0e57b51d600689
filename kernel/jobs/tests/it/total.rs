//! No facts and no checkpoint, in whatever order or however damaged, stop the machine.

use std::time::Duration;

use bytes::Bytes;
use portique_clock::Timestamp;
use portique_jobs::{
    Claim, DeadFilter, Fact, JobFilter, JobId, JobKind, JobRecord, Machine, NewJob, Now, Payload,
    QueueName, WorkerName,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::command;
use crate::model::Pair;
use crate::shell::Shell;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(150)
    })]

    #[test]
    fn facts_left_out_doubled_and_out_of_order_are_taken(
        seed: u64,
        commands in command::commands(),
        changes in prop::collection::vec((0_u8..3, any::<Index>(), any::<Index>()), 0..12),
    ) {
        let shell = Pair::lived(seed, commands);
        let mut facts = shell.facts();
        for (change, from, to) in changes {
            let (from, to) = (from.index(facts.len()), to.index(facts.len()));
            match change {
                0 if facts.len() > 1 => { facts.remove(from); }
                1 => facts.swap(from, to),
                _ => facts.insert(to, facts[from].clone()),
            }
        }
        let mut machine = Machine::new();
        machine.open(1);
        // A journal numbers whatever it holds upwards; so facts find other jobs than they were about.
        for (sequence, (_, kind, body)) in (1..).zip(facts) {
            let fact = Fact::decode(kind, body).unwrap();
            machine.apply(sequence, &fact, shell.now);
        }
        look_at_everything(machine, &shell);
    }

    #[test]
    fn damaged_facts_are_refused_or_taken(
        seed: u64,
        commands in command::commands(),
        kind in 0_u8..=255,
        noise in prop::collection::vec(any::<u8>(), 0..40),
        flips in prop::collection::vec((any::<Index>(), any::<Index>(), 1_u8..=255), 0..8),
    ) {
        let shell = Pair::lived(seed, commands);
        let mut facts = shell.facts();
        facts.push((shell.next_sequence(), kind, noise.into()));
        for (fact, byte, flip) in flips {
            let place = fact.index(facts.len());
            facts[place].2 = flipped(&facts[place].2, byte, flip);
        }
        let mut machine = Machine::new();
        for (sequence, kind, body) in facts {
            let _ = JobRecord::decode(sequence, kind, body.clone());
            let _ = Fact::result(kind, body.clone(), JobId(1));
            if let Ok(fact) = Fact::decode(kind, body) {
                machine.apply(sequence, &fact, shell.now);
            }
        }
        look_at_everything(machine, &shell);
    }

    #[test]
    fn a_checkpoint_is_the_machine_again(seed: u64, commands in command::commands()) {
        let shell = Pair::lived(seed, commands);
        let parts = shell.machine.checkpoint();
        let restored = Machine::restore(&parts, shell.now).unwrap();
        prop_assert_eq!(restored.checkpoint(), parts);
    }

    #[test]
    fn a_damaged_checkpoint_is_refused_or_taken(
        seed: u64,
        commands in command::commands(),
        part in any::<Index>(),
        byte in any::<Index>(),
        flip in 1_u8..=255,
        is_left_out: bool,
    ) {
        let shell = Pair::lived(seed, commands);
        let mut parts = shell.machine.checkpoint();
        let part = part.index(parts.len());
        if is_left_out {
            parts.remove(part);
        } else {
            parts[part] = flipped(&parts[part], byte, flip);
        }
        if let Ok(machine) = Machine::restore(&parts, shell.now) {
            look_at_everything(machine, &shell);
        }
    }
}

#[test]
fn a_checkpoint_that_has_a_job_twice_is_refused() {
    let mut machine = Machine::new();
    machine.open(1);
    let now = Now {
        wall: Timestamp::from_millis(1_000),
        monotonic: Duration::ZERO,
    };
    let queue = QueueName::new("q").unwrap();
    let mut job = NewJob::new(queue, JobKind::new("k").unwrap(), Payload::json("1"));
    job.options.priority = 1;
    let plan = machine.decide_enqueue(vec![job], now).unwrap();
    for (sequence, fact) in (1..).zip(&plan.facts) {
        machine.apply(sequence, fact, now);
    }
    let mut parts = machine.checkpoint();
    assert!(Machine::restore(&parts, now).is_ok());
    parts.push(parts.last().unwrap().clone());
    assert!(Machine::restore(&parts, now).is_err());
}

fn flipped(bytes: &Bytes, byte: Index, flip: u8) -> Bytes {
    let mut bytes = bytes.to_vec();
    if !bytes.is_empty() {
        let byte = byte.index(bytes.len());
        bytes[byte] ^= flip;
    }
    bytes.into()
}

/// Asks a machine for all it tells, and lets it go on for a while.
fn look_at_everything(mut machine: Machine, shell: &Shell) {
    let mut now = shell.now;
    for step in 0..3 {
        for state in machine.queue_states(now) {
            let filter = JobFilter {
                queue: state.name.clone(),
                state: None,
                after: None,
                limit: 1_000,
            };
            machine.list(&filter, now).unwrap();
            let claim = Claim {
                queue: state.name,
                worker: WorkerName::new(format!("worker-{step}")).unwrap(),
                limit: 5,
                wait: Duration::ZERO,
                lease: None,
            };
            if let Some(picked) = machine.claim(&claim, now).unwrap() {
                machine.apply(u64::from(u32::MAX), &picked.fact, now);
            }
        }
        let filter = DeadFilter {
            queue: None,
            after: None,
            limit: 1_000,
        };
        machine.dead(&filter).unwrap();
        machine.oldest_needed();
        machine.to_carry(u64::MAX, 1_000);
        machine.checkpoint();
        now.wall = now.wall.plus(Duration::from_secs(3_600));
        now.monotonic += Duration::from_secs(3_600);
        for fact in machine.due(now) {
            machine.apply(u64::from(u32::MAX) + 1, &fact, now);
        }
    }
}
