use std::collections::BTreeMap;

use portique_clock::Timestamp;

use crate::{Data, EventBuilder, EventId, Subject};

/// Something that happened, in a CloudEvents 1.0 envelope that keeps every limit of this crate.
///
/// `source` and `id` together name it. In JSON it is the structured form; a `Vec<Event>` is the
/// batch form.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub(crate) id: EventId,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) subject: Subject,
    pub(crate) time: Option<Timestamp>,
    pub(crate) content_type: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) extensions: BTreeMap<String, String>,
    pub(crate) data: Option<Data>,
}

/// An event taken apart; what each is, [`Event`]'s methods say.
#[derive(Debug)]
pub struct EventParts {
    /// The attribute `id`.
    pub id: EventId,
    /// The attribute `source`.
    pub source: String,
    /// The attribute `type`.
    pub kind: String,
    /// The attribute `subject`.
    pub subject: Subject,
    /// The attribute `time`.
    pub time: Option<Timestamp>,
    /// The attribute `datacontenttype`.
    pub content_type: Option<String>,
    /// The attribute `dataschema`.
    pub schema: Option<String>,
    /// Every extension attribute, by name.
    pub extensions: BTreeMap<String, String>,
    /// The payload.
    pub data: Option<Data>,
}

impl Event {
    /// Starts an event from what every event has: `kind` is the attribute `type`, such as
    /// `plant.pump.started`; `source` is a URI reference, such as `/plant/north`.
    pub fn builder(
        id: impl Into<EventId>,
        source: impl Into<String>,
        kind: impl Into<String>,
        subject: Subject,
    ) -> EventBuilder {
        EventBuilder::new(id.into(), source.into(), kind.into(), subject)
    }

    /// A builder that holds all of this event, to make another like it.
    pub fn into_builder(self) -> EventBuilder {
        EventBuilder::from_event(self)
    }

    /// The attribute `id`, unique within the source.
    pub fn id(&self) -> &EventId {
        &self.id
    }

    /// The attribute `source`: who says so, as a URI reference.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The attribute `type`: what kind of happening.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The attribute `subject`: where the event belongs, and what filters match.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The attribute `time`: when it happened, as its source says.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The attribute `datacontenttype`; none with JSON data means `application/json`.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The attribute `dataschema`: the URI of what the data adheres to.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// One extension attribute.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.get(name).map(String::as_str)
    }

    /// Every extension attribute, by name.
    pub fn extensions(&self) -> &BTreeMap<String, String> {
        &self.extensions
    }

    /// The payload.
    pub fn data(&self) -> Option<&Data> {
        self.data.as_ref()
    }

    /// The payload, when it is JSON.
    pub fn json(&self) -> Option<&serde_json::Value> {
        match &self.data {
            Some(Data::Json(value)) => Some(value),
            _ => None,
        }
    }

    /// Everything it has, to be written elsewhere without a copy.
    pub fn into_parts(self) -> EventParts {
        EventParts {
            id: self.id,
            source: self.source,
            kind: self.kind,
            subject: self.subject,
            time: self.time,
            content_type: self.content_type,
            schema: self.schema,
            extensions: self.extensions,
            data: self.data,
        }
    }

    /// The payload, taken out.
    pub fn into_data(self) -> Option<Data> {
        self.data
    }
}
