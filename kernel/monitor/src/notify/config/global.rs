use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::http::{self, HttpConfig};
use super::secret::{Secret, SecretSource};
use super::tls::{self, TlsConfig};
use super::{Flavour, Matchers};
use crate::yaml::{Fields, Node, Reader};

/// An alert without further word counts as resolved after this long.
const RESOLVE_TIMEOUT: Duration = Duration::from_mins(5);
const HELLO: &str = "localhost";
const CRITICAL: &str = "severity=\"critical\"";

/// What applies to the whole configuration.
#[derive(Debug, Clone)]
pub struct Global {
    /// After which an alert that came without an end counts as resolved; 5 minutes by default.
    pub resolve_timeout: Duration,
    /// For e-mail receivers that do not say otherwise.
    pub smtp: Smtp,
    /// For Slack receivers that do not say otherwise.
    pub slack_api_url: Option<SecretSource>,
    /// For HTTP receivers that do not say otherwise.
    pub http: HttpConfig,
    /// Which alerts are critical: they wait only for `critical_group_wait`. An addition; without it, none.
    pub critical: Option<Matchers>,
}

/// How e-mail is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smtp {
    /// Sender's address.
    pub from: String,
    /// `host:port`.
    pub smarthost: String,
    /// What it is greeted with; `localhost` by default.
    pub hello: String,
    /// User name; no authentication when empty.
    pub username: String,
    /// Password.
    pub password: Option<SecretSource>,
    /// Whether STARTTLS is a must; it is by default.
    pub requires_tls: bool,
    /// Whether TLS begins with the connection, as it does on port 465 in any case.
    pub is_implicit_tls: bool,
    /// How its certificate is judged, and which one is shown.
    pub tls: TlsConfig,
}

const KEYS: [&str; 16] = [
    "resolve_timeout",
    "http_config",
    "smtp_from",
    "smtp_smarthost",
    "smtp_hello",
    "smtp_auth_username",
    "smtp_auth_password",
    "smtp_auth_password_file",
    "smtp_auth_identity",
    "smtp_require_tls",
    "smtp_force_implicit_tls",
    "smtp_tls_config",
    "slack_api_url",
    "slack_api_url_file",
    "critical_matchers",
    "smtp_auth_secret",
];

/// Settings of receivers that are not here.
const UNSUPPORTED: [&str; 15] = [
    "jira_api_url",
    "opsgenie_api_key",
    "opsgenie_api_key_file",
    "opsgenie_api_url",
    "pagerduty_url",
    "rocketchat_api_url",
    "rocketchat_token",
    "rocketchat_token_id",
    "telegram_api_url",
    "telegram_bot_token",
    "victorops_api_key",
    "victorops_api_url",
    "webex_api_url",
    "wechat_api_secret",
    "wechat_api_url",
];

pub(super) fn read(reader: &mut Reader, node: Option<&Node>, flavour: Flavour) -> Global {
    let known: Vec<&str> = KEYS.iter().chain(&UNSUPPORTED).copied().collect();
    let fields = node.and_then(|node| reader.fields(node, "global", &known));
    let fields = fields.unwrap_or_default();
    for key in UNSUPPORTED.iter().chain(&["smtp_auth_secret"]) {
        if let Some(node) = fields.get(key) {
            reader.problem(
                node,
                format!("{key} is for something that is not supported: remove it"),
            );
        }
    }
    let timeout = reader.duration(fields.get("resolve_timeout"), "resolve_timeout");
    Global {
        resolve_timeout: timeout.unwrap_or(RESOLVE_TIMEOUT),
        smtp: smtp(reader, &fields),
        slack_api_url: secret(reader, &fields, "slack_api_url", "slack_api_url_file"),
        http: http::read(reader, fields.get("http_config"), &HttpConfig::default()),
        critical: critical(reader, &fields, flavour),
    }
}

fn smtp(reader: &mut Reader, fields: &Fields<'_>) -> Smtp {
    let mut text = |key: &str| reader.text(fields.get(key), key).unwrap_or_default();
    let (from, smarthost) = (text("smtp_from"), text("smtp_smarthost"));
    let (hello, username) = (text("smtp_hello"), text("smtp_auth_username"));
    let identity = text("smtp_auth_identity");
    check_identity(
        reader,
        fields.get("smtp_auth_identity"),
        &identity,
        &username,
    );
    let requires_tls = reader.flag(fields.get("smtp_require_tls"), "smtp_require_tls");
    let key = "smtp_force_implicit_tls";
    let is_implicit_tls = reader.flag(fields.get(key), key);
    let tls = tls::read(reader, fields.get("smtp_tls_config"), &TlsConfig::default());
    Smtp {
        from,
        smarthost,
        hello: if hello.is_empty() {
            HELLO.to_owned()
        } else {
            hello
        },
        username,
        password: secret(
            reader,
            fields,
            "smtp_auth_password",
            "smtp_auth_password_file",
        ),
        requires_tls: requires_tls.unwrap_or(true),
        is_implicit_tls: is_implicit_tls.unwrap_or(false),
        tls,
    }
}

/// Who is logged in can only be the user himself.
pub(super) fn check_identity(
    reader: &mut Reader,
    node: Option<&Node>,
    identity: &str,
    username: &str,
) {
    if let (false, Some(node)) = (identity.is_empty() || identity == username, node) {
        let message = "acting for another than the user is not supported: leave the identity out";
        reader.problem(node, message);
    }
}

fn critical(reader: &mut Reader, fields: &Fields<'_>, flavour: Flavour) -> Option<Matchers> {
    match fields.get("critical_matchers") {
        Some(_) => Some(matcher_list(reader, fields, "critical_matchers")),
        None if flavour == Flavour::Portique => Matchers::parse(CRITICAL).ok(),
        None => None,
    }
}

/// A list of texts with matchers.
pub(super) fn matcher_list(reader: &mut Reader, fields: &Fields<'_>, key: &str) -> Matchers {
    let mut all = Matchers::default();
    for node in reader.items(fields.get(key), key) {
        let Some(text) = reader.text(Some(node), key) else {
            continue;
        };
        match Matchers::parse(&text) {
            Ok(matchers) => all.extend(matchers),
            Err(problem) => reader.problem(node, problem),
        }
    }
    all
}

/// A secret that is written or in a file, but not both.
pub(super) fn secret(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &str,
    file_key: &str,
) -> Option<SecretSource> {
    let inline = reader.text(fields.get(key), key);
    let file = reader.text(fields.get(file_key), file_key);
    match (inline, file) {
        (Some(_), Some(_)) => {
            let node = fields.get(file_key)?;
            reader.problem(
                node,
                format!("{key} and {file_key} exclude each other: keep one"),
            );
            None
        }
        (Some(text), None) => Some(SecretSource::Inline(Secret::new(text))),
        (None, Some(path)) => Some(SecretSource::File(path)),
        (None, None) => None,
    }
}
