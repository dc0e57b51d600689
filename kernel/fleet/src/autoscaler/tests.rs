use proptest::prelude::*;

use super::*;
use crate::Workforce;

/// An autoscaler whose wishes come true at once, looked at every second.
struct Rig {
    scaler: Autoscaler,
    at: Timestamp,
    backlog: Backlog,
    workforce: Workforce,
    room: u32,
}

impl Rig {
    fn new(policy: Policy) -> Self {
        Self {
            scaler: Autoscaler::new(policy).unwrap(),
            at: Timestamp::from_millis(1_000_000),
            backlog: Backlog::default(),
            workforce: Workforce::default(),
            room: 1_000,
        }
    }

    fn look(&mut self, backlog: Option<Backlog>) -> Decision {
        self.at = self.at.plus(Duration::from_secs(1));
        let seen = Observation {
            at: self.at,
            backlog,
            workforce: self.workforce,
            room: self.room,
        };
        let decision = self.scaler.observe(&seen);
        self.workforce.present = decision.target;
        decision
    }

    fn see(&mut self) -> Decision {
        self.look(Some(self.backlog))
    }

    /// Looks for so many seconds; the last decision.
    fn wait(&mut self, seconds: u32) -> Decision {
        let mut decision = self.see();
        for _ in 1..seconds {
            decision = self.see();
        }
        decision
    }

    fn ready(&mut self, ready: u64) -> Decision {
        self.backlog.ready = ready;
        self.see()
    }
}

fn policy() -> Policy {
    Policy {
        max: 50,
        ..Policy::default()
    }
}

#[test]
fn a_backlog_is_caught_up_with_at_once() {
    let mut rig = Rig::new(policy());
    // 100 jobs of a second each, in five seconds.
    assert_eq!(rig.ready(100).target, 20);
    assert_eq!(rig.ready(10_000).target, 50);
}

#[test]
fn more_hands_than_jobs_are_of_no_use() {
    let fast = Policy {
        catch_up: Duration::from_millis(100),
        ..policy()
    };
    let mut rig = Rig::new(fast);
    assert_eq!(rig.ready(3).target, 4);
}

#[test]
fn slots_are_shared_by_a_worker() {
    let mut rig = Rig::new(Policy {
        slots: 8,
        ..policy()
    });
    assert_eq!(rig.ready(100).target, 3);
}

#[test]
fn a_job_that_waits_for_long_doubles_the_wish_at_most() {
    let mut rig = Rig::new(Policy {
        wait_objective: Some(Duration::from_secs(10)),
        ..policy()
    });
    rig.backlog.oldest = Some(Duration::from_secs(5));
    assert_eq!(rig.ready(100).target, 20);
    rig.backlog.oldest = Some(Duration::from_secs(15));
    assert_eq!(rig.ready(100).target, 30);
    rig.backlog.oldest = Some(Duration::from_secs(500));
    assert_eq!(rig.ready(100).target, 40);
}

#[test]
fn a_job_behind_one_that_takes_longer_than_any_before_gets_a_worker() {
    let mut rig = Rig::new(policy());
    assert_eq!(rig.ready(2).target, 1);
    (rig.backlog.ready, rig.backlog.leased) = (1, 1);
    assert_eq!(rig.wait(5).target, 1);
    // Nobody has ended a job for longer than the backlog was to be caught up with in.
    assert_eq!(rig.wait(2).target, 2);
    // Those that are ended in time need nobody else.
    let mut rig = Rig::new(policy());
    rig.ready(2);
    (rig.backlog.ready, rig.backlog.leased) = (1, 1);
    for _ in 0..20 {
        rig.backlog.finished += 1;
        rig.backlog.busy += Duration::from_secs(1);
        assert_eq!(rig.see().target, 1);
    }
}

#[test]
fn machine_policy_and_downstream_bound_it() {
    let mut rig = Rig::new(policy());
    rig.room = 7;
    assert_eq!(rig.ready(10_000).target, 7);
    let mut rig = Rig::new(Policy {
        downstream_jobs_per_second: Some(12.0),
        ..policy()
    });
    // Each worker does one job a second.
    assert_eq!(rig.ready(10_000).target, 12);
}

#[test]
fn room_that_is_gone_is_given_back_at_once() {
    let mut rig = Rig::new(policy());
    assert_eq!(rig.ready(10_000).target, 50);
    rig.room = 10;
    assert_eq!(rig.see().target, 10);
}

#[test]
fn going_down_waits_for_the_window_and_goes_in_steps() {
    let mut rig = Rig::new(policy());
    assert_eq!(rig.ready(160).target, 32);
    rig.backlog.leased = 2;
    assert_eq!(rig.ready(0).target, 32);
    assert_eq!(rig.see().hold, Some(Hold::Window));
    assert_eq!(rig.wait(12).target, 32);
    let targets: Vec<u32> = (0..20).map(|_| rig.see().target).collect();
    let mut steps = targets.clone();
    steps.dedup();
    assert_eq!(steps, [32, 16, 8, 4, 2]);
    assert!(targets.iter().filter(|target| **target == 16).count() >= 4);
}

#[test]
fn a_busy_worker_is_never_too_many() {
    let mut rig = Rig::new(policy());
    rig.ready(100);
    rig.backlog.leased = 20;
    assert_eq!(rig.ready(0).target, 20);
    assert_eq!(rig.wait(600).target, 20);
}

#[test]
fn the_last_worker_goes_after_the_cooldown() {
    let mut rig = Rig::new(policy());
    assert_eq!(rig.ready(1).target, 1);
    rig.ready(0);
    assert_eq!(rig.wait(59).target, 1);
    assert_eq!(rig.see().target, 0);
    assert_eq!(rig.ready(1).target, 1);
}

#[test]
fn a_job_that_is_due_soon_keeps_or_wakes_a_worker() {
    let mut rig = Rig::new(policy());
    rig.ready(1);
    let due = rig.at.plus(Duration::from_secs(200));
    rig.backlog.next_due = Some(due);
    rig.ready(0);
    assert_eq!(rig.wait(70).target, 0);
    rig.backlog.due_soon = 1;
    assert_eq!(rig.see().target, 1);
    rig.backlog.due_soon = 0;
    rig.backlog.next_due = Some(rig.at.plus(Duration::from_secs(120)));
    let decision = rig.wait(70);
    assert_eq!((decision.target, decision.hold), (1, Some(Hold::Cooldown)));
}

#[test]
fn unknown_is_not_zero() {
    let mut rig = Rig::new(Policy {
        blind: Some(5),
        ..policy()
    });
    rig.ready(10);
    let decision = rig.look(None);
    assert_eq!((decision.target, decision.hold), (2, Some(Hold::Unknown)));
    rig.look(None);
    let decision = rig.look(None);
    assert_eq!((decision.target, decision.hold), (5, Some(Hold::Blind)));
    for _ in 0..1_000 {
        assert_eq!(rig.look(None).target, 5);
    }
    // The cooldown begins when it can be read again.
    rig.backlog.ready = 0;
    assert_eq!(rig.see().target, 5);
}

#[test]
fn workers_that_only_die_are_not_multiplied() {
    let mut rig = Rig::new(policy());
    rig.ready(10);
    for crashed in 1..=5 {
        rig.workforce.crashed = crashed;
        rig.see();
    }
    let decision = rig.ready(10_000);
    assert_eq!((decision.target, decision.hold), (2, Some(Hold::Crashing)));
    rig.backlog.finished += 100;
    rig.backlog.busy += Duration::from_secs(100);
    assert_eq!(rig.see().target, 50);
}

#[test]
fn people_come_first() {
    let mut rig = Rig::new(policy());
    rig.scaler.decide_by(Mode::Manual(9));
    let decision = rig.ready(100);
    assert_eq!((decision.target, decision.hold), (9, Some(Hold::Manual)));
    rig.scaler.decide_by(Mode::Manual(90));
    assert_eq!(rig.see().target, 50);
    rig.scaler.decide_by(Mode::Paused);
    assert_eq!(rig.ready(1).target, 50);
    rig.workforce.present = 3;
    rig.scaler.decide_by(Mode::DryRun);
    let decision = rig.ready(100);
    assert_eq!((decision.target, decision.wanted), (3, 20));
    assert_eq!(decision.hold, Some(Hold::DryRun));
}

#[test]
fn a_pool_that_goes_up_and_down_waits_longer() {
    let mut rig = Rig::new(Policy {
        stabilisation: Some(Duration::from_secs(10)),
        ..policy()
    });
    let mut windows = Vec::new();
    for _ in 0..6 {
        rig.ready(250);
        rig.backlog.ready = 5;
        let mut seconds = 0;
        while rig.see().target == 50 {
            seconds += 1;
            assert!(seconds < 100);
        }
        windows.push(seconds);
    }
    assert!(windows[0] <= 10 && windows[5] >= 20, "{windows:?}");
}

#[test]
fn a_restart_goes_on_from_the_last_decision() {
    let mut rig = Rig::new(policy());
    let last = rig.ready(100);
    let mut again = Rig::new(policy());
    again.scaler.resume(&last);
    again.workforce.present = last.target;
    again.at = rig.at;
    assert_eq!(again.ready(0).target, 20);
}

#[test]
fn a_decision_explains_itself_and_is_kept() {
    let mut rig = Rig::new(policy());
    rig.backlog.oldest = Some(Duration::from_secs(8));
    let decision = rig.ready(100);
    assert_eq!(
        decision.to_string(),
        "goes from 0 up to 20: 100 jobs wait, 0 are in work, 0.0 come a second, each takes 1.0s, \
         the oldest waits for 8.0s; 20.0 slots, so 20 workers are wanted"
    );
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
}

proptest! {
    #[test]
    fn bounds_hold_whatever_is_seen(
        looks in prop::collection::vec(
            (0u64..3_000, 0u64..60, 0u64..200, 0u32..80, any::<bool>(), -5i64..30),
            1..200,
        ),
        min in 0u32..5,
    ) {
        let mut rig = Rig::new(Policy { min, ..policy() });
        for (ready, leased, step, room, is_known, seconds) in looks {
            rig.at = match u64::try_from(seconds) {
                Ok(later) => rig.at.plus(Duration::from_secs(later)),
                Err(_) => rig.at.minus(Duration::from_secs(seconds.unsigned_abs() + 1)),
            };
            rig.room = room;
            rig.backlog.ready = ready;
            rig.backlog.leased = leased.min(u64::from(rig.workforce.present));
            rig.backlog.arrived += step;
            rig.backlog.finished += step / 2;
            rig.backlog.busy += Duration::from_millis(step * 300);
            let before = rig.workforce.present;
            let backlog = is_known.then_some(rig.backlog);
            let decision = rig.look(backlog);
            prop_assert!(decision.target <= room.min(50), "{decision}");
            let allowed = before.min(room).min(50);
            if let Some(backlog) = backlog {
                let busy = u32::try_from(backlog.leased).unwrap();
                prop_assert!(decision.target >= busy.min(allowed), "{decision}");
                prop_assert!(decision.wanted >= min.min(room), "{decision}");
            } else {
                prop_assert!(decision.target >= allowed, "{decision}");
            }
        }
    }
}
