//! A copy of everything at one moment.

use std::path::Path;

use super::Store;
use super::open::BLOCKS_FOLDER;
use crate::{BlockFolder, Error};

impl Store {
    /// Makes a store in a new folder on the same file system: blocks are hard links, the head is written to blocks of
    /// its own. What is said of metrics, and exemplars, are not in it.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder is there already, or the disk refuses; what is there of the copy then may be
    /// removed.
    pub fn snapshot(&self, target: &Path) -> Result<(), Error> {
        let _maintenance = self.maintenance();
        std::fs::create_dir(target).map_err(|source| Error::Io {
            action: "make",
            path: target.to_owned(),
            source,
        })?;
        for class in &self.folders.folders {
            let path = target.join(BLOCKS_FOLDER).join(&class.name);
            class.folder.link_into(&path)?;
        }
        for class in 0..=self.config.retention.classes.len() as u8 {
            if let Some((_, folder)) = self.folders.of_class(class) {
                let path = target.join(BLOCKS_FOLDER).join(&folder.name);
                let opened = BlockFolder::open(&path)?;
                self.write_head_into(class, &opened.folder)?;
            }
        }
        Ok(())
    }
}
