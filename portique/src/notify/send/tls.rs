//! Whom a connection trusts, and who it says it is.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use portique_monitor::notify::TlsConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// What a file says of it, made usable; reads files, so it blocks. Relative paths begin at `folder`.
///
/// # Errors
/// Which file cannot be used, and why.
pub(super) fn client_config(tls: &TlsConfig, folder: &Path) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    let trusting = if tls.is_insecure {
        let anybody = Arc::new(Anybody(provider));
        builder
            .dangerous()
            .with_custom_certificate_verifier(anybody)
    } else if let Some(ca_file) = &tls.ca_file {
        builder.with_root_certificates(roots(&folder.join(ca_file))?)
    } else {
        builder
            .with_native_roots()
            .map_err(|error| format!("this machine trusts no certificates: {error}"))?
    };
    let Some((certificate, key)) = &tls.identity else {
        return Ok(trusting.with_no_client_auth());
    };
    let (certificate, key) = (folder.join(certificate), folder.join(key));
    let chain = certificates(&certificate)?;
    let key = PrivateKeyDer::from_pem_file(&key)
        .map_err(|error| format!("{} holds no key in PEM: {error}", key.display()))?;
    trusting
        .with_client_auth_cert(chain, key)
        .map_err(|error| format!("{} cannot be shown: {error}", certificate.display()))
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| format!("{} cannot be trusted: {error}", path.display()))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bad = |error| format!("{} holds no certificate in PEM: {error}", path.display());
    let found = CertificateDer::pem_file_iter(path).map_err(bad)?;
    let found: Result<Vec<_>, _> = found.collect();
    let found = found.map_err(bad)?;
    match found.is_empty() {
        true => Err(format!("{} holds no certificate in PEM", path.display())),
        false => Ok(found),
    }
}

/// Takes any certificate, as `insecure_skip_verify` asks for; signatures are still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
