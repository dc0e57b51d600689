//! The folders of blocks, one for each retention class, and the blocks that readers see.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::config::Retention;
use crate::{Block, BlockFolder, Error, LostBlock};

/// The folder of series that no class claims.
const DEFAULT_CLASS: &str = "default";

/// All folders of blocks of a store.
#[derive(Debug, Default)]
pub(super) struct BlockFolders {
    pub(super) folders: Vec<ClassFolder>,
    /// Blocks that could not be opened.
    pub(super) damaged: Vec<Error>,
}

/// The blocks of one class.
#[derive(Debug)]
pub(super) struct ClassFolder {
    pub(super) folder: BlockFolder,
    pub(super) name: String,
    /// As series have it; that of a class which is no longer configured is 0.
    pub(super) class: u8,
}

/// A block that readers see.
#[derive(Debug, Clone)]
pub(super) struct OpenBlock {
    pub(super) block: Arc<Block>,
    /// Index of its folder.
    pub(super) folder: usize,
    pub(super) class: u8,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) resolution_ms: u32,
}

impl BlockFolders {
    /// Opens the folders of all classes, and of those that once were configured.
    pub(super) fn open(
        path: &Path,
        retention: &Retention,
    ) -> Result<(Self, Vec<OpenBlock>), Error> {
        let mut names = vec![DEFAULT_CLASS.to_owned()];
        names.extend(retention.classes.iter().map(|class| class.name.clone()));
        for name in folder_names(path)? {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let (mut folders, mut blocks) = (Self::default(), Vec::new());
        for (index, name) in names.into_iter().enumerate() {
            let opened = BlockFolder::open(&path.join(&name))?;
            let is_configured = index <= retention.classes.len();
            let class = if is_configured { index as u8 } else { 0 };
            let opened_blocks = opened.blocks.into_iter();
            blocks.extend(opened_blocks.map(|block| OpenBlock::new(block, index, class)));
            folders.damaged.extend(opened.damaged);
            folders.folders.push(ClassFolder {
                folder: opened.folder,
                name,
                class,
            });
        }
        sort(&mut blocks);
        Ok((folders, blocks))
    }

    /// Blocks that should be there and are not.
    pub(super) fn lost(&self) -> Vec<LostBlock> {
        self.folders
            .iter()
            .flat_map(|class| class.folder.lost())
            .collect()
    }

    /// The folder for the series of a class.
    pub(super) fn of_class(&self, class: u8) -> Option<(usize, &ClassFolder)> {
        // Configured classes are first, in their order.
        let index = usize::from(class);
        Some((index, self.folders.get(index)?))
    }
}

impl OpenBlock {
    pub(super) fn new(block: Arc<Block>, folder: usize, class: u8) -> Self {
        let meta = block.meta();
        Self {
            block,
            folder,
            class,
            first_ms: meta.first_ms,
            last_ms: meta.last_ms,
            resolution_ms: meta.resolution_ms,
        }
    }
}

/// By time, so that reading one after another mostly ascends.
pub(super) fn sort(blocks: &mut [OpenBlock]) {
    blocks.sort_by_key(|block| (block.first_ms, block.block.meta().number));
}

fn folder_names(path: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Io {
        action: "list",
        path: path.to_owned(),
        source,
    };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}
