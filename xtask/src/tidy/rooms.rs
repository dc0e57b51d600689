//! Every room has an introduction over its door.

use super::finding::Finding;
use super::tree::{TextFile, Tree};

/// Refuses crate roots, and modules with a folder of their own, that do not begin with `//!`.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let rooms = tree
        .files_ending(".rs")
        .filter(|file| is_room(tree, &file.path));
    rooms
        .filter(|room| !is_introduced(room))
        .map(finding)
        .collect()
}

fn is_room(tree: &Tree, path: &str) -> bool {
    let is_root = ["/src/lib.rs", "/src/main.rs", "/tests/it/main.rs"];
    is_root.iter().any(|root| path.ends_with(root)) || has_folder(tree, path)
}

/// Whether modules other than tests lie in the folder beside `path`.
fn has_folder(tree: &Tree, path: &str) -> bool {
    let folder = format!("{}/", path.trim_end_matches(".rs"));
    let mut inside = tree.paths().filter_map(|path| path.strip_prefix(&folder));
    inside.any(|name| name.ends_with(".rs") && name != "tests.rs" && !name.starts_with("tests/"))
}

fn is_introduced(file: &TextFile) -> bool {
    let first = file.text.lines().find(|line| !line.trim().is_empty());
    first
        .and_then(|line| line.strip_prefix("//!"))
        .is_some_and(|text| !text.trim().is_empty())
}

fn finding(file: &TextFile) -> Finding {
    let right = "begin with `//!`: what it is, how things flow through it, what it does not do";
    Finding::new(&file.path, 1, "a room without an introduction", right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn introduced_rooms_and_plain_modules_pass() {
        let tree = Tree::of(&[
            ("kernel/a/src/lib.rs", "//! What it is.\nmod b;\n"),
            ("kernel/a/src/b.rs", "//! The room.\nmod c;\n"),
            ("kernel/a/src/b/c.rs", "use std::io;\n"),
            ("kernel/a/src/d.rs", "use std::io;\n"),
            ("kernel/a/src/d/tests.rs", "use super::*;\n"),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn rooms_without_an_introduction_are_found() {
        let tree = Tree::of(&[
            ("kernel/a/src/lib.rs", "mod b;\n"),
            ("kernel/a/src/b.rs", "//!\nmod c;\n"),
            ("kernel/a/src/b/c.rs", ""),
        ]);
        let found: Vec<_> = check(&tree)
            .into_iter()
            .map(|finding| finding.path)
            .collect();
        assert_eq!(found, ["kernel/a/src/lib.rs", "kernel/a/src/b.rs"]);
    }
}
