use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Observation, Outlook};

/// An observation this far ahead of the clock is a clock's mistake, not news.
const AHEAD_MAX_S: f64 = 300.0;

/// What weather a launch needs. The defaults follow public practice at the eastern and western ranges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Criteria {
    /// Strongest sustained wind at the pad: 13.4 m/s (30 mph).
    pub wind_max_m_s: f64,
    /// Lightning nearer than this stops the launch: 10 nautical miles.
    pub lightning_distance_min_m: f64,
    /// For this long after the stroke: half an hour.
    pub lightning_clear_after_s: f64,
    /// Strongest electric field at the ground, either sign: 1,500 V/m.
    pub field_mill_max_v_m: f64,
    /// Thickest cloud layer that reaches the freezing level: 1.4 km (4,500 ft).
    pub cloud_thickness_max_m: f64,
    /// Strongest shear on the way up: 20 m/s per km; each vehicle has its own.
    pub upper_shear_max_m_s_km: f64,
    /// Coldest air at the pad: -5 °C.
    pub temperature_min_c: f64,
    /// Warmest air at the pad: 40 °C.
    pub temperature_max_c: f64,
    /// An older observation says nothing: 75 minutes, an hourly METAR that is a little late.
    pub age_max_s: f64,
    /// The same for lightning and electric field, which change within minutes: 15 minutes.
    pub electric_age_max_s: f64,
}

impl Default for Criteria {
    fn default() -> Self {
        Self {
            wind_max_m_s: 13.4,
            lightning_distance_min_m: 18_520.0,
            lightning_clear_after_s: 1_800.0,
            field_mill_max_v_m: 1_500.0,
            cloud_thickness_max_m: 1_400.0,
            upper_shear_max_m_s_km: 20.0,
            temperature_min_c: -5.0,
            temperature_max_c: 40.0,
            age_max_s: 4_500.0,
            electric_age_max_s: 900.0,
        }
    }
}

/// How a criterion stands, from best to worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Observed lately, and within the limit.
    Go,
    /// Not observed, or too long ago: not go, and nobody knows.
    Unknown,
    /// Beyond the limit.
    Violated,
}

/// One criterion against the weather.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    /// Which criterion, such as `sustained_wind`.
    pub criterion: String,
    /// How it stands.
    pub state: State,
    /// The observed value; absent when not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The limit it is held against; of two bounds the nearer.
    pub limit: f64,
    /// How far the value is inside the limit; negative when beyond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Unit of value, limit and margin.
    pub unit: String,
    /// Age of the observation; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<f64>,
    /// What is behind the state, when the numbers do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All criteria against the weather.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evaluation {
    /// The worst of the criteria: go only if all are.
    pub overall: State,
    /// Each criterion.
    pub findings: Vec<Finding>,
    /// Chance that a criterion is violated in the launch window, 0 to 1; absent without a forecast for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_of_violation: Option<f64>,
    /// What the probability is from, or why there is none.
    pub forecast: String,
}

/// A criterion's value, limit and margin, before its age is looked at.
struct Measure {
    criterion: &'static str,
    unit: &'static str,
    limit: f64,
    value: Option<f64>,
    margin: Option<f64>,
    age_max_s: f64,
    reason: Option<&'static str>,
}

impl Criteria {
    /// Judges the newest observation at a moment, and the forecast for the launch window.
    pub fn evaluate(
        &self,
        observation: Option<&Observation>,
        outlook: Option<Outlook<'_>>,
        now: Timestamp,
    ) -> Evaluation {
        let (probability_of_violation, forecast) = outlook.map_or_else(
            || {
                (
                    None,
                    "no forecast is known, so no probability of violation".into(),
                )
            },
            |outlook| outlook.judge(self),
        );
        let age_s = observation.map(|observation| seconds_between(observation.at, now));
        let measures = self.measures(observation);
        let findings: Vec<Finding> = measures.into_iter().map(|m| finding(m, age_s)).collect();
        let overall = findings.iter().map(|finding| finding.state).max();
        Evaluation {
            overall: overall.unwrap_or(State::Unknown),
            findings,
            probability_of_violation,
            forecast,
        }
    }

    fn measures(&self, observation: Option<&Observation>) -> [Measure; 6] {
        let of = |value: fn(&Observation) -> Option<f64>| observation.and_then(value);
        let at_most = |criterion, unit, limit: f64, value: Option<f64>, age_max_s| Measure {
            criterion,
            unit,
            limit,
            value,
            margin: value.map(|value| limit - value),
            age_max_s,
            reason: None,
        };
        let (slow_s, fast_s) = (self.age_max_s, self.electric_age_max_s);
        let wind = of(|o| o.wind_m_s);
        let field = of(|o| o.field_mill_v_m.map(f64::abs));
        let shear = of(|o| o.upper_shear_m_s_km);
        let thickness = of(frozen_thickness_m);
        [
            at_most("sustained_wind", "m/s", self.wind_max_m_s, wind, slow_s),
            self.lightning(observation),
            at_most("field_mill", "V/m", self.field_mill_max_v_m, field, fast_s),
            at_most(
                "cloud_thickness",
                "m",
                self.cloud_thickness_max_m,
                thickness,
                slow_s,
            ),
            at_most(
                "upper_shear",
                "m/s/km",
                self.upper_shear_max_m_s_km,
                shear,
                slow_s,
            ),
            self.temperature(of(|o| o.temperature_c)),
        ]
    }

    /// A thunderstorm at the station is lightning within the distance; its absence proves nothing.
    fn lightning(&self, observation: Option<&Observation>) -> Measure {
        let limit = self.lightning_distance_min_m;
        let stormy = observation.is_some_and(|o| o.thunderstorm == Some(true));
        let value = observation.and_then(|o| o.lightning_distance_m);
        let stroke_s = observation.and_then(|o| o.lightning_age_s).unwrap_or(0.0);
        let is_past = stroke_s >= self.lightning_clear_after_s;
        let (margin, reason) = match value {
            _ if stormy => (
                Some(-limit),
                Some("a thunderstorm is reported at the station or near it"),
            ),
            Some(value) if value < limit && is_past => {
                (Some(0.0), Some("the last stroke is long enough ago"))
            }
            Some(value) => (Some(value - limit), None),
            None => (None, None),
        };
        Measure {
            criterion: "lightning",
            unit: "m",
            limit,
            value,
            margin,
            age_max_s: self.electric_age_max_s,
            reason,
        }
    }

    fn temperature(&self, value: Option<f64>) -> Measure {
        let (min, max) = (self.temperature_min_c, self.temperature_max_c);
        let is_nearer_min = value.is_some_and(|value| value - min < max - value);
        Measure {
            criterion: "temperature",
            unit: "°C",
            limit: if is_nearer_min { min } else { max },
            value,
            margin: value.map(|value| (value - min).min(max - value)),
            age_max_s: self.age_max_s,
            reason: None,
        }
    }
}

/// The thickest layer whose top reaches the freezing level; nothing when a layer's top is not known.
fn frozen_thickness_m(observation: &Observation) -> Option<f64> {
    let clouds = observation.clouds.as_ref()?;
    if clouds.is_empty() {
        return Some(0.0);
    }
    let freezing_m = observation.freezing_level_m?;
    let mut thickest_m: f64 = 0.0;
    for layer in clouds {
        let thickness_m = layer.thickness_m?;
        if layer.base_m? + thickness_m >= freezing_m {
            thickest_m = thickest_m.max(thickness_m);
        }
    }
    Some(thickest_m)
}

fn finding(measure: Measure, age_s: Option<f64>) -> Finding {
    let is_fresh = age_s.is_some_and(|age_s| (-AHEAD_MAX_S..=measure.age_max_s).contains(&age_s));
    let (state, missing) = match measure.margin {
        None => (State::Unknown, Some("not observed")),
        Some(_) if !is_fresh => (
            State::Unknown,
            Some("the observation is too old, or from the future"),
        ),
        Some(margin) if margin < 0.0 => (State::Violated, None),
        Some(_) => (State::Go, None),
    };
    Finding {
        criterion: measure.criterion.into(),
        state,
        value: measure.value,
        limit: measure.limit,
        margin: measure.margin,
        unit: measure.unit.into(),
        age_s,
        reason: missing.or(measure.reason).map(Into::into),
    }
}

fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.since(earlier).as_secs_f64() - earlier.since(later).as_secs_f64()
}
