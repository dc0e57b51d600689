//! What a receiver is sent: pure, so that a notification can be looked at without sending it.

mod chat;
mod mail;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_fault::{Code, Fault};

pub use mail::Mail;

use super::config::{ActionConfig, Channel, Config, HttpConfig, SecretSource, WebhookConfig};
use super::job::NotificationJob;
use crate::template::{self, Context, Library};

/// Templates that receivers use when they say nothing else; a configuration may define them anew.
const DEFAULT_TEMPLATES: &str = include_str!("payload/default.tmpl");

/// A notification as it goes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// A request with the method POST.
    Http(Box<HttpPost>),
    /// An e-mail.
    Mail(Box<Mail>),
    /// A call into a system of this installation.
    Action {
        /// Which.
        action: String,
        /// With what.
        params: BTreeMap<String, String>,
    },
}

/// A request with the method POST and a body of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpPost {
    /// Where.
    pub url: SecretSource,
    /// The body.
    pub body: String,
    /// How long it may take; zero leaves it to who sends.
    pub timeout: Duration,
    /// How it is spoken to.
    pub http: HttpConfig,
}

/// Why a notification cannot be rendered; sending it again cannot help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The configuration changed since the notification was decided.
    #[error("receiver {receiver} has no {integration} any more: the configuration was changed")]
    Gone {
        /// Whom it was for.
        receiver: String,
        /// Which way.
        integration: String,
    },
    /// One of its texts is no template, or not one for this message.
    #[error("{what} of receiver {receiver} cannot be written")]
    Template {
        /// Whom it is for.
        receiver: String,
        /// Which text.
        what: String,
        /// What is wrong with it.
        #[source]
        source: template::Error,
    },
}

impl Fault for PayloadError {
    fn code(&self) -> Code {
        match self {
            Self::Gone { .. } => Code::NotFound,
            Self::Template { .. } => Code::InvalidArgument,
        }
    }
}

/// The default templates, and those of the configuration's files after them.
///
/// # Errors
/// The first text that is no template.
pub fn template_library<'a>(
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<Library, template::Error> {
    let mut library = Library::default();
    library.add(DEFAULT_TEMPLATES)?;
    for text in texts {
        library.add(text)?;
    }
    Ok(library)
}

/// Renders a notification for its receiver, as the configuration is now.
///
/// # Errors
/// [`PayloadError`].
pub fn render(
    config: &Config,
    library: &Library,
    job: &NotificationJob,
    now: Timestamp,
) -> Result<Payload, PayloadError> {
    let ways = config
        .receiver(&job.receiver)
        .map(|receiver| &receiver.integrations);
    let way = ways.and_then(|ways| ways.iter().find(|way| *way.key() == *job.integration));
    let way = way.ok_or_else(|| PayloadError::Gone {
        receiver: job.receiver.to_string(),
        integration: job.integration.to_string(),
    })?;
    let writer = Writer::new(job, library, now);
    match &way.channel {
        Channel::Webhook(webhook) => Ok(writer.webhook(webhook)),
        Channel::Slack(slack) => writer.slack(slack),
        Channel::Discord(discord) => writer.discord(discord),
        Channel::Email(email) => writer.mail(email),
        Channel::Action(action) => writer.action(action),
    }
}

/// Writes the texts of one notification.
struct Writer<'a> {
    job: &'a NotificationJob,
    context: Context<'a>,
}

impl<'a> Writer<'a> {
    fn new(job: &'a NotificationJob, library: &'a Library, now: Timestamp) -> Self {
        let context = Context {
            external_url: &job.message.external_url,
            library: Some(library),
            ..Context::new(job.message.value(), now)
        };
        Self { job, context }
    }

    fn text(&self, what: &str, template: &str) -> Result<String, PayloadError> {
        template::expand(template, &self.context).map_err(|source| self.wrong(what, source))
    }

    fn html(&self, what: &str, template: &str) -> Result<String, PayloadError> {
        template::expand_html(template, &self.context).map_err(|source| self.wrong(what, source))
    }

    fn wrong(&self, what: &str, source: template::Error) -> PayloadError {
        PayloadError::Template {
            receiver: self.job.receiver.to_string(),
            what: what.to_owned(),
            source,
        }
    }

    fn webhook(&self, config: &WebhookConfig) -> Payload {
        let message = self.job.message.clone().truncated(config.max_alerts);
        let body = serde_json::to_string(&message).expect("a message has text keys only");
        Payload::Http(Box::new(HttpPost {
            url: config.url.clone(),
            body,
            timeout: config.timeout,
            http: config.http.clone(),
        }))
    }

    fn action(&self, config: &ActionConfig) -> Result<Payload, PayloadError> {
        let mut params = BTreeMap::new();
        for (name, template) in &config.params {
            params.insert(name.clone(), self.text(name, template)?);
        }
        let action = config.action.clone();
        Ok(Payload::Action { action, params })
    }
}
