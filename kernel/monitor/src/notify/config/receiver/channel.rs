//! The ways of a receiver as the file writes them.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;

use super::super::global::{Global, Smtp, check_identity, secret};
use super::super::secret::SecretSource;
use super::super::{http, tls};
use super::{
    ActionConfig, Channel, DiscordConfig, EmailConfig, SlackConfig, SlackField, WebhookConfig,
};
use crate::template::{self, Context, Value};
use crate::yaml::{Fields, Node, Reader};

/// Texts of a Slack message with what they are by default.
const SLACK_TEXTS: [(&str, &str); 14] = [
    (
        "callback_id",
        r#"{{ template "slack.default.callbackid" . }}"#,
    ),
    ("channel", ""),
    (
        "color",
        r#"{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}"#,
    ),
    ("fallback", r#"{{ template "slack.default.fallback" . }}"#),
    ("footer", r#"{{ template "slack.default.footer" . }}"#),
    (
        "icon_emoji",
        r#"{{ template "slack.default.iconemoji" . }}"#,
    ),
    ("icon_url", r#"{{ template "slack.default.iconurl" . }}"#),
    ("image_url", ""),
    ("pretext", r#"{{ template "slack.default.pretext" . }}"#),
    ("text", r#"{{ template "slack.default.text" . }}"#),
    ("thumb_url", ""),
    ("title", r#"{{ template "slack.default.title" . }}"#),
    (
        "title_link",
        r#"{{ template "slack.default.titlelink" . }}"#,
    ),
    ("username", r#"{{ template "slack.default.username" . }}"#),
];
const EMAIL_SUBJECT: &str = r#"{{ template "email.default.subject" . }}"#;
const EMAIL_HTML: &str = r#"{{ template "email.default.html" . }}"#;
const DISCORD_TITLE: &str = r#"{{ template "discord.default.title" . }}"#;
const DISCORD_MESSAGE: &str = r#"{{ template "discord.default.message" . }}"#;

/// Reads one way; whether ends are told by default is as in Alertmanager.
pub(super) fn read(
    reader: &mut Reader,
    key: &str,
    node: &Node,
    global: &Global,
) -> Option<(bool, Channel)> {
    let (by_default, read): (bool, Read) = match key {
        "webhook_configs" => (true, webhook),
        "slack_configs" => (false, slack),
        "discord_configs" => (true, discord),
        "email_configs" => (false, email),
        _ => (false, action),
    };
    let mut sends_resolved = None;
    let channel = read(reader, node, global, &mut sends_resolved)?;
    Some((sends_resolved.unwrap_or(by_default), channel))
}

type Read = fn(&mut Reader, &Node, &Global, &mut Option<bool>) -> Option<Channel>;

/// The fields of one way, `send_resolved` read already.
fn fields<'n>(
    reader: &mut Reader,
    node: &'n Node,
    what: &str,
    known: &[&str],
    sends_resolved: &mut Option<bool>,
) -> Option<Fields<'n>> {
    let known: Vec<&str> = known.iter().copied().chain(["send_resolved"]).collect();
    let fields = reader.fields(node, what, &known)?;
    *sends_resolved = reader.flag(fields.get("send_resolved"), "send_resolved");
    Some(fields)
}

fn text_or(reader: &mut Reader, fields: &Fields<'_>, key: &str, default: &str) -> String {
    let node = fields.get(key);
    let text = reader.text(node, key);
    if let (Some(node), Some(text)) = (node, &text) {
        check_template(reader, node, key, text);
    }
    text.unwrap_or_else(|| default.to_owned())
}

/// Says what keeps a text from being a template, whatever the alerts.
fn check_template(reader: &mut Reader, node: &Node, what: &str, text: &str) {
    let nothing = Context::new(Value::text(""), Timestamp::EPOCH);
    if let Err(error) = template::check(text, &nothing) {
        reader.problem(node, format!("{what}: {error}"));
    }
}

/// The address of an HTTP receiver: its own, or the one for all.
fn address(
    reader: &mut Reader,
    node: &Node,
    fields: &Fields<'_>,
    keys: (&str, &str),
    for_all: Option<&SecretSource>,
) -> Option<SecretSource> {
    let (key, file_key) = keys;
    let found = secret(reader, fields, key, file_key).or_else(|| for_all.cloned());
    match &found {
        None => reader.problem(node, format!("{key} is missing: write it, or {file_key}")),
        Some(SecretSource::Inline(url)) => {
            let is_http = ["http://", "https://"]
                .iter()
                .any(|s| url.reveal().starts_with(s));
            if !is_http {
                let node = fields.get(key).unwrap_or(node);
                reader.problem(
                    node,
                    format!("{key} is an address that begins with http:// or https://"),
                );
            }
        }
        Some(SecretSource::File(_)) => {}
    }
    found
}

fn webhook(
    reader: &mut Reader,
    node: &Node,
    global: &Global,
    sends_resolved: &mut Option<bool>,
) -> Option<Channel> {
    let known = ["url", "url_file", "max_alerts", "timeout", "http_config"];
    let fields = fields(reader, node, "webhook_configs", &known, sends_resolved)?;
    let url = address(reader, node, &fields, ("url", "url_file"), None);
    let max_alerts = reader.count(fields.get("max_alerts"), "max_alerts");
    let timeout = reader.duration(fields.get("timeout"), "timeout");
    let http = http::read(reader, fields.get("http_config"), &global.http);
    Some(Channel::Webhook(WebhookConfig {
        url: url?,
        max_alerts: max_alerts.unwrap_or(0),
        timeout: timeout.unwrap_or(Duration::ZERO),
        http,
    }))
}

fn slack(
    reader: &mut Reader,
    node: &Node,
    global: &Global,
    sends_resolved: &mut Option<bool>,
) -> Option<Channel> {
    let texts = SLACK_TEXTS.iter().map(|(key, _)| *key);
    let others = [
        "api_url",
        "api_url_file",
        "fields",
        "short_fields",
        "link_names",
        "mrkdwn_in",
        "http_config",
    ];
    let known: Vec<&str> = texts.chain(others).collect();
    let fields = fields(reader, node, "slack_configs", &known, sends_resolved)?;
    let for_all = global.slack_api_url.as_ref();
    let api_url = address(reader, node, &fields, ("api_url", "api_url_file"), for_all);
    let mut texts = BTreeMap::new();
    for (key, default) in SLACK_TEXTS {
        texts.insert(key.to_owned(), text_or(reader, &fields, key, default));
    }
    let are_short = reader
        .flag(fields.get("short_fields"), "short_fields")
        .unwrap_or(false);
    let slack_fields = slack_fields(reader, &fields, are_short);
    let marked = reader.items(fields.get("mrkdwn_in"), "mrkdwn_in");
    let mrkdwn_in: Vec<String> = marked
        .iter()
        .filter_map(|m| reader.text(Some(m), "mrkdwn_in"))
        .collect();
    let mrkdwn_in = match mrkdwn_in.as_slice() {
        [] => ["fallback", "pretext", "text"].map(str::to_owned).to_vec(),
        _ => mrkdwn_in,
    };
    Some(Channel::Slack(Box::new(SlackConfig {
        api_url: api_url?,
        texts,
        fields: slack_fields,
        link_names: reader
            .flag(fields.get("link_names"), "link_names")
            .unwrap_or(false),
        mrkdwn_in,
        http: http::read(reader, fields.get("http_config"), &global.http),
    })))
}

fn slack_fields(reader: &mut Reader, fields: &Fields<'_>, are_short: bool) -> Vec<SlackField> {
    let mut found = Vec::new();
    for node in reader.items(fields.get("fields"), "fields") {
        let Some(field) = reader.fields(node, "a field", &["title", "value", "short"]) else {
            continue;
        };
        let title = text_or(reader, &field, "title", "");
        let value = text_or(reader, &field, "value", "");
        if title.is_empty() || value.is_empty() {
            reader.problem(node, "a field has a title and a value");
        }
        let is_short = reader
            .flag(field.get("short"), "short")
            .unwrap_or(are_short);
        found.push(SlackField {
            title,
            value,
            is_short,
        });
    }
    found
}

fn discord(
    reader: &mut Reader,
    node: &Node,
    global: &Global,
    sends_resolved: &mut Option<bool>,
) -> Option<Channel> {
    let known = [
        "webhook_url",
        "webhook_url_file",
        "title",
        "message",
        "content",
        "username",
        "avatar_url",
        "http_config",
    ];
    let fields = fields(reader, node, "discord_configs", &known, sends_resolved)?;
    let keys = ("webhook_url", "webhook_url_file");
    let webhook_url = address(reader, node, &fields, keys, None);
    let title = text_or(reader, &fields, "title", DISCORD_TITLE);
    let message = text_or(reader, &fields, "message", DISCORD_MESSAGE);
    let content = text_or(reader, &fields, "content", "");
    let username = text_or(reader, &fields, "username", "");
    let avatar_url = text_or(reader, &fields, "avatar_url", "");
    let http = http::read(reader, fields.get("http_config"), &global.http);
    Some(Channel::Discord(DiscordConfig {
        webhook_url: webhook_url?,
        title,
        message,
        content,
        username,
        avatar_url,
        http,
    }))
}

const EMAIL_KEYS: [&str; 14] = [
    "to",
    "from",
    "smarthost",
    "hello",
    "auth_username",
    "auth_password",
    "auth_password_file",
    "auth_identity",
    "headers",
    "html",
    "text",
    "require_tls",
    "force_implicit_tls",
    "tls_config",
];

fn email(
    reader: &mut Reader,
    node: &Node,
    global: &Global,
    sends_resolved: &mut Option<bool>,
) -> Option<Channel> {
    let fields = fields(reader, node, "email_configs", &EMAIL_KEYS, sends_resolved)?;
    let to = text_or(reader, &fields, "to", "");
    let smtp = email_smtp(reader, &fields, &global.smtp);
    for (text, key, for_all) in [
        (&to, "to", ""),
        (&smtp.from, "from", ", or smtp_from in global"),
        (
            &smtp.smarthost,
            "smarthost",
            ", or smtp_smarthost in global",
        ),
    ] {
        if text.is_empty() {
            reader.problem(node, format!("an e-mail has {key}: write it{for_all}"));
        }
    }
    if !smtp.smarthost.is_empty() && !smtp.smarthost.contains(':') {
        let node = fields.get("smarthost").unwrap_or(node);
        reader.problem(
            node,
            "smarthost is a host with its port, such as mail.example.org:587",
        );
    }
    let mut headers = BTreeMap::from([("Subject".to_owned(), EMAIL_SUBJECT.to_owned())]);
    for (node, name, value) in reader.pairs(fields.get("headers"), "headers") {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if !is_name {
            reader.problem(node, format!("{name:?} is no name of a header"));
        }
        check_template(reader, node, &name, &value);
        headers.retain(|known, _| !known.eq_ignore_ascii_case(&name));
        let name = if name.eq_ignore_ascii_case("subject") {
            "Subject".into()
        } else {
            name
        };
        headers.insert(name, value);
    }
    Some(Channel::Email(Box::new(EmailConfig {
        to,
        smtp,
        headers,
        html: text_or(reader, &fields, "html", EMAIL_HTML),
        text: text_or(reader, &fields, "text", ""),
    })))
}

fn email_smtp(reader: &mut Reader, fields: &Fields<'_>, global: &Smtp) -> Smtp {
    let password = secret(reader, fields, "auth_password", "auth_password_file");
    let requires_tls = reader.flag(fields.get("require_tls"), "require_tls");
    let implicit = reader.flag(fields.get("force_implicit_tls"), "force_implicit_tls");
    let username = text_or(reader, fields, "auth_username", &global.username);
    let identity = text_or(reader, fields, "auth_identity", "");
    check_identity(reader, fields.get("auth_identity"), &identity, &username);
    Smtp {
        from: text_or(reader, fields, "from", &global.from),
        smarthost: text_or(reader, fields, "smarthost", &global.smarthost),
        hello: text_or(reader, fields, "hello", &global.hello),
        username,
        password: password.or_else(|| global.password.clone()),
        requires_tls: requires_tls.unwrap_or(global.requires_tls),
        is_implicit_tls: implicit.unwrap_or(global.is_implicit_tls),
        tls: tls::read(reader, fields.get("tls_config"), &global.tls),
    }
}

fn action(
    reader: &mut Reader,
    node: &Node,
    _: &Global,
    sends_resolved: &mut Option<bool>,
) -> Option<Channel> {
    let known = ["action", "params"];
    let fields = fields(reader, node, "action_configs", &known, sends_resolved)?;
    let action = text_or(reader, &fields, "action", "");
    if action.is_empty() {
        reader.problem(
            node,
            "an action is named: write action, as the system names it",
        );
    }
    let params = reader.pairs(fields.get("params"), "params");
    for (node, name, value) in &params {
        check_template(reader, node, name, value);
    }
    let params = params
        .into_iter()
        .map(|(_, name, value)| (name, value))
        .collect();
    Some(Channel::Action(ActionConfig { action, params }))
}
