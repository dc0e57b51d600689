//! E-mails.

use std::collections::BTreeMap;

use super::{Payload, PayloadError, Writer};
use crate::notify::config::{EmailConfig, Smtp};

/// An e-mail, ready but for the headers that its sender adds, such as the date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// How it is handed over.
    pub smtp: Smtp,
    /// Whose it is.
    pub from: String,
    /// For whom.
    pub to: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// Other headers, by name.
    pub headers: BTreeMap<String, String>,
    /// The body as HTML, if there is one.
    pub html: Option<String>,
    /// The body as text, if there is one.
    pub text: Option<String>,
}

impl Writer<'_> {
    pub(super) fn mail(&self, config: &EmailConfig) -> Result<Payload, PayloadError> {
        let to = self.text("to", &config.to)?;
        let to = to
            .split(',')
            .map(str::trim)
            .filter(|address| !address.is_empty());
        let mut headers = BTreeMap::new();
        for (name, template) in &config.headers {
            headers.insert(name.clone(), one_line(&self.text(name, template)?));
        }
        let subject = headers.remove("Subject").unwrap_or_default();
        let html = self.html("html", &config.html)?;
        let text = self.text("text", &config.text)?;
        let filled = |text: String| (!text.trim().is_empty()).then_some(text);
        Ok(Payload::Mail(Box::new(Mail {
            smtp: config.smtp.clone(),
            from: one_line(&self.text("from", &config.smtp.from)?),
            to: to.map(one_line).collect(),
            subject,
            headers,
            html: filled(html),
            text: filled(text),
        })))
    }
}

/// A header is one line: what an alert's label says must not become another header.
fn one_line(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_control())
        .filter(|part| !part.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
