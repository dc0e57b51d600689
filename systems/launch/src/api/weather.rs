use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::missions::Reply;
use super::view::WeatherView;
use crate::mission::{Actor, Request};
use crate::service::Launch;
use crate::weather::{self, Observation};
use crate::{Error, RocketId};

/// What the simulated station is called in its reports.
const SIMULATED_STATION: &str = "SIM";

/// Weather: a METAR report, values, or a calm day from a simulated station.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WeatherReport {
    /// The report's text.
    Metar(String),
    /// Values, also those that no METAR has.
    Observation(Box<Observation>),
    /// A calm day now, every criterion met; not for a vehicle that may be real.
    Simulated {},
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
        WeatherReport::Simulated {} => {
            Box::new(Observation::calm(SIMULATED_STATION, launch.shared().wall()))
        }
    };
    let request = Request::ReportWeather { observation };
    launch.request(&rocket, Actor::commander(), request).await?;
    Ok(Json(weather_view(&launch, &rocket)?))
}

pub(super) fn weather_view(launch: &Launch, rocket: &RocketId) -> Result<WeatherView, Error> {
    let observation = launch.mission(rocket, |mission| mission.weather().cloned())?;
    let criteria = &launch.shared().config().criteria;
    let evaluation = criteria.evaluate(observation.as_ref(), None, launch.shared().wall());
    Ok(WeatherView {
        observation,
        evaluation,
    })
}
