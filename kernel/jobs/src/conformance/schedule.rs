use std::time::Duration;

use jiff::tz::TimeZone;
use portique_clock::Timestamp;

use super::support::{
    bodies, check_bodies, claim, claim_now, complete, define, enqueue, ids, job, jobs_of, options,
    schedule_name,
};
use super::{Capabilities, Harness, cases};
use crate::{Error, Jobs, MissedTicks, Overlap, Schedule, ScheduleState};

cases! {
    ticks_make_jobs: |claims| claims.schedules,
    a_schedule_goes_by_its_time_zone: |claims| claims.schedules,
    overlapping_ticks_do_as_told: |claims| claims.schedules,
    missed_ticks_do_as_told: |claims| claims.schedules && claims.durable,
    a_paused_schedule_makes_nothing: |claims| claims.schedules,
    wrong_schedules_are_refused: |claims| claims.schedules,
}

/// Every two seconds.
const OFTEN: &str = "*/2 * * * * *";
const PERIOD: Duration = Duration::from_secs(2);
/// Every twenty seconds, for what happens while the engine is down: a tick that is seen to within some
/// seconds is not missed.
const SELDOM: &str = "*/20 * * * * *";

fn schedule(name: &str, cron: &str) -> Schedule {
    Schedule {
        name: schedule_name(name),
        cron: cron.into(),
        zone: "UTC".into(),
        job: job(name),
        missed: MissedTicks::Last,
        overlap: Overlap::Queue,
        is_paused: false,
    }
}

async fn define_schedule(jobs: &dyn Jobs, schedule: Schedule) {
    jobs.define_schedule(schedule)
        .await
        .expect("the schedule is made");
}

async fn state(jobs: &dyn Jobs, name: &str) -> ScheduleState {
    let states = jobs.schedules().await.expect("listing works");
    let found = states
        .into_iter()
        .find(|state| state.schedule.name == schedule_name(name));
    found.expect("it is there")
}

/// Lets time pass until just after the next tick, and returns when that was.
async fn advance_to_tick(harness: &mut dyn Harness, name: &str) -> Timestamp {
    let jobs = harness.jobs();
    let next = state(&*jobs, name).await.next.expect("it ticks on");
    harness.advance(next.since(harness.now())).await;
    next
}

async fn ticks_make_jobs(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let tick = schedule("tick", OFTEN);
    define_schedule(&*jobs, tick.clone()).await;
    let shown = state(&*jobs, "tick").await;
    assert_eq!((&shown.schedule, shown.last), (&tick, None));
    let at = advance_to_tick(harness, "tick").await;
    assert_eq!(at.as_millis() % 2_000, 0, "on even seconds: {at}");
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["tick"]);
    let shown = state(&*jobs, "tick").await;
    assert_eq!(shown.last, Some((at, Some(claimed[0].lease.id))));
    if claims.durable {
        harness.reopen(Duration::ZERO).await;
        assert_eq!(state(&*harness.jobs(), "tick").await.schedule, tick);
    }
    let jobs = harness.jobs();
    advance_to_tick(harness, "tick").await;
    check_bodies(&claim(&*jobs, "w", 1).await, &["tick"]);
    jobs.remove_schedule(&tick.name).await.expect("it is there");
    let before = ids(&*jobs, None).await;
    harness.advance(PERIOD * 2).await;
    assert_eq!(ids(&*jobs, None).await, before, "it makes none any more");
    assert_eq!(jobs.schedules().await.expect("listing works"), []);
}

async fn a_schedule_goes_by_its_time_zone(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    for (name, zone) in [
        ("paris", "Europe/Paris"),
        ("kathmandu", "Asia/Kathmandu"),
        ("new-york", "America/New_York"),
        ("utc", "UTC"),
    ] {
        let daily = Schedule {
            zone: zone.into(),
            ..schedule(name, "30 3 * * *")
        };
        define_schedule(&*jobs, daily).await;
        let next = state(&*jobs, name).await.next.expect("it ticks every day");
        let there = TimeZone::get(zone).expect("the zone is known");
        let at = jiff::Timestamp::from_nanosecond(next.as_nanos().into());
        let at = at.expect("it is within range").to_zoned(there);
        assert_eq!((at.hour(), at.minute(), at.second()), (3, 30, 0), "{at}");
        let wait = next.since(harness.now());
        assert!(
            wait <= Duration::from_secs(25 * 3_600),
            "within a day: {wait:?}"
        );
    }
}

async fn overlapping_ticks_do_as_told(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    for (name, overlap) in [
        ("queue", Overlap::Queue),
        ("skip", Overlap::Skip),
        ("replace", Overlap::Replace),
    ] {
        define_schedule(
            &*jobs,
            Schedule {
                overlap,
                ..schedule(name, OFTEN)
            },
        )
        .await;
    }
    for _ in 0..3 {
        advance_to_tick(harness, "queue").await;
    }
    jobs.pause(&super::support::queue(), None)
        .await
        .expect("pausing works");
    for name in ["queue", "skip", "replace"] {
        jobs.remove_schedule(&schedule_name(name))
            .await
            .expect("it is there");
    }
    jobs.resume(&super::support::queue(), None)
        .await
        .expect("resuming works");
    let found = bodies(&claim_now(&*jobs, "w", 100).await);
    let count = |name| found.iter().filter(|text| *text == name).count();
    assert_eq!(
        (count("queue"), count("skip"), count("replace")),
        (3, 1, 1),
        "{found:?}"
    );
    assert_eq!(
        ids(&*jobs, Some("cancelled")).await.len(),
        2,
        "the replaced ones"
    );
}

async fn missed_ticks_do_as_told(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    for (name, missed) in [
        ("skip", MissedTicks::Skip),
        ("last", MissedTicks::Last),
        ("all", MissedTicks::All),
    ] {
        define_schedule(
            &*jobs,
            Schedule {
                missed,
                ..schedule(name, SELDOM)
            },
        )
        .await;
    }
    advance_to_tick(harness, "skip").await;
    let first = claim(&*jobs, "w", 3).await;
    complete(&*jobs, &first).await;
    drop(jobs);
    // Two ticks pass, long before the engine is back, and the next one is far.
    harness.advance(Duration::from_millis(500)).await;
    harness.reopen(Duration::from_secs(52)).await;
    harness.advance(Duration::from_millis(100)).await;
    let mut found = bodies(&claim_now(&*harness.jobs(), "w", 100).await);
    found.sort_unstable();
    assert_eq!(found, ["all", "all", "last"]);
}

async fn a_paused_schedule_makes_nothing(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let paused = Schedule {
        is_paused: true,
        ..schedule("tick", OFTEN)
    };
    define_schedule(&*jobs, paused.clone()).await;
    harness.advance(PERIOD).await;
    harness.advance(PERIOD).await;
    assert_eq!(ids(&*jobs, None).await, []);
    define_schedule(
        &*jobs,
        Schedule {
            is_paused: false,
            ..paused
        },
    )
    .await;
    assert_eq!(ids(&*jobs, None).await, [], "ticks count from now on");
    advance_to_tick(harness, "tick").await;
    assert_eq!(ids(&*jobs, None).await.len(), 1);
}

async fn wrong_schedules_are_refused(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let base = schedule("tick", OFTEN);
    let mut late = base.clone();
    late.job.options.run_at = Some(harness.now());
    let mut keyed = base.clone();
    keyed.job.options.idempotency_key = Some("k".into());
    let wrong = [
        Schedule {
            cron: "whenever".into(),
            ..base.clone()
        },
        Schedule {
            cron: "* * * *".into(),
            ..base.clone()
        },
        Schedule {
            cron: "61 * * * *".into(),
            ..base.clone()
        },
        Schedule {
            zone: "Europe/Atlantis".into(),
            ..base
        },
        late,
        keyed,
    ];
    for wrong in wrong {
        let refused = jobs.define_schedule(wrong).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(jobs.schedules().await.expect("listing works"), []);
    let refused = jobs.remove_schedule(&schedule_name("tick")).await;
    assert!(
        matches!(
            refused,
            Err(Error::UnknownName {
                what: "schedule",
                ..
            })
        ),
        "{refused:?}"
    );
}
