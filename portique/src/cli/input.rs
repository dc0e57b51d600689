//! What a verb is given to send: written out, from a file, or from standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::data_folder::file_error;
use crate::error::Error;

/// Largest file or input that is sent as one thing: the hub takes requests of 1 MiB.
pub(super) const INPUT_BYTES_MAX: usize = 1 << 20;

/// The argument itself, the file that `@FILE` names, or with `-` standard input.
///
/// # Errors
/// [`Error::File`] when it cannot be read, [`Error::Usage`] when it is over
/// [`INPUT_BYTES_MAX`] bytes.
pub(super) fn read(argument: &str) -> Result<Vec<u8>, Error> {
    if argument == "-" {
        return bounded(io::stdin().lock(), Path::new("standard input"));
    }
    match argument.strip_prefix('@') {
        Some(path) => read_file(Path::new(path)),
        None => Ok(argument.as_bytes().to_vec()),
    }
}

/// A whole file.
///
/// # Errors
/// As [`read`].
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    bounded(file, path)
}

fn bounded(reader: impl Read, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    reader
        .take(INPUT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| file_error("read", path, source))?;
    if bytes.len() <= INPUT_BYTES_MAX {
        return Ok(bytes);
    }
    let message = format!(
        "{} holds more than {INPUT_BYTES_MAX} bytes: store it elsewhere and send its address",
        path.display()
    );
    Err(Error::Usage { message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_names_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.json");
        std::fs::write(&path, "{}").unwrap();
        assert_eq!(read(&format!("@{}", path.display())).unwrap(), b"{}");
        assert_eq!(read("[1]").unwrap(), b"[1]");
        let missing = read("@/nowhere/at/all");
        assert!(matches!(missing, Err(Error::File { .. })));
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_sent() {
        let endless = io::repeat(b'x');
        let refused = bounded(endless, Path::new("x"));
        assert!(matches!(refused, Err(Error::Usage { .. })));
    }
}
