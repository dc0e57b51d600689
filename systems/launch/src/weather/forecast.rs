use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::Criteria;

/// How sure a group of a forecast is of its weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// The weather that prevails: the forecast's first groups, `FM`, `BECMG`.
    Prevailing,
    /// Now and then, in less than half of the time: `TEMPO`.
    Temporary,
    /// Three chances in ten: `PROB30`, with `TEMPO` or without.
    Prob30,
    /// Four chances in ten: `PROB40`, with `TEMPO` or without.
    Prob40,
}

impl Likelihood {
    /// The chance that the weather of such a group is met at a moment of its time, 0 to 1.
    ///
    /// What prevails is taken for certain, what is temporary for 40 %: a `TEMPO` holds for less than
    /// half of its time, and what is less likely than 30 % is in no forecast.
    pub const fn probability(self) -> f64 {
        match self {
            Self::Prevailing => 1.0,
            Self::Temporary | Self::Prob40 => 0.4,
            Self::Prob30 => 0.3,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Prevailing => "prevailing",
            Self::Temporary => "TEMPO",
            Self::Prob30 => "PROB30",
            Self::Prob40 => "PROB40",
        }
    }
}

/// The weather that a forecast gives for some hours; what is absent is not forecast, or stays as it prevails.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Its first moment.
    #[schema(value_type = String)]
    pub from: Timestamp,
    /// Its end.
    #[schema(value_type = String)]
    pub until: Timestamp,
    /// How sure it is.
    pub likelihood: Likelihood,
    /// Sustained wind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_m_s: Option<f64>,
    /// Gusts; no criterion is about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gust_m_s: Option<f64>,
    /// Whether there is a thunderstorm at the station or near it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thunderstorm: Option<bool>,
    /// Whether there is cumulonimbus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cumulonimbus: Option<bool>,
}

/// A forecast for one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// Four-letter code.
    pub station: String,
    /// When it was issued; absent when it does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub at: Option<Timestamp>,
    /// The first moment it is for.
    #[schema(value_type = String)]
    pub from: Timestamp,
    /// The end of what it is for.
    #[schema(value_type = String)]
    pub until: Timestamp,
    /// Its parts, in the order of the text. While one weather becomes another, both prevail.
    pub periods: Vec<Period>,
    /// The text it was read from.
    pub raw: String,
}

/// A forecast and the hours that matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook<'a> {
    /// The forecast.
    pub forecast: &'a Forecast,
    /// The first moment of the launch window.
    pub from: Timestamp,
    /// Its last moment; the same as the first for an instantaneous window.
    pub until: Timestamp,
}

impl Outlook<'_> {
    /// The chance that a criterion is violated in the window, 0 to 1, and what it is from; none when the
    /// forecast is not for the whole window.
    ///
    /// A TAF tells of two criteria, sustained wind and lightning (thunderstorm or cumulonimbus). The
    /// chance is that of the most likely group that violates one: the groups of a forecast describe the same
    /// weather, so their chances do not add up.
    pub(super) fn judge(&self, criteria: &Criteria) -> (Option<f64>, String) {
        let Forecast {
            station,
            from,
            until,
            periods,
            ..
        } = self.forecast;
        if self.from < *from || self.until > *until || self.until < self.from {
            let why = format!(
                "the forecast for {station} is for {from} until {until}, not for all of {} until {}",
                self.from, self.until
            );
            return (None, why);
        }
        let meets = |period: &&Period| period.from <= self.until && self.from < period.until;
        let violations = periods.iter().filter(meets).filter_map(|period| {
            let reason = violation(period, criteria)?;
            Some((period, reason))
        });
        let worst = violations.max_by(|a, b| {
            a.0.likelihood
                .probability()
                .total_cmp(&b.0.likelihood.probability())
        });
        match worst {
            Some((period, reason)) => {
                let (likelihood, from, until) = (period.likelihood, period.from, period.until);
                let word = likelihood.word();
                let why = format!("forecast for {station}, {word} {from} until {until}: {reason}");
                (Some(likelihood.probability()), why)
            }
            None => {
                let why = format!("forecast for {station}: neither wind nor thunderstorms violate");
                (Some(0.0), why)
            }
        }
    }
}

fn violation(period: &Period, criteria: &Criteria) -> Option<String> {
    if period.thunderstorm == Some(true) {
        return Some("thunderstorm".into());
    }
    if period.cumulonimbus == Some(true) {
        return Some("cumulonimbus".into());
    }
    let wind_m_s = period
        .wind_m_s
        .filter(|wind| *wind > criteria.wind_max_m_s)?;
    let limit_m_s = criteria.wind_max_m_s;
    Some(format!(
        "sustained wind {wind_m_s:.1} m/s, limit {limit_m_s:.1} m/s"
    ))
}
