//! Relabelling as scripts: rules, labels that go in, and what comes out.
//!
//! A script is pieces of `rules` … `end` (a list as in a configuration) and lines `LABELS`, each followed by what the
//! rules before it make of them in a line that begins with `>`: labels, or `dropped`. With `UPDATE_EXPECT=1`
//! [`check`] keeps what comes of it.

use std::path::PathBuf;

use portique_monitor::scrape::{PrometheusFile, RelabelRule, relabel};

use crate::language::labels;

#[test]
fn replace() {
    check("replace.txt");
}

#[test]
fn keep_and_drop() {
    check("keep_and_drop.txt");
}

#[test]
fn names() {
    check("names.txt");
}

#[test]
fn values() {
    check("values.txt");
}

fn check(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/relabel")
        .join(name);
    let written = std::fs::read_to_string(&path).unwrap();
    let became = run(&written);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &became).unwrap();
        return;
    }
    assert_eq!(
        written, became,
        "{name}: UPDATE_EXPECT=1 keeps what came of it"
    );
}

fn run(script: &str) -> String {
    let mut became = String::new();
    let mut rules = Vec::new();
    let mut open: Option<String> = None;
    for line in script.lines().filter(|line| !line.starts_with('>')) {
        became.push_str(line);
        became.push('\n');
        match (&mut open, line) {
            (_, "rules") => open = Some(String::new()),
            (Some(text), "end") => {
                rules = read(text);
                open = None;
            }
            (Some(text), line) => text.push_str(&format!("      {line}\n")),
            (None, line) if line.starts_with('{') => {
                let mut made = labels(line).to_builder();
                let kept = relabel(&rules, &mut made);
                became.push_str(&match kept {
                    true => format!("> {}\n", made.build()),
                    false => "> dropped\n".to_owned(),
                });
            }
            _ => {}
        }
    }
    became
}

fn read(rules: &str) -> Vec<RelabelRule> {
    let text = format!("scrape_configs:\n  - job_name: j\n    relabel_configs:\n{rules}");
    let file = PrometheusFile::parse("rules", &text);
    let file = file.unwrap_or_else(|problems| panic!("{}", problems[0]));
    file.jobs[0].relabel.clone()
}
