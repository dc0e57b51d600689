use std::fmt;

use portique_clock::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// Cloud layers and phenomena of one observation: a METAR has at most six and three.
const GROUPS_MAX: usize = 16;
/// Longest name of a station or phenomenon.
const NAME_BYTES_MAX: usize = 32;
/// Longest raw text: METARs with remarks stay far below.
const RAW_BYTES_MAX: usize = 4_096;

/// Where an observation comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ObservationSource)]
pub enum Source {
    /// Values reported by people or instruments.
    #[default]
    Reported,
    /// A METAR.
    Metar,
    /// A simulated station.
    Simulated,
}

/// How much of the sky a layer covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cover {
    /// One to two eighths.
    Few,
    /// Three to four eighths.
    Scattered,
    /// Five to seven eighths; a ceiling.
    Broken,
    /// Eight eighths; a ceiling.
    Overcast,
    /// The sky cannot be seen; a ceiling at the vertical visibility.
    Obscured,
}

impl Cover {
    /// Whether the lowest such layer is the ceiling.
    pub const fn is_ceiling(self) -> bool {
        matches!(self, Self::Broken | Self::Overcast | Self::Obscured)
    }
}

/// A layer of cloud.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudLayer {
    /// How much of it.
    pub cover: Cover,
    /// Base above the station; absent when not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_m: Option<f64>,
    /// From base to top; no METAR has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thickness_m: Option<f64>,
    /// Cumulonimbus or towering cumulus.
    #[serde(default)]
    pub is_convective: bool,
}

/// The weather at one place and time; what is absent was not observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Observation {
    /// Four-letter code or another name.
    pub station: String,
    /// When it was observed.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Where it comes from.
    #[serde(default)]
    pub source: Source,
    /// Sustained wind, 0 to 150.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_m_s: Option<f64>,
    /// Gusts, 0 to 150.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gust_m_s: Option<f64>,
    /// Where the wind comes from, 0 to 360; absent when it varies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_direction_deg: Option<f64>,
    /// Horizontal visibility; METARs end at 10 km or 10 miles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_m: Option<f64>,
    /// The layers from the lowest; empty is a clear sky, absent is not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clouds: Option<Vec<CloudLayer>>,
    /// Air temperature, -90 to 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f64>,
    /// Dew point, -90 to 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dewpoint_c: Option<f64>,
    /// Pressure reduced to sea level, 80,000 to 110,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure_pa: Option<f64>,
    /// Present weather in METAR's codes, such as `-TSRA`, `BR`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phenomena: Vec<String>,
    /// Whether there is a thunderstorm at the station or near it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thunderstorm: Option<bool>,
    /// Distance of the nearest stroke of lightning; a million when none was seen. No METAR has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lightning_distance_m: Option<f64>,
    /// Time from that stroke to the observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lightning_age_s: Option<f64>,
    /// Strongest electric field at the ground, either sign, -50,000 to 50,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_mill_v_m: Option<f64>,
    /// Strongest change of the wind with height on the way up, in m/s per km.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_shear_m_s_km: Option<f64>,
    /// Height of the freezing level, -500 to 8,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freezing_level_m: Option<f64>,
    /// The text it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl Observation {
    /// An observation of nothing.
    pub fn new(station: impl Into<String>, at: Timestamp) -> Self {
        Self {
            station: station.into(),
            at,
            source: Source::Reported,
            wind_m_s: None,
            gust_m_s: None,
            wind_direction_deg: None,
            visibility_m: None,
            clouds: None,
            temperature_c: None,
            dewpoint_c: None,
            pressure_pa: None,
            phenomena: Vec::new(),
            thunderstorm: None,
            lightning_distance_m: None,
            lightning_age_s: None,
            field_mill_v_m: None,
            upper_shear_m_s_km: None,
            freezing_level_m: None,
            raw: None,
        }
    }

    /// What a simulated station on a calm day reports: everything observed, every criterion met.
    pub fn calm(station: impl Into<String>, at: Timestamp) -> Self {
        Self {
            source: Source::Simulated,
            wind_m_s: Some(3.5),
            wind_direction_deg: Some(110.0),
            visibility_m: Some(16_000.0),
            clouds: Some(vec![CloudLayer {
                cover: Cover::Few,
                base_m: Some(1_200.0),
                thickness_m: Some(300.0),
                is_convective: false,
            }]),
            temperature_c: Some(22.0),
            dewpoint_c: Some(14.0),
            pressure_pa: Some(101_800.0),
            thunderstorm: Some(false),
            lightning_distance_m: Some(1.0e6),
            lightning_age_s: Some(0.0),
            field_mill_v_m: Some(120.0),
            upper_shear_m_s_km: Some(4.0),
            freezing_level_m: Some(3_900.0),
            ..Self::new(station, at)
        }
    }

    /// Base of the lowest layer that covers more than half of the sky.
    pub fn ceiling_m(&self) -> Option<f64> {
        let layers = self.clouds.iter().flatten();
        let bases = layers
            .filter(|layer| layer.cover.is_ceiling())
            .filter_map(|layer| layer.base_m);
        bases.min_by(f64::total_cmp)
    }

    /// Checks that every value is one that weather can have.
    ///
    /// # Errors
    /// [`Error::Input`] with the field, the value and the range.
    pub fn check(&self) -> Result<(), Error> {
        let values = [
            ("wind_m_s", self.wind_m_s, 0.0, 150.0),
            ("gust_m_s", self.gust_m_s, 0.0, 150.0),
            ("wind_direction_deg", self.wind_direction_deg, 0.0, 360.0),
            ("visibility_m", self.visibility_m, 0.0, 1.0e6),
            ("temperature_c", self.temperature_c, -90.0, 60.0),
            ("dewpoint_c", self.dewpoint_c, -90.0, 60.0),
            ("pressure_pa", self.pressure_pa, 80_000.0, 110_000.0),
            (
                "lightning_distance_m",
                self.lightning_distance_m,
                0.0,
                2.1e7,
            ),
            ("lightning_age_s", self.lightning_age_s, 0.0, 1.0e7),
            ("field_mill_v_m", self.field_mill_v_m, -50_000.0, 50_000.0),
            ("upper_shear_m_s_km", self.upper_shear_m_s_km, 0.0, 500.0),
            ("freezing_level_m", self.freezing_level_m, -500.0, 8_000.0),
        ];
        for (field, value, min, max) in values {
            check_range(field, value, min, max)?;
        }
        for layer in self.clouds.iter().flatten() {
            check_range("clouds.base_m", layer.base_m, 0.0, 30_000.0)?;
            check_range("clouds.thickness_m", layer.thickness_m, 0.0, 30_000.0)?;
        }
        self.check_sizes()
    }

    fn check_sizes(&self) -> Result<(), Error> {
        if self.station.is_empty() || self.station.len() > NAME_BYTES_MAX {
            return Err(refused(format!(
                "station must have 1 to {NAME_BYTES_MAX} bytes"
            )));
        }
        let layers = self.clouds.as_ref().map_or(0, Vec::len);
        if layers > GROUPS_MAX || self.phenomena.len() > GROUPS_MAX {
            return Err(refused(format!(
                "clouds and phenomena are at most {GROUPS_MAX} each"
            )));
        }
        if self
            .phenomena
            .iter()
            .any(|code| code.len() > NAME_BYTES_MAX)
        {
            return Err(refused(format!(
                "phenomena have at most {NAME_BYTES_MAX} bytes each"
            )));
        }
        if self
            .raw
            .as_ref()
            .is_some_and(|raw| raw.len() > RAW_BYTES_MAX)
        {
            return Err(refused(format!("raw has at most {RAW_BYTES_MAX} bytes")));
        }
        Ok(())
    }
}

fn check_range(field: &str, value: Option<f64>, min: f64, max: f64) -> Result<(), Error> {
    match value {
        Some(value) if !(min..=max).contains(&value) => Err(refused(format!(
            "{field} is {value}: it must be within {min} and {max}"
        ))),
        _ => Ok(()),
    }
}

fn refused(problem: String) -> Error {
    Error::Input {
        what: "weather observation",
        problem,
    }
}

impl Serialize for Observation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Observation {
    /// Reads and checks: an observation that exists has believable values.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let observation = Self::deserialize(deserializer)?;
        observation.check().map_err(serde::de::Error::custom)?;
        Ok(observation)
    }
}

impl fmt::Display for Observation {
    /// One line for people: station, time and the main values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.station, self.at)?;
        if let Some(wind) = self.wind_m_s {
            write!(f, ", wind {wind:.1} m/s")?;
        }
        if let Some(gust) = self.gust_m_s {
            write!(f, " gusting {gust:.1}")?;
        }
        if let Some(visibility) = self.visibility_m {
            write!(f, ", visibility {visibility:.0} m")?;
        }
        if let Some(ceiling) = self.ceiling_m() {
            write!(f, ", ceiling {ceiling:.0} m")?;
        }
        if let Some(temperature) = self.temperature_c {
            write!(f, ", {temperature:.0} °C")?;
        }
        if !self.phenomena.is_empty() {
            write!(f, ", {}", self.phenomena.join(" "))?;
        }
        Ok(())
    }
}
