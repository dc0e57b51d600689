use std::io::Write;
use std::path::{Path, PathBuf};

use portique_monitor::Fingerprint;
use portique_monitor::scrape::RemoteWriteConfig;
use portique_series::Labels;
use serde::{Deserialize, Serialize};

/// A cursor takes a line; a larger file is something else.
const CURSOR_BYTES_MAX: u64 = 64 << 10;

/// Where it is written down how far a receiver is: `docs/formats/remote-write.md`.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    path: PathBuf,
    name: String,
    url: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Written {
    name: String,
    url: String,
    /// All samples up to here are acknowledged, Unix milliseconds.
    acknowledged_ms: i64,
}

impl Cursor {
    pub(super) fn new(folder: &Path, config: &RemoteWriteConfig) -> Self {
        let identity = Labels::from_pairs([("name", &*config.name), ("url", &*config.url)]);
        let file = format!("{}.json", Fingerprint::of(&identity));
        Self {
            path: folder.join(file),
            name: config.name.clone(),
            url: config.url.clone(),
        }
    }

    /// Up to where samples are acknowledged; none for a receiver that was never sent any, or when the file is no
    /// cursor, which is said in the log.
    pub(super) fn read(&self) -> Option<i64> {
        let length = std::fs::metadata(&self.path).ok()?.len();
        let text = match length <= CURSOR_BYTES_MAX {
            true => std::fs::read(&self.path).unwrap_or_default(),
            false => Vec::new(),
        };
        match serde_json::from_slice::<Written>(&text) {
            Ok(written) => Some(written.acknowledged_ms),
            Err(error) => {
                let (path, name) = (self.path.display(), &self.name);
                tracing::warn!(%path, name, %error, "no cursor: the receiver is sent what arrives from now on");
                None
            }
        }
    }

    /// Writes it whole or not at all; blocks on the disk.
    pub(super) fn write(&self, acknowledged_ms: i64) -> std::io::Result<()> {
        let written = Written {
            name: self.name.clone(),
            url: self.url.clone(),
            acknowledged_ms,
        };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let next = self.path.with_extension("next");
        let mut file = std::fs::File::create(&next)?;
        file.write_all(&serde_json::to_vec(&written)?)?;
        file.sync_data()?;
        std::fs::rename(&next, &self.path)
    }
}
