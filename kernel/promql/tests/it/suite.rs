//! Our own scripts, and those of Prometheus where they are at hand.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::run::{self, Class};

/// How many cases of a class may fail: none of what is stable, one in twenty of what is experimental.
const EXPERIMENTAL_FAILURES: f64 = 0.05;

/// What became of scripts: a line for each failure and each script, and passed and all cases by class.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    counts: BTreeMap<Class, (usize, usize)>,
}

impl Report {
    fn add(&mut self, name: &str, text: &str) {
        let (mut passed, mut all) = (0, 0);
        for outcome in run::script(name, text, &run::config()) {
            let count = self.counts.entry(outcome.class).or_default();
            count.1 += 1;
            all += 1;
            match outcome.result {
                Ok(()) => {
                    count.0 += 1;
                    passed += 1;
                }
                Err(error) => self.lines.push(format!(
                    "FAIL {name}:{} [{:?}] {}: {error}",
                    outcome.line, outcome.class, outcome.query
                )),
            }
        }
        self.lines.push(format!("{name}: {passed}/{all}"));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.lines.join("\n"))?;
        let counts = self.counts.iter();
        let counts = counts.map(|(class, (passed, all))| format!("{class:?} {passed}/{all}"));
        writeln!(f, "{}", counts.collect::<Vec<_>>().join(", "))
    }
}

/// Runs the scripts of a folder; nothing when there is none.
fn run_all(folder: &Path) -> Report {
    let mut report = Report::default();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return report;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "test")
    });
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let text = std::fs::read_to_string(&path).expect("the folder lists it");
        report.add(&name.expect("it has an extension"), &text);
    }
    report
}

#[test]
fn our_own_scripts_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let report = run_all(&folder);
    assert!(
        !report.counts.is_empty(),
        "no scripts in {}",
        folder.display()
    );
    for (passed, all) in report.counts.values() {
        assert_eq!(passed, all, "{report}");
    }
}

#[test]
fn prometheus_scripts_hold_where_they_are_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/promql");
    let report = run_all(&folder);
    if report.counts.is_empty() {
        println!("skipped: Prometheus' scripts are not at hand");
    }
    for (class, (passed, all)) in &report.counts {
        let allowed = match class {
            Class::Core | Class::Histograms => 0,
            Class::Experimental | Class::ExperimentalHistograms => {
                (*all as f64 * EXPERIMENTAL_FAILURES) as usize
            }
        };
        assert!(
            all - passed <= allowed,
            "{class:?}: {passed} of {all}\n{report}"
        );
    }
    println!("{report}");
}
