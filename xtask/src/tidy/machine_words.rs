//! The project speaks of itself only, not of the machine it was written on.

use super::finding::Finding;
use super::tree::{TextFile, Tree};

/// Folders of somebody's machine.
const MACHINE_FOLDERS: [&str; 3] = ["/root/", "/home/", "/Users/"];
/// Keys that tie the build to one machine's or one company's registry.
const REGISTRY_KEYS: [&str; 4] = ["[registries", "[source.", "registry =", "registry-index ="];

/// Refuses paths of one machine anywhere, and registries in manifests and cargo's configuration.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.files().iter().filter(|file| !is_this_file(&file.path));
    files.flat_map(check_file).collect()
}

/// The one place that has to spell them out.
fn is_this_file(path: &str) -> bool {
    path == "xtask/src/tidy/machine_words.rs"
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let may_name_registry = file.path.ends_with("Cargo.toml") || file.path.starts_with(".cargo/");
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        if let Some(folder) = MACHINE_FOLDERS
            .iter()
            .find(|folder| names_folder(line, folder))
        {
            let wrong = format!("{folder} is a folder of one machine");
            let right = "write a path relative to the workspace, or take it as a parameter";
            findings.push(Finding::new(&file.path, number, wrong, right));
        }
        let is_key = |key: &&str| line.trim_start().starts_with(*key);
        if may_name_registry && let Some(key) = REGISTRY_KEYS.into_iter().find(is_key) {
            let wrong = format!("{key} names a package registry");
            let right = "leave it to the configuration of the machine that builds";
            findings.push(Finding::new(&file.path, number, wrong, right));
        }
    }
    findings
}

/// Whether `folder` begins a path in `line`: `src/home/page.rs` does not count.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"/._-}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_tree_pass() {
        let tree = Tree::of(&[
            (
                "kernel/jobs/src/lib.rs",
                "//! See src/home/page.rs and ../home/x.\n",
            ),
            ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\n"),
            ("docs/how-to/mirror.md", "registry = \"yours\"\n"),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn machine_folders_and_registries_are_found() {
        let tree = Tree::of(&[
            ("bench/run", "ok\ncd /home/ana/portique\n"),
            ("README.md", "open `/root/x`\n"),
            (".cargo/config.toml", "[source.mirror]\nregistry = \"x\"\n"),
        ]);
        let found: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        let config = || ".cargo/config.toml".to_owned();
        let expected = [
            ("bench/run".to_owned(), 2),
            ("README.md".to_owned(), 1),
            (config(), 1),
            (config(), 2),
        ];
        assert_eq!(found, expected);
    }
}
