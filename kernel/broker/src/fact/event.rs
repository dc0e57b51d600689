use std::collections::BTreeMap;

use bytes::Bytes;
use portique_clock::Timestamp;
use portique_event::{Data, Event, Subject};
use prost::Message;

use super::DecodeError;

/// An event the bus took.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Published {
    #[prost(sfixed64, tag = "1")]
    accepted: i64,
    #[prost(string, tag = "2")]
    id: String,
    #[prost(string, tag = "3")]
    source: String,
    #[prost(string, tag = "4")]
    kind: String,
    #[prost(string, tag = "5")]
    subject: String,
    #[prost(sfixed64, optional, tag = "6")]
    time: Option<i64>,
    #[prost(string, optional, tag = "7")]
    content_type: Option<String>,
    #[prost(string, optional, tag = "8")]
    schema: Option<String>,
    #[prost(btree_map = "string, string", tag = "9")]
    extensions: BTreeMap<String, String>,
    #[prost(oneof = "Payload", tags = "10, 11, 12")]
    payload: Option<Payload>,
    /// Where an event carried forward was before; 0 for another.
    #[prost(uint64, tag = "13")]
    previous: u64,
    /// Where it was published; 0 for another.
    #[prost(uint64, tag = "14")]
    origin: u64,
}

/// Where an event that was carried forward comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carriage {
    /// The record it was carried from, which retention takes after that.
    pub(crate) previous: u64,
    /// The record it was published with.
    pub(crate) origin: u64,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Payload {
    #[prost(string, tag = "10")]
    Json(String),
    #[prost(string, tag = "11")]
    Text(String),
    #[prost(bytes = "vec", tag = "12")]
    Binary(Vec<u8>),
}

impl Published {
    /// The body of the record of an event.
    pub(crate) fn encode(accepted: Timestamp, event: &Event) -> Bytes {
        Self::new(accepted, event).encode_to_vec().into()
    }

    /// The body of the record of an event carried forward.
    pub(crate) fn encode_carried(accepted: Timestamp, event: &Event, from: Carriage) -> Bytes {
        let Carriage { previous, origin } = from;
        let carried = Self {
            previous,
            origin,
            ..Self::new(accepted, event)
        };
        carried.encode_to_vec().into()
    }

    /// Where it comes from, if it was carried forward.
    pub(crate) fn carriage(&self) -> Option<Carriage> {
        let (previous, origin) = (self.previous, self.origin);
        (previous > 0).then_some(Carriage { previous, origin })
    }

    /// The event in the body of a record.
    pub(crate) fn parse(body: Bytes) -> Result<Self, DecodeError> {
        Ok(<Self as Message>::decode(body)?)
    }

    fn new(accepted: Timestamp, event: &Event) -> Self {
        Self {
            accepted: accepted.as_nanos(),
            id: event.id().to_string(),
            source: event.source().into(),
            kind: event.kind().into(),
            subject: event.subject().to_string(),
            time: event.time().map(Timestamp::as_nanos),
            content_type: event.content_type().map(Into::into),
            schema: event.schema().map(Into::into),
            extensions: event.extensions().clone(),
            payload: event.data().map(|data| match data {
                Data::Json(value) => Payload::Json(value.to_string()),
                Data::Text(text) => Payload::Text(text.clone()),
                Data::Binary(bytes) => Payload::Binary(bytes.clone()),
            }),
            previous: 0,
            origin: 0,
        }
    }

    pub(crate) fn accepted(&self) -> Timestamp {
        Timestamp::from_nanos(self.accepted)
    }

    /// Its subject alone, which decides whether the rest is worth parsing.
    pub(crate) fn subject(&self) -> Result<Subject, DecodeError> {
        Ok(Subject::new(self.subject.as_str())?)
    }

    pub(crate) fn into_event(self) -> Result<Event, DecodeError> {
        let subject = Subject::new(self.subject)?;
        let mut builder = Event::builder(self.id, self.source, self.kind, subject);
        if let Some(time) = self.time {
            builder = builder.time(Timestamp::from_nanos(time));
        }
        if let Some(schema) = self.schema {
            builder = builder.schema(schema);
        }
        if let Some(content_type) = self.content_type {
            builder = builder.content_type(content_type);
        }
        for (name, value) in self.extensions {
            builder = builder.extension(name, value);
        }
        builder = match self.payload {
            None => builder,
            Some(Payload::Json(text)) => builder.data(Data::Json(parse(&text)?)),
            Some(Payload::Text(text)) => builder.data(Data::Text(text)),
            Some(Payload::Binary(bytes)) => builder.data(Data::Binary(bytes)),
        };
        Ok(builder.build()?)
    }
}

fn parse(text: &str) -> Result<serde_json::Value, DecodeError> {
    serde_json::from_str(text).map_err(|_| DecodeError::Shape("its data is not JSON"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_round_trip(data: Option<Data>) {
        let subject = Subject::new("a.b").unwrap();
        let mut builder = Event::builder("1", "/s", "t", subject)
            .time(Timestamp::from_nanos(-1))
            .schema("https://portique.example/t.json")
            .extension("partitionkey", "k");
        if let Some(data) = data {
            builder = builder.data(data);
        }
        let event = builder.build().unwrap();
        let body = Published::encode(Timestamp::from_nanos(7), &event);
        let read = Published::parse(body).unwrap();
        assert_eq!(read.accepted(), Timestamp::from_nanos(7));
        assert_eq!(read.into_event().unwrap(), event);
    }

    #[test]
    fn events_round_trip_with_every_kind_of_data() {
        check_round_trip(None);
        check_round_trip(Some(Data::Json(json!({"a": [1, 0.1, null]}))));
        check_round_trip(Some(Data::Text("x".into())));
        check_round_trip(Some(Data::Binary(vec![0, 255])));
    }
}
