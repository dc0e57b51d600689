//! How a receiver knows that a push is the hub's: an HMAC over id, time and body.
//!
//! Source: Standard Webhooks 1.0.0, symmetric signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret in base64 begins with; any other text is taken as its bytes.
const PREFIX: &str = "whsec_";
/// The version of the signature.
const VERSION: &str = "v1";
/// Random bytes of a secret that the hub makes: as many as the hash has.
const SECRET_BYTES: usize = 32;
/// Shortest and longest secret in bytes: under this it can be guessed, over this it is something else.
const SECRET_BYTES_RANGE: std::ops::RangeInclusive<usize> = 16..=256;

/// What hub and receiver share.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A secret as somebody chose it.
    ///
    /// # Errors
    /// What would be right.
    pub(super) fn new(text: String) -> Result<Self, String> {
        let secret = Self(text);
        let bytes = secret.bytes().ok_or_else(|| {
            format!("secret begins with {PREFIX} and goes on with what is not base64")
        })?;
        if SECRET_BYTES_RANGE.contains(&bytes.len()) {
            return Ok(secret);
        }
        Err(format!(
            "secret has {} bytes: write {} to {}, as text or as {PREFIX} with base64",
            bytes.len(),
            SECRET_BYTES_RANGE.start(),
            SECRET_BYTES_RANGE.end()
        ))
    }

    /// A new one.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", BASE64.encode(bytes))))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The header `webhook-signature` for a message with this id, sent at this time, in seconds since
    /// 1970.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let key = self.bytes().unwrap_or_default();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("{VERSION},{}", BASE64.encode(mac.finalize().into_bytes()))
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        match self.0.strip_prefix(PREFIX) {
            Some(encoded) => BASE64.decode(encoded).ok(),
            None => Some(self.0.as_bytes().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The worked example of the specification's reference libraries.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = secret.sign(id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused() {
        assert!(Secret::new("short".into()).is_err());
        assert!(Secret::new("whsec_not base64".into()).is_err());
        assert!(Secret::new("a sentence that nobody guesses".into()).is_ok());
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one, other);
        Secret::new(one.as_str().to_owned()).unwrap();
    }
}
