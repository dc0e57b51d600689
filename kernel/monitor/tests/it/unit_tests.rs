//! Tests of rule files.

use portique_monitor::{RuleDefaults, read_rule_file, read_unit_tests};

use crate::language::promql;

const RULES: &str = r#"
groups:
- name: derived
  rules:
  - record: tank:temp:max
    expr: max by (tank) (temp)
  - record: pressure:copy
    expr: pressure
- name: alerts
  interval: 1h
  rules:
  - alert: Hot
    expr: tank:temp:max > 90
    for: 2m
    labels: {severity: page}
    annotations:
      summary: "{{ $labels.tank }} on {{ $externalLabels.site }}: {{ $value | humanize }}"
      link: "{{ $externalURL }}/x"
  - alert: Silent
    expr: absent(temp)
    trigger: ingest
"#;

fn run(tests: &str) -> Vec<String> {
    let defaults = RuleDefaults::default();
    let groups = read_rule_file("rules.yml", RULES, &promql(), &defaults).unwrap();
    let tests = read_unit_tests("t.yml", tests).unwrap();
    let failures = tests.run(&groups, &promql());
    failures.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_as_expected_passes() {
    let failures = run(r#"
rule_files: [rules.yml]
group_eval_order: [derived, alerts]
fuzzy_compare: true
tests:
- name: heat
  interval: 30s
  external_labels: {site: pad1}
  external_url: http://hub
  input_series:
  - series: temp{tank="lox",sensor="1"}
    values: 80 95x6 _x3 70x20
  - series: temp{tank="lox",sensor="2"}
    values: 20x30
  - series: pressure
    values: "{{schema:1 count:3 sum:4 buckets:[1 2]}}+{{count:1 schema:1 buckets:[1] sum:0.5}}x2"
  alert_rule_test:
  - {eval_time: 2m59s, alertname: Hot}
  - eval_time: 3m
    alertname: Hot
    exp_alerts:
    - exp_labels: {tank: lox, severity: page}
      exp_annotations: {summary: "lox on pad1: 95", link: http://hub/x}
  - {eval_time: 6m, alertname: Hot}
  - {eval_time: 3m, alertname: Silent, exp_alerts: []}
  promql_expr_test:
  - expr: tank:temp:max
    eval_time: 1m
    exp_samples: [{labels: 'tank:temp:max{tank="lox"}', value: 95.00000000000001}]
  - expr: ALERTS
    eval_time: 2m
    exp_samples:
    - {labels: 'ALERTS{alertname="Hot",alertstate="pending",severity="page",tank="lox"}', value: 1}
  - expr: pressure:copy
    eval_time: 1m
    exp_samples:
    - labels: pressure:copy
      histogram: "{{schema:1 count:5 sum:5 buckets:[3 2]}}"
  - {expr: time(), eval_time: 1m, exp_samples: [{labels: "", value: 60}]}
  - {expr: 0 / 0, exp_samples: [{labels: "{}", value: .NaN}]}
- name: later
  start_timestamp: 2026-01-01T00:00:00Z
  input_series: [{series: other, values: 1x5}]
  alert_rule_test:
  - {eval_time: 0s, alertname: Silent, exp_alerts: [{}]}
  promql_expr_test:
  - {expr: year(), eval_time: 0s, exp_samples: [{value: 2026}]}
"#);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn what_is_not_is_shown_with_its_difference() {
    let failures = run(r#"
tests:
- name: heat
  input_series:
  - {series: 'temp{tank="lox"}', values: 95x10}
  alert_rule_test:
  - eval_time: 5m
    alertname: Hot
    exp_alerts: [{exp_labels: {tank: fuel}}]
  - {eval_time: 5m, alertname: Hott}
  promql_expr_test:
  - expr: temp
    eval_time: 1m
    exp_samples: [{labels: 'temp{tank="lox"}', value: 95.00000000000001}]
  - {expr: temp >, eval_time: 1m}
"#);
    assert_eq!(
        failures,
        [
            r#"t.yml:10: heat: no rule raises "Hott": is the name right?"#.to_owned(),
            r#"t.yml:7: heat: alert Hot at 5m:
  - {alertname="Hot",tank="fuel"} annotations {}
  + {alertname="Hot",severity="page",tank="lox"} annotations {link="/x",summary="lox on : 95"}"#
                .to_owned(),
            r#"t.yml:12: heat: temp at 1m:
  - temp{tank="lox"} 95.00000000000001
  + temp{tank="lox"} 95"#
                .to_owned(),
            "t.yml:15: heat: temp > at 1m: 1:7: parse error: unexpected end of input".to_owned(),
        ]
    );
}

#[test]
fn a_rule_that_fails_fails_its_test() {
    let failures = run(r#"
tests:
- input_series:
  - {series: 'temp{tank="lox",a="1"}', values: 95x10}
  - {series: 'pressure{a="1"}', values: 1x5}
  alert_rule_test: [{eval_time: 1m, alertname: Hot}]
"#);
    assert!(failures.is_empty(), "{failures:?}");
    let rules = "groups: [{name: g, rules: [{record: x, expr: '{__name__=~\"a|b\"}'}]}]";
    let groups = read_rule_file("r.yml", rules, &promql(), &RuleDefaults::default()).unwrap();
    let tests = read_unit_tests(
        "t.yml",
        "tests: [{input_series: [{series: a, values: 1}, {series: b, values: 1}]}]",
    );
    let failures = tests.unwrap().run(&groups, &promql());
    let [failure] = &failures[..] else {
        panic!("{failures:?}")
    };
    assert_eq!(
        failure.to_string(),
        "t.yml:1: x at 0s: vector contains metrics with the same labelset after applying rule labels"
    );
}

#[test]
fn mistakes_of_a_test_file_are_told_at_once() {
    let problems = read_unit_tests(
        "t.yml",
        r#"rule_file: [a]
tests:
- input_series:
  - {series: 'up{a=~"b"}', values: 1}
  - {series: up, values: 1 two}
  - {values: 1}
  start_timestamp: yesterday
  alert_rule_test:
  - {eval_time: 5, alertname: A}
  promql_expr_test:
  - {expr: up, exp_samples: [{labels: up, value: high}]}
"#,
    );
    let problems: Vec<String> = problems
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        problems,
        [
            r#"t.yml:1:1: "rule_file" is no key of a test file: did you mean "rule_files"?"#,
            r#"t.yml:4:14: series: up{a=~"b"} selects series: write one, with = only"#,
            r#"t.yml:5:26: values: "two" is no value: write 1, 1x5, 1+2x5, _, _x5, stale or {{sum:1}}"#,
            "t.yml:6:5: series is missing",
            "t.yml:7:20: start_timestamp is Unix seconds or a time such as 2026-01-31T12:00:00Z",
            r#"t.yml:9:17: eval_time is a duration such as 30s or 1h30m, not "5""#,
            r#"t.yml:11:50: value: "high" is no number"#,
        ]
    );
    assert!(read_unit_tests("t.yml", "").is_err());
}

/// The blocks of a page that are YAML.
fn yaml_blocks(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("```"));
    blocks.map(|(block, _)| block.to_owned()).collect()
}

#[test]
fn the_example_of_the_documentation_passes() {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/how-to/write-rules.md"
    );
    let blocks = yaml_blocks(&std::fs::read_to_string(page).unwrap());
    let [rules, tests] = &blocks[..] else {
        panic!("it has two")
    };
    let defaults = RuleDefaults::default();
    let groups = read_rule_file("tanks.yml", rules, &promql(), &defaults).unwrap();
    let tests = read_unit_tests("t.yml", tests).unwrap();
    assert_eq!(tests.rule_files, ["tanks.yml"]);
    let failures = tests.run(&groups, &promql());
    assert!(failures.is_empty(), "{failures:?}");
}
