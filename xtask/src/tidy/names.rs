//! A room is named for what is in it.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::Tree;

/// Names that say nothing; whatever is put there is never found again.
const EMPTY_NAMES: [&str; 7] = [
    "common", "helper", "helpers", "misc", "types", "util", "utils",
];

/// Refuses crates and modules with such a name, and `mod.rs`.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut rooms = BTreeSet::new();
    for path in tree.paths().filter(|path| path.ends_with(".rs")) {
        if path.ends_with("/mod.rs") {
            let right = "move it beside its folder: foo.rs and foo/";
            findings.push(Finding::new(path, 1, "mod.rs", right));
        }
        let ends = path.match_indices('/').map(|(end, _)| end);
        rooms.extend(
            ends.map(|end| &path[..end])
                .filter(|room| is_empty_name(room)),
        );
        if is_empty_name(path.trim_end_matches(".rs")) {
            rooms.insert(path);
        }
    }
    let nameless = rooms.into_iter().map(|room| {
        Finding::new(
            room,
            1,
            "a name that says nothing",
            "name it for what is in it",
        )
    });
    findings.extend(nameless);
    findings
}

fn is_empty_name(room: &str) -> bool {
    room.rsplit('/')
        .next()
        .is_some_and(|name| EMPTY_NAMES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_names_pass() {
        let tree = Tree::of(&[
            ("kernel/journal/src/segment.rs", ""),
            ("kernel/journal/src/segment/header.rs", ""),
            ("docs/common/page.md", ""),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn empty_names_and_mod_rs_are_found() {
        let tree = Tree::of(&[
            ("kernel/bus/src/port/mod.rs", ""),
            ("kernel/bus/src/utils.rs", ""),
            ("kernel/bus/src/utils/a.rs", ""),
            ("kernel/common/src/lib.rs", ""),
        ]);
        let found: Vec<_> = check(&tree)
            .into_iter()
            .map(|finding| finding.path)
            .collect();
        let expected = [
            "kernel/bus/src/port/mod.rs",
            "kernel/bus/src/utils",
            "kernel/bus/src/utils.rs",
            "kernel/common",
        ];
        assert_eq!(found, expected);
    }
}
