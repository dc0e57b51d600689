//! The JSON event format: one object, its attributes beside `data` or `data_base64`.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use portique_clock::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::attribute::EXTENSIONS_MAX;
use crate::data::is_json;
use crate::{Data, Error, Event, EventId, Subject};

/// The version of CloudEvents spoken here.
const SPEC_VERSION: &str = "1.0";
/// The attributes of the specification, and `data` in its two forms.
const KNOWN_MEMBERS: usize = 10;

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", SPEC_VERSION)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("subject", &self.subject)?;
        if let Some(time) = &self.time {
            map.serialize_entry("time", time)?;
        }
        if let Some(content_type) = &self.content_type {
            map.serialize_entry("datacontenttype", content_type)?;
        }
        if let Some(schema) = &self.schema {
            map.serialize_entry("dataschema", schema)?;
        }
        for (name, value) in &self.extensions {
            map.serialize_entry(name, value)?;
        }
        match &self.data {
            None => {}
            Some(Data::Json(value)) => map.serialize_entry("data", value)?,
            Some(Data::Text(text)) => map.serialize_entry("data", text)?,
            Some(Data::Binary(bytes)) => {
                map.serialize_entry("data_base64", &BASE64.encode(bytes))?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = deserializer.deserialize_map(MembersVisitor)?;
        members.into_event().map_err(serde::de::Error::custom)
    }
}

/// The members of the object, as they came.
struct Members(BTreeMap<String, Value>);

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event: an object with the CloudEvents attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.len() == EXTENSIONS_MAX + KNOWN_MEMBERS {
                let count = members.len() - KNOWN_MEMBERS + 1;
                let error = Error::TooManyExtensions {
                    count,
                    max: EXTENSIONS_MAX,
                };
                return Err(serde::de::Error::custom(error));
            }
            let value = access.next_value()?;
            if members.insert(name.clone(), value).is_some() {
                let error = Error::attribute(&name, "given twice");
                return Err(serde::de::Error::custom(error));
            }
        }
        Ok(Members(members))
    }
}

impl Members {
    fn into_event(mut self) -> Result<Event, Error> {
        let version = self.required("specversion")?;
        if version != SPEC_VERSION {
            let problem = format!("{version:?}: this hub speaks {SPEC_VERSION:?}");
            return Err(Error::attribute("specversion", problem));
        }
        let id = EventId::from(self.required("id")?);
        let source = self.required("source")?;
        let kind = self.required("type")?;
        let subject = Subject::new(self.required("subject")?)?;
        let mut builder = Event::builder(id, source, kind, subject);
        if let Some(time) = self.text("time")? {
            builder = builder.time(parse_time(&time)?);
        }
        if let Some(schema) = self.text("dataschema")? {
            builder = builder.schema(schema);
        }
        let content_type = self.text("datacontenttype")?;
        if let Some(data) = self.data(content_type.as_deref())? {
            builder = builder.data(data);
        }
        if let Some(content_type) = content_type {
            builder = builder.content_type(content_type);
        }
        for (name, value) in self.0 {
            if let Some(value) = extension_text(&name, value)? {
                builder = builder.extension(name, value);
            }
        }
        builder.build()
    }

    fn required(&mut self, name: &str) -> Result<String, Error> {
        self.text(name)?
            .ok_or_else(|| Error::attribute(name, "missing"))
    }

    /// A text attribute; `null` stands for a missing one (JSON event format 2.2).
    fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::attribute(
                name,
                "not text: write it as a JSON string",
            )),
        }
    }

    fn data(&mut self, content_type: Option<&str>) -> Result<Option<Data>, Error> {
        let base64 = self.text("data_base64")?;
        match (self.0.remove("data"), base64) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Error::attribute(
                "data_base64",
                "given beside data: an event has one of them",
            )),
            (None, Some(text)) => {
                BASE64
                    .decode(text)
                    .map(Data::Binary)
                    .map(Some)
                    .map_err(|error| {
                        Error::attribute(
                            "data_base64",
                            format!("not base64 (RFC 4648 section 4): {error}"),
                        )
                    })
            }
            (Some(value), None) if is_json(content_type) => Ok(Some(Data::Json(value))),
            (Some(Value::String(text)), None) => Ok(Some(Data::Text(text))),
            (Some(_), None) => Err(Error::attribute(
                "data",
                "a JSON value, but datacontenttype is not JSON: write it as a string",
            )),
        }
    }
}

fn parse_time(text: &str) -> Result<Timestamp, Error> {
    text.parse()
        .map_err(|error| Error::attribute("time", format!("malformed: {error}")))
}

/// The canonical text of an extension's value; none for `null`.
fn extension_text(name: &str, value: Value) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Array(_) | Value::Object(_) => Err(Error::attribute(
            name,
            "not text, a number or a truth value",
        )),
    }
}

#[cfg(test)]
mod tests;
