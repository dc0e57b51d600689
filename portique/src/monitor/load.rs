//! Rule files: found, read, and put in the place of those there were.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portique_monitor::{
    PromQl, RULE_FILE_BYTES_MAX, RuleDefaults, RuleGroup, duplicate_rules, read_rule_file,
};
use portique_series::Labels;

use super::{Monitor, Shared};

/// Rule files of a hub: a directory of more is not meant.
const FILES_MAX: usize = 1_000;
/// Rules of a hub: each costs memory and, at its interval, a query.
const RULES_MAX: usize = 100_000;

/// Rule files that one configuration names, and what holds in them.
#[derive(Debug, Clone)]
pub(crate) struct RuleList {
    /// Paths or patterns; relative ones are from the folder.
    pub(crate) patterns: Vec<String>,
    /// Where the configuration is.
    pub(crate) folder: PathBuf,
    /// Of groups that do not say.
    pub(crate) interval: Duration,
    /// Of groups that do not say.
    pub(crate) query_offset: Duration,
    /// For templates; those of the last list that has some count.
    pub(crate) external_labels: Labels,
}

impl RuleList {
    /// Files with the usual interval of a minute.
    pub(crate) fn new(patterns: Vec<String>, folder: PathBuf) -> Self {
        let usual = RuleDefaults::default();
        Self {
            patterns,
            folder,
            interval: usual.interval,
            query_offset: usual.query_offset,
            external_labels: Labels::empty(),
        }
    }
}

/// A rule file that is part of the program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShippedRules {
    /// As people see it, such as `portique/hub.yml`.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// A rule file with its text.
#[derive(Debug, Clone)]
pub(crate) struct RuleSource {
    /// As people see it; rules are known by it across restarts.
    pub(crate) name: String,
    pub(crate) text: String,
    interval: Duration,
    query_offset: Duration,
    /// What the names of metrics begin with that its rules may not record.
    reserved: &'static [&'static str],
}

/// What was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) files: usize,
    pub(crate) groups: usize,
    pub(crate) rules: usize,
}

impl Monitor {
    /// Reads all rule files again and puts what they say in the place of what there was; alerts of rules that
    /// stay go on.
    ///
    /// # Errors
    /// Every mistake of every file, with its place; then all is as before.
    pub(crate) async fn reload(&self) -> Result<Loaded, Vec<String>> {
        let loaded = self.load().await;
        self.shared.figures.loaded(loaded.is_ok());
        match &loaded {
            Ok(Loaded {
                files,
                groups,
                rules,
            }) => tracing::info!(files, groups, rules, "rules were loaded anew"),
            Err(problems) => tracing::error!(
                problems = problems.join("; "),
                "the rules stay as they were: the files are refused"
            ),
        }
        loaded
    }

    pub(super) async fn load(&self) -> Result<Loaded, Vec<String>> {
        let _one = self.shared.loading.lock().await;
        let shared = Arc::clone(&self.shared);
        let loaded = tokio::task::spawn_blocking(move || load(&shared)).await;
        loaded.unwrap_or_else(|error| Err(vec![error.to_string()]))
    }
}

fn load(shared: &Shared) -> Result<Loaded, Vec<String>> {
    let lists = (shared.lists)()?;
    let mut problems = Vec::new();
    let mut sources = find(&lists, shared.reserved, &mut problems);
    sources.extend(shared.shipped.iter().map(shipped));
    let groups = read(&sources, &shared.language, shared, &mut problems);
    let loaded = Loaded {
        files: sources.len(),
        groups: groups.len(),
        rules: groups.iter().map(|group| group.rules.len()).sum(),
    };
    if loaded.rules > RULES_MAX {
        let rules = loaded.rules;
        problems.push(format!(
            "there are {rules} rules, at most {RULES_MAX} are taken"
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    for duplicate in duplicate_rules(&groups) {
        let places = duplicate
            .places
            .iter()
            .map(|(file, line)| format!("{file}:{line}"));
        let (rule, places) = (duplicate.name, places.collect::<Vec<_>>().join(", "));
        tracing::warn!(
            rule,
            places,
            "rules with the same labels overwrite each other"
        );
    }
    let labels = lists.into_iter().map(|list| list.external_labels);
    let labels = labels.filter(|labels| !labels.is_empty()).last();
    put(shared, groups, labels.unwrap_or_else(Labels::empty));
    Ok(loaded)
}

/// Puts groups in the place of those there are.
fn put(shared: &Shared, groups: Vec<RuleGroup>, labels: Labels) {
    let held = shared.external_labels.write();
    *held.unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(labels);
    let samples = {
        let mut core = shared.core();
        let now = shared.now();
        let outcome = core.engine.load(groups, now);
        shared.arrivals.watch(core.engine.interest());
        shared.note(&mut core, outcome)
    };
    shared.append(samples);
    shared.arrivals.ring();
}

fn shipped(rules: &ShippedRules) -> RuleSource {
    let usual = RuleDefaults::default();
    RuleSource {
        name: rules.name.to_owned(),
        text: rules.text.to_owned(),
        interval: usual.interval,
        query_offset: usual.query_offset,
        reserved: &[],
    }
}

/// The files that patterns name, each once, with their texts.
fn find(
    lists: &[RuleList],
    reserved: &'static [&'static str],
    problems: &mut Vec<String>,
) -> Vec<RuleSource> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for list in lists {
        for pattern in &list.patterns {
            let paths = match matching(pattern, &list.folder) {
                Ok(paths) => paths,
                Err(problem) => {
                    problems.push(format!("rule file {pattern:?}: {problem}"));
                    continue;
                }
            };
            for path in paths {
                if !seen.insert(path.clone()) {
                    continue;
                }
                if seen.len() > FILES_MAX {
                    problems.push(format!(
                        "{pattern:?} names too many rule files: at most {FILES_MAX} are taken"
                    ));
                    return sources;
                }
                match read_text(&path) {
                    Ok(text) => sources.push(RuleSource {
                        name: path.display().to_string(),
                        text,
                        interval: list.interval,
                        query_offset: list.query_offset,
                        reserved,
                    }),
                    Err(error) => problems.push(format!("{}: {error}", path.display())),
                }
            }
        }
    }
    sources
}

/// The files that a pattern names, sorted, by their whole paths: rules are known by them, wherever the hub is
/// started. A plain path has to be there; a pattern may match nothing.
fn matching(pattern: &str, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let path = std::path::absolute(folder.join(pattern)).map_err(|error| error.to_string())?;
    // A file whose name has brackets in it is meant by its name.
    let is_pattern = pattern.contains(['*', '?', '[']) && !path.is_file();
    if !is_pattern {
        return Ok(vec![path]);
    }
    let found = glob::glob(&path.to_string_lossy());
    let found = found.map_err(|error| format!("it is no pattern: {error}"))?;
    let files: Vec<PathBuf> = found
        .filter_map(Result::ok)
        .filter(|p| p.is_file())
        .collect();
    if files.is_empty() {
        tracing::warn!(pattern, "no rule file matches");
    }
    Ok(files)
}

fn read_text(path: &Path) -> io::Result<String> {
    // One byte more than is taken, so that what is too long is seen to be.
    let limit = RULE_FILE_BYTES_MAX as u64 + 1;
    let mut text = String::new();
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    Ok(text)
}

fn read(
    sources: &[RuleSource],
    language: &PromQl,
    shared: &Shared,
    problems: &mut Vec<String>,
) -> Vec<RuleGroup> {
    let mut groups = Vec::new();
    for source in sources {
        let defaults = RuleDefaults {
            interval: source.interval,
            query_offset: source.query_offset,
            actions: Some(shared.actions.clone()),
            reserved: source.reserved,
        };
        match read_rule_file(&source.name, &source.text, language, &defaults) {
            Ok(found) => groups.extend(found),
            Err(found) => problems.extend(found.iter().map(ToString::to_string)),
        }
    }
    groups
}
