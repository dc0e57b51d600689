//! Prometheus' own test scripts, where they are at hand: every expression that is not meant to fail is read.

use std::path::{Path, PathBuf};

use super::parse;

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/promql");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect()
}

/// The expressions of a script, without those that may fail.
fn expressions(script: &str) -> Vec<&str> {
    let lines: Vec<_> = script.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(expr) = expression(line) else {
            continue;
        };
        let block = lines[index + 1..]
            .iter()
            .take_while(|line| !line.is_empty());
        let may_fail =
            line.contains("_fail") || block.clone().any(|l| l.starts_with("expect fail"));
        if !may_fail {
            found.push(expr);
        }
    }
    found
}

fn expression(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("eval")?;
    let words_before = match rest {
        _ if rest.contains(" range from ") => 7,
        _ => 3,
    };
    let mut rest = rest.trim_start_matches(|c: char| !c.is_whitespace());
    for _ in 0..words_before {
        rest = rest.trim_start();
        rest = rest.trim_start_matches(|c: char| !c.is_whitespace());
    }
    Some(rest.trim())
}

#[test]
fn the_scripts_of_prometheus_are_read() {
    let mut read = 0;
    let mut refused = Vec::new();
    let paths = scripts();
    for path in &paths {
        let script = std::fs::read_to_string(path).unwrap();
        for text in expressions(&script) {
            match parse(text) {
                Ok(expr) => {
                    let again = parse(&expr.to_string());
                    assert!(again.is_ok(), "{text}\n{expr}\n{again:?}");
                    read += 1;
                }
                Err(error) => refused.push(format!("{}: {text}: {error}", path.display())),
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    match paths.is_empty() {
        true => println!("skipped: the scripts are not at hand"),
        false => assert!(read > 1000, "only {read} expressions were found"),
    }
}
