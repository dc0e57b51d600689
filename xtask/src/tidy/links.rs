//! What a text points at is there.

use super::finding::Finding;
use super::tree::{TextFile, Tree};

/// Refuses Markdown links to files that do not exist, and mentions of pages of `docs/` in sources
/// that do not exist: a format without its page is found here.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let pages = tree
        .files_ending(".md")
        .flat_map(|file| check_page(tree, file));
    let sources = tree.files_ending(".rs").chain(tree.files_ending(".proto"));
    let mentions = sources.flat_map(|file| check_source(tree, file));
    pages.chain(mentions).collect()
}

fn check_page(tree: &Tree, file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_code = false;
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for target in targets(&without_code(line)) {
            if let Some(missing) = missing_target(tree, &file.path, target) {
                let wrong = format!("the link to {missing} leads nowhere");
                findings.push(Finding::new(
                    &file.path,
                    number,
                    wrong,
                    "name a file that exists",
                ));
            }
        }
    }
    findings
}

fn check_source(tree: &Tree, file: &TextFile) -> Vec<Finding> {
    // This file's own tests hold mentions that lead nowhere.
    if file.path.starts_with("xtask/") {
        return Vec::new();
    }
    let mentioned = file.lines().flat_map(|(number, line)| {
        pages_mentioned(line)
            .into_iter()
            .map(move |page| (number, page))
    });
    mentioned
        .filter(|(_, page)| !tree.has(page))
        .map(|(number, page)| {
            let wrong = format!("{page} is mentioned and does not exist");
            Finding::new(
                &file.path,
                number,
                wrong,
                "write the page first, or name the right one",
            )
        })
        .collect()
}

/// The targets of `[text](target)` and `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let reference = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .and_then(|(_, target)| target.split_whitespace().next());
    inline.chain(reference).collect()
}

fn missing_target(tree: &Tree, page: &str, target: &str) -> Option<String> {
    let file = target.split('#').next().unwrap_or_default();
    if file.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let path = resolve(page, file);
    let is_there = path.as_deref().is_some_and(|path| tree.has(path));
    (!is_there).then(|| file.to_owned())
}

/// The path of `target` as seen from `page`; nothing when it leaves the tree.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut names: Vec<&str> = page.split('/').collect();
    names.pop();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// The line with what stands between backticks blanked out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

fn pages_mentioned(line: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || "/-_.".contains(c);
    line.split(|c: char| !is_path(c))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.starts_with("docs/") && word.ends_with(".md"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_somewhere_pass() {
        let page = "[a](../README.md#start) [b](formats) [c](https://example.org/x) [d](#here)\n\
                    `[no](link.md)`\n```\n[no](link.md)\n```\n[r]: ../README.md\n";
        let tree = Tree::of(&[
            ("README.md", "[docs](docs/page.md) and [a folder](docs/)\n"),
            ("docs/page.md", page),
            ("docs/formats/journal.md", ""),
            (
                "kernel/journal/src/lib.rs",
                "//! The format: docs/formats/journal.md.\n",
            ),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let tree = Tree::of(&[
            (
                "docs/page.md",
                "fine\n[a](missing.md) [b](../../outside.md)\n[r]: gone.md\n",
            ),
            (
                "kernel/journal/src/lib.rs",
                "// See docs/formats/journal.md.\n",
            ),
        ]);
        let found: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        let page = || "docs/page.md".to_owned();
        let source = "kernel/journal/src/lib.rs".to_owned();
        assert_eq!(found, [(page(), 2), (page(), 2), (page(), 3), (source, 1)]);
    }
}
