//! Secrets while they are used: read from where they are, and kept out of what is said afterwards.

use std::io::Read;
use std::path::{Path, PathBuf};

use portique_monitor::notify::SecretSource;

/// Longest secret in a file: a key or an address, not a document.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Shorter texts are not blotted out: they are in every other word.
const BLOTTED_BYTES_MIN: usize = 4;
const BLOT: &str = "<secret>";

/// The secrets of one attempt.
pub(super) struct Secrets {
    /// Where relative paths begin.
    pub(super) folder: PathBuf,
    known: Vec<String>,
}

impl Secrets {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            known: Vec::new(),
        }
    }

    /// The text of a secret; one in a file without the white space around it.
    ///
    /// # Errors
    /// Why it cannot be read, with the file.
    pub(super) async fn reveal(&mut self, source: &SecretSource) -> Result<String, String> {
        let text = match source {
            SecretSource::Inline(secret) => secret.reveal().to_owned(),
            SecretSource::File(path) => {
                let path = self.folder.join(path);
                let name = path.display().to_string();
                let read = tokio::task::spawn_blocking(move || read(&path)).await;
                let read = read.map_err(std::io::Error::other).and_then(|read| read);
                read.map_err(|error| format!("the secret in {name} cannot be read: {error}"))?
            }
        };
        self.hide(&text);
        Ok(text)
    }

    /// Keeps a text out of what is said.
    pub(super) fn hide(&mut self, text: &str) {
        if text.len() >= BLOTTED_BYTES_MIN {
            self.known.push(text.to_owned());
        }
    }

    /// A text without any of the secrets.
    pub(super) fn blot(&self, text: &str) -> String {
        let mut known: Vec<&String> = self.known.iter().collect();
        // What holds another one goes first.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let mut text = text.to_owned();
        for secret in known {
            text = text.replace(secret.as_str(), BLOT);
        }
        text
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use portique_monitor::notify::Secret;

    use super::*;

    #[tokio::test]
    async fn what_was_revealed_is_not_said() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "sesame\n").unwrap();
        let mut secrets = Secrets::new(folder.path());
        let file = SecretSource::File("key".into());
        assert_eq!(secrets.reveal(&file).await.unwrap(), "sesame");
        let inline = SecretSource::Inline(Secret::new("http://x/open/sesame"));
        secrets.reveal(&inline).await.unwrap();
        assert_eq!(
            secrets.blot("http://x/open/sesame says sesame"),
            "<secret> says <secret>"
        );
        let missing = secrets.reveal(&SecretSource::File("none".into())).await;
        assert!(missing.unwrap_err().contains("none cannot be read"));
    }
}
