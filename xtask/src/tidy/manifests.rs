//! Lints and versions are decided once, in the root manifest.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::Finding;
use super::tree::{TextFile, Tree};

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Refuses crates with lints or versions of their own. A manifest that begins a workspace of its own
/// is none of ours: it has no root to inherit from.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let crates = tree.files_ending("/Cargo.toml");
    crates.flat_map(check_manifest).collect()
}

fn check_manifest(file: &TextFile) -> Vec<Finding> {
    let manifest = match DeTable::parse(&file.text) {
        Ok(manifest) => manifest.into_inner(),
        Err(error) => {
            let line = error.span().map_or(1, |span| file.line_at(span.start));
            let wrong = format!("does not parse: {}", error.message());
            return vec![Finding::new(&file.path, line, wrong, "write TOML")];
        }
    };
    if manifest.contains_key("workspace") {
        return Vec::new();
    }
    let mut findings: Vec<_> = check_lints(file, &manifest).into_iter().collect();
    findings.extend(check_dependencies(file, &manifest));
    let targets = manifest
        .get("target")
        .and_then(|target| target.get_ref().as_table());
    for (_, target) in targets.into_iter().flat_map(|table| table.iter()) {
        if let Some(target) = target.get_ref().as_table() {
            findings.extend(check_dependencies(file, target));
        }
    }
    findings
}

fn check_lints(file: &TextFile, manifest: &DeTable<'_>) -> Option<Finding> {
    if manifest.get("lints").is_some_and(is_inherited) {
        return None;
    }
    let line = manifest
        .get("lints")
        .map_or(1, |lints| line_of(file, lints.span()));
    let right = "write `[lints]` with `workspace = true`";
    Some(Finding::new(
        &file.path,
        line,
        "the lints are not the workspace's",
        right,
    ))
}

fn check_dependencies(file: &TextFile, table: &DeTable<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in DEPENDENCY_TABLES {
        let dependencies = table.get(kind).and_then(|value| value.get_ref().as_table());
        for (name, value) in dependencies.into_iter().flat_map(|table| table.iter()) {
            if !is_inherited(value) {
                let name_text = name.get_ref();
                let wrong = format!("{name_text} has a version of its own");
                let right = format!(
                    "put it into [workspace.dependencies] and write {name_text}.workspace = true"
                );
                let line = line_of(file, name.span());
                findings.push(Finding::new(&file.path, line, wrong, right));
            }
        }
    }
    findings
}

fn is_inherited(value: &Spanned<DeValue<'_>>) -> bool {
    let workspace = value
        .get_ref()
        .as_table()
        .and_then(|table| table.get("workspace"));
    workspace.and_then(|value| value.get_ref().as_bool()) == Some(true)
}

fn line_of(file: &TextFile, span: Range<usize>) -> usize {
    file.line_at(span.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(manifest: &str) -> Vec<Finding> {
        check(&Tree::of(&[("kernel/a/Cargo.toml", manifest)]))
    }

    #[test]
    fn what_is_inherited_passes() {
        let manifest = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\n\
                        serde.workspace = true\ntoml = { workspace = true, features = [\"x\"] }\n";
        assert_eq!(findings(manifest), []);
    }

    #[test]
    fn versions_of_its_own_are_found_in_every_table() {
        let manifest = "[lints]\nworkspace = true\n[dependencies]\nserde = \"1\"\n\
                        [dev-dependencies]\nb = { path = \"../b\" }\n\
                        [target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n";
        let lines: Vec<_> = findings(manifest).iter().map(|f| f.line).collect();
        assert_eq!(lines, [4, 6, 8]);
    }

    #[test]
    fn lints_of_its_own_and_none_are_found() {
        assert_eq!(findings("[package]\nname = \"a\"\n").len(), 1);
        let found = findings("[package]\nname = \"a\"\n[lints.rust]\nunsafe_code = \"allow\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_workspace_of_its_own_decides_for_itself_and_one_that_is_only_named_does_not() {
        let rest = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\n";
        assert_eq!(findings(&format!("[workspace]\n{rest}")), []);
        let pointed = rest.replace("[dependencies]", "workspace = \"../..\"\n[dependencies]");
        assert_eq!(findings(&pointed).len(), 2);
    }

    #[test]
    fn broken_toml_is_said_with_its_line() {
        let found = findings("[package]\nname = \n");
        assert_eq!((found.len(), found[0].line), (1, 2));
    }
}
