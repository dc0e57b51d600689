use std::path::PathBuf;

use super::problem::Problem;
use super::raw::{RawConfig, RawTls, Written};

/// Names in a self-signed certificate; each is a few bytes of it, which every connection carries.
const NAMES_MAX: usize = 64;
/// Longest name of a machine (RFC 1035, section 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// Whose certificate the hub shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TlsConfig {
    /// Nobody's: nothing is encrypted, and only this machine may connect. The default.
    #[default]
    Off,
    /// One that it makes for itself in its data folder, once.
    SelfSigned {
        /// Names and IP addresses that it is good for, besides this machine's own; at most 64.
        names: Vec<String>,
    },
    /// One that is given.
    Files {
        /// The certificate, and those between it and its authority, in PEM.
        certificate: PathBuf,
        /// Its key, in PEM; others must not be able to read it.
        key: PathBuf,
    },
}

impl TlsConfig {
    /// Whether anything is encrypted.
    pub fn is_on(&self) -> bool {
        *self != Self::Off
    }
}

/// What the command line says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsOverride {
    SelfSigned,
    Files { certificate: PathBuf, key: PathBuf },
}

pub(super) fn resolve(
    raw: &RawConfig,
    said: Option<TlsOverride>,
    problems: &mut Vec<Problem>,
) -> TlsConfig {
    let tls = &raw.tls;
    let names = names(tls, problems);
    let self_signed = tls.self_signed.as_ref().filter(|written| written.value);
    match said {
        Some(TlsOverride::SelfSigned) => return TlsConfig::SelfSigned { names },
        Some(TlsOverride::Files { certificate, key }) => {
            return TlsConfig::Files { certificate, key };
        }
        None => {}
    }
    let half = |written: &Written<String>, other: &str| {
        Problem::at(
            &written.place,
            "a certificate and its key belong together".into(),
            format!("write {other} too"),
        )
    };
    match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            if let Some(written) = self_signed {
                problems.push(Problem::at(
                    &written.place,
                    "both tls.certificate and tls.self_signed are written".into(),
                    "keep the one that the hub shall show".into(),
                ));
            }
            return TlsConfig::Files {
                certificate: certificate.value.as_str().into(),
                key: key.value.as_str().into(),
            };
        }
        (Some(certificate), None) => problems.push(half(certificate, "tls.key")),
        (None, Some(key)) => problems.push(half(key, "tls.certificate")),
        (None, None) => {}
    }
    match self_signed {
        Some(_) => TlsConfig::SelfSigned { names },
        None => TlsConfig::Off,
    }
}

fn names(tls: &RawTls, problems: &mut Vec<Problem>) -> Vec<String> {
    let Some(written) = &tls.names else {
        return Vec::new();
    };
    let is_name = |name: &String| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:*".contains(&byte);
        (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_known)
    };
    let wrong = written.value.iter().find(|name| !is_name(name));
    if let Some(wrong) = wrong {
        problems.push(Problem::at(
            &written.place,
            format!("tls.names has {wrong:?}, which is no name of a machine"),
            "write names and IP addresses, such as [\"hub.example.org\", \"192.0.2.7\"]".into(),
        ));
    }
    if written.value.len() > NAMES_MAX {
        problems.push(Problem::at(
            &written.place,
            format!("tls.names has {} names", written.value.len()),
            format!("write {NAMES_MAX} at most"),
        ));
    }
    written.value.clone()
}
