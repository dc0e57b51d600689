//! Our own scripts, and those of Prometheus where they are at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::run::{self, Class};

/// How many cases of a class may fail: none of what is stable, one in twenty of what is experimental.
const EXPERIMENTAL_FAILURES: f64 = 0.05;

/// Scripts of a folder, by name.
fn scripts(folder: &Path) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "test")
    });
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// Runs scripts and tells of each failure; passed and all cases by class.
fn run_all(scripts: &[(String, String)]) -> BTreeMap<Class, (usize, usize)> {
    let mut counts = BTreeMap::new();
    for (name, text) in scripts {
        let mut passed = 0;
        let outcomes = run::script(name, text, &run::config());
        let all = outcomes.len();
        for outcome in outcomes {
            let count: &mut (usize, usize) = counts.entry(outcome.class).or_default();
            count.1 += 1;
            match outcome.result {
                Ok(()) => {
                    count.0 += 1;
                    passed += 1;
                }
                Err(error) => println!(
                    "FAIL {name}:{} [{:?}] {}: {error}",
                    outcome.line, outcome.class, outcome.query
                ),
            }
        }
        println!("{name}: {passed}/{all}");
    }
    println!("{counts:?}");
    counts
}

#[test]
fn our_own_scripts_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let scripts = scripts(&folder);
    assert!(!scripts.is_empty(), "no scripts in {}", folder.display());
    for (class, (passed, all)) in run_all(&scripts) {
        assert_eq!(passed, all, "{class:?}: see the lines with FAIL");
    }
}

#[test]
fn prometheus_scripts_hold_where_they_are_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/promql");
    let scripts = scripts(&folder);
    if scripts.is_empty() {
        println!("skipped: Prometheus' scripts are not at hand");
        return;
    }
    for (class, (passed, all)) in run_all(&scripts) {
        let allowed = match class {
            Class::Core | Class::Histograms => 0,
            Class::Experimental | Class::ExperimentalHistograms => {
                (all as f64 * EXPERIMENTAL_FAILURES) as usize
            }
        };
        assert!(
            all - passed <= allowed,
            "{class:?}: {passed} of {all}, see the lines with FAIL"
        );
    }
}
