use std::fmt;

use serde::{Deserialize, Serialize};

use super::global::secret;
use super::secret::{Secret, SecretSource};
use super::tls::{self, TlsConfig};
use crate::yaml::{Fields, Node, Reader};

/// How an HTTP receiver is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpConfig {
    /// What proves who sends.
    pub authorization: Option<Authorization>,
    /// Whether redirects are followed; they are by default.
    pub follows_redirects: bool,
    /// Sent along, in the order written; a name may be there several times.
    pub headers: Vec<(String, SecretSource)>,
    /// How its certificate is judged, and which one is shown.
    pub tls: TlsConfig,
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
            headers: Vec::new(),
            tls: TlsConfig::default(),
        }
    }
}

/// Most values of headers that are sent along.
const HEADERS_MAX: usize = 64;
/// Headers that are not for a file to say: they follow from the request.
const OWN_HEADERS: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "transfer-encoding",
    "user-agent",
];

/// Keys of `http_config`, which other files have beside keys of their own.
pub(crate) const KEYS: [&str; 8] = [
    "authorization",
    "basic_auth",
    "bearer_token",
    "bearer_token_file",
    "enable_http2",
    "follow_redirects",
    "http_headers",
    "tls_config",
];
const UNSUPPORTED: [&str; 5] = [
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
    read_fields(reader, node, &fields, default)
}

/// Reads [`KEYS`] out of the fields of `node`, which may have others.
pub(crate) fn read_fields(
    reader: &mut Reader,
    node: &Node,
    fields: &Fields<'_>,
    default: &HttpConfig,
) -> HttpConfig {
    reader.flag(fields.get("enable_http2"), "enable_http2");
    let follows = reader.flag(fields.get("follow_redirects"), "follow_redirects");
    HttpConfig {
        authorization: authorization(reader, node, fields),
        follows_redirects: follows.unwrap_or(true),
        headers: headers(reader, fields.get("http_headers")),
        tls: tls::read(reader, fields.get("tls_config"), &default.tls),
    }
}

/// Names with lists of values, secrets and files.
fn headers(reader: &mut Reader, node: Option<&Node>) -> Vec<(String, SecretSource)> {
    let mut found = Vec::new();
    for (key, name, of_one) in reader.entries(node, "http_headers") {
        let is_name = !name.is_empty() && name.bytes().all(is_token_byte);
        if !is_name || OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            reader.problem(key, format!("{name:?} is no header that can be set here"));
        }
        let kinds = ["values", "secrets", "files"];
        let Some(fields) = reader.fields(of_one, "a header", &kinds) else {
            continue;
        };
        for kind in kinds {
            for item in reader.items(fields.get(kind), kind) {
                let Some(text) = reader.text(Some(item), kind) else {
                    continue;
                };
                let source = match kind {
                    "files" => SecretSource::File(text),
                    _ => SecretSource::Inline(Secret::new(text)),
                };
                found.push((name.clone(), source));
            }
        }
    }
    if let (true, Some(node)) = (found.len() > HEADERS_MAX, node) {
        reader.problem(
            node,
            format!("http_headers has more than {HEADERS_MAX} values"),
        );
    }
    found
}

/// What a header's name is made of.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
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
