use std::path::Path;

use portique_monitor::{
    Problem, PromQl, RuleDefaults, RuleGroup, UnitTests, read_rule_file, read_unit_tests,
};
use serde_json::{Value, json};

use super::super::output::{Output, Table, write_result};
use super::super::words::text;
use super::files::{matching, read};
use crate::error::Error;

/// Runs test files, and says what was not as expected.
pub(super) fn run(patterns: &[String], language: &PromQl, output: Output) -> Result<(), Error> {
    let mut files = Vec::new();
    let (mut failed, mut all) = (0, 0);
    for pattern in patterns {
        for path in matching(pattern, Path::new(""))? {
            let failures = match run_file(&path, language) {
                Ok(failures) => failures,
                Err(problems) => problems.iter().map(ToString::to_string).collect(),
            };
            all += 1;
            failed += usize::from(!failures.is_empty());
            files.push(json!({
                "file": path.to_string_lossy(),
                "outcome": if failures.is_empty() { "passed" } else { "failed" },
                "failures": failures,
            }));
        }
    }
    write_result(output, &json!({ "files": files }), tables)?;
    if failed > 0 {
        return Err(Error::RuleTestsFailed { failed, all });
    }
    Ok(())
}

/// What failed in a test file.
fn run_file(path: &Path, language: &PromQl) -> Result<Vec<String>, Vec<String>> {
    let told = |error: Error| vec![portique_fault::chain(&error)];
    let text = read(path).map_err(told)?;
    let tests = read_unit_tests(&path.to_string_lossy(), &text).map_err(written)?;
    let groups = rule_groups(path, &tests, language)?;
    let failures = tests.run(&groups, language);
    Ok(failures.iter().map(ToString::to_string).collect())
}

/// The groups of the rule files that a test file names.
fn rule_groups(
    path: &Path,
    tests: &UnitTests,
    language: &PromQl,
) -> Result<Vec<RuleGroup>, Vec<String>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let told = |error: Error| vec![portique_fault::chain(&error)];
    let mut groups = Vec::new();
    for pattern in &tests.rule_files {
        for path in matching(pattern, folder).map_err(told)? {
            let text = read(&path).map_err(told)?;
            let (name, defaults) = (path.to_string_lossy(), RuleDefaults::default());
            let mut found = read_rule_file(&name, &text, language, &defaults).map_err(written)?;
            groups.append(&mut found);
        }
    }
    Ok(groups)
}

fn written(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn tables(result: &Value) -> Vec<Table> {
    let mut outcomes = Table::new(&["file", "outcome"]);
    let mut failures = Table::new(&["failure"]);
    for file in result["files"].as_array().into_iter().flatten() {
        outcomes.row(["file", "outcome"].map(|key| text(file, key)));
        let failed = file["failures"].as_array().into_iter().flatten();
        for failure in failed.filter_map(Value::as_str) {
            for line in failure.lines() {
                failures.row([line.to_owned()]);
            }
        }
    }
    let tables = [outcomes, failures];
    tables
        .into_iter()
        .filter(|table| !table.is_empty())
        .collect()
}
