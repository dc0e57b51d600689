//! The kernel has no word of any system, so that it can carry the next one unchanged.

use super::finding::Finding;
use super::tree::{TextFile, Tree};

/// Words that only mean a system.
const SYSTEM_WORDS: [&str; 4] = ["callhome", "helpdesk", "launch", "metering"];
/// Names that are ordinary words too; only their crates are refused.
const SYSTEM_CRATES: [&str; 4] = [
    "portique-documents",
    "portique-payments",
    "portique_documents",
    "portique_payments",
];

/// Refuses system names in the kernel, comments included; tests may use them as examples.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree
        .files()
        .iter()
        .filter(|file| is_kernel_source(&file.path));
    sources.flat_map(check_file).collect()
}

fn is_kernel_source(path: &str) -> bool {
    let is_source = path.ends_with(".rs") || path.ends_with("Cargo.toml");
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
    path.starts_with("kernel/") && is_source && !is_test
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let lines = file
        .lines()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
    let named = lines.filter_map(|(number, line)| Some((number, system_named(line)?)));
    named
        .map(|(number, word)| {
            let wrong = format!("the kernel names the system {word:?}");
            Finding::new(
                &file.path,
                number,
                wrong,
                "say it without any system's words",
            )
        })
        .collect()
}

fn system_named(line: &str) -> Option<&'static str> {
    let line = line.to_lowercase();
    let is_word = |candidate: &&&str| {
        line.split(|c: char| !c.is_alphanumeric())
            .any(|word| word == **candidate)
    };
    let word = SYSTEM_WORDS.iter().find(is_word);
    let name = || SYSTEM_CRATES.iter().find(|name| line.contains(**name));
    word.or_else(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_words_pass() {
        let tree = Tree::of(&[
            (
                "kernel/records/src/lib.rs",
                "//! Collections of documents; payments too.\n",
            ),
            (
                "kernel/bus/src/port/tests.rs",
                "const SUBJECT: &str = \"launch.demo\";\n",
            ),
            (
                "kernel/bus/src/port.rs",
                "fn f() {}\n#[cfg(test)]\nmod tests { /* launch */ }\n",
            ),
            ("systems/launch/src/lib.rs", "//! Launch control.\n"),
        ]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_system_is_found_in_code_comments_and_manifests() {
        let tree = Tree::of(&[
            (
                "kernel/event/src/subject.rs",
                "\n/// Such as `launch.demo.count`.\n",
            ),
            ("kernel/bus/src/port.rs", "use portique_launch::Sample;\n"),
            (
                "kernel/bus/Cargo.toml",
                "portique-documents.workspace = true\n",
            ),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].line, 2);
    }
}
