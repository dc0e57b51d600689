use bytes::Bytes;
use portique_clock::Timestamp;
use portique_event::{Data, Error, Event, EventParts, Filter, Subject};

use crate::proto::bus::v1 as pb;

impl From<Event> for pb::Event {
    fn from(event: Event) -> Self {
        let EventParts {
            id,
            source,
            kind,
            subject,
            time,
            content_type,
            schema,
            extensions,
            data,
        } = event.into_parts();
        Self {
            id: id.into(),
            source,
            r#type: kind,
            subject: subject.into(),
            time_unix_ns: time.map(Timestamp::as_nanos),
            data_content_type: content_type,
            data_schema: schema,
            extensions,
            data: data.map(|data| match data {
                Data::Json(value) => pb::event::Data::Json(value.to_string().into()),
                Data::Text(text) => pb::event::Data::Text(text),
                Data::Binary(bytes) => pb::event::Data::Binary(bytes.into()),
            }),
        }
    }
}

impl TryFrom<pb::Event> for Event {
    type Error = Error;

    fn try_from(event: pb::Event) -> Result<Self, Error> {
        let subject = Subject::new(event.subject)?;
        let mut builder = Event::builder(event.id, event.source, event.r#type, subject);
        if let Some(nanos) = event.time_unix_ns {
            builder = builder.time(Timestamp::from_nanos(nanos));
        }
        if let Some(content_type) = event.data_content_type {
            builder = builder.content_type(content_type);
        }
        if let Some(schema) = event.data_schema {
            builder = builder.schema(schema);
        }
        for (name, value) in event.extensions {
            builder = builder.extension(name, value);
        }
        if let Some(data) = event.data {
            builder = builder.data(parse(data)?);
        }
        builder.build()
    }
}

fn parse(data: pb::event::Data) -> Result<Data, Error> {
    Ok(match data {
        pb::event::Data::Json(json) => Data::Json(parse_json(&json)?),
        pb::event::Data::Text(text) => Data::Text(text),
        pb::event::Data::Binary(bytes) => Data::Binary(bytes.into()),
    })
}

fn parse_json(json: &Bytes) -> Result<serde_json::Value, Error> {
    serde_json::from_slice(json).map_err(|error| Error::Attribute {
        name: "data".into(),
        problem: format!("no JSON: {error}"),
    })
}

/// A filter; none at all is the one that every subject passes.
pub(super) fn filter(text: String) -> Result<Filter, Error> {
    if text.is_empty() {
        return Ok(Filter::all());
    }
    Filter::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round_trip(data: Option<Data>) {
        let mut builder = Event::builder("1", "/tests", "tests.case", Subject::new("a.b").unwrap())
            .time(Timestamp::from_nanos(1_795_000_000_000_000_001))
            .schema("urn:tests")
            .extension("traceparent", "00-1-2-01")
            .extension("partitionkey", "k");
        if let Some(data) = data {
            builder = builder.data(data);
        }
        let event = builder.build().unwrap();
        let there = pb::Event::from(event.clone());
        assert_eq!(Event::try_from(there).unwrap(), event);
    }

    #[test]
    fn events_come_back_as_they_were() {
        check_round_trip(None);
        check_round_trip(Some(Data::Json(serde_json::json!({"a": [1, 0.1, null]}))));
        check_round_trip(Some(Data::Text("grüß".into())));
        check_round_trip(Some(Data::Binary(vec![0, 255, 7])));
    }

    #[test]
    fn json_that_is_none_is_refused() {
        let event = pb::Event {
            id: "1".into(),
            source: "/tests".into(),
            r#type: "tests.case".into(),
            subject: "a".into(),
            data: Some(pb::event::Data::Json(Bytes::from_static(b"{"))),
            ..pb::Event::default()
        };
        let refused = Event::try_from(event).unwrap_err().to_string();
        assert!(
            refused.contains("event attribute data is no JSON"),
            "{refused}"
        );
    }
}
