//! What a verb is given to send: written out, from a file, or from standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
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
        return bounded(
            io::stdin().lock(),
            Path::new("standard input"),
            INPUT_BYTES_MAX,
        );
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
    read_file_up_to(path, INPUT_BYTES_MAX)
}

/// A whole file of at most so many bytes.
///
/// # Errors
/// As [`read`].
pub(super) fn read_file_up_to(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    bounded(file, path, bytes_max)
}

/// The lines of the file that `@FILE` names, or with `-` those of standard input.
///
/// # Errors
/// [`Error::File`] when it cannot be opened, [`Error::Usage`] for anything else.
pub(super) fn lines(source: &str) -> Result<Box<dyn BufRead>, Error> {
    if source == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let Some(path) = source.strip_prefix('@') else {
        let message = format!("{source:?} names no lines: write @FILE, or - for standard input");
        return Err(Error::Usage { message });
    };
    let path = Path::new(path);
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    Ok(Box::new(BufReader::new(file)))
}

/// The next line with its end, or none at the end; `number` is what an error calls it.
///
/// # Errors
/// [`Error::File`] when it cannot be read, [`Error::Usage`] when it is over [`INPUT_BYTES_MAX`] bytes.
pub(super) fn next_line(lines: &mut dyn BufRead, number: usize) -> Result<Option<Vec<u8>>, Error> {
    let mut line = Vec::new();
    lines
        .take(INPUT_BYTES_MAX as u64)
        .read_until(b'\n', &mut line)
        .map_err(|source| file_error("read", Path::new("the lines"), source))?;
    if line.len() == INPUT_BYTES_MAX && line.last() != Some(&b'\n') {
        let message = format!("line {number} is longer than {INPUT_BYTES_MAX} bytes");
        return Err(Error::Usage { message });
    }
    Ok(Some(line).filter(|line| !line.is_empty()))
}

fn bounded(reader: impl Read, path: &Path, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    reader
        .take(bytes_max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| file_error("read", path, source))?;
    if bytes.len() <= bytes_max {
        return Ok(bytes);
    }
    let message = format!(
        "{} holds more than {bytes_max} bytes: store it elsewhere and send its address",
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
        let refused = bounded(endless, Path::new("x"), INPUT_BYTES_MAX);
        assert!(matches!(refused, Err(Error::Usage { .. })));
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut endless = BufReader::new(io::repeat(b'x'));
        assert!(next_line(&mut endless, 1).is_err());
        let mut lines = &b"a\nb"[..];
        let mut read = || next_line(&mut lines, 1).unwrap();
        assert_eq!(read().unwrap(), b"a\n");
        assert_eq!(read().unwrap(), b"b");
        assert_eq!(read(), None);
    }
}
