use proptest::prelude::*;

use super::*;

/// A pool and what runs for it.
struct Rig {
    pool: Pool,
    at: Timestamp,
    has_work: bool,
    running: Vec<WorkerId>,
}

impl Rig {
    fn new() -> Self {
        Self {
            pool: Pool::new(PoolOptions::default()),
            at: Timestamp::from_millis(1_000_000),
            has_work: false,
            running: Vec::new(),
        }
    }

    fn later(&mut self, seconds: u64) -> Ticked {
        self.at = self.at.plus(Duration::from_secs(seconds));
        let ticked = self.pool.tick(self.at, self.has_work);
        for command in &ticked.commands {
            match command {
                Command::Start(id, _) => self.running.push(*id),
                Command::Drain(_) | Command::End(..) => {}
            }
        }
        ticked
    }

    /// All that run say how they are.
    fn beat(&mut self, leased: u32) {
        for id in &self.running {
            let beat = Heartbeat {
                leased,
                finished: 0,
            };
            self.pool.beat(*id, beat, self.at);
        }
    }

    fn end(&mut self, id: WorkerId, code: i32) {
        self.running.retain(|running| *running != id);
        self.pool.ended(id, Ended::Exit(code), self.at);
    }

    fn states(&self) -> Vec<(u64, WorkerState)> {
        self.pool
            .workers()
            .map(|worker| (worker.id.0, worker.state))
            .collect()
    }
}

fn started(ticked: &Ticked) -> usize {
    let starts = ticked.commands.iter();
    starts
        .filter(|command| matches!(command, Command::Start(..)))
        .count()
}

#[test]
fn workers_are_started_and_the_idle_drained_first() {
    let mut rig = Rig::new();
    rig.pool.want(3);
    assert_eq!(started(&rig.later(1)), 3);
    assert_eq!(started(&rig.later(1)), 0);
    rig.beat(1);
    let idle = Heartbeat::default();
    rig.pool.beat(WorkerId(2), idle, rig.at);
    rig.pool.want(1);
    let ticked = rig.later(1);
    let drained = [WorkerId(2), WorkerId(1)].map(Command::Drain);
    assert_eq!(ticked.commands, drained);
    rig.end(WorkerId(2), 0);
    assert_eq!(rig.later(1), Ticked::default());
    assert_eq!(rig.pool.workforce().draining, 1);
}

#[test]
fn a_busy_worker_is_ended_only_past_its_deadline() {
    let mut rig = Rig::new();
    rig.pool.want(1);
    rig.later(1);
    rig.beat(1);
    rig.pool.want(0);
    rig.later(1);
    for _ in 0..30 {
        rig.beat(1);
        assert_eq!(rig.later(10), Ticked::default());
    }
    let ticked = rig.later(10);
    assert_eq!(ticked.commands, [Command::End(WorkerId(1), Why::Overdue)]);
    rig.end(WorkerId(1), 9);
    // It was asked to go: no crash.
    assert_eq!(rig.pool.workforce().crashed, 0);
}

#[test]
fn crashes_wait_longer_and_are_named() {
    let mut rig = Rig::new();
    rig.pool.want(3);
    rig.later(1);
    let mut waits = Vec::new();
    let mut events = Vec::new();
    for _ in 0..6 {
        for id in rig.running.clone() {
            rig.end(id, 1);
        }
        let mut seconds = 0;
        while rig.running.is_empty() {
            events.extend(rig.later(1).events);
            seconds += 1;
            assert!(seconds < 120);
        }
        waits.push(seconds);
    }
    assert_eq!(waits, [4, 8, 16, 32, 60, 60]);
    assert!(events.contains(&PoolEvent::Looping(5)), "{events:?}");
    assert!(rig.pool.is_looping());
    assert_eq!(rig.running.len(), 1, "one tries");
    rig.beat(0);
    for _ in 0..7 {
        rig.later(10);
        rig.beat(0);
    }
    assert!(!rig.pool.is_looping());
    assert_eq!(rig.running.len(), 3);
}

#[test]
fn who_is_late_silent_or_stuck_is_replaced() {
    let mut rig = Rig::new();
    rig.pool.want(1);
    rig.later(1);
    let ticked = rig.later(31);
    assert_eq!(ticked.commands[0], Command::End(WorkerId(1), Why::Late));
    rig.end(WorkerId(1), 9);
    rig.later(1);
    rig.beat(0);
    let ticked = rig.later(16);
    assert!(
        ticked
            .commands
            .contains(&Command::End(WorkerId(2), Why::Silent))
    );
    rig.end(WorkerId(2), 9);
    rig.later(2);
    rig.has_work = true;
    let mut given_up = None;
    for _ in 0..10 {
        rig.beat(0);
        let ticked = rig.later(10);
        given_up = given_up.or(ticked.events.first().copied());
    }
    assert_eq!(given_up, Some(PoolEvent::GivenUp(WorkerId(3), Why::Stuck)));
}

#[test]
fn a_long_job_is_not_stuck() {
    let mut rig = Rig::new();
    rig.pool.want(1);
    rig.later(1);
    rig.has_work = true;
    for _ in 0..1_000 {
        rig.beat(1);
        assert_eq!(rig.later(10).commands, []);
    }
}

#[test]
fn a_new_version_replaces_one_after_the_other() {
    let mut rig = Rig::new();
    rig.pool.want(2);
    rig.later(1);
    rig.beat(0);
    let newest = rig.pool.replace();
    assert_eq!(rig.later(1).commands, [Command::Start(WorkerId(3), newest)]);
    assert_eq!(rig.later(1).commands, []);
    rig.beat(0);
    assert_eq!(
        rig.later(1).commands,
        [Command::Drain(WorkerId(1))],
        "{:?}",
        rig.states()
    );
    rig.end(WorkerId(1), 0);
    assert_eq!(rig.later(1).commands, [Command::Start(WorkerId(4), newest)]);
    rig.beat(0);
    let ticked = rig.later(1);
    assert_eq!(ticked.commands, [Command::Drain(WorkerId(2))]);
    assert_eq!(ticked.events, [PoolEvent::Replaced(newest)]);
}

#[test]
fn what_a_start_takes_is_learnt() {
    let mut rig = Rig::new();
    rig.pool.want(1);
    rig.later(1);
    rig.at = rig.at.plus(Duration::from_secs(4));
    rig.beat(0);
    assert_eq!(
        rig.pool.workforce().start_time,
        Some(Duration::from_secs(4))
    );
}

proptest! {
    #[test]
    fn there_are_never_more_than_wanted_and_one(
        steps in prop::collection::vec((0u32..6, 0u8..6, 0usize..8, 0u64..40), 1..200)
    ) {
        let mut rig = Rig::new();
        let mut most = 0;
        for (target, what, who, seconds) in steps {
            match (what, rig.running.get(who).copied()) {
                (0, Some(id)) => rig.end(id, 1),
                (1, Some(id)) => rig.pool.beat(id, Heartbeat { leased: 2, finished: 0 }, rig.at),
                (2, _) => rig.beat(0),
                (3, _) => { rig.pool.replace(); }
                (4, _) => rig.has_work = !rig.has_work,
                _ => rig.pool.want(target),
            }
            most = rig.pool.target;
            rig.later(seconds);
            prop_assert!(rig.pool.workforce().present <= most + 1);
            let known = rig.pool.workers().count();
            prop_assert_eq!(known, rig.running.len());
        }
        // It comes to what is wanted once nobody crashes any more.
        for _ in 0..400 {
            rig.has_work = false;
            rig.beat(0);
            let ticked = rig.later(5);
            for command in ticked.commands {
                if let Command::Drain(id) | Command::End(id, _) = command {
                    rig.end(id, 0);
                }
            }
            for id in rig.pool.workers().filter(|w| !w.stays()).map(|w| w.id).collect::<Vec<_>>() {
                rig.end(id, 0);
            }
        }
        prop_assert_eq!(rig.pool.workforce().present, most);
    }
}
