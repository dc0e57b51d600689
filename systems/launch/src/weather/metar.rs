//! METAR text. The `metar` library reads the groups; this module keeps from it what it cannot take
//! (remarks, `SPECI`, open-ended visibility, text that makes it panic) and puts its values into base units.

use metar::{
    CloudDensity, CloudType, Clouds, Data, Metar, Pressure, VerticalVisibility, Visibility, Wind,
    WindDirection, WindSpeed,
};
use portique_clock::Timestamp;

use super::{CloudLayer, Cover, Observation, Source};
use crate::Error;

/// Longest report: the longest METARs with remarks have some 500 bytes.
pub const METAR_BYTES_MAX: usize = 2_000;

pub(super) const KNOT_M_S: f64 = 0.514_444;
const FOOT_M: f64 = 0.3048;
const STATUTE_MILE_M: f64 = 1_609.344;
const INCH_OF_MERCURY_PA: f64 = 3_386.389;
/// Visibility that CAVOK promises at least.
const CAVOK_M: f64 = 10_000.0;
/// "More than the scale ends": 100 knots or 100 m/s; the weaker is enough to forbid anything.
const GREATER_M_S: f64 = 100.0 * KNOT_M_S;
const DAY_S: i64 = 86_400;
const SECOND_NS: i64 = 1_000_000_000;
/// A report may be stamped this much ahead of the hub's clock.
const AHEAD_MAX_S: i64 = 3_600;
/// Days to look back for the report's day of the month: the longest two months.
const DAYS_BACK_MAX: i64 = 62;
/// Longest excerpt of the text in an error.
const EXCERPT_CHARS: usize = 60;

/// Reads a METAR or SPECI; its day of the month is taken for the last such day before `now`.
///
/// # Errors
/// [`Error::Input`] with what does not fit and an example, when the text is no METAR or says nothing.
pub fn parse_metar(text: &str, now: Timestamp) -> Result<Observation, Error> {
    let (body, raw) = body_of(text)?;
    let metar = groups_of(&body, &raw)?;
    let at = time_of(&metar, now, &raw)?;
    let mut observation = Observation {
        source: Source::Metar,
        ..Observation::new(metar.station.clone(), at)
    };
    take_wind(&mut observation, &metar.wind);
    take_sky(&mut observation, &metar, &body);
    observation.visibility_m = observation.visibility_m.or(visibility_m(&metar.visibility));
    observation.temperature_c = known(&metar.temperature).map(f64::from);
    observation.dewpoint_c = known(&metar.dewpoint).map(f64::from);
    observation.pressure_pa = match &metar.pressure {
        Pressure::Hectopascals(value) => known(value).map(|hpa| f64::from(hpa) * 100.0),
        Pressure::InchesOfMercury(value) => {
            known(value).map(|inches| f64::from(inches) * INCH_OF_MERCURY_PA)
        }
    };
    let says_nothing = observation.wind_m_s.is_none()
        && observation.temperature_c.is_none()
        && observation.pressure_pa.is_none()
        && observation.visibility_m.is_none();
    if says_nothing {
        return Err(refused(
            &raw,
            "has neither wind nor visibility, temperature or pressure",
        ));
    }
    observation.raw = Some(raw);
    observation.check()?;
    Ok(observation)
}

/// The groups before the remarks, as the library takes them, and the tidied text.
fn body_of(text: &str) -> Result<(String, String), Error> {
    if text.len() > METAR_BYTES_MAX {
        let problem = format!(
            "has {} bytes: a METAR has at most {METAR_BYTES_MAX}",
            text.len()
        );
        return Err(refused("", &problem));
    }
    let raw = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if raw.is_empty() {
        return Err(refused("", "is empty"));
    }
    if let Some(odd) = raw.chars().find(|c| !c.is_ascii_graphic() && *c != ' ') {
        return Err(refused(
            &raw,
            &format!("contains {odd:?}, which no METAR has"),
        ));
    }
    let reported = raw.trim_end_matches('=').trim_end();
    let groups = reported.split(' ').take_while(|group| *group != "RMK");
    let mut body: Vec<String> = Vec::new();
    for group in groups {
        if group.contains("VRBV") || group.ends_with("VVRB") {
            return Err(refused(
                &raw,
                &format!("group {group} is no range of wind directions"),
            ));
        }
        match group {
            "METAR" | "SPECI" if body.is_empty() => {}
            "NIL" => return Err(refused(&raw, "says NIL: there was no observation")),
            // Maintenance needed: about the station, not the weather.
            "$" => {}
            _ => body.push(closed_visibility(group)),
        }
    }
    Ok((body.join(" "), raw))
}

/// `P6SM` (more than) and `M1/4SM` (less than) without the letter, which the library does not know.
fn closed_visibility(group: &str) -> String {
    let open = group
        .strip_prefix(['P', 'M'])
        .filter(|rest| rest.ends_with("SM"));
    open.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(group)
        .to_owned()
}

fn groups_of(body: &str, raw: &str) -> Result<Metar, Error> {
    // The library unwraps in places that a text might still reach; a panic there is a refusal here.
    let parsed = std::panic::catch_unwind(|| {
        Metar::parse(body).map_err(|errors| errors.first().map_or(0, |error| error.start))
    });
    let problem = match parsed {
        Ok(Ok(metar)) => return Ok(metar),
        Ok(Err(at)) => {
            let group = body
                .get(..at)
                .map_or(0, |before| before.matches(' ').count());
            let found = body.split(' ').nth(group).unwrap_or_default();
            if found.is_empty() {
                "ends too early".to_owned()
            } else {
                format!("does not go on with {found:?} after group {group}")
            }
        }
        Err(_) => "cannot be read".to_owned(),
    };
    Err(refused(raw, &problem))
}

/// The moment of the report, in the month before `now` that has such a day.
fn time_of(metar: &Metar, now: Timestamp, raw: &str) -> Result<Timestamp, Error> {
    let in_day_s = i64::from(metar.time.hour) * 3_600 + i64::from(metar.time.minute) * 60;
    let day = metar.time.date;
    last_such_day(now, day, in_day_s)
        .ok_or_else(|| refused(raw, &format!("is of day {day:02}, which no month has")))
}

/// The last day of a month with this number, at this second of it, that lies before `now` or just ahead.
pub(super) fn last_such_day(now: Timestamp, day: u8, in_day_s: i64) -> Option<Timestamp> {
    let latest_s = now
        .as_nanos()
        .div_euclid(SECOND_NS)
        .saturating_add(AHEAD_MAX_S);
    let today_s = latest_s.div_euclid(DAY_S) * DAY_S;
    let days = (0..=DAYS_BACK_MAX).map(|back| today_s - back * DAY_S);
    days.filter(|day_s| day_s + in_day_s <= latest_s)
        .find(|day_s| day_of_month(*day_s) == Some(day))
        .map(|day_s| Timestamp::from_nanos((day_s + in_day_s).saturating_mul(SECOND_NS)))
}

fn day_of_month(day_s: i64) -> Option<u8> {
    let text = Timestamp::from_nanos(day_s.saturating_mul(SECOND_NS)).to_string();
    let (date, _) = text.split_once('T')?;
    date.rsplit('-').next()?.parse().ok()
}

fn take_wind(observation: &mut Observation, wind: &Wind) {
    let (dir, speed) = match wind {
        Wind::Calm => {
            observation.wind_m_s = Some(0.0);
            return;
        }
        Wind::Present { dir, speed, .. } => (dir, speed),
    };
    let (unit_m_s, sustained, gust) = match speed {
        WindSpeed::Knots { speed, gusting } => (KNOT_M_S, speed, gusting),
        WindSpeed::MetresPerSecond { speed, gusting } => (1.0, speed, gusting),
        WindSpeed::KilometresPerHour { speed, gusting } => (1.0 / 3.6, speed, gusting),
        WindSpeed::Greater => {
            observation.wind_m_s = Some(GREATER_M_S);
            return;
        }
    };
    observation.wind_m_s = known(sustained).map(|value| f64::from(value) * unit_m_s);
    let gust = gust.as_ref().and_then(known);
    observation.gust_m_s = gust.map(|value| f64::from(value) * unit_m_s);
    if let (WindDirection::Heading(heading), Some(_)) = (dir, observation.wind_m_s) {
        observation.wind_direction_deg = known(heading).map(f64::from);
    }
}

fn take_sky(observation: &mut Observation, metar: &Metar, body: &str) {
    let is_cavok = matches!(metar.visibility, Data::Known(Visibility::CAVOK));
    let is_clear = body
        .split(' ')
        .any(|group| matches!(group, "SKC" | "CLR" | "NCD" | "NSC"));
    let mut layers: Vec<CloudLayer> = Vec::new();
    if let Some(seen) = &metar.vert_visibility {
        let base_m = match seen {
            VerticalVisibility::Distance(hundreds) => Some(f64::from(*hundreds) * 100.0 * FOOT_M),
            VerticalVisibility::ReducedByUnknownAmount => None,
        };
        layers.push(layer(Cover::Obscured, base_m, false));
    }
    for seen in &metar.cloud_layers {
        let Some(cover) = known(&seen.density).map(cover) else {
            continue;
        };
        // The library calls the height feet; it is the group's number, in hundreds of feet.
        let base_m = known(&seen.height).map(|hundreds| f64::from(hundreds) * 100.0 * FOOT_M);
        let kind = known(&seen.kind);
        let is_convective = matches!(
            kind,
            Some(CloudType::Cumulonimbus | CloudType::ToweringCumulus)
        );
        layers.push(layer(cover, base_m, is_convective));
    }
    let is_known = is_cavok || is_clear || !layers.is_empty();
    let no_cloud = metar.clouds != Clouds::CloudLayers && is_clear;
    observation.clouds = is_known.then_some(if no_cloud { Vec::new() } else { layers });
    take_phenomena(observation, metar, body);
}

fn layer(cover: Cover, base_m: Option<f64>, is_convective: bool) -> CloudLayer {
    CloudLayer {
        cover,
        base_m,
        thickness_m: None,
        is_convective,
    }
}

fn cover(density: CloudDensity) -> Cover {
    match density {
        CloudDensity::Few => Cover::Few,
        CloudDensity::Scattered => Cover::Scattered,
        CloudDensity::Broken => Cover::Broken,
        CloudDensity::Overcast => Cover::Overcast,
    }
}

/// The present weather in the report's own codes: those before any trend that the library agreed to read.
fn take_phenomena(observation: &mut Observation, metar: &Metar, body: &str) {
    let Data::Known(weather) = &metar.weather else {
        return;
    };
    let now = body
        .split(' ')
        .skip(2)
        .take_while(|g| !matches!(*g, "TEMPO" | "BECMG" | "NOSIG"));
    let codes = now.filter(|group| is_phenomenon(group)).take(weather.len());
    observation.phenomena = codes.map(str::to_owned).collect();
    let stormy = weather.iter().any(|group| {
        group
            .conditions
            .contains(&metar::WeatherCondition::Thunderstorm)
    });
    let has_cumulonimbus = metar
        .cloud_layers
        .iter()
        .any(|layer| known(&layer.kind) == Some(CloudType::Cumulonimbus));
    observation.thunderstorm = Some(stormy || has_cumulonimbus);
}

/// Pairs of letters after an optional sign or `VC`.
pub(super) fn is_phenomenon(group: &str) -> bool {
    const CODES: &str =
        "MI PR BC DR BL SH TS FZ RA DZ SN SG IC PL GR GS UP FG VA BR HZ DU FU SA PY SQ PO DS SS FC";
    let rest = group.trim_start_matches(['-', '+']);
    let rest = rest.strip_prefix("VC").unwrap_or(rest);
    let is_even = !rest.is_empty() && rest.len().is_multiple_of(2);
    is_even
        && rest.is_ascii()
        && (0..rest.len())
            .step_by(2)
            .all(|at| CODES.split(' ').any(|code| code == &rest[at..at + 2]))
}

fn visibility_m(visibility: &Data<Visibility>) -> Option<f64> {
    match known(visibility)? {
        Visibility::CAVOK => Some(CAVOK_M),
        // 9999 stands for ten kilometres and more.
        Visibility::Metres(9_999) => Some(CAVOK_M),
        Visibility::Metres(metres) => Some(f64::from(metres)),
        Visibility::StatuteMiles(miles) => Some(f64::from(miles) * STATUTE_MILE_M),
    }
    .filter(|metres| metres.is_finite())
}

fn known<T: Copy>(data: &Data<T>) -> Option<T> {
    match data {
        Data::Known(value) => Some(*value),
        Data::Unknown => None,
    }
}

fn refused(raw: &str, problem: &str) -> Error {
    let short: String = raw.chars().take(EXCERPT_CHARS).collect();
    let shown = if short.is_empty() {
        String::new()
    } else {
        format!("{short:?} ")
    };
    Error::Input {
        what: "METAR",
        problem: format!(
            "{shown}{problem}; write one such as KXMR 211553Z 11008KT 10SM FEW040 24/16 A3006"
        ),
    }
}
