//! Lives of the whole broker under seeds: producers, workers that are slow, late or gone,
//! consumers, schedules and transactions on a simulated disk and clock, with power cuts, errors,
//! a full disk and clocks that jump. After each life the history on the disk is audited, and held
//! against what clients were told. In one seed of four whoever waits alone for a record writes it
//! itself, as in a hub.
//!
//! `PORTIQUE_SEED` runs one seed, `PORTIQUE_SEEDS` says how many are run.

mod answers;
mod beside;
mod ending;
mod events;
mod ledger;
mod names;
mod operators;
mod producers;
mod queues;
mod workers;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use world::{Reached, World};

/// As many as fit in some seconds of a test run.
const SEEDS: u64 = 200;
/// Lives per seed, and then one in which everything is brought to its end.
const LIVES: u64 = 3;

#[test]
fn what_was_answered_holds_whatever_happens() {
    let only = variable("PORTIQUE_SEED");
    let seeds = match only {
        Some(seed) => seed..seed + 1,
        None => 0..variable("PORTIQUE_SEEDS").unwrap_or(SEEDS),
    };
    let next = AtomicU64::new(seeds.start);
    let reached = Mutex::new(Reached::default());
    let threads = thread::available_parallelism().map_or(1, |count| count.get());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = take(&next, seeds.end) {
                    let here = run_caught(seed, &next);
                    reached
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .add(&here);
                }
            });
        }
    });
    let reached = reached.into_inner().unwrap();
    // The simulation must reach what it is for; a few seeds need not.
    if seeds.end - seeds.start >= SEEDS {
        reached.check();
    }
}

fn take(next: &AtomicU64, end: u64) -> Option<u64> {
    Some(next.fetch_add(1, Ordering::SeqCst)).filter(|seed| *seed < end)
}

/// Runs a seed; when it fails, says which, and the other threads stop after theirs.
fn run_caught(seed: u64, next: &AtomicU64) -> Reached {
    match catch_unwind(AssertUnwindSafe(|| run(seed))) {
        Ok(reached) => reached,
        Err(_) => {
            next.store(u64::MAX / 2, Ordering::SeqCst);
            panic!("seed {seed}: run it again with PORTIQUE_SEED={seed}");
        }
    }
}

fn run(seed: u64) -> Reached {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(seed);
        for _ in 0..LIVES {
            world.arrange();
            Box::pin(world.live()).await;
            world.crash();
            world.audit();
        }
        Box::pin(world.end()).await;
        world.reached
    })
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number: {text:?}")),
    )
}
