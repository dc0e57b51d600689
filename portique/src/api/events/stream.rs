use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use portique_bus::{Bus, Delivered, Sequence, Start};
use portique_event::Filter;
use portique_fault::chain;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::position::Position;
use super::view::EventView;
use crate::api::Api;
use crate::api::refusal::{Refusal, Reply};

/// Events read ahead of a listener: enough to keep a fast one busy, little enough to hold for many.
const PAGE_EVENTS: usize = 64;

/// Which events to follow.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// On these subjects, such as `plant.*.pump.>`; all when absent.
    #[param(value_type = Option<String>)]
    filter: Option<Filter>,
    /// From here: `first`, `new`, a sequence, or a time in RFC 3339; `new` when absent. The header
    /// `Last-Event-ID` comes before it.
    #[param(value_type = Option<String>)]
    from: Option<Position>,
}

/// Events as they happen: server-sent events whose id is the sequence, and whose data is an event with
/// its place in JSON. A listener that comes back with `Last-Event-ID` misses nothing that is kept.
///
/// A listener that reads slowly is given events later; none is left out.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<u64>, Header)),
    responses((status = OK, content_type = "text/event-stream", body = String)))]
pub(crate) async fn stream(
    State(api): State<Arc<Api>>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Reply<Sse<impl Stream<Item = Result<Message, Infallible>>>> {
    let place = api.gate.wait()?;
    let start = match last_event_id(&headers)? {
        Some(last) => Start::Sequence(Sequence(last + 1)),
        None => query.from.map_or(Start::New, |position| position.0),
    };
    let filter = query.filter.unwrap_or_else(Filter::all);
    let page = api.bus.read(&filter, start, PAGE_EVENTS).await?;
    let tail = Tail {
        bus: api.bus.clone(),
        filter,
        ahead: page.events.into(),
        next: page.next,
        is_broken: false,
        _place: place,
    };
    Ok(Sse::new(unfold(tail, Tail::step)).keep_alive(KeepAlive::default()))
}

fn last_event_id(headers: &HeaderMap) -> Reply<Option<u64>> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let sequence = value
        .to_str()
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    match sequence.filter(|sequence| *sequence < u64::MAX) {
        Some(sequence) => Ok(Some(sequence)),
        None => Err(Refusal::invalid(format!(
            "last-event-id is {value:?}: send the id of an event of this stream"
        ))),
    }
}

/// A listener's place in the bus.
struct Tail {
    bus: Arc<dyn Bus>,
    filter: Filter,
    ahead: VecDeque<Delivered>,
    next: Sequence,
    is_broken: bool,
    _place: OwnedSemaphorePermit,
}

impl Tail {
    /// The next message; none ends the stream.
    async fn step(mut self) -> Option<(Result<Message, Infallible>, Self)> {
        if self.is_broken {
            return None;
        }
        let message = match self.following().await {
            Ok(delivered) => message(delivered),
            Err(error) => {
                self.is_broken = true;
                Message::default().event("error").data(chain(&error))
            }
        };
        Some((Ok(message), self))
    }

    async fn following(&mut self) -> Result<Delivered, portique_bus::Error> {
        loop {
            if let Some(delivered) = self.ahead.pop_front() {
                return Ok(delivered);
            }
            let start = Start::Sequence(self.next);
            let page = self.bus.read(&self.filter, start, PAGE_EVENTS).await?;
            let is_at_the_end = page.events.is_empty() && page.next == self.next;
            self.next = page.next;
            self.ahead = page.events.into();
            if is_at_the_end {
                self.bus.wait(self.next).await?;
            }
        }
    }
}

fn message(delivered: Delivered) -> Message {
    let id = delivered.sequence.to_string();
    let message = Message::default().id(id);
    let json = serde_json::to_string(&EventView::from(delivered));
    message.data(json.expect("an event is written as JSON with text keys"))
}
