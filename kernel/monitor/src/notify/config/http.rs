use std::fmt;

use serde::{Deserialize, Serialize};

use super::global::secret;
use super::secret::SecretSource;
use crate::yaml::{Fields, Node, Reader};

/// How an HTTP receiver is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpConfig {
    /// What proves who sends.
    pub authorization: Option<Authorization>,
    /// Whether redirects are followed; they are by default.
    pub follows_redirects: bool,
    /// A file of certificates to trust, beside those of the machine.
    pub ca_file: Option<String>,
    /// The name that the server's certificate must have, if not its host's.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub is_insecure: bool,
}

/// What proves who sends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authorization {
    /// A user's name and password.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Option<SecretSource>,
    },
    /// Credentials of a scheme such as `Bearer`.
    Scheme {
        /// `Bearer` by default.
        scheme: String,
        /// What follows the scheme.
        credentials: SecretSource,
    },
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { username, .. } => write!(f, "basic {username}"),
            Self::Scheme { scheme, .. } => write!(f, "{scheme} <secret>"),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            authorization: None,
            follows_redirects: true,
            ca_file: None,
            server_name: None,
            is_insecure: false,
        }
    }
}

const KEYS: [&str; 7] = [
    "authorization",
    "basic_auth",
    "bearer_token",
    "bearer_token_file",
    "enable_http2",
    "follow_redirects",
    "tls_config",
];
const UNSUPPORTED: [&str; 6] = [
    "http_headers",
    "no_proxy",
    "oauth2",
    "proxy_connect_header",
    "proxy_from_environment",
    "proxy_url",
];

/// Reads `http_config`; what is not there is as in `default`.
pub(super) fn read(reader: &mut Reader, node: Option<&Node>, default: &HttpConfig) -> HttpConfig {
    let Some(node) = node else {
        return default.clone();
    };
    let known: Vec<&str> = KEYS.iter().chain(&UNSUPPORTED).copied().collect();
    let Some(fields) = reader.fields(node, "http_config", &known) else {
        return default.clone();
    };
    for key in UNSUPPORTED {
        if let Some(node) = fields.get(key) {
            let message = format!(
                "{key} is not supported: http_config has {}",
                KEYS.join(", ")
            );
            reader.problem(node, message);
        }
    }
    reader.flag(fields.get("enable_http2"), "enable_http2");
    let follows = reader.flag(fields.get("follow_redirects"), "follow_redirects");
    let mut config = HttpConfig {
        authorization: authorization(reader, node, &fields),
        follows_redirects: follows.unwrap_or(true),
        ..HttpConfig::default()
    };
    tls(reader, &fields, &mut config);
    config
}

fn authorization(reader: &mut Reader, node: &Node, fields: &Fields<'_>) -> Option<Authorization> {
    let mut found = Vec::new();
    if let Some(bearer) = secret(reader, fields, "bearer_token", "bearer_token_file") {
        found.push(bearer_of("Bearer", bearer));
    }
    if let Some(node) = fields.get("basic_auth") {
        let known = ["username", "password", "password_file"];
        let basic = reader.fields(node, "basic_auth", &known)?;
        found.push(Authorization::Basic {
            username: reader
                .text(basic.get("username"), "username")
                .unwrap_or_default(),
            password: secret(reader, &basic, "password", "password_file"),
        });
    }
    if let Some(node) = fields.get("authorization") {
        let known = ["type", "credentials", "credentials_file"];
        let of_scheme = reader.fields(node, "authorization", &known)?;
        let scheme = reader.text(of_scheme.get("type"), "type");
        match secret(reader, &of_scheme, "credentials", "credentials_file") {
            Some(credentials) => {
                found.push(bearer_of(
                    scheme.as_deref().unwrap_or("Bearer"),
                    credentials,
                ));
            }
            None => reader.problem(node, "authorization has credentials or credentials_file"),
        }
    }
    if found.len() > 1 {
        let message = "basic_auth, authorization and bearer_token exclude each other: keep one";
        reader.problem(node, message);
    }
    found.pop()
}

fn bearer_of(scheme: &str, credentials: SecretSource) -> Authorization {
    let scheme = scheme.to_owned();
    Authorization::Scheme {
        scheme,
        credentials,
    }
}

fn tls(reader: &mut Reader, fields: &Fields<'_>, config: &mut HttpConfig) {
    let Some(node) = fields.get("tls_config") else {
        return;
    };
    let known = ["ca_file", "server_name", "insecure_skip_verify"];
    let Some(tls) = reader.fields(node, "tls_config", &known) else {
        return;
    };
    config.ca_file = reader.text(tls.get("ca_file"), "ca_file");
    config.server_name = reader.text(tls.get("server_name"), "server_name");
    let insecure = reader.flag(tls.get("insecure_skip_verify"), "insecure_skip_verify");
    config.is_insecure = insecure.unwrap_or(false);
}
