//! TLS: whose certificate the hub shows, and how a connection begins.
//!
//! [`identity`] reads and checks a certificate with its key; [`self_signed`] makes one for a hub that has none. A
//! [`Tls`] shows the newest of them, so that files can be read again while the hub runs. [`handshake`] makes of a
//! connection a [`Stream`], with a time limit and a word for whoever speaks plain HTTP; [`incoming`] does so for many
//! at once. TLS 1.2 and 1.3 are spoken, nothing older. Whom the hub itself believes is not decided here: see `outbound`
//! and the client's `Trust`.

mod handshake;
mod identity;
mod incoming;
mod self_signed;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use portique_client::Fingerprint;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

pub(crate) use handshake::{HANDSHAKE_TIMEOUT, SPEAKS_TLS, begin};
pub(crate) use incoming::incoming;
pub(crate) use self_signed::CERTIFICATE_FILE;
pub(crate) use stream::Stream;

use crate::config::TlsConfig;
use crate::error::Error;
use identity::Identity;

/// What the protocols are called in the handshake (RFC 7301).
const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// By which the first certificate in a file is known.
///
/// # Errors
/// [`Error::Tls`].
pub(crate) fn fingerprint_of(file: &Path) -> Result<Fingerprint, Error> {
    identity::leaf(file).map(|leaf| Fingerprint::of(&leaf))
}

/// What the hub shows of itself to whoever connects; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Tls {
    shown: Arc<Shown>,
    files: Arc<Files>,
}

/// Where certificate and key are read from.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The newest identity.
struct Shown(RwLock<Identity>);

impl Tls {
    /// What the configuration asks for; `None` when it asks for nothing. A self-signed certificate is made in the data
    /// folder when there is none, in the name of this machine, of `listens` and of what is asked for.
    ///
    /// # Errors
    /// [`Error::Tls`] when the certificate or its key cannot be used, [`Error::File`] when they cannot be written.
    pub(crate) fn open(
        config: &TlsConfig,
        data: &Path,
        listens: &[std::net::SocketAddr],
    ) -> Result<Option<Self>, Error> {
        let files = match config {
            TlsConfig::Off => return Ok(None),
            TlsConfig::Files { certificate, key } => Files {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            TlsConfig::SelfSigned { names } => {
                let (certificate, key) = self_signed::open(data, names, listens)?;
                Files { certificate, key }
            }
        };
        let identity = Identity::read(&files.certificate, &files.key)?;
        Ok(Some(Self {
            shown: Arc::new(Shown(RwLock::new(identity))),
            files: Arc::new(files),
        }))
    }

    /// Reads the files again; what is wrong with them leaves all as it was.
    ///
    /// # Errors
    /// [`Error::Tls`].
    pub(crate) async fn reload(&self) -> Result<(), Error> {
        let files = Arc::clone(&self.files);
        let read = move || Identity::read(&files.certificate, &files.key);
        let read = tokio::task::spawn_blocking(read).await;
        let identity = read.map_err(|error| Error::Tls {
            path: self.files.certificate.clone(),
            problem: error.to_string(),
        })??;
        let fingerprint = identity.fingerprint();
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = identity;
        tracing::info!(%fingerprint, "the certificate was read anew");
        Ok(())
    }

    /// By which the certificate is known that is shown now.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.shown.read(Identity::fingerprint)
    }

    /// For HTTP, in the version that the visitor prefers.
    pub(crate) fn for_http(&self) -> TlsAcceptor {
        self.acceptor(&[HTTP_2, HTTP_1])
    }

    /// For gRPC.
    pub(crate) fn for_grpc(&self) -> TlsAcceptor {
        self.acceptor(&[HTTP_2])
    }

    fn acceptor(&self, protocols: &[&[u8]]) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions of TLS")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Shown {
    fn read<T>(&self, look: impl FnOnce(&Identity) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.read(Identity::certified))
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(..)")
    }
}
