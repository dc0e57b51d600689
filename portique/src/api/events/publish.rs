use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use portique_bus::Sequence;
use portique_event::{Event, Subject};
use portique_jobs::Transaction;
use serde::{Deserialize, Serialize};

use super::binary;
use crate::api::batch::{self, Place};
use crate::api::refusal::{Refusal, Reply};
use crate::api::{Api, idempotency_key};

/// One event in CloudEvents' JSON format.
const STRUCTURED: &str = "application/cloudevents+json";
/// A JSON array of them.
const BATCH: &str = "application/cloudevents-batch+json";
/// One of them a line.
const LINES: [&str; 2] = ["application/x-ndjson", "application/ndjson"];
/// The extension that carries a trace.
const TRACE: &str = "traceparent";
/// Who says so, when nobody is named.
const SOURCE_DEFAULT: &str = "/http";
/// What kind of happening, when nobody says.
const KIND_DEFAULT: &str = "event";

/// The attributes of an event whose data is the body; only where the body is no CloudEvent.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PublishQuery {
    /// Where it belongs, such as `plant.north.pump`.
    subject: Option<String>,
    /// What kind of happening; `event` when absent.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<String>,
    /// Who says so, as a URI reference; `/http` when absent.
    source: Option<String>,
}

/// Where the events were put, in their order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Published {
    /// One per event: rising, not without gaps.
    sequences: Vec<u64>,
}

/// Publish events, all or none, in any mode of CloudEvents over HTTP.
///
/// Binary (`ce-` headers, the data as body), structured (`application/cloudevents+json`), batch
/// (`application/cloudevents-batch+json`), one a line (`application/x-ndjson`); or any body with the
/// attributes in the query. The answer comes once they are durable. The header `Idempotency-Key`
/// names the request for 24 hours; `traceparent` becomes an extension of events without one.
#[utoipa::path(post, path = "/api/v1/events", tag = "events",
    params(PublishQuery, ("Idempotency-Key" = Option<String>, Header)),
    request_body(content((serde_json::Value = "application/cloudevents+json"),
        (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
        (serde_json::Value = "application/x-ndjson"), (serde_json::Value = "application/json"))),
    responses((status = CREATED, body = Published)))]
pub(crate) async fn publish(
    State(api): State<Arc<Api>>,
    Query(query): Query<PublishQuery>,
    headers: HeaderMap,
    body: Body,
) -> Reply<(StatusCode, Json<Published>)> {
    let received = batch::receive(&api.gate, &headers, body).await?;
    let events = events(&api, query, &headers, received.bytes.clone())?;
    let trace = headers.get(TRACE).and_then(|trace| trace.to_str().ok());
    let events = batch::each(events, |event| {
        api.owned.check_subject(event.subject())?;
        traced(event, trace)
    })?;
    let events = batch::without_places(events);
    let sequences = commit(&api, idempotency_key(&headers)?, events).await?;
    let sequences = sequences.into_iter().map(|sequence| sequence.0).collect();
    Ok((StatusCode::CREATED, Json(Published { sequences })))
}

fn events(
    api: &Api,
    query: PublishQuery,
    headers: &HeaderMap,
    body: Bytes,
) -> Reply<Vec<(Place, Event)>> {
    let content_type = batch::content_type(headers);
    let essence = content_type.and_then(|text| text.split(';').next());
    let essence = essence.unwrap_or_default().trim();
    if essence == STRUCTURED {
        let event = serde_json::from_slice(&body)
            .map_err(|error| Refusal::invalid(format!("the body is not an event: {error}")))?;
        return Ok(vec![(Place::Whole, event)]);
    }
    if essence == BATCH || LINES.contains(&essence) {
        return batch::entries(content_type, &body);
    }
    let event = if binary::is_binary(headers) {
        binary::from_request(headers, body)?
    } else if query.subject.is_some() {
        plain(api, query, content_type, body)?
    } else {
        return Err(Refusal::invalid(format!(
            "this is no event: send CloudEvents as {STRUCTURED}, {BATCH} or {}, or with ce- \
             headers; or name the subject of any other body in the query",
            LINES[0]
        )));
    };
    Ok(vec![(Place::Whole, event)])
}

/// An event of a body that is only data.
fn plain(api: &Api, query: PublishQuery, content_type: Option<&str>, body: Bytes) -> Reply<Event> {
    let subject = Subject::new(query.subject.unwrap_or_default())?;
    let source = query.source.unwrap_or_else(|| SOURCE_DEFAULT.into());
    let kind = query.kind.unwrap_or_else(|| KIND_DEFAULT.into());
    let mut builder = Event::builder(api.new_id(), source, kind, subject).time(api.clock.now());
    if !body.is_empty() {
        builder = builder.data(binary::data(content_type, body)?);
    }
    if let Some(content_type) = content_type {
        builder = builder.content_type(content_type);
    }
    Ok(builder.build()?)
}

fn traced(event: Event, trace: Option<&str>) -> Reply<Event> {
    match trace {
        Some(trace) if event.extension(TRACE).is_none() => {
            Ok(event.into_builder().extension(TRACE, trace).build()?)
        }
        _ => Ok(event),
    }
}

async fn commit(
    api: &Api,
    idempotency_key: Option<String>,
    events: Vec<Event>,
) -> Reply<Vec<Sequence>> {
    if idempotency_key.is_none() {
        return Ok(api.bus.publish(events).await?);
    }
    let transaction = Transaction {
        idempotency_key,
        publish: events,
        ..Transaction::default()
    };
    Ok(api.transact.commit(transaction).await?.sequences)
}
