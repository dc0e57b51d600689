//! `portique rules`: rule files and their tests, without a hub.

use std::path::Path;

use serde_json::Value;

use crate::hub_process::{complaint, run};

const RULES: &str = "
groups:
- name: tanks
  rules:
  - {alert: Hot, expr: temp > 90, for: 1m, labels: {severity: page}}
";

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn good_rule_files_are_counted_and_bad_ones_are_refused_with_places() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "good.yml", RULES);
    let checked = run(&["rules", "check", &good, "-o", "json"]);
    assert!(checked.status.success(), "{}", complaint(&checked));
    let result: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(result["files"][0]["rules"], 1, "{result}");

    let bad = RULES
        .replace("temp > 90", "temp >")
        .replace("for:", "four:");
    write(folder.path(), "bad.yml", &bad);
    let both = folder.path().join("*.yml");
    let checked = run(&["rules", "check", both.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(2));
    let said = String::from_utf8(checked.stdout.clone()).unwrap();
    assert!(said.contains("good.yml"), "{said}");
    assert!(
        said.contains("bad.yml:5:24  expr: 1:7: parse error"),
        "{said}"
    );
    assert!(said.contains("did you mean \"for\"?"), "{said}");
    assert!(
        complaint(&checked).contains("mistakes in the rule files: 2"),
        "{}",
        complaint(&checked)
    );

    let none = run(&[
        "rules",
        "check",
        folder.path().join("no*").to_str().unwrap(),
    ]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        complaint(&none).contains("names no file"),
        "{}",
        complaint(&none)
    );
}

#[test]
fn rules_that_yield_the_same_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let twice = write(
        folder.path(),
        "twice.yml",
        "groups: [{name: a, rules: [{record: x, expr: up}, {record: x, expr: down}]}]",
    );
    let checked = run(&["rules", "check", &twice]);
    assert!(checked.status.success(), "{}", complaint(&checked));
    assert!(
        complaint(&checked).contains("warning: x is there"),
        "{}",
        complaint(&checked)
    );
}

#[test]
fn tests_of_rules_pass_or_show_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "rules.yml", RULES);
    let tests = "
rule_files: [r*.yml]
tests:
- input_series: [{series: 'temp{tank=\"lox\"}', values: 95x5}]
  alert_rule_test:
  - {eval_time: 2m, alertname: Hot, exp_alerts: [{exp_labels: {tank: lox, severity: page}}]}
";
    let good = write(folder.path(), "good-test.yaml", tests);
    let tested = run(&["rules", "test", &good]);
    assert!(tested.status.success(), "{}", complaint(&tested));

    let bad = write(
        folder.path(),
        "bad-test.yaml",
        &tests.replace("tank: lox", "tank: fuel"),
    );
    let tested = run(&["rules", "test", &good, &bad]);
    assert_eq!(tested.status.code(), Some(1));
    let said = String::from_utf8(tested.stdout.clone()).unwrap();
    assert!(
        said.contains("- {alertname=\"Hot\",severity=\"page\",tank=\"fuel\"}"),
        "{said}"
    );
    assert!(
        said.contains("+ {alertname=\"Hot\",severity=\"page\",tank=\"lox\"}"),
        "{said}"
    );
    assert!(
        complaint(&tested).contains("1 of 2 test files failed"),
        "{}",
        complaint(&tested)
    );
}
