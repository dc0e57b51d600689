//! How fast plain jobs go through; run by
//! `cargo test --release -p portique-jobs --lib speed -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const JOBS: u64 = 1_000_000;
const BATCH: usize = 100;

#[track_caller]
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = work();
    let rate = JOBS as f64 / start.elapsed().as_secs_f64();
    println!(
        "{what:>12}: {:8.0} k/s, {:?}",
        rate / 1_000.0,
        start.elapsed()
    );
    value
}

#[test]
#[ignore = "a measurement: prints its figures"]
fn a_million_jobs_with_keys_are_restored() {
    let script = Script::new();
    let now = script.now;
    let mut machine = script.machine;
    let mut sequence = 0;
    timed("keyed", || {
        for batch in 0..JOBS / 1_000 {
            let job = |index| {
                let key = format!("key={}", (batch * 1_000 + index) % 1_777);
                let priority = format!("priority={}", index % 3);
                Script::new().new_job("a", "mail", &[&key, &priority])
            };
            let plan = machine
                .decide_enqueue((0..1_000).map(job).collect(), now)
                .unwrap();
            for fact in &plan.facts {
                sequence += 1;
                machine.apply(sequence, fact, now);
            }
        }
    });
    let parts = timed("checkpoint", || machine.checkpoint());
    println!(
        "{:>12}  {} bytes",
        "",
        parts.iter().map(|part| part.len()).sum::<usize>()
    );
    let machine = timed("restore", || Machine::restore(&parts, now).unwrap());
    assert_eq!(machine.queue_states(now)[0].totals.enqueued, JOBS);
}

#[test]
#[ignore = "a measurement: prints its figures"]
fn plain_jobs_go_through_at_a_million_a_second() {
    let mut script = Script::new();
    script.define("mail", &[]);
    let job = script.new_job("a", "mail", &[]);
    let plan = script
        .machine
        .decide_enqueue(vec![job], script.now)
        .unwrap();
    let (kind, body) = plan.facts[0].encode();
    let now = script.now;
    let mut machine = script.machine;
    timed("decode", || {
        for _ in 0..JOBS {
            std::hint::black_box(Fact::decode(kind, body.clone()).unwrap());
        }
    });
    timed("enqueue", || {
        for sequence in 2..JOBS + 2 {
            machine.apply(sequence, &plan.facts[0], now);
        }
    });
    let parts = timed("checkpoint", || machine.checkpoint());
    println!(
        "{:>12}  {} bytes",
        "",
        parts.iter().map(|part| part.len()).sum::<usize>()
    );
    let mut machine = timed("restore", || Machine::restore(&parts, now).unwrap());
    machine.open(2);
    let claim = Claim {
        queue: queue("mail"),
        worker: WorkerName::new("w").unwrap(),
        limit: BATCH,
        wait: Duration::ZERO,
        lease: None,
    };
    let mut picks = Vec::new();
    timed("claim", || {
        while let Some(picked) = machine.claim(&claim, now).unwrap() {
            machine.apply(0, &picked.fact, now);
            picks.push(picked);
            // As many in hand as a busy hub has.
            if picks.len() % 50 == 0 {
                settle(&mut machine, &mut picks, now);
            }
        }
    });
    settle(&mut machine, &mut picks, now);
    assert_eq!(machine.queue_states(now)[0].totals.completed, JOBS);
}

fn settle(machine: &mut Machine, picks: &mut Vec<Picked>, now: Now) {
    for picked in picks.drain(..) {
        let completions = picked.jobs.iter().map(|job| Completion {
            lease: job.lease,
            result: None,
        });
        let settling = machine.decide_complete(completions.collect(), now).unwrap();
        for fact in &settling.facts {
            machine.apply(1, fact, now);
        }
    }
}
