//! Many rules, one sample.

use std::fmt::Write;
use std::time::Duration;

use portique_clock::Timestamp;

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
fn a_burst_is_evaluated_within_twenty_milliseconds_and_no_more_often() {
    let mut world = World::with_rules(&thousand_others());
    let series = labels("m1");
    let begin = world.now;
    let mut evaluations = 0;
    for millisecond in 0..1_000 {
        world.now = begin.plus(Duration::from_millis(millisecond));
        world.append(&series, 1.0);
        let due = world.engine.next_due().unwrap();
        assert!(due.since(world.now) <= Duration::from_millis(20), "{due}");
        if due <= world.now {
            evaluations += 1;
            world.until(world.now);
        }
    }
    assert_eq!(evaluations, 50);
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
    let alerts = world.engine.alerts();
    assert_eq!(alerts[0].labels.get("long").map(str::len), Some(4 << 10));
    let texts = alerts[0].annotations.iter().map(|(_, text)| text.len());
    assert_eq!(texts.collect::<Vec<_>>(), [20_000, 20_000, 20_000, 5_536]);
}
