use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use portique_client::Fingerprint;
use portique_clock::{Clock, WallClock};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::Error;

/// A chain of certificates has a few; a larger file is something else.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// The bits of a mode that let anybody but the owner do anything.
const OPEN_TO_OTHERS: u32 = 0o077;

/// A certificate with its chain, and the key that goes with it.
pub(super) struct Identity {
    certified: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// Reads both files, and holds the one against the other.
    ///
    /// # Errors
    /// [`Error::Tls`] when either is no such thing, others can read the key, it is another certificate's, or the
    /// certificate is not good today.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let chain = chain(certificate)?;
        let leaf = chain
            .first()
            .expect("a chain without certificates is refused");
        check_dates(certificate, leaf)?;
        let fingerprint = Fingerprint::of(leaf);
        let private = private_key(key)?;
        let provider = rustls::crypto::ring::default_provider();
        let signing = provider.key_provider.load_private_key(private);
        let signing = signing.map_err(|error| {
            let problem = format!(
                "holds a key that cannot be used ({error}): use ECDSA, Ed25519 or RSA of 2048 bits"
            );
            refused(key, problem)
        })?;
        let certified = CertifiedKey::new(chain, signing);
        certified.keys_match().map_err(|_| {
            let certificate = certificate.display();
            let problem = format!("is not the key of the certificate in {certificate}: name the two that belong together");
            refused(key, problem)
        })?;
        Ok(Self {
            certified: Arc::new(certified),
            fingerprint,
        })
    }

    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The first certificate in a file.
///
/// # Errors
/// [`Error::Tls`].
pub(super) fn leaf(file: &Path) -> Result<CertificateDer<'static>, Error> {
    let first = chain(file)?.into_iter().next();
    Ok(first.expect("a chain without certificates is refused"))
}

/// A certificate as it is written.
///
/// # Errors
/// [`Error::Tls`].
pub(super) fn parse<'a>(file: &Path, der: &'a [u8]) -> Result<X509Certificate<'a>, Error> {
    let parsed = X509Certificate::from_der(der).map(|(_, parsed)| parsed);
    parsed.map_err(|error| {
        refused(
            file,
            format!("holds a certificate that is damaged: {error}"),
        )
    })
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let (text, _) = read(file)?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| refused(file, format!("is no file in PEM: {error}")))?;
    if found.is_empty() {
        let problem = "holds no certificate: write the hub's own first, then those between it and its authority, in PEM";
        return Err(refused(file, problem.into()));
    }
    Ok(found)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let (text, mode) = read(file)?;
    if mode & OPEN_TO_OTHERS != 0 {
        let problem = format!(
            "can be read by others (mode {:o}): take that away with `chmod 600`",
            mode & 0o7777
        );
        return Err(refused(file, problem));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let problem =
            format!("holds no private key without a password ({error}): write one in PEM");
        refused(file, problem)
    })
}

/// What is in a file, and its mode.
fn read(path: &Path) -> Result<(Vec<u8>, u32), Error> {
    let unreadable = |error: std::io::Error| refused(path, format!("cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode();
    let mut text = Vec::new();
    let mut limited = file.take(FILE_BYTES_MAX + 1);
    limited.read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let problem =
            format!("has more than {FILE_BYTES_MAX} bytes: it is no certificate and no key");
        return Err(refused(path, problem));
    }
    Ok((text, mode))
}

fn check_dates(file: &Path, leaf: &[u8]) -> Result<(), Error> {
    let parsed = parse(file, leaf)?;
    let validity = parsed.validity();
    let now = WallClock::new().now().as_millis() / 1_000;
    let problem = if now > validity.not_after.timestamp() {
        format!(
            "holds a certificate that was good until {}: have it renewed",
            validity.not_after
        )
    } else if now < validity.not_before.timestamp() {
        let from = validity.not_before;
        format!(
            "holds a certificate that is good from {from} on: wait, or set this machine's clock"
        )
    } else {
        return Ok(());
    };
    Err(refused(file, problem))
}

fn refused(path: &Path, problem: String) -> Error {
    Error::Tls {
        path: path.to_path_buf(),
        problem,
    }
}
