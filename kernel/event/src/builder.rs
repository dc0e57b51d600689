use std::collections::BTreeMap;

use portique_clock::Timestamp;

use crate::attribute::{EXTENSIONS_MAX, check_extension, check_text, check_uri};
use crate::{Data, Error, Event, EventId, Subject};

/// An event in the making; [`build`](Self::build) checks it.
#[derive(Debug, Clone)]
#[must_use]
pub struct EventBuilder {
    event: Event,
}

impl EventBuilder {
    pub(crate) fn new(id: EventId, source: String, kind: String, subject: Subject) -> Self {
        let event = Event {
            id,
            source,
            kind,
            subject,
            time: None,
            content_type: None,
            schema: None,
            extensions: BTreeMap::new(),
            data: None,
        };
        Self { event }
    }

    pub(crate) fn from_event(event: Event) -> Self {
        Self { event }
    }

    /// Gives it another id.
    pub fn id(mut self, id: impl Into<EventId>) -> Self {
        self.event.id = id.into();
        self
    }

    /// Gives it another subject.
    pub fn subject(mut self, subject: Subject) -> Self {
        self.event.subject = subject;
        self
    }

    /// When it happened.
    pub fn time(mut self, time: Timestamp) -> Self {
        self.event.time = Some(time);
        self
    }

    /// The payload.
    pub fn data(mut self, data: Data) -> Self {
        self.event.data = Some(data);
        self
    }

    /// A JSON payload.
    pub fn json(self, value: impl Into<serde_json::Value>) -> Self {
        self.data(Data::Json(value.into()))
    }

    /// The media type of the payload; the default is `application/json` (left out), `text/plain`
    /// or `application/octet-stream`, by the kind of data.
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.event.content_type = Some(media_type.into());
        self
    }

    /// The URI of the schema the payload adheres to.
    pub fn schema(mut self, uri: impl Into<String>) -> Self {
        self.event.schema = Some(uri.into());
        self
    }

    /// Adds or replaces an extension attribute; its name is 1 to 64 of `a-z 0-9`.
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.event.extensions.insert(name.into(), value.into());
        self
    }

    /// Drops its extension attributes from the last by name on, until at most `count` are left
    /// beside those in `kept`.
    pub fn limit_extensions(mut self, count: usize, kept: &[&str]) -> Self {
        let mut left = count;
        self.event.extensions.retain(|name, _| {
            let is_kept = kept.contains(&name.as_str());
            let fits = is_kept || left > 0;
            left -= usize::from(!is_kept && fits);
            fits
        });
        self
    }

    /// The event, checked.
    ///
    /// # Errors
    /// Names the attribute that is empty, over 1024 bytes, malformed or at odds with the data; or
    /// says that there are over 64 extensions or over 896 KiB of data.
    pub fn build(self) -> Result<Event, Error> {
        let mut event = self.event;
        check_text("id", event.id.as_str())?;
        check_uri("source", &event.source)?;
        check_text("type", &event.kind)?;
        if let Some(schema) = &event.schema {
            check_uri("dataschema", schema)?;
        }
        if event.extensions.len() > EXTENSIONS_MAX {
            let count = event.extensions.len();
            return Err(Error::TooManyExtensions {
                count,
                max: EXTENSIONS_MAX,
            });
        }
        for (name, value) in &event.extensions {
            check_extension(name, value)?;
        }
        if event.content_type.is_none() {
            let default = event.data.as_ref().and_then(Data::default_content_type);
            event.content_type = default.map(Into::into);
        }
        if let Some(content_type) = &event.content_type {
            check_text("datacontenttype", content_type)?;
        }
        if let Some(data) = &event.data {
            data.check(event.content_type.as_deref())?;
        }
        Ok(event)
    }
}
