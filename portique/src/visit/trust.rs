use std::path::PathBuf;

use portique_client::{Fingerprint, Trust};

/// The environment variable that says by which certificate the hub is known.
pub(crate) const FINGERPRINT_VARIABLE: &str = "PORTIQUE_FINGERPRINT";

/// Whom to believe to be a hub whose address begins with `https`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct TrustArgs {
    /// Believe a hub whose certificate is in this file (PEM), or is of an authority in it [default: authorities that
    /// this machine trusts, and the hub that runs on --data].
    #[arg(
        long = "ca",
        id = "tls_ca",
        global = true,
        value_name = "FILE",
        env = "PORTIQUE_CA",
        conflicts_with = "tls_fingerprint"
    )]
    ca: Option<PathBuf>,
    /// Believe a hub whose certificate has this fingerprint, whatever is in it: the hub says it at its start.
    #[arg(
        long = "fingerprint",
        id = "tls_fingerprint",
        global = true,
        value_name = "SHA256",
        env = FINGERPRINT_VARIABLE
    )]
    fingerprint: Option<Fingerprint>,
}

impl TrustArgs {
    /// Whom these arguments name, if they name somebody.
    pub(crate) fn named(&self) -> Option<Trust> {
        match (&self.fingerprint, &self.ca) {
            (Some(fingerprint), _) => Some(Trust::Pinned(*fingerprint)),
            (None, Some(file)) => Some(Trust::Authority(file.clone())),
            (None, None) => None,
        }
    }
}
