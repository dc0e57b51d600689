use std::path::Path;
use std::sync::Arc;

use portique_monitor::notify::TlsConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};
use tokio::sync::OnceCell;

/// Whom the machine trusts, read once.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    machine: Arc<OnceCell<Arc<RootCertStore>>>,
}

impl Trust {
    /// How a server is spoken to; names of files begin at `folder`.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(super) async fn config(
        &self,
        tls: &TlsConfig,
        folder: &Path,
    ) -> Result<ClientConfig, String> {
        let identity = tls.identity.as_ref();
        let identity = identity.map(|(cert, key)| (folder.join(cert), folder.join(key)));
        let ca_file = tls.ca_file.as_ref().map(|file| folder.join(file));
        let trusting = match (tls.is_insecure, ca_file) {
            (true, _) => {
                let verifier = Arc::new(Credulous(provider()));
                builder()
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
            }
            (false, Some(file)) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(blocking(move || certificates(&file)).await?);
                builder().with_root_certificates(roots)
            }
            (false, None) => {
                let machine = self.machine.get_or_init(|| async {
                    let read = tokio::task::spawn_blocking(machine).await;
                    Arc::new(read.unwrap_or_else(|_| RootCertStore::empty()))
                });
                builder().with_root_certificates(machine.await.clone())
            }
        };
        let Some((cert, key)) = identity else {
            return Ok(trusting.with_no_client_auth());
        };
        let (chain, key) = blocking(move || Ok((certificates(&cert)?, private_key(&key)?))).await?;
        let config = trusting.with_client_auth_cert(chain, key);
        config.map_err(|error| format!("the certificate cannot be shown: {error}"))
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|error| error.to_string())?
}

/// How nobody is spoken to over TLS.
pub(super) fn nobody() -> ClientConfig {
    builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring knows the default versions of TLS")
}

fn machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let problem = found.errors.first().map(ToString::to_string);
        tracing::warn!(problem, "this machine trusts nobody: https needs a ca_file");
    }
    roots
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = file.display();
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{shown} holds no certificate: it is a file in PEM")),
        Err(error) => Err(format!("{shown} cannot be read: {error}")),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

/// Believes every certificate, as `insecure_skip_verify` asks for; signatures have to be right all the same.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
