use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::missions::Reply;
use super::view::WeatherView;
use crate::mission::{Actor, Request};
use crate::service::Launch;
use crate::weather::{self, Observation, Outlook};
use crate::{Error, RocketId};

/// What the simulated station is called in its reports.
const SIMULATED_STATION: &str = "SIM";
/// How far ahead a forecast is judged while no count says when T-0 is.
const LOOK_AHEAD: Duration = Duration::from_secs(3_600);

/// Weather: a METAR report, values, or a calm day from a simulated station.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WeatherReport {
    /// The report's text.
    Metar(String),
    /// A TAF forecast's text.
    Taf(String),
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
    let now = launch.shared().wall();
    let observed = |observation| Request::ReportWeather { observation };
    let request = match report {
        WeatherReport::Metar(text) => observed(Box::new(weather::parse_metar(&text, now)?)),
        WeatherReport::Taf(text) => {
            let forecast = Box::new(weather::parse_taf(&text, now)?);
            Request::ReportForecast { forecast }
        }
        WeatherReport::Observation(observation) => observed(observation),
        WeatherReport::Simulated {} => {
            observed(Box::new(Observation::calm(SIMULATED_STATION, now)))
        }
    };
    launch.request(&rocket, Actor::commander(), request).await?;
    Ok(Json(weather_view(&launch, &rocket)?))
}

pub(super) fn weather_view(launch: &Launch, rocket: &RocketId) -> Result<WeatherView, Error> {
    let (observation, forecast, until_launch) = launch.mission(rocket, |mission| {
        let t_s = launch.shared().t_s(mission).filter(|t_s| *t_s < 0.0);
        let seconds = t_s.map(|t_s| -t_s / mission.definition().time_factor);
        let weather = (mission.weather().cloned(), mission.forecast().cloned());
        (weather.0, weather.1, seconds)
    })?;
    let now = launch.shared().wall();
    let (from, until) = match until_launch {
        Some(seconds) => {
            let launch_at = now.plus(Duration::from_secs_f64(seconds));
            (launch_at, launch_at)
        }
        None => (now, now.plus(LOOK_AHEAD)),
    };
    let outlook = forecast.as_ref().map(|forecast| Outlook {
        forecast,
        from,
        until,
    });
    let criteria = &launch.shared().config().criteria;
    let evaluation = criteria.evaluate(observation.as_ref(), outlook, now);
    Ok(WeatherView {
        observation,
        forecast,
        evaluation,
    })
}
