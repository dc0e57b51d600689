//! Many rules, one sample.

use std::fmt::Write;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_monitor::Act;

use crate::language::labels;
use crate::script::World;

fn thousand_others() -> String {
    let mut rules =
        "groups:\n- name: all\n  interval: 24h\n  trigger: ingest\n  rules:\n".to_owned();
    for number in 0..1_000 {
        writeln!(rules, "  - {{alert: A{number}, expr: 'm{number} > 90'}}").unwrap();
        writeln!(
            rules,
            "  - {{alert: B{number}, expr: 'm{{tank=\"{number}\"}} > 90'}}"
        )
        .unwrap();
    }
    rules
}

#[test]
fn with_a_thousand_other_rules_only_those_that_read_the_sample_are_evaluated() {
    let mut world = World::with_rules(&thousand_others());
    let before = world.engine.next_due().unwrap();
    assert!(!world.append(&labels(r#"other{tank="7"}"#), 99.0));
    assert_eq!(world.engine.next_due(), Some(before));

    assert!(world.append(&labels(r#"m{tank="7"}"#), 99.0));
    assert!(!world.append(&labels(r#"m{tank="7"}"#), 99.0));
    assert_eq!(world.engine.next_due(), Some(world.now));
    let work = world.engine.tick(world.now);
    let due: Vec<&str> = work
        .due
        .iter()
        .flatten()
        .map(|due| due.rule.name())
        .collect();
    assert_eq!(due, ["B7"]);
}

#[test]
fn what_needs_no_query_waits_for_nothing_that_does() {
    let mut world = World::with_rules(
        "groups:
- {name: a, interval: 1s, rules: [{record: every, expr: sum(temp)}]}
- {name: b, interval: 24h, trigger: ingest, rules: [{record: all, expr: sum(temp)}, {alert: A, expr: temp > 90}]}
",
    );
    let tick = world.engine.next_due().unwrap();
    world.now = tick;
    world.append(&labels("temp"), 95.0);
    let work = world.engine.tick(world.now);
    let due = work.due.iter().flatten();
    assert_eq!(
        due.map(|due| due.rule.name()).collect::<Vec<_>>(),
        ["A", "every", "all"]
    );
}

#[test]
fn a_burst_is_evaluated_soon_and_no_more_often() {
    assert_eq!(evaluations_in_a_second(&thousand_others(), "m1", 2), 500);
    let queries = "groups:
- {name: a, interval: 24h, trigger: ingest, rules: [{alert: A, expr: sum(temp) > 90}]}
";
    assert_eq!(evaluations_in_a_second(queries, "temp", 20), 50);
}

/// With a sample each millisecond, none of which waits for longer than this.
fn evaluations_in_a_second(rules: &str, metric: &str, wait_ms: u64) -> u32 {
    let mut world = World::with_rules(rules);
    let series = labels(metric);
    let begin = world.now;
    let mut evaluations = 0;
    for millisecond in 0..1_000 {
        world.now = begin.plus(Duration::from_millis(millisecond));
        world.append(&series, 1.0);
        let due = world.engine.next_due().unwrap();
        assert!(
            due.since(world.now) <= Duration::from_millis(wait_ms),
            "{due}"
        );
        if due <= world.now {
            evaluations += 1;
            world.until(world.now);
        }
    }
    evaluations
}

#[test]
fn a_rule_that_takes_long_takes_a_fifth_of_a_processor() {
    let mut world = World::with_rules(&thousand_others());
    world.append(&labels("m1"), 1.0);
    world.took = Duration::from_millis(100);
    world.until(world.now);
    world.append(&labels("m1"), 1.0);
    let rest = world.engine.next_due().unwrap().since(world.now);
    assert_eq!(rest, Duration::from_millis(400));
}

#[test]
fn what_is_far_ahead_of_the_clock_waits_for_its_time() {
    let mut world = World::with_rules(&thousand_others());
    let before = world.engine.next_due();
    let ahead = |ms: u64| world.now.plus(Duration::from_millis(ms)).as_millis();
    let value = portique_series::Value::Float(99.0);
    world
        .engine
        .appended(&labels("m1"), ahead(1_001), &value, world.now);
    assert_eq!(world.engine.next_due(), before);
    world
        .engine
        .appended(&labels("m2"), ahead(300), &value, world.now);
    let work = world.engine.tick(world.now);
    let at: Vec<Timestamp> = work.due.iter().flatten().map(|due| due.at).collect();
    assert_eq!(at, [Timestamp::from_millis(ahead(300))]);
}

#[test]
fn evaluations_can_be_made_on_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<portique_monitor::DueRule>();
    is_send::<portique_monitor::Evaluated>();
    is_send::<portique_monitor::Engine>();
}

#[test]
fn texts_without_measure_are_cut() {
    let many = "é".repeat(10_000);
    let mut world = World::with_rules(&format!(
        "groups:
- name: a
  interval: 24h
  trigger: ingest
  rules:
  - alert: A
    expr: m > 90
    labels: {{long: '{many}'}}
    annotations: {{a: '{many}', b: '{many}', c: '{many}', d: '{many}', e: '{many}'}}
"
    ));
    world.append(&labels("m"), 95.0);
    world.until(world.now);
    let alerts = world.engine.alerts(world.now);
    assert_eq!(alerts[0].labels.get("long").map(str::len), Some(4 << 10));
    let texts = alerts[0].annotations.iter().map(|(_, text)| text.len());
    assert_eq!(texts.collect::<Vec<_>>(), [20_000, 20_000, 20_000, 5_536]);
}

const SLOW_GROUP: &str = "groups:
- name: slow
  interval: 10s
  rules:
  - {record: heavy, expr: sum(temp)}
  - {alert: Hot, expr: temp > 90, trigger: ingest}
";

#[test]
fn a_group_on_its_way_holds_up_neither_samples_nor_the_clock() {
    let mut world = World::with_rules(SLOW_GROUP);
    world.now = world.engine.next_due().unwrap();
    let tick = world.now;
    let mut group = world.engine.tick(tick).due.remove(0).into_iter();
    let (heavy, hot) = (group.next().unwrap(), group.next().unwrap());
    let heavy = world.engine.begin(heavy).unwrap();
    assert_eq!(world.engine.next_due(), None);

    // Two intervals later it still goes on, and a sample arrives.
    world.now = tick.plus(Duration::from_secs(25));
    world.append(&labels("temp"), 95.0);
    let work = world.engine.tick(world.now);
    let due = work.due.into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].since, Some(world.now));
    assert!(due[0].is_quick());
    for due in due {
        let due = world.engine.begin(due).unwrap();
        world.conclude(due, world.now);
    }
    assert_eq!(world.engine.alerts(world.now).len(), 1);

    // Its turn in the group is not for a time before that.
    let late = world.now;
    world.conclude(heavy, late);
    let hot = world.engine.begin(hot).unwrap();
    assert!(hot.at > late, "{}", hot.at);
    world.conclude(hot, late);
    let missed = world.engine.tick(world.now);
    assert_eq!(missed.due[0][0].at, tick.plus(Duration::from_secs(20)));
    assert_eq!(world.engine.groups().next().unwrap().missed, 1);
}

#[test]
fn a_rule_that_is_being_evaluated_is_looked_at_whole_right_after() {
    let mut world = World::with_rules(SLOW_GROUP);
    world.now = world.engine.next_due().unwrap();
    world.append(&labels("temp"), 95.0);
    let mut work = world.engine.tick(world.now);
    let quick = work.due.remove(0).remove(0);
    let group = work.due.remove(0);
    let quick = world.engine.begin(quick).unwrap();
    world.now = world.now.plus(Duration::from_millis(1));
    world.append(&labels("temp"), 96.0);
    assert!(world.engine.tick(world.now).due.is_empty(), "it is busy");
    let begun: Vec<_> = group
        .into_iter()
        .map(|due| world.engine.begin(due))
        .collect();
    assert!(begun[1].is_none());
    world.conclude(quick, world.now);
    let next = world.engine.next_due().unwrap();
    assert!(next.since(world.now) <= Duration::from_millis(2), "{next}");
    let work = world.engine.tick(next);
    let due: Vec<_> = work.due.iter().flatten().collect();
    assert_eq!(due.len(), 1);
    assert!(!due[0].is_quick());
}

#[test]
fn samples_that_nobody_can_name_make_all_rules_due() {
    let mut world = World::with_rules(&thousand_others());
    world.engine.lost_track(world.now);
    let work = world.engine.tick(world.now);
    assert_eq!(work.due.len(), 2_000);
    assert!(work.due.iter().flatten().all(|due| !due.is_quick()));
}

#[test]
fn who_is_not_concerned_need_not_be_told_of() {
    let rules = "groups:
- {name: a, trigger: ingest, rules: [{alert: A, expr: temp > 90}, {alert: B, expr: '{tank=~\"l.*\"} > 1'}]}
- {name: b, rules: [{alert: C, expr: level > 90}]}
";
    let world = World::with_rules(rules);
    let interest = world.engine.interest();
    let mut batch = portique_series::Batch::new();
    for series in [
        "temp",
        "level",
        "level{tank=\"lox\"}",
        "level{tank=\"fuel\"}",
    ] {
        batch.series(&labels(series)).unwrap();
    }
    let told: Vec<bool> = batch.iter().map(|series| interest.has(&series)).collect();
    assert_eq!(told, [true, false, true, false]);
    assert!(World::with_rules("groups: []").engine.interest().is_empty());
}

#[test]
fn nobody_is_told_of_what_is_put_aside_until_its_shelf_ends() {
    let mut world = World::with_rules(&thousand_others());
    let hot = labels("m1");
    world.append(&hot, 95.0);
    world.until(world.now);
    let told = world.engine.alerts(world.now);
    let alert = told[0].fingerprint;
    let until = world.now.plus(Duration::from_mins(10));
    let act = Act::Shelve {
        until,
        comment: "filling".into(),
    };
    let fact = world.engine.book().decide(alert, "ada", act, world.now);
    world.engine.apply(&fact.unwrap());
    let aside = world.engine.firing(&told[0].labels, world.now);
    assert_eq!(aside[0].shelved_until, Some(until));
    assert_eq!(world.engine.alerts(world.now), aside);
    assert!(world.engine.next_due().unwrap() <= until);
    let work = world.engine.tick(until);
    assert_eq!(work.alerts, told);
    assert_eq!(world.engine.tick(until).alerts, []);
}
