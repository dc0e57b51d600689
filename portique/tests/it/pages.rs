//! The commands and programs of a how-to page, as a reader would copy them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::hub_process::HubProcess;

/// The folder of the hub's data as the pages name it, within a reader's folder.
pub(crate) const DATA: &str = "portique-data";

/// A page of `docs/how-to`.
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/how-to");
        Self(std::fs::read_to_string(folder.join(name)).unwrap())
    }

    /// What stands between ` ```language ` and ` ``` `, with the heading it stands under.
    pub(crate) fn blocks(&self, language: &str) -> Vec<(String, String)> {
        let fence = format!("```{language}");
        let (mut heading, mut blocks, mut open) = (String::new(), Vec::new(), None);
        for line in self.0.lines() {
            let text = line.trim();
            match &mut open {
                None if text == fence => {
                    let indent = line.len() - line.trim_start().len();
                    open = Some((indent, String::new()));
                }
                None => {
                    if let Some(title) = text.strip_prefix("## ") {
                        heading = title.to_owned();
                    }
                }
                Some((_, block)) if text == "```" => {
                    blocks.push((heading.clone(), std::mem::take(block)));
                    open = None;
                }
                Some((indent, block)) => {
                    block.push_str(line.get(*indent..).unwrap_or_default());
                    block.push('\n');
                }
            }
        }
        blocks
    }

    /// The commands under a heading, as one script.
    pub(crate) fn commands(&self, heading: &str) -> String {
        let blocks = self.blocks("sh").into_iter();
        let script: String = blocks
            .filter(|(under, _)| under == heading)
            .map(|(_, block)| block)
            .collect();
        assert!(!script.is_empty(), "no commands under {heading:?}");
        script
    }

    /// The one program in a language.
    pub(crate) fn program(&self, language: &str) -> String {
        let mut blocks = self.blocks(language);
        assert_eq!(blocks.len(), 1, "one program in {language}");
        blocks.remove(0).1
    }
}

/// Somebody in a folder of their own, with a hub running there.
pub(crate) struct Reader {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) hub: HubProcess,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = HubProcess::start(&folder.path().join(DATA));
        Self { folder, hub }
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A program that the reader has to have, in the reader's folder and surroundings.
    pub(crate) fn command(&self, program: &str) -> Command {
        let found = Command::new(program).arg("--version").output();
        assert!(
            found.is_ok_and(|output| output.status.success()),
            "{program} is needed for this test: install it, such as with `apt-get install {program}`"
        );
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("PATH", path_with_portique())
            .env("PORTIQUE_HUB", &self.hub.http)
            .env_remove("PORTIQUE_TOKEN");
        command
    }

    /// Runs commands as a shell would that stops at the first failure.
    ///
    /// # Panics
    /// With all that it said, when one of them fails.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> String {
        let output = self
            .command("bash")
            .args(["-euc", script])
            .output()
            .unwrap();
        text_of(script, &output)
    }
}

#[track_caller]
fn text_of(script: &str, output: &Output) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(
        output.status.success(),
        "{}\n{script}\nsaid {stdout}\nand complained {stderr}",
        output.status
    );
    stdout
}

/// So that `portique` is the binary under test.
pub(crate) fn path_with_portique() -> OsString {
    let folder = Path::new(env!("CARGO_BIN_EXE_portique")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}
