//! The rules that come with the hub: each is explained, and does what the test file beside it says.

use std::path::Path;
use std::sync::Arc;

use portique_monitor::{PromQl, RuleDefaults, read_rule_file, read_unit_tests};
use portique_promql::{Config, Engine};

/// The hub's own, and those of its systems.
const FOLDERS: [&str; 2] = ["src/monitor/shipped", "../systems/payments/rules"];
const TESTS: &str = ".test.yml";

/// Every rule file: its path in this crate and its text.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = FOLDERS
        .iter()
        .flat_map(|folder| {
            std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap()
        })
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .filter(|(path, _)| !path.ends_with(TESTS))
        .collect();
    files.sort();
    files
}

/// What rules are written in.
pub(crate) fn language() -> PromQl {
    PromQl::new(Arc::new(Engine::new(Config::default())))
}

#[test]
fn every_shipped_rule_does_what_its_test_says() {
    let language = language();
    let files = files();
    assert!(files.len() >= 5, "{files:?}");
    for (path, text) in files {
        let name = Path::new(&path).file_name().unwrap();
        let name = name.to_string_lossy().into_owned();
        let groups = read_rule_file(&name, &text, &language, &RuleDefaults::default()).unwrap();
        let beside = name.replace(".yml", TESTS);
        let tests_text = std::fs::read_to_string(path.replace(".yml", TESTS)).unwrap();
        let tests = read_unit_tests(&beside, &tests_text).unwrap();
        assert_eq!(tests.rule_files, [name]);
        let failures = tests.run(&groups, &language);
        let failures: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        for rule in groups.iter().flat_map(|group| &group.rules) {
            let alerting = rule.alerting().unwrap();
            for annotation in ["summary", "description"] {
                let is_there = alerting.annotations.get(annotation).is_some();
                assert!(is_there, "{} has no {annotation}", alerting.alert);
            }
            let severity = rule.labels.iter().find(|(name, _)| name == "severity");
            let severity = severity.map(|(_, value)| value.as_str());
            assert!(
                matches!(severity, Some("critical" | "warning")),
                "{}",
                alerting.alert
            );
            let fires = format!("alertname: {}\n        exp_alerts:", alerting.alert);
            assert!(
                tests_text.contains(&fires),
                "{} is never seen to fire",
                alerting.alert
            );
            let is_silent = format!("alertname: {}}}", alerting.alert);
            let times = tests_text.matches(&is_silent).count();
            assert!(times >= 2, "{} is not seen to stay silent", alerting.alert);
        }
    }
}
