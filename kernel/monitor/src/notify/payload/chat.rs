//! Messages in Slack and Discord.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{HttpPost, Payload, PayloadError, Writer};
use crate::notify::config::{DiscordConfig, HttpConfig, SecretSource, SlackConfig};
use crate::notify::message::AlertStatus;

/// Longest texts that Slack shows, in characters.
const SLACK_TITLE_MAX: usize = 1_024;
/// Longest texts that Discord takes, in characters; it refuses a message with a longer one.
const DISCORD_TITLE_MAX: usize = 256;
const DISCORD_DESCRIPTION_MAX: usize = 2_048;
const DISCORD_CONTENT_MAX: usize = 2_000;
/// The stripe beside the message.
const RED: u32 = 0x00b3_261e;
const GREEN: u32 = 0x002e_7d32;

/// Keys of Slack's message; the others are of its attachment.
const SLACK_MESSAGE_KEYS: [&str; 4] = ["channel", "icon_emoji", "icon_url", "username"];

impl Writer<'_> {
    pub(super) fn slack(&self, config: &SlackConfig) -> Result<Payload, PayloadError> {
        let mut message = Map::new();
        let mut attachment = Map::new();
        for (key, template) in &config.texts {
            let text = self.text(key, template)?;
            let text = if key == "title" {
                cut(&text, SLACK_TITLE_MAX)
            } else {
                text
            };
            let is_of_message = SLACK_MESSAGE_KEYS.contains(&key.as_str());
            let place = if is_of_message {
                &mut message
            } else {
                &mut attachment
            };
            if !text.is_empty() {
                place.insert(key.clone(), text.into());
            }
        }
        let mut fields = Vec::new();
        for field in &config.fields {
            fields.push(json!({
                "title": self.text("a field's title", &field.title)?,
                "value": self.text("a field's value", &field.value)?,
                "short": field.is_short,
            }));
        }
        if !fields.is_empty() {
            attachment.insert("fields".into(), fields.into());
        }
        attachment.insert("mrkdwn_in".into(), json!(config.mrkdwn_in));
        message.insert("attachments".into(), json!([attachment]));
        if config.link_names {
            message.insert("link_names".into(), true.into());
        }
        Ok(post(&config.api_url, &config.http, &message.into()))
    }

    pub(super) fn discord(&self, config: &DiscordConfig) -> Result<Payload, PayloadError> {
        let title = cut(&self.text("title", &config.title)?, DISCORD_TITLE_MAX);
        let description = cut(
            &self.text("message", &config.message)?,
            DISCORD_DESCRIPTION_MAX,
        );
        let color = match self.job.message.status {
            AlertStatus::Firing => RED,
            AlertStatus::Resolved => GREEN,
        };
        let content = cut(&self.text("content", &config.content)?, DISCORD_CONTENT_MAX);
        let mut message = json!({
            "content": content,
            "embeds": [{ "title": title, "description": description, "color": color }],
        });
        for (key, template) in [
            ("username", &config.username),
            ("avatar_url", &config.avatar_url),
        ] {
            let text = self.text(key, template)?;
            if !text.is_empty() {
                message[key] = text.into();
            }
        }
        Ok(post(&config.webhook_url, &config.http, &message))
    }
}

fn post(url: &SecretSource, http: &HttpConfig, body: &Value) -> Payload {
    Payload::Http(Box::new(HttpPost {
        url: url.clone(),
        body: body.to_string(),
        timeout: Duration::ZERO,
        http: http.clone(),
    }))
}

/// At most so many characters, with a sign that something is missing.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max - 1).collect();
    kept + "…"
}
