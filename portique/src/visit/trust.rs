use std::ffi::OsString;
use std::path::PathBuf;

use portique_client::{Fingerprint, Trust};

use crate::error::Error;

/// The environment variable that says by which certificate the hub is known.
pub(crate) const FINGERPRINT_VARIABLE: &str = "PORTIQUE_FINGERPRINT";

/// The environment variable that says in which file the hub's certificate, or its authority's, is.
const CA_VARIABLE: &str = "PORTIQUE_CA";

/// Whom to believe to be a hub whose address begins with `https`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct TrustArgs {
    /// Believe a hub whose certificate is in this file (PEM), or is of an authority in it [default: authorities that
    /// this machine trusts, and the hub that runs on --data; env: PORTIQUE_CA].
    #[arg(
        long = "ca",
        id = "tls_ca",
        global = true,
        value_name = "FILE",
        conflicts_with = "tls_fingerprint"
    )]
    ca: Option<PathBuf>,
    /// Believe a hub whose certificate has this fingerprint, whatever is in it: the hub says it at its start [env:
    /// PORTIQUE_FINGERPRINT].
    #[arg(
        long = "fingerprint",
        id = "tls_fingerprint",
        global = true,
        value_name = "SHA256"
    )]
    fingerprint: Option<Fingerprint>,
}

impl TrustArgs {
    /// Whom these arguments name, or else the environment, if one of them names somebody. What is said on the command
    /// line counts alone: a variable of the whole shell is no contradiction to it.
    ///
    /// # Errors
    /// [`Error::Usage`] for a fingerprint in the environment that is none.
    pub(crate) fn named(&self) -> Result<Option<Trust>, Error> {
        self.named_in(|variable| std::env::var_os(variable))
    }

    fn named_in(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Trust>, Error> {
        match (&self.fingerprint, &self.ca) {
            (Some(fingerprint), _) => return Ok(Some(Trust::Pinned(*fingerprint))),
            (None, Some(file)) => return Ok(Some(Trust::Authority(file.clone()))),
            (None, None) => {}
        }
        let said = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = said(FINGERPRINT_VARIABLE) {
            let fingerprint = text.to_string_lossy().parse::<Fingerprint>();
            let pinned = fingerprint.map(|fingerprint| Some(Trust::Pinned(fingerprint)));
            return pinned.map_err(|error| Error::Usage {
                message: format!("{FINGERPRINT_VARIABLE}: {error}"),
            });
        }
        Ok(said(CA_VARIABLE).map(|file| Trust::Authority(file.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:\
                       00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";

    fn pinned(text: &str) -> Fingerprint {
        text.parse().unwrap()
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let shell = |name: &str| match name {
            CA_VARIABLE => Some(OsString::from("shell.pem")),
            _ => None,
        };
        let by_pin = TrustArgs {
            fingerprint: Some(pinned(PIN)),
            ..TrustArgs::default()
        };
        let named = by_pin.named_in(shell).unwrap();
        assert!(matches!(named, Some(Trust::Pinned(pin)) if pin == pinned(PIN)));
        let pin_of_shell = |name: &str| (name == FINGERPRINT_VARIABLE).then(|| PIN.into());
        let by_file = TrustArgs {
            ca: Some("mine.pem".into()),
            ..TrustArgs::default()
        };
        let named = by_file.named_in(pin_of_shell).unwrap();
        assert!(matches!(named, Some(Trust::Authority(file)) if file.ends_with("mine.pem")));
        let nothing = TrustArgs::default();
        assert!(matches!(
            nothing.named_in(shell).unwrap(),
            Some(Trust::Authority(_))
        ));
        assert!(matches!(
            nothing.named_in(pin_of_shell).unwrap(),
            Some(Trust::Pinned(_))
        ));
        let wrong = nothing.named_in(|_| Some("made up".into())).unwrap_err();
        assert!(wrong.to_string().contains(FINGERPRINT_VARIABLE), "{wrong}");
    }
}
