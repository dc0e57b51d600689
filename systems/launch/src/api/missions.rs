use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portique_flight::Vehicle;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::view::{RocketView, WeatherView};
use crate::count::{self, Plan};
use crate::mission::{Actor, Definition, Request};
use crate::poll::Vote;
use crate::service::Launch;
use crate::weather::{self, Observation};
use crate::{Error, LinkKind, ModuleId, PadId, RocketId, Station};

type Reply<T> = Result<T, Refusal>;

/// Stations of one roster.
const ROSTER_MAX: usize = 32;
/// Longest deadline of a poll: a day.
const POLL_SECONDS_MAX: f64 = 86_400.0;

/// A rocket to add.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRocket {
    /// Its name.
    pub rocket: RocketId,
    /// A built-in vehicle (`reference`, `light`); `reference` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<String>,
    /// A vehicle of one's own, as TOML; instead of `vehicle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle_toml: Option<String>,
    /// Where it stands; `pad-1` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<PadId>,
    /// How it is reached; simulated when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkKind>,
    /// A count that ships with the system (`short`, `full`); `short` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// A count of one's own, as TOML; instead of `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_toml: Option<String>,
    /// Seconds of count and flight per second, 0.1 to 1000; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_factor: Option<f64>,
    /// Who votes; `weather, rocket, payload, telemetry` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster: Option<Vec<Station>>,
}

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

/// Why.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// In a sentence; it stands in the mission log.
    pub reason: String,
}

/// A module to name.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModuleRequest {
    /// Its name.
    module: ModuleId,
}

/// Whether the public feed is shut.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbargoRequest {
    /// Shut.
    on: bool,
}

/// Weather, as a METAR report or as values.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeatherReport {
    /// The report's text.
    Metar(String),
    /// Values, also those that no METAR has.
    Observation(Box<Observation>),
}

/// All missions.
#[utoipa::path(get, path = "/launch/rockets", tag = "launch",
    responses((status = OK, body = Vec<RocketView>)))]
pub(super) async fn list(State(launch): State<Launch>) -> Json<Vec<RocketView>> {
    let rockets = launch.shared().rockets();
    let views = rockets
        .iter()
        .filter_map(|rocket| view(&launch, rocket).ok());
    Json(views.collect())
}

/// Add a rocket while everything runs.
#[utoipa::path(post, path = "/launch/rockets", tag = "launch", request_body = NewRocket,
    responses((status = CREATED, body = RocketView)))]
pub(super) async fn add(
    State(launch): State<Launch>,
    Json(new): Json<NewRocket>,
) -> Reply<(StatusCode, Json<RocketView>)> {
    let rocket = new.rocket.clone();
    launch.add(define(new)?, Actor::commander()).await?;
    Ok((StatusCode::CREATED, Json(view(&launch, &rocket)?)))
}

/// One mission.
#[utoipa::path(get, path = "/launch/rockets/{rocket}", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = RocketView)))]
pub(super) async fn show(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Reply<Json<RocketView>> {
    Ok(Json(view(&launch, &RocketId::new(rocket)?)?))
}

/// Name a module that will attach.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/modules", tag = "launch",
    params(("rocket" = String, Path)), request_body = ModuleRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn add_module(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<ModuleRequest>,
) -> Reply<Json<RocketView>> {
    ask(
        &launch,
        rocket,
        Request::AddModule {
            module: request.module,
        },
    )
    .await
}

/// The weather against what a launch needs.
#[utoipa::path(get, path = "/launch/rockets/{rocket}/weather", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = WeatherView)))]
pub(super) async fn weather(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Reply<Json<WeatherView>> {
    let rocket = RocketId::new(rocket)?;
    Ok(Json(weather_view(&launch, &rocket)?))
}

/// Report the weather.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/weather", tag = "launch",
    params(("rocket" = String, Path)), request_body = WeatherReport,
    responses((status = OK, body = WeatherView)))]
pub(super) async fn report_weather(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(report): Json<WeatherReport>,
) -> Reply<Json<WeatherView>> {
    let rocket = RocketId::new(rocket)?;
    let observation = match report {
        WeatherReport::Metar(text) => {
            Box::new(weather::parse_metar(&text, launch.shared().wall())?)
        }
        WeatherReport::Observation(observation) => observation,
    };
    let request = Request::ReportWeather { observation };
    launch.request(&rocket, Actor::commander(), request).await?;
    Ok(Json(weather_view(&launch, &rocket)?))
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

/// Give the launch order: the count runs.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = RocketView)))]
pub(super) async fn start_count(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Reply<Json<RocketView>> {
    ask(&launch, rocket, Request::StartCount).await
}

/// Stop the clock.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count/hold", tag = "launch",
    params(("rocket" = String, Path)), request_body = ReasonRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn hold(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<ReasonRequest>,
) -> Reply<Json<RocketView>> {
    ask(
        &launch,
        rocket,
        Request::Hold {
            reason: request.reason,
        },
    )
    .await
}

/// Let the clock run on.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count/resume", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = RocketView)))]
pub(super) async fn resume(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Reply<Json<RocketView>> {
    ask(&launch, rocket, Request::Resume).await
}

/// Give up for now.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count/scrub", tag = "launch",
    params(("rocket" = String, Path)), request_body = ReasonRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn scrub(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<ReasonRequest>,
) -> Reply<Json<RocketView>> {
    ask(
        &launch,
        rocket,
        Request::Scrub {
            reason: request.reason,
        },
    )
    .await
}

/// Shut or open the public feed of one mission.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/embargo", tag = "launch",
    params(("rocket" = String, Path)), request_body = EmbargoRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn embargo(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<EmbargoRequest>,
) -> Reply<Json<RocketView>> {
    ask(&launch, rocket, Request::SetEmbargo { on: request.on }).await
}

async fn ask(launch: &Launch, rocket: String, request: Request) -> Reply<Json<RocketView>> {
    let rocket = RocketId::new(rocket)?;
    launch.request(&rocket, Actor::commander(), request).await?;
    Ok(Json(view(launch, &rocket)?))
}

fn view(launch: &Launch, rocket: &RocketId) -> Result<RocketView, Error> {
    launch.mission(rocket, |mission| RocketView::of(mission, launch.shared()))
}

fn weather_view(launch: &Launch, rocket: &RocketId) -> Result<WeatherView, Error> {
    let observation = launch.mission(rocket, |mission| mission.weather().cloned())?;
    let criteria = &launch.shared().config().criteria;
    let evaluation = criteria.evaluate(observation.as_ref(), None, launch.shared().wall());
    Ok(WeatherView {
        observation,
        evaluation,
    })
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

fn define(new: NewRocket) -> Result<Definition, Error> {
    let time_factor = new.time_factor.unwrap_or(1.0);
    count::check_rate(time_factor)?;
    let count = match (&new.count_toml, &new.count) {
        (Some(_), Some(_)) => return Err(both("count", "count_toml")),
        (Some(text), None) => Plan::parse(text)?,
        (None, name) => Plan::named(name.as_deref().unwrap_or("short"))?,
    };
    let vehicle = match (&new.vehicle_toml, &new.vehicle) {
        (Some(_), Some(_)) => return Err(both("vehicle", "vehicle_toml")),
        (Some(text), None) => Vehicle::parse(text),
        (None, name) => Vehicle::named(name.as_deref().unwrap_or("reference")),
    };
    let vehicle = vehicle.map_err(|error| Error::Input {
        what: "vehicle",
        problem: portique_fault::chain(&error),
    })?;
    Ok(Definition {
        rocket: new.rocket,
        vehicle: toml::to_string(&vehicle).expect("a vehicle that was read can be written"),
        pad: new.pad.map_or_else(|| PadId::new("pad-1"), Ok)?,
        link: new.link.unwrap_or(LinkKind::Simulated),
        count,
        time_factor,
        roster: roster(new.roster)?,
    })
}

fn roster(asked: Option<Vec<Station>>) -> Result<Vec<Station>, Error> {
    let Some(mut roster) = asked else {
        return ["weather", "rocket", "payload", "telemetry"]
            .map(Station::new)
            .into_iter()
            .collect();
    };
    roster.sort();
    roster.dedup();
    if roster.is_empty() || roster.len() > ROSTER_MAX {
        let problem = format!("needs 1 to {ROSTER_MAX} different stations");
        return Err(Error::Input {
            what: "roster",
            problem,
        });
    }
    Ok(roster)
}

fn both(one: &'static str, other: &str) -> Error {
    Error::Input {
        what: one,
        problem: format!("and {other} are both given; give one"),
    }
}
