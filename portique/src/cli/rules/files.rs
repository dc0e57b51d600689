//! The files that patterns name, and what is in them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use portique_monitor::RULE_FILE_BYTES_MAX;

use crate::data_folder::file_error;
use crate::error::Error;

/// The files that a pattern names, sorted; relative ones from `folder`.
///
/// # Errors
/// [`Error::Usage`] when it is no pattern, or nothing matches it.
pub(super) fn matching(pattern: &str, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let usage = |problem: String| Error::Usage {
        message: format!("{pattern:?} {problem}"),
    };
    let path = folder.join(pattern);
    // A file whose name has brackets in it is meant by its name.
    if path.is_file() {
        return Ok(vec![path]);
    }
    let found = glob::glob(&path.to_string_lossy())
        .map_err(|error| usage(format!("is no pattern: {error}")))?;
    let files: Vec<PathBuf> = found
        .filter_map(Result::ok)
        .filter(|path| path.is_file())
        .collect();
    if files.is_empty() {
        return Err(usage("names no file: is the path right?".to_owned()));
    }
    Ok(files)
}

/// The text of a file.
///
/// # Errors
/// [`Error::File`] when it cannot be read, [`Error::Usage`] when it is too long or no UTF-8.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let cannot = |source| file_error("read", path, source);
    let mut bytes = Vec::new();
    let limit = u64::try_from(RULE_FILE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let file = File::open(path).map_err(cannot)?;
    file.take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    let usage = |problem: String| Error::Usage {
        message: format!("{}: {problem}", path.display()),
    };
    if bytes.len() > RULE_FILE_BYTES_MAX {
        return Err(usage(format!(
            "it has more than {RULE_FILE_BYTES_MAX} bytes: split it"
        )));
    }
    String::from_utf8(bytes).map_err(|_| usage("it is not UTF-8".to_owned()))
}
