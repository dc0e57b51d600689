use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::missions::{Reply, ask};
use super::view::RocketView;
use super::weather::weather_view;
use crate::mission::Request;
use crate::poll::Vote;
use crate::service::Launch;
use crate::{Error, RocketId, Station};

/// Longest deadline of a poll: a day.
const POLL_SECONDS_MAX: f64 = 86_400.0;

/// A poll to open.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PollRequest {
    /// Answers are taken for this many seconds; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_s: Option<f64>,
}

/// A station's answer.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteRequest {
    /// Which station.
    pub station: Station,
    /// Go or no-go.
    pub vote: Vote,
    /// Said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The final word of a poll.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseRequest {
    /// Go or no-go.
    decision: Vote,
}

/// Ask every station.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/poll", tag = "launch",
    params(("rocket" = String, Path)), request_body = PollRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn open_poll(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<PollRequest>,
) -> Reply<Json<RocketView>> {
    let deadline = match request.deadline_s {
        None => None,
        Some(seconds) if seconds > 0.0 && seconds <= POLL_SECONDS_MAX => {
            Some(Duration::from_secs_f64(seconds))
        }
        Some(seconds) => {
            let problem = format!("{seconds} is outside 0 to {POLL_SECONDS_MAX}");
            return Err(Error::Input {
                what: "deadline_s",
                problem,
            }
            .into());
        }
    };
    ask(&launch, rocket, Request::OpenPoll { deadline }).await
}

/// Answer for a station; the live values of the moment are kept with the vote.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/poll/votes", tag = "launch",
    params(("rocket" = String, Path)), request_body = VoteRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn vote(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(vote): Json<VoteRequest>,
) -> Reply<Json<RocketView>> {
    let values = live_values(&launch, &RocketId::new(rocket.as_str())?)?;
    let VoteRequest {
        station,
        vote,
        comment,
    } = vote;
    ask(
        &launch,
        rocket,
        Request::Vote {
            station,
            vote,
            comment,
            values,
        },
    )
    .await
}

/// Give the poll's final word.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/poll/close", tag = "launch",
    params(("rocket" = String, Path)), request_body = CloseRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn close_poll(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<CloseRequest>,
) -> Reply<Json<RocketView>> {
    ask(
        &launch,
        rocket,
        Request::ClosePoll {
            decision: request.decision,
        },
    )
    .await
}

/// What a station sees at the moment of its vote.
fn live_values(launch: &Launch, rocket: &RocketId) -> Result<BTreeMap<String, Value>, Error> {
    let weather = weather_view(launch, rocket)?;
    let mut values = BTreeMap::from([("weather".to_owned(), json!(weather.evaluation))]);
    for (module, live) in launch.shared().modules(rocket) {
        let age_s = launch.shared().now().saturating_sub(live.at).as_secs_f64();
        let sample = json!({
            "phase": live.sample.phase,
            "healthy": live.sample.healthy,
            "propellant_kg": live.sample.propellant_kg,
            "age_s": age_s,
        });
        values.insert(module.to_string(), sample);
    }
    Ok(values)
}
