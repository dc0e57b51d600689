use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use walkdir::{DirEntry, WalkDir};

/// Folders of the root that are made, not written; further down, `target` is a word like others.
const MADE_AT_ROOT: [&str; 3] = [".git", "portique-data", "target"];
/// Made, wherever it is.
const MADE_ANYWHERE: &str = "node_modules";

/// The files of the workspace, in memory.
pub(crate) struct Tree {
    files: Vec<TextFile>,
    /// Every file and folder, the unreadable ones too: what a link may point at.
    paths: BTreeSet<String>,
}

/// A file that is UTF-8 text.
pub(crate) struct TextFile {
    /// Relative to the workspace root, with `/` between names.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Tree {
    /// Reads what is under `root`, except made folders.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self {
            files: Vec::new(),
            paths: BTreeSet::new(),
        };
        let walk = WalkDir::new(root).min_depth(1).sort_by_file_name();
        for entry in walk.into_iter().filter_entry(|entry| !is_skipped(entry)) {
            let entry = entry?;
            let path = relative(root, entry.path());
            let text = if entry.file_type().is_file() {
                read_text(entry.path())?
            } else {
                None
            };
            tree.add(path, text);
        }
        Ok(tree)
    }

    /// A tree of `(path, text)` pairs, for tests of the checks.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self {
            files: Vec::new(),
            paths: BTreeSet::new(),
        };
        for (path, text) in files {
            tree.add((*path).to_owned(), Some((*text).to_owned()));
            let folders = path
                .match_indices('/')
                .map(|(end, _)| path[..end].to_owned());
            tree.paths.extend(folders);
        }
        tree
    }

    pub(crate) fn files(&self) -> &[TextFile] {
        &self.files
    }

    /// Files whose path ends in `suffix`, such as `.rs` or `Cargo.toml`.
    pub(crate) fn files_ending<'a>(
        &'a self,
        suffix: &'a str,
    ) -> impl Iterator<Item = &'a TextFile> {
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(suffix))
    }

    /// Whether a file or folder is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    fn add(&mut self, path: String, text: Option<String>) {
        self.paths.insert(path.clone());
        if let Some(text) = text {
            self.files.push(TextFile { path, text });
        }
    }
}

impl TextFile {
    /// Lines with their number, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// The number of the line that holds the byte at `offset`.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        self.text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    }
}

fn is_skipped(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_made_at_root = entry.depth() == 1 && MADE_AT_ROOT.contains(&name.as_ref());
    entry.file_type().is_dir() && (is_made_at_root || name == MADE_ANYWHERE)
}

fn relative(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let names = inside
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    names.collect::<Vec<_>>().join("/")
}

fn read_text(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_folders_are_left_out_and_binary_files_are_paths_only() {
        let root = tempfile::tempdir().unwrap();
        let written = ["README.md", "target/made.rs", "fleet/src/target/room.rs"];
        for path in written {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        fs::write(root.path().join("logo.png"), [0xff, 0xfe]).unwrap();

        let tree = Tree::read(root.path()).unwrap();

        let texts: Vec<_> = tree.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(texts, ["README.md", "fleet/src/target/room.rs"]);
        assert!(tree.has("logo.png") && tree.has("fleet/src"));
        assert!(!tree.has("target/made.rs"));
    }
}
