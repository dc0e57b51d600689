//! What people have done to the store: samples deleted, space given back, copies made.

use std::path::PathBuf;

use portique_series::{Deleted, Error, Matcher};

use super::Telemetry;

/// Below the store's folder: a copy is of hard links, so it has to be on the same file system.
const SNAPSHOTS_FOLDER: &str = "snapshots";
/// Steps of one cleaning: a folder has a step at a time, and a class a folder.
const CLEANING_STEPS_MAX: usize = 10_000;

/// Which samples.
#[derive(Debug)]
pub(crate) struct Span {
    /// Of series that all matchers of one of these lists accept.
    pub(crate) any_of: Vec<Vec<Matcher>>,
    /// Unix milliseconds, inclusive, as `to_ms`.
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Telemetry {
    /// Deletes samples, or only counts them; blocks on the disk.
    ///
    /// # Errors
    /// What the store says; a part may have been deleted then.
    pub(crate) fn delete(&self, span: &Span, is_dry: bool) -> Result<Deleted, Error> {
        match is_dry {
            true => self.store.count(&span.any_of, span.from_ms, span.to_ms),
            false => {
                let deleted = self.store.delete(&span.any_of, span.from_ms, span.to_ms)?;
                let (series, samples) = (deleted.series, deleted.samples);
                tracing::info!(series, samples, "samples of the telemetry were deleted");
                Ok(deleted)
            }
        }
    }

    /// Gives the space of deleted samples back, as far as there are whole blocks of it; blocks on
    /// the disk.
    ///
    /// # Errors
    /// What the store says; what was cleaned until then is.
    pub(crate) fn clean(&self) -> Result<(), Error> {
        for _ in 0..CLEANING_STEPS_MAX {
            let is_clean = self.store.figures().deleted_blocks == 0;
            if is_clean || self.store.maintain()?.compacted == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Copies everything at this moment to a folder below the store's, and says its name; blocks on
    /// the disk.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn snapshot(&self) -> Result<String, Error> {
        let folder = self.snapshots();
        std::fs::create_dir_all(&folder).map_err(|source| Error::Io {
            action: "make",
            path: folder.clone(),
            source,
        })?;
        // A moment has one name; who asks twice in a millisecond is refused.
        let now = self.clock.now().to_string();
        let name: String = now.chars().filter(char::is_ascii_alphanumeric).collect();
        self.store.snapshot(&folder.join(&name))?;
        Ok(name)
    }

    /// Where copies are.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.folder.join(SNAPSHOTS_FOLDER)
    }
}
