use std::path::PathBuf;

use serde_json::json;

use super::output::{Output, write_text};
use crate::config::DATA_DEFAULT;
use crate::data_folder::live_addresses;
use crate::error::Error;
use crate::tls::{CERTIFICATE_FILE, fingerprint_of};

/// `portique tls`.
#[derive(Debug, clap::Args)]
pub(super) struct Tls {
    #[command(subcommand)]
    verb: TlsVerb,
}

#[derive(Debug, clap::Subcommand)]
enum TlsVerb {
    /// Print the fingerprint by which clients know a hub's certificate (--fingerprint).
    Fingerprint {
        /// Of the certificate in this file [default: the one that the hub on --data shows, or has made for itself].
        #[arg(value_name = "FILE")]
        certificate: Option<PathBuf>,
        /// The hub's data folder [default: ./portique-data].
        #[arg(long, value_name = "FOLDER", env = "PORTIQUE_DATA")]
        data: Option<PathBuf>,
    },
}

impl Tls {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let TlsVerb::Fingerprint { certificate, data } = self.verb;
        let data = data.unwrap_or_else(|| DATA_DEFAULT.into());
        let shown = match certificate {
            Some(_) => None,
            None => live_addresses(&data).and_then(|live| live.pin()),
        };
        let fingerprint = match shown {
            Some(shown) => shown,
            None => fingerprint_of(&certificate.unwrap_or_else(|| data.join(CERTIFICATE_FILE)))?,
        };
        match output {
            Output::Table => write_text(&format!("{fingerprint}\n")),
            Output::Json => {
                let fingerprint = json!({ "fingerprint": fingerprint.to_string() });
                write_text(&format!("{fingerprint:#}\n"))
            }
        }
    }
}
