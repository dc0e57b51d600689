//! Rule files, right and wrong.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_monitor::{
    Action, ActionError, ActionRequest, Actions, Fact, RuleDefaults, RuleGroup, RuleKind, Trigger,
    duplicate_rules, read_rule_file, read_unit_tests,
};
use proptest::prelude::*;

use crate::language::promql;

fn read(text: &str) -> Result<Vec<RuleGroup>, Vec<String>> {
    let read = read_rule_file("r.yml", text, &promql(), &RuleDefaults::default());
    read.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn all_mistakes_of_a_file_are_told_with_place_and_remedy() {
    let problems = read(
        r#"groups:
- name: a
  intervall: 5s
  limit: many
  rules:
  - alert: Hot
    expr: temp >
    for: soon
  - record: x{y="z"}
    expr: temp
    for: 5m
    labels: {__name__: y}
  - expr: temp
  - alert: Two
    record: two
    expr: temp
  - alert: Text
    expr: temp > 1
    annotations: {summary: "{{ $labels.tank "}
    labels: {alertname: x}
  - alert: Silent
    expr: absent(temp)
    stale: alert
    resolve_expr: temp
    trigger: push
  - alert: Nobody
    expr: absent(temp)
    stale: alarm
  - alert: Never
    expr: temp > 1
    stale_while: temp >
- name: a
- rules: []
"#,
    )
    .unwrap_err();
    assert_eq!(problems, PROBLEMS);
}

const PROBLEMS: &[&str] = &[
    r#"r.yml:3:3: "intervall" is no key of a group: did you mean "interval"?"#,
    "r.yml:4:10: limit is a whole number, 0 or above",
    "r.yml:7:11: expr: 1:7: parse error: unexpected end of input",
    r#"r.yml:8:10: for is a duration such as 30s or 1h30m, not "soon""#,
    "r.yml:9:13: braces in the recorded name: a selector belongs into expr, labels into labels",
    "r.yml:11:10: for is for alerting rules: a recording rule has none",
    "r.yml:12:14: __name__ is no name for labels: use record",
    "r.yml:13:5: a rule needs record or alert",
    "r.yml:14:12: a rule has either record or alert: make it two rules",
    "r.yml:19:28: summary: template line 1, column 1: this action is not closed: write }}",
    "r.yml:20:14: alertname is set by alert: leave it out",
    "r.yml:23:12: stale is resolve or alarm",
    "r.yml:24:19: resolve_expr compares with a number, such as temperature < 80",
    "r.yml:25:14: trigger is interval or ingest",
    "r.yml:28:12: stale: alarm needs an expr or resolve_expr that compares with a number, such as \
     temperature > 90: else nobody knows which series there should be",
    "r.yml:31:18: stale_while: 1:7: parse error: unexpected end of input",
    "r.yml:31:18: stale_while says when stale: alarm is one: write that too, or leave it out",
    "r.yml:32:3: group \"a\" is there twice in this file: rename one",
    "r.yml:33:3: a group needs a name",
];

#[test]
fn keys_mean_what_they_mean_in_prometheus() {
    let groups = read(
        r#"groups:
- name: a
  interval: 30s
  query_offset: 1m
  limit: 5
  labels: {team: ground, tier: 1}
  rules:
  - alert: Hot
    expr: temp > 90
    for: 5m
    keep_firing_for: 10m
    labels: {tier: 2}
    annotations: {summary: hot}
  - record: "a:b"
    expr: sum(temp)
    trigger: ingest
- name: b
"#,
    )
    .unwrap();
    let [a, b] = &groups[..] else { panic!() };
    assert_eq!(
        (a.interval, a.query_offset, a.limit),
        (Duration::from_secs(30), Duration::from_mins(1), 5)
    );
    assert_eq!(
        (b.interval, b.limit, b.rules.len()),
        (Duration::from_mins(1), 0, 0)
    );
    let [hot, recorded] = &a.rules[..] else {
        panic!()
    };
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(hot.labels, [own("team", "ground"), own("tier", "2")]);
    let RuleKind::Alerting(alerting) = &hot.kind else {
        panic!()
    };
    assert_eq!(alerting.hold, Duration::from_mins(5));
    assert_eq!(alerting.keep_firing, Duration::from_mins(10));
    assert_eq!(
        (hot.trigger, recorded.trigger),
        (Trigger::Interval, Trigger::Ingest)
    );
    assert_eq!(hot.line, 8);
}

#[test]
fn a_rule_keeps_its_identity_when_its_expression_changes_only() {
    let id = |text: &str| {
        read(text).unwrap()[0]
            .rules
            .iter()
            .map(|r| r.id)
            .collect::<Vec<_>>()
    };
    let file = |expr: &str, tier: &str| {
        format!(
            "groups: [{{name: a, rules: [{{alert: A, expr: {expr}, labels: {{tier: {tier}}}}}]}}]"
        )
    };
    assert_eq!(id(&file("up > 1", "1")), id(&file("up > 2", "1")));
    assert_ne!(id(&file("up > 1", "1")), id(&file("up > 1", "2")));
    let twins = id("groups: [{name: a, rules: [{alert: A, expr: x}, {alert: A, expr: y}]}]");
    assert_ne!(twins[0], twins[1]);
}

#[test]
fn rules_that_yield_the_same_are_found() {
    let groups = read(
        "groups:
- name: a
  rules:
  - {record: x, expr: up, labels: {a: 1}}
  - {record: x, expr: down, labels: {a: 1}}
  - {record: x, expr: down, labels: {a: 2}}
  - {alert: x, expr: down, labels: {a: 1}}
",
    )
    .unwrap();
    let duplicates = duplicate_rules(&groups);
    let [twice] = &duplicates[..] else {
        panic!("{duplicates:?}")
    };
    assert_eq!(twice.name, "x");
    assert_eq!(
        twice
            .places
            .iter()
            .map(|(_, line)| *line)
            .collect::<Vec<_>>(),
        [4, 5]
    );
}

#[test]
fn an_empty_file_has_no_rules() {
    assert!(read("").unwrap().is_empty());
    assert!(read("groups:\n").unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is in a file, it is read or refused with places that are in it.
    #[test]
    fn any_text_is_read_or_refused(pieces in prop::collection::vec(prop::sample::select(vec![
        "groups:", "- name: a", "rules:", "expr: ", "alert: ", "for: 1m", "labels: ", "\n", "\n  ", "\n    ", "- ",
        "{", "}", "[", "]", "&a ", "*a", "'", "\"", "|", ">", "#", "é", "%", "---", "null", "up > 1", "{{ $x", "\t", ":",
        "tests:", "input_series:", "series: ", "values: ", "1x3", "{{sum:1",
    ]), 0..60)) {
        let text = pieces.concat();
        let lines = u32::try_from(text.matches('\n').count()).unwrap() + 1;
        let defaults = RuleDefaults::default();
        let problems = read_rule_file("r.yml", &text, &promql(), &defaults).err();
        let others = read_unit_tests("t.yml", &text).err();
        for problem in problems.into_iter().chain(others).flatten() {
            prop_assert!((1..=lines + 1).contains(&problem.line), "{} of {:?}", problem, text);
            prop_assert!(problem.column >= 1 && !problem.message.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_a_fact_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..300) {
        prop_assert!(Fact::decode(&bytes).is_err());
        let fact = Fact::Alive { at: Timestamp::EPOCH };
        let mut damaged = fact.encode();
        damaged.truncate(cut);
        let whole = cut >= fact.encode().len();
        prop_assert_eq!(Fact::decode(&damaged).is_ok(), whole);
    }
}

struct Stop;

#[async_trait::async_trait]
impl Action for Stop {
    fn name(&self) -> &str {
        "pump.stop"
    }

    fn check(&self, params: &BTreeMap<String, String>) -> Result<(), String> {
        match params.contains_key("pump") {
            true => Ok(()),
            false => Err("it needs params with pump".into()),
        }
    }

    async fn call(&self, _: ActionRequest) -> Result<String, ActionError> {
        Ok("stopped".into())
    }
}

#[test]
fn a_rule_records_nothing_under_a_name_that_is_somebodys_own() {
    let text = r#"groups:
- name: a
  rules:
  - {record: pump_speed, expr: m}
  - {record: pumps, expr: pump_speed}
"#;
    let defaults = RuleDefaults {
        reserved: &["tank_", "pump_"],
        ..RuleDefaults::default()
    };
    let problems = read_rule_file("r.yml", text, &promql(), &defaults).unwrap_err();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "r.yml:4:14: metrics pump_* belong to a system of the hub, which acts on them: record another name"
        ]
    );
    assert!(read_rule_file("r.yml", text, &promql(), &RuleDefaults::default()).is_ok());
}

#[test]
fn actions_that_are_unknown_or_lack_parameters_are_refused_with_what_there_is() {
    let text = r#"groups:
- name: a
  rules:
  - {alert: A, expr: m > 1, action: pump.stop, params: {pump: "{{ $labels.pump }}"}}
  - {alert: B, expr: m > 1, action: pump.start}
  - {alert: C, expr: m > 1, action: pump.stop}
  - {alert: D, expr: m > 1, params: {pump: a}}
  - {alert: E, expr: m > 1, action: pump.stop, params: {pump: "{{ $labels.pump "}}
  - {record: f, expr: m > 1, action: pump.stop}
"#;
    let known = |actions| RuleDefaults {
        actions: Some(actions),
        ..RuleDefaults::default()
    };
    let read = |defaults: RuleDefaults| {
        let problems = read_rule_file("r.yml", text, &promql(), &defaults).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let stop: Arc<dyn Action> = Arc::new(Stop);
    assert_eq!(
        read(known(Actions::new([stop]))),
        [
            r#"r.yml:5:37: there is no action "pump.start": there are pump.stop"#,
            "r.yml:6:37: action pump.stop: it needs params with pump",
            "r.yml:7:37: params are for an action: say which, or leave them out",
            "r.yml:8:63: pump: template line 1, column 1: this action is not closed: write }}",
            "r.yml:9:38: action is for alerting rules: a recording rule has none",
        ]
    );
    let nobody = read(known(Actions::default()));
    assert_eq!(
        nobody[0],
        r#"r.yml:4:37: there is no action "pump.stop": no system of this hub has any"#
    );
    // Who does not know which actions there are takes any.
    assert_eq!(read(RuleDefaults::default()).len(), 3);
}
