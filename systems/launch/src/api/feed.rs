use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use super::refusal::Refusal;
use crate::RocketId;
use crate::service::{Launch, LiveMessage, PublicPage};
use crate::webcast::PublicMission;

/// How often a public viewer is told the state.
const WEBCAST_EVERY: Duration = Duration::from_millis(500);
/// A viewer hears that the stream is there, when nothing else is to be said: proxies end what is silent.
const SILENCE_MAX: Duration = Duration::from_secs(15);
static COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// 2^32 divided by the golden ratio: multiples of it, whatever their number, lie evenly between 0 and 2^32 (Knuth, The Art
/// of Computer Programming, volume 3, section 6.4).
const SPREAD: u32 = 0x9E37_79B9;

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

/// The same as it changes: server-sent events `missions`. A viewer who reads slowly is told less often.
#[utoipa::path(get, path = "/webcast/live", tag = "webcast",
    responses((status = OK, content_type = "text/event-stream", body = String)))]
pub(super) async fn webcast_live(State(launch): State<Launch>) -> Response {
    let number = launch.shared().one_more_viewer();
    let viewer = Viewer {
        launch,
        first_wait: first_wait(number),
        ticks: None,
        last: None,
        said: Instant::now(),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let body = Body::from_stream(unfold(viewer, Viewer::step));
    (headers, body).into_response()
}

/// One of the public.
struct Viewer {
    launch: Launch,
    first_wait: Duration,
    /// None before the first page, which comes at once.
    ticks: Option<Interval>,
    last: Option<Arc<PublicPage>>,
    /// When anything was said last.
    said: Instant,
}

impl Viewer {
    /// The next bytes of the stream; all viewers share those of a page.
    async fn step(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            match &mut self.ticks {
                Some(ticks) => {
                    ticks.tick().await;
                }
                None => self.ticks = Some(ticks_after(self.first_wait)),
            }
            let page = self.launch.shared().public_page();
            let is_new = (self.last.as_ref()).is_none_or(|last| !Arc::ptr_eq(last, &page));
            if !is_new && self.said.elapsed() < SILENCE_MAX {
                continue;
            }
            let said = match is_new {
                true => page.event.clone(),
                false => COMMENT.clone(),
            };
            self.last = Some(page);
            self.said = Instant::now();
            return Some((Ok(said), self));
        }
    }
}

/// A viewer who is late hears the newest page, not each that was missed.
fn ticks_after(wait: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + wait, WEBCAST_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// How long a viewer waits for the second page. However many come at once, they are told one after another from then on:
/// all in one moment would hold up whatever else is due in it.
fn first_wait(viewer: u64) -> Duration {
    let fraction = (viewer as u32).wrapping_mul(SPREAD);
    WEBCAST_EVERY.mul_f64(f64::from(fraction) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_who_come_at_once_are_told_one_after_another() {
        let mut waits: Vec<_> = (0..1_000).map(first_wait).collect();
        waits.sort_unstable();
        waits.push(WEBCAST_EVERY);
        let gaps = waits.windows(2).map(|pair| pair[1] - pair[0]);
        let (least, most) = gaps.fold((WEBCAST_EVERY, Duration::ZERO), |(least, most), gap| {
            (least.min(gap), most.max(gap))
        });
        let even = WEBCAST_EVERY / 1_000;
        assert!(least > even / 4 && most < even * 4, "{least:?} to {most:?}");
    }
}
