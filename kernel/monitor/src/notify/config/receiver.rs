//! Who can be told, and the ways to tell them. What is sent is written in `payload`.

mod channel;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::global::{Global, Smtp};
use super::http::HttpConfig;
use super::secret::SecretSource;
use crate::yaml::{Node, Reader};

/// Who can be told, in one or several ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    /// Its name, by which routes call it.
    pub name: Arc<str>,
    /// The ways, by kind, in the order written.
    pub integrations: Vec<Integration>,
}

/// One way to tell somebody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// Its place among those of its kind, from 0.
    pub index: usize,
    /// Whether the end of an alert is told too.
    pub sends_resolved: bool,
    /// How.
    pub channel: Channel,
}

impl Integration {
    /// Its kind and place, such as `webhook[0]`: unique in its receiver.
    pub fn key(&self) -> String {
        format!("{}[{}]", self.channel.kind(), self.index)
    }
}

/// How somebody is told. Texts are templates unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Channel {
    /// JSON to an address.
    Webhook(WebhookConfig),
    /// A message in Slack.
    Slack(Box<SlackConfig>),
    /// A message in Discord.
    Discord(DiscordConfig),
    /// An e-mail.
    Email(Box<EmailConfig>),
    /// A call into a system of this installation.
    Action(ActionConfig),
}

impl Channel {
    /// As receivers' keys write it, without `_configs`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Discord(_) => "discord",
            Self::Email(_) => "email",
            Self::Action(_) => "action",
        }
    }
}

/// JSON to an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookConfig {
    /// Where; not a template.
    pub url: SecretSource,
    /// Most alerts in one message; 0 is no limit.
    pub max_alerts: usize,
    /// How long one attempt may take; zero leaves it to who sends.
    pub timeout: Duration,
    /// How it is spoken to.
    pub http: HttpConfig,
}

/// A message in Slack, as an attachment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlackConfig {
    /// Where; not a template.
    pub api_url: SecretSource,
    /// Templates by their key in the message, such as `title` and `text`.
    pub texts: BTreeMap<String, String>,
    /// Fields of the attachment.
    pub fields: Vec<SlackField>,
    /// Whether names and channels become links.
    pub link_names: bool,
    /// Which of the message's parts are Markdown.
    pub mrkdwn_in: Vec<String>,
    /// How it is spoken to.
    pub http: HttpConfig,
}

/// A field of a Slack attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackField {
    /// Its heading.
    pub title: String,
    /// Its text.
    pub value: String,
    /// Whether it stands beside another one.
    pub is_short: bool,
}

/// A message in Discord, as an embed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscordConfig {
    /// Where; not a template.
    pub webhook_url: SecretSource,
    /// The embed's heading.
    pub title: String,
    /// The embed's text.
    pub message: String,
    /// The text above the embed.
    pub content: String,
    /// Who it seems to be from.
    pub username: String,
    /// The picture of who it seems to be from.
    pub avatar_url: String,
    /// How it is spoken to.
    pub http: HttpConfig,
}

/// An e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailConfig {
    /// Addresses, parted by commas.
    pub to: String,
    /// How it is handed over; its `from` is a template.
    pub smtp: Smtp,
    /// Headers by name, `Subject` among them.
    pub headers: BTreeMap<String, String>,
    /// The body as HTML; none when empty.
    pub html: String,
    /// The body as text; none when empty.
    pub text: String,
}

/// A call into a system of this installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionConfig {
    /// Which, as the system names it; not a template.
    pub action: String,
    /// With what.
    pub params: BTreeMap<String, String>,
}

const SUPPORTED: [&str; 5] = [
    "webhook_configs",
    "slack_configs",
    "discord_configs",
    "email_configs",
    "action_configs",
];
const UNSUPPORTED: [&str; 15] = [
    "incidentio_configs",
    "jira_configs",
    "mattermost_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "opsgenie_configs",
    "pagerduty_configs",
    "pushover_configs",
    "rocketchat_configs",
    "sns_configs",
    "telegram_configs",
    "victorops_configs",
    "webex_configs",
    "wechat_configs",
    "labels",
];

pub(super) fn read(reader: &mut Reader, node: &Node, global: &Global) -> Option<Receiver> {
    let known: Vec<&str> = SUPPORTED.iter().chain(&UNSUPPORTED).copied().collect();
    let known: Vec<&str> = known.into_iter().chain(["name"]).collect();
    let fields = reader.fields(node, "a receiver", &known)?;
    let name = reader.text(fields.get("name"), "name").unwrap_or_default();
    if name.is_empty() {
        reader.problem(node, "a receiver has a name, by which routes call it");
    }
    for key in UNSUPPORTED {
        if let Some(node) = fields.get(key) {
            let supported = SUPPORTED.join(", ");
            reader.problem(
                node,
                format!("{key} is not supported: a receiver has {supported}"),
            );
        }
    }
    let mut integrations = Vec::new();
    for key in SUPPORTED {
        for (index, node) in reader.items(fields.get(key), key).iter().enumerate() {
            if let Some((sends_resolved, channel)) = channel::read(reader, key, node, global) {
                integrations.push(Integration {
                    index,
                    sends_resolved,
                    channel,
                });
            }
        }
    }
    Some(Receiver {
        name: Arc::from(name),
        integrations,
    })
}
