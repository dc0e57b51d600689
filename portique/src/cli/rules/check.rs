use std::collections::BTreeMap;
use std::path::Path;

use portique_monitor::{DuplicateRule, PromQl, RuleDefaults, duplicate_rules, read_rule_file};
use serde_json::{Value, json};

use super::super::output::{Output, Table, say, write_result};
use super::super::words::text;
use super::files::{matching, read};
use crate::error::Error;
use crate::hub::RESERVED_METRICS;

/// Checks rule files, and says what is wrong with them.
pub(super) fn run(patterns: &[String], language: &PromQl, output: Output) -> Result<(), Error> {
    let mut files = Vec::new();
    let mut groups = Vec::new();
    let mut problems = 0;
    for pattern in patterns {
        for path in matching(pattern, Path::new(""))? {
            let name = path.to_string_lossy();
            let defaults = RuleDefaults {
                reserved: &RESERVED_METRICS,
                ..RuleDefaults::default()
            };
            match read_rule_file(&name, &read(&path)?, language, &defaults) {
                Ok(mut found) => {
                    let rules: usize = found.iter().map(|group| group.rules.len()).sum();
                    files.push(json!({
                        "file": name, "groups": found.len(), "rules": rules, "problems": [],
                    }));
                    groups.append(&mut found);
                }
                Err(found) => {
                    problems += found.len();
                    let found = found.iter().map(|problem| {
                        json!({
                            "line": problem.line, "column": problem.column, "message": problem.message,
                        })
                    });
                    let found: Vec<Value> = found.collect();
                    files.push(json!({ "file": name, "problems": found }));
                }
            }
        }
    }
    let duplicates = duplicate_rules(&groups);
    let result = json!({
        "files": files,
        "duplicates": duplicates.iter().map(duplicate).collect::<Vec<_>>(),
    });
    write_result(output, &result, tables)?;
    if output == Output::Table {
        warn(&duplicates);
    }
    match problems {
        0 => Ok(()),
        _ => Err(Error::Usage {
            message: format!("mistakes in the rule files: {problems}"),
        }),
    }
}

fn duplicate(duplicate: &DuplicateRule) -> Value {
    let places = duplicate.places.iter();
    json!({
        "name": duplicate.name,
        "labels": duplicate.labels.iter().cloned().collect::<BTreeMap<_, _>>(),
        "places": places.map(|(file, line)| format!("{file}:{line}")).collect::<Vec<_>>(),
    })
}

/// Rules that yield the same are rarely meant, but not wrong.
fn warn(duplicates: &[DuplicateRule]) {
    for duplicate in duplicates {
        let places = duplicate.places.iter();
        let places: Vec<String> = places
            .map(|(file, line)| format!("{file}:{line}"))
            .collect();
        let (name, places) = (&duplicate.name, places.join(", "));
        say(&format!(
            "warning: {name} is there with the same labels at {places}: the results overwrite each other"
        ));
    }
}

fn tables(result: &Value) -> Vec<Table> {
    let mut good = Table::new(&["file", "groups", "rules"]);
    let mut bad = Table::new(&["place", "problem"]);
    for file in result["files"].as_array().into_iter().flatten() {
        let problems = file["problems"].as_array().into_iter().flatten();
        for problem in problems {
            let parts = [
                text(file, "file"),
                text(problem, "line"),
                text(problem, "column"),
            ];
            bad.row([parts.join(":"), text(problem, "message")]);
        }
        if file.get("rules").is_some() {
            good.row(["file", "groups", "rules"].map(|key| text(file, key)));
        }
    }
    let tables = [good, bad];
    tables
        .into_iter()
        .filter(|table| !table.is_empty())
        .collect()
}
