//! Why there is an alert, and how its rules are doing.

use std::time::Duration;

use portique_monitor::{Fingerprint, Health};
use portique_series::Value;

use crate::language::labels;
use crate::script::World;

const RULES: &str = "
groups:
- name: tanks
  interval: 10s
  trigger: ingest
  rules:
  - {alert: Hot, expr: temp > on (tank) bound}
  - {record: broken, expr: '{__name__=~\"temp|bound\"}', labels: {tank: x}}
";

#[test]
fn an_alert_is_explained_by_its_own_samples() {
    let mut world = World::with_rules(RULES);
    for (series, value) in [
        ("temp{tank=\"lox\"}", 80.0),
        ("temp{tank=\"fuel\"}", 30.0),
        ("bound{tank=\"lox\"}", 90.0),
    ] {
        world.append(&labels(series), value);
    }
    world.until(world.now.plus(Duration::from_secs(2)));
    world.append(&labels("temp{tank=\"lox\"}"), 95.0);
    world.until(world.now);
    let alert = Fingerprint::of(&labels("{alertname=\"Hot\",tank=\"lox\"}"));
    let explained = world
        .engine
        .explain(alert, &world.store, world.now)
        .unwrap();
    let [explanation] = &explained[..] else {
        panic!("there is one")
    };
    assert_eq!(explanation.rule.as_ref().unwrap().rule.name(), "Hot");
    assert_eq!(explanation.episode.history.len(), 1);
    let [temp, bound] = &explanation.inputs[..] else {
        panic!("it reads two")
    };
    let values = |samples: &[(i64, Value)]| -> Vec<Value> {
        samples.iter().map(|(_, value)| value.clone()).collect()
    };
    let [(series, samples)] = &temp.series[..] else {
        panic!("of one tank: {temp:?}")
    };
    assert_eq!(series.to_string(), "temp{tank=\"lox\"}");
    assert_eq!(values(samples), [Value::Float(80.0), Value::Float(95.0)]);
    assert_eq!(values(&bound.series[0].1), [Value::Float(90.0)]);

    let other = Fingerprint::of(&labels("{alertname=\"Hot\",tank=\"fuel\"}"));
    assert!(
        world
            .engine
            .explain(other, &world.store, world.now)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_rule_that_fails_says_so_and_others_go_on() {
    let mut world = World::with_rules(RULES);
    world.append(&labels("temp{tank=\"lox\"}"), 95.0);
    world.append(&labels("bound{tank=\"lox\"}"), 90.0);
    world.until(world.now.plus(Duration::from_secs(1)));
    let groups: Vec<_> = world.engine.groups().collect();
    let [hot, broken] = &groups[0].rules[..] else {
        panic!("there are two")
    };
    assert_eq!(
        (hot.health.as_str(), hot.failures, hot.alerts.len()),
        ("ok", 0, 1)
    );
    let Health::Bad(error) = broken.health else {
        panic!("it cannot be good")
    };
    assert!(error.to_string().contains("same labelset"), "{error}");
    assert!(broken.failures > 0 && broken.failures == broken.evaluations);
}

#[test]
fn a_group_comes_at_its_own_times_and_says_what_it_missed() {
    let mut world = World::with_rules(RULES);
    let first = world.engine.next_due().unwrap();
    assert!(first.since(world.now) <= Duration::from_secs(10));
    let work = world.engine.tick(first);
    assert_eq!(work.due[0][0].at, first);
    for due in work.due.into_iter().flatten() {
        world.conclude(due, first);
    }
    let late = first.plus(Duration::from_millis(35_700));
    let work = world.engine.tick(late);
    assert_eq!(work.due[0][0].at, first.plus(Duration::from_secs(30)));
    let group = world.engine.groups().next().unwrap();
    assert_eq!(
        (group.missed, group.next_at),
        (2, first.plus(Duration::from_secs(40)))
    );
}
