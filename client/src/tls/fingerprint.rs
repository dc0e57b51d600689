use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Bytes of a SHA-256.
const BYTES: usize = 32;

/// By which a certificate is known: the SHA-256 of its DER, written as 32 pairs of hexadecimal digits with colons
/// between; read without colons too, in either case, with `sha256:` before it or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; BYTES]);

/// What is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no fingerprint: write the 64 hexadecimal digits of a SHA-256, as `portique tls fingerprint` prints them"
)]
pub struct NotAFingerprint;

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let digits = match text.get(..7) {
            Some(prefix) if prefix.eq_ignore_ascii_case("sha256:") => &text[7..],
            _ => text,
        };
        let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b':').collect();
        if digits.len() != 2 * BYTES {
            return Err(NotAFingerprint);
        }
        let mut bytes = [0; BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = 16 * digit(pair[0])? + digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char(':')?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn digit(byte: u8) -> Result<u8, NotAFingerprint> {
    let digit = char::from(byte).to_digit(16).ok_or(NotAFingerprint)?;
    u8::try_from(digit).map_err(|_| NotAFingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_people_write_it() {
        let fingerprint = Fingerprint::of(b"a certificate");
        let written = fingerprint.to_string();
        assert_eq!(written.len(), 95);
        for same in [
            written.clone(),
            written.replace(':', ""),
            written.to_lowercase(),
            format!(" SHA256:{written}\n"),
        ] {
            assert_eq!(same.parse(), Ok(fingerprint), "{same:?}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let written = Fingerprint::of(b"a certificate").to_string();
        let short = &written[..92];
        let other = written.replace(&written[..2], "xy");
        for none in [
            "",
            "sha256:",
            short,
            &other,
            "é",
            &"ü".repeat(32),
            &format!("{written}00"),
        ] {
            assert_eq!(
                none.parse::<Fingerprint>(),
                Err(NotAFingerprint),
                "{none:?}"
            );
        }
    }
}
