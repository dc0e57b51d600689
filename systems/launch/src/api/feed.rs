use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::wrappers::{BroadcastStream, IntervalStream};

use super::refusal::Refusal;
use crate::RocketId;
use crate::service::{Launch, LiveMessage};
use crate::webcast::PublicMission;

/// How often a public viewer is told the state.
const WEBCAST_EVERY: Duration = Duration::from_millis(500);

/// Which mission to follow.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LiveQuery {
    /// Of this rocket only.
    rocket: Option<RocketId>,
}

/// Everything as it happens: server-sent events `log` and `sample`, and `missed` with the number of
/// messages a slow listener lost.
#[utoipa::path(get, path = "/launch/live", tag = "launch", params(LiveQuery),
    responses((status = OK, content_type = "text/event-stream", body = String)))]
pub(super) async fn live(
    State(launch): State<Launch>,
    Query(query): Query<LiveQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    if let Some(rocket) = &query.rocket {
        launch.mission(rocket, |_| ())?;
    }
    let messages = BroadcastStream::new(launch.live());
    let events = messages.filter_map(move |message| {
        let event = to_event(message, query.rocket.as_ref());
        async move { event.map(Ok) }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

fn to_event(
    message: Result<Arc<LiveMessage>, BroadcastStreamRecvError>,
    rocket: Option<&RocketId>,
) -> Option<Event> {
    match message {
        Err(BroadcastStreamRecvError::Lagged(missed)) => {
            Some(Event::default().event("missed").data(missed.to_string()))
        }
        Ok(message) if rocket.is_some_and(|rocket| rocket != message.rocket()) => None,
        Ok(message) => match message.as_ref() {
            LiveMessage::Log(entry) => to_json("log", entry),
            sample @ LiveMessage::Sample { .. } => to_json("sample", sample),
        },
    }
}

fn to_json(name: &str, data: &impl Serialize) -> Option<Event> {
    match Event::default().event(name).json_data(data) {
        Ok(event) => Some(event),
        Err(error) => {
            tracing::error!(%error, "a live message cannot be written as JSON");
            None
        }
    }
}

/// What the public may see: every mission, some seconds late.
#[utoipa::path(get, path = "/webcast", tag = "webcast",
    responses((status = OK, body = Vec<PublicMission>)))]
pub(super) async fn webcast(State(launch): State<Launch>) -> Json<Vec<PublicMission>> {
    Json(launch.shared().public_missions().as_ref().clone())
}

/// The same as it changes: server-sent events `missions`.
#[utoipa::path(get, path = "/webcast/live", tag = "webcast",
    responses((status = OK, content_type = "text/event-stream", body = String)))]
pub(super) async fn webcast_live(
    State(launch): State<Launch>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = IntervalStream::new(tokio::time::interval(WEBCAST_EVERY));
    let mut last = None;
    let events = ticks.filter_map(move |_| {
        let page = launch.shared().public_page();
        let is_new = last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &page));
        let event = is_new.then(|| Event::default().event("missions").data(&page.json));
        last = Some(page);
        async move { event.map(Ok) }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
