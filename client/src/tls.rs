//! Whom a client believes to be the hub, and how it speaks to it where addresses begin with `https`.
//!
//! A hub shows a certificate of an authority that this machine trusts, or one that its file names, or one that it made
//! itself, which is known by its [`Fingerprint`]. What is shown otherwise ends the connection before anything is said.

mod fingerprint;
mod pinned;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Channel, Endpoint};

pub use fingerprint::{Fingerprint, NotAFingerprint};
use pinned::Pinned;

use crate::Error;

/// What a hub's address begins with where it shows a certificate.
const SECURE: &str = "https://";

/// Says the fingerprint of the hub's certificate, if it is known; asked at each connection, so that it may change.
pub type Ask = Arc<dyn Fn() -> Option<Fingerprint> + Send + Sync>;

/// Whom a client believes to be the hub; only asked where the address begins with `https`.
#[derive(Clone, Default)]
pub enum Trust {
    /// Whoever shows a certificate of an authority that this machine trusts, in the name of the address.
    #[default]
    Machine,
    /// Whoever shows a certificate of an authority in this file (PEM), in the name of the address.
    Authority(PathBuf),
    /// Whoever shows exactly this certificate, whatever names and dates are in it.
    Pinned(Fingerprint),
    /// Whoever shows the certificate that is known at that moment.
    Known(Ask),
}

impl Trust {
    /// How a hub is spoken to; nothing is said of protocols yet.
    ///
    /// # Errors
    /// [`Error::Trust`] for a file that cannot be used.
    pub fn client_config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions of TLS");
        let roots = match self {
            Self::Machine => machine(),
            Self::Authority(file) => authorities(file)?,
            Self::Pinned(fingerprint) => {
                let fingerprint = *fingerprint;
                return Ok(pinned(Arc::new(move || Some(fingerprint)), provider));
            }
            Self::Known(ask) => return Ok(pinned(Arc::clone(ask), provider)),
        };
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }

    /// A channel to an endpoint, over TLS where its address begins with `https`; nothing is connected yet.
    ///
    /// # Errors
    /// As [`client_config`](Self::client_config).
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn channel(&self, endpoint: Endpoint) -> Result<Channel, Error> {
        if endpoint.uri().scheme_str() != Some(SECURE.trim_end_matches("://")) {
            return Ok(endpoint.connect_lazy());
        }
        let trust = self.clone();
        // Reading whom the machine trusts takes longer than others may wait.
        let config = tokio::task::spawn_blocking(move || trust.client_config()).await;
        let config = config.map_err(|error| Error::Trust {
            problem: error.to_string(),
        })??;
        Ok(endpoint.connect_with_connector_lazy(connector(config)))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => f.write_str("Machine"),
            Self::Authority(file) => f.debug_tuple("Authority").field(file).finish(),
            Self::Pinned(fingerprint) => f.debug_tuple("Pinned").field(fingerprint).finish(),
            Self::Known(_) => f.write_str("Known"),
        }
    }
}

/// Connections for gRPC: the system's TLS of `tonic` is another one, and does not know pins.
fn connector(config: ClientConfig) -> HttpsConnector<HttpConnector> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_http2()
        .wrap_connector(http)
}

fn pinned(ask: Ask, provider: Arc<CryptoProvider>) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring knows the default versions of TLS")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned::new(ask, provider)))
        .with_no_client_auth()
}

/// Nobody, where the machine says nothing: then every certificate is refused.
fn machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn authorities(file: &PathBuf) -> Result<RootCertStore, Error> {
    let refused = |problem: String| Error::Trust {
        problem: format!("{} {problem}: it is a file in PEM", file.display()),
    };
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| refused(format!("cannot be read ({error})")))?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found);
    match added {
        0 => Err(refused("holds no certificate".into())),
        _ => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_no_authority() {
        let nothing = Trust::Authority("/dev/null".into());
        let problem = nothing.client_config().unwrap_err().to_string();
        assert!(
            problem.contains("/dev/null holds no certificate"),
            "{problem}"
        );
        let missing = Trust::Authority("/no/such/file".into());
        let problem = missing.client_config().unwrap_err().to_string();
        assert!(
            problem.contains("/no/such/file cannot be read"),
            "{problem}"
        );
    }
}
