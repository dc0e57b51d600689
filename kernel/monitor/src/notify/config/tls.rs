use serde::{Deserialize, Serialize};

use crate::yaml::{Node, Reader};

/// How a server's certificate is judged, and which one is shown to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsConfig {
    /// A file of certificates to trust, instead of those that the machine trusts.
    pub ca_file: Option<String>,
    /// Files of the certificate that is shown, and of its key.
    pub identity: Option<(String, String)>,
    /// The name that the server's certificate must have, if not its host's.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub is_insecure: bool,
}

const KEYS: [&str; 5] = [
    "ca_file",
    "cert_file",
    "key_file",
    "server_name",
    "insecure_skip_verify",
];

/// Reads `tls_config`; what is not there is as in `default`.
pub(super) fn read(reader: &mut Reader, node: Option<&Node>, default: &TlsConfig) -> TlsConfig {
    let fields = node.and_then(|node| Some((node, reader.fields(node, "tls_config", &KEYS)?)));
    let Some((node, fields)) = fields else {
        return default.clone();
    };
    let mut text = |key: &str| reader.text(fields.get(key), key);
    let (ca_file, server_name) = (text("ca_file"), text("server_name"));
    let identity = match (text("cert_file"), text("key_file")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            reader.problem(node, "cert_file and key_file belong together: write both");
            None
        }
    };
    let insecure = reader.flag(fields.get("insecure_skip_verify"), "insecure_skip_verify");
    TlsConfig {
        ca_file,
        identity,
        server_name,
        is_insecure: insecure.unwrap_or(false),
    }
}
