use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use portique_clock::Timestamp;
use portique_event::{Data, Event, Subject};
use prost::Message;
use prost::encoding::{self, WireType, encode_key, encode_varint};

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
        Self::encode_into(&mut BytesMut::new(), accepted, event)
    }

    /// As [`encode`](Self::encode), in a part of a buffer that many share.
    pub(crate) fn encode_into(buffer: &mut BytesMut, accepted: Timestamp, event: &Event) -> Bytes {
        encode(buffer, accepted, event, None)
    }

    /// The body of the record of an event carried forward.
    pub(crate) fn encode_carried(accepted: Timestamp, event: &Event, from: Carriage) -> Bytes {
        encode(&mut BytesMut::new(), accepted, event, Some(from))
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

/// What [`Published`] would encode to, written from the event itself: a hub does nothing more
/// often, and a copy of each text costs more than the rest.
fn encode(
    body: &mut BytesMut,
    accepted: Timestamp,
    event: &Event,
    carriage: Option<Carriage>,
) -> Bytes {
    body.reserve(ENVELOPE_BYTES + data_bytes(event.data()));
    put_fixed(1, accepted.as_nanos(), body);
    put_text(2, event.id().as_str(), body);
    put_text(3, event.source(), body);
    put_text(4, event.kind(), body);
    put_text(5, event.subject().as_str(), body);
    if let Some(time) = event.time() {
        encode_key(6, WireType::SixtyFourBit, body);
        body.put_i64_le(time.as_nanos());
    }
    for (tag, text) in [(7, event.content_type()), (8, event.schema())] {
        if let Some(text) = text {
            put_bytes(tag, text.as_bytes(), body);
        }
    }
    encoding::btree_map::encode(
        encoding::string::encode,
        encoding::string::encoded_len,
        encoding::string::encode,
        encoding::string::encoded_len,
        9,
        event.extensions(),
        body,
    );
    match event.data() {
        None => {}
        Some(Data::Json(value)) => put_bytes(10, value.to_string().as_bytes(), body),
        Some(Data::Text(text)) => put_bytes(11, text.as_bytes(), body),
        Some(Data::Binary(bytes)) => put_bytes(12, bytes, body),
    }
    if let Some(Carriage { previous, origin }) = carriage {
        for (tag, sequence) in [(13, previous), (14, origin)] {
            encode_key(tag, WireType::Varint, body);
            encode_varint(sequence, body);
        }
    }
    body.split().freeze()
}

/// About what the attributes of an event take.
const ENVELOPE_BYTES: usize = 192;

fn data_bytes(data: Option<&Data>) -> usize {
    match data {
        None | Some(Data::Json(_)) => 0,
        Some(Data::Text(text)) => text.len(),
        Some(Data::Binary(bytes)) => bytes.len(),
    }
}

/// A field that is left out when it is zero.
fn put_fixed(tag: u32, value: i64, body: &mut BytesMut) {
    if value != 0 {
        encode_key(tag, WireType::SixtyFourBit, body);
        body.put_i64_le(value);
    }
}

/// A field that is left out when it is empty.
fn put_text(tag: u32, text: &str, body: &mut BytesMut) {
    if !text.is_empty() {
        put_bytes(tag, text.as_bytes(), body);
    }
}

fn put_bytes(tag: u32, bytes: &[u8], body: &mut BytesMut) {
    encode_key(tag, WireType::LengthDelimited, body);
    encode_varint(bytes.len() as u64, body);
    body.put_slice(bytes);
}

fn parse(text: &str) -> Result<serde_json::Value, DecodeError> {
    serde_json::from_str(text).map_err(|_| DecodeError::Shape("its data is not JSON"))
}

#[cfg(test)]
mod tests;
