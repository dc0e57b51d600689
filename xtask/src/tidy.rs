//! The rules that a reader of the tree relies on, each in a file of its own.
//!
//! A check takes the [`Tree`] or the edges between crates and returns what it
//! finds, as [`Finding`]s. It reads nothing by itself, so that its tests are trees in memory.

mod exports;
mod finding;
mod floors;
mod functions;
mod kernel_words;
mod links;
mod machine_words;
mod manifests;
mod names;
mod protocols;
mod rooms;
mod tree;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use cargo_metadata::MetadataCommand;

use finding::Finding;
use tree::Tree;

/// Runs every check on the workspace around the current folder and prints what they find.
///
/// # Errors
/// When the tree or its metadata cannot be read.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .context("run this inside the workspace")?;
    let root: &Path = metadata.workspace_root.as_std_path();
    let tree = Tree::read(root)?;
    let mut findings = floors::check(&floors::edges(&metadata, &tree));
    findings.extend(check_tree(&tree));
    findings.sort();
    report(&tree, &findings)
}

fn check_tree(tree: &Tree) -> Vec<Finding> {
    let checks = [
        exports::check,
        functions::check,
        kernel_words::check,
        links::check,
        machine_words::check,
        manifests::check,
        names::check,
        protocols::check,
        rooms::check,
    ];
    checks.iter().flat_map(|check| check(tree)).collect()
}

fn report(tree: &Tree, findings: &[Finding]) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    if findings.is_empty() {
        writeln!(
            out,
            "tidy: {} files, nothing to put right",
            tree.files().len()
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "tidy: {} to put right", findings.len())?;
    Ok(ExitCode::FAILURE)
}
