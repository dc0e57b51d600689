use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::data_folder::file_error;
use crate::error::Error;

/// The commander token's file in the data folder.
pub(crate) const TOKEN_FILE: &str = "commander.token";
/// What modules that are attached by hand show; it gives no orders.
pub(crate) const MODULE_TOKEN_FILE: &str = "module.token";
/// What programs that queue jobs and publish events show; it opens nothing else.
pub(crate) const SERVICE_TOKEN_FILE: &str = "service.token";
/// 256 bits: not to be guessed, whatever the rate.
const TOKEN_BYTES: usize = 32;
/// Twice a token in hexadecimal; a larger file is something else.
const TOKEN_FILE_BYTES_MAX: u64 = 256;

/// A secret that its holder shows: 32 random bytes, written as 64 hexadecimal digits.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// Reads a token of a data folder, or writes a new one on the first start.
    ///
    /// # Errors
    /// [`Error::TokenFile`] when others can read the file or it holds something else.
    pub(crate) fn open(folder: &Path, file: &str) -> Result<Self, Error> {
        let path = folder.join(file);
        match Self::read(&path) {
            Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(&path)
            }
            other => other,
        }
    }

    /// Reads a token file.
    ///
    /// # Errors
    /// As [`Token::open`], and [`Error::File`] when there is none.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| file_error("read", path, source))?;
        let metadata = file
            .metadata()
            .map_err(|source| file_error("read", path, source))?;
        if metadata.mode() & 0o077 != 0 {
            let problem = "can be read by others: take their access away with `chmod 600`, or \
                           remove it to have a new one written at the next start";
            return Err(token_error(path, problem));
        }
        let mut text = String::new();
        file.take(TOKEN_FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|source| file_error("read", path, source))?;
        let text = text.trim();
        let is_token = text.len() == 2 * TOKEN_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_token {
            let problem = "does not hold a token (64 hexadecimal digits): remove it to have a new \
                           one written at the next start of the hub";
            return Err(token_error(path, problem));
        }
        Ok(Self(text.to_owned()))
    }

    /// A token given as text, such as in the environment.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn create(path: &Path) -> Result<Self, Error> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|error| file_error("draw random bytes for", path, io::Error::other(error)))?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write_private(path, &text).map_err(|source| file_error("write", path, source))?;
        Ok(Self(text))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Renamed into place once it is durable, so that a crash leaves a whole secret or none.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    // What lies there was left by a crash or planted: it is neither written through nor followed.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

fn token_error(path: &Path, problem: &str) -> Error {
    Error::TokenFile {
        path: PathBuf::from(path),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_start_writes_a_token_that_later_starts_read() {
        let folder = tempfile::tempdir().unwrap();
        let first = Token::open(folder.path(), TOKEN_FILE).unwrap();
        let second = Token::open(folder.path(), TOKEN_FILE).unwrap();
        assert_eq!(first.as_str(), second.as_str());
        assert_eq!(first.as_str().len(), 2 * TOKEN_BYTES);
        let mode = fs::metadata(folder.path().join(TOKEN_FILE)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_planted_draft_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "mine").unwrap();
        let draft = folder.path().join(TOKEN_FILE).with_extension("new");
        std::os::unix::fs::symlink(&elsewhere, &draft).unwrap();
        Token::open(folder.path(), TOKEN_FILE).unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
        let token = fs::symlink_metadata(folder.path().join(TOKEN_FILE)).unwrap();
        assert!(token.is_file());
    }

    #[test]
    fn a_token_open_to_others_or_no_token_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TOKEN_FILE);
        Token::open(folder.path(), TOKEN_FILE).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Token::open(folder.path(), TOKEN_FILE),
            Err(Error::TokenFile { .. })
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "secret").unwrap();
        assert!(matches!(
            Token::open(folder.path(), TOKEN_FILE),
            Err(Error::TokenFile { .. })
        ));
    }
}
