//! Single groups of a TAF.

use portique_clock::Timestamp;

use crate::weather::metar::{KNOT_M_S, is_phenomenon};
use crate::weather::{Likelihood, Period};

/// Fastest wind a group can state, any unit: three digits.
const WIND_MAX_M_S: f64 = 150.0;

/// A day of the month and the second of that day, which may be its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DayTime {
    pub(super) day: u8,
    pub(super) in_day_s: i64,
}

/// How a part changes what was said before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// All of it, from a moment on.
    From,
    /// What it states, during some hours, for good.
    Becoming,
    /// What it states, perhaps, for some hours.
    Chance(Likelihood),
}

/// The groups that begin a part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Head {
    pub(super) change: Change,
    pub(super) from: DayTime,
    /// None for the end of the forecast.
    pub(super) until: Option<DayTime>,
}

/// The head of a part and how many groups it has; none when the first group is no such word.
pub(super) fn head(groups: &[&str]) -> Result<Option<(Head, usize)>, String> {
    let group = |index: usize| groups.get(index).copied().unwrap_or_default();
    if let Some(from) = from_time(group(0)) {
        let head = Head {
            change: Change::From,
            from,
            until: None,
        };
        return Ok(Some((head, 1)));
    }
    let change = match group(0) {
        "BECMG" => Change::Becoming,
        "TEMPO" | "INTER" => Change::Chance(Likelihood::Temporary),
        "PROB30" => Change::Chance(Likelihood::Prob30),
        "PROB40" => Change::Chance(Likelihood::Prob40),
        _ => return Ok(None),
    };
    let is_both = group(0).starts_with("PROB") && matches!(group(1), "TEMPO" | "INTER");
    let hours = if is_both { 2 } else { 1 };
    let (from, until) = span(group(hours)).ok_or_else(|| {
        format!(
            "has {:?} after {}: write hours such as 2120/2123",
            group(hours),
            group(0)
        )
    })?;
    Ok(Some((
        Head {
            change,
            from,
            until: Some(until),
        },
        hours + 1,
    )))
}

/// `FMddhhmm`.
fn from_time(group: &str) -> Option<DayTime> {
    let digits = group
        .strip_prefix("FM")
        .filter(|digits| is_digits(digits, 6))?;
    day_time(&digits[..4], &digits[4..])
}

/// `ddhhmmZ`.
pub(super) fn issue_time(group: &str) -> Option<DayTime> {
    let digits = group
        .strip_suffix('Z')
        .filter(|digits| is_digits(digits, 6))?;
    day_time(&digits[..4], &digits[4..])
}

/// `ddhh/ddhh`.
pub(super) fn span(group: &str) -> Option<(DayTime, DayTime)> {
    let (from, until) = group.split_once('/')?;
    (is_digits(from, 4) && is_digits(until, 4)).then_some(())?;
    Some((day_time(from, "00")?, day_time(until, "00")?))
}

pub(super) fn is_station(group: &str) -> bool {
    let is_named = group.len() == 4 && group.starts_with(|c: char| c.is_ascii_uppercase());
    is_named
        && group
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn day_time(day_hour: &str, minute: &str) -> Option<DayTime> {
    let day = day_hour[..2]
        .parse()
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    let hour: i64 = day_hour[2..].parse().ok().filter(|hour| *hour <= 24)?;
    let minute: i64 = minute.parse().ok().filter(|minute| *minute < 60)?;
    let in_day_s = hour * 3_600 + minute * 60;
    (in_day_s <= 86_400).then_some(DayTime { day, in_day_s })
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// What the groups of a part state of the criteria.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Stated {
    pub(super) wind_m_s: Option<f64>,
    gust_m_s: Option<f64>,
    thunderstorm: Option<bool>,
    cumulonimbus: Option<bool>,
}

impl Stated {
    /// Takes in a group; false when it is none of a TAF.
    pub(super) fn take(&mut self, group: &str, next: &str) -> bool {
        if let Some((wind_m_s, gust_m_s)) = wind(group) {
            (self.wind_m_s, self.gust_m_s) = (Some(wind_m_s), gust_m_s);
        } else if matches!(group, "CAVOK" | "NSW") {
            self.thunderstorm = Some(false);
            if group == "CAVOK" {
                self.cumulonimbus = Some(false);
            }
        } else if let Some(is_cumulonimbus) = cloud(group) {
            let known = self.cumulonimbus.unwrap_or(false);
            self.cumulonimbus = Some(known || is_cumulonimbus);
        } else if is_phenomenon(group) {
            let is_storm = group
                .trim_start_matches(['-', '+', 'V', 'C'])
                .starts_with("TS");
            self.thunderstorm = Some(self.thunderstorm.unwrap_or(false) || is_storm);
        } else {
            return is_passed_over(group, next);
        }
        true
    }

    /// These, and where nothing is stated, those.
    pub(super) fn or(self, other: Self) -> Self {
        let is_windy = self.wind_m_s.is_some();
        Self {
            wind_m_s: self.wind_m_s.or(other.wind_m_s),
            // A new wind without gusts has none.
            gust_m_s: if is_windy {
                self.gust_m_s
            } else {
                other.gust_m_s
            },
            thunderstorm: self.thunderstorm.or(other.thunderstorm),
            cumulonimbus: self.cumulonimbus.or(other.cumulonimbus),
        }
    }

    pub(super) fn period(
        self,
        from: Timestamp,
        until: Timestamp,
        likelihood: Likelihood,
    ) -> Period {
        Period {
            from,
            until,
            likelihood,
            wind_m_s: self.wind_m_s,
            gust_m_s: self.gust_m_s,
            thunderstorm: self.thunderstorm,
            cumulonimbus: self.cumulonimbus,
        }
    }
}

/// `dddff(f)KT`, `VRBffKT`, with `Gff` for gusts, in `MPS` or `KMH` too; `P99` is 99 and more.
fn wind(group: &str) -> Option<(f64, Option<f64>)> {
    let units = [("KT", KNOT_M_S), ("MPS", 1.0), ("KMH", 1.0 / 3.6)];
    let (rest, unit_m_s) = units
        .iter()
        .find_map(|(name, unit)| Some((group.strip_suffix(name)?, *unit)))?;
    let (direction, speeds) = rest.split_at_checked(3)?;
    if direction != "VRB" && !is_digits(direction, 3) {
        return None;
    }
    let (speed, gust) = match speeds.split_once('G') {
        Some((speed, gust)) => (speed, Some(gust)),
        None => (speeds, None),
    };
    let value = |text: &str| {
        let digits = text.strip_prefix('P').unwrap_or(text);
        let is_speed = is_digits(digits, 2) || is_digits(digits, 3);
        let value: f64 = digits.parse().ok().filter(|_| is_speed)?;
        Some(value * unit_m_s).filter(|speed| *speed <= WIND_MAX_M_S)
    };
    match gust {
        Some(gust) => Some((value(speed)?, Some(value(gust)?))),
        None => Some((value(speed)?, None)),
    }
}

/// Whether a group of clouds is of cumulonimbus; none when it is no such group.
fn cloud(group: &str) -> Option<bool> {
    if matches!(group, "SKC" | "CLR" | "NSC" | "NCD") {
        return Some(false);
    }
    let cover = ["FEW", "SCT", "BKN", "OVC", "VV"];
    let rest = cover.iter().find_map(|cover| group.strip_prefix(cover))?;
    let (height, kind) = rest.split_at_checked(3)?;
    let is_height = is_digits(height, 3) || height == "///";
    (is_height && matches!(kind, "" | "CB" | "TCU" | "///")).then_some(kind == "CB")
}

/// Groups that no criterion asks for: visibility, temperature, shear near the ground, pressure, icing.
fn is_passed_over(group: &str, next: &str) -> bool {
    let digits_of = |prefix: &str, suffix: &str| {
        let rest = group.strip_prefix(prefix)?.strip_suffix(suffix)?;
        Some(rest).filter(|rest| !rest.is_empty())
    };
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'/');
    let miles = digits_of("", "SM").map(|rest| rest.trim_start_matches(['P', 'M']));
    let is_whole_mile = is_digits(group, 1) && next.ends_with("SM");
    let metres = group.trim_end_matches("NDV");
    let temperature = digits_of("T", "Z").map(|rest| rest.trim_start_matches(['X', 'N', 'M']));
    let shear = digits_of("WS", "KT").or(digits_of("WS", "MPS"));
    let pressure = digits_of("QNH", "INS").or(digits_of("Q", ""));
    let is_icing = is_digits(group, 6) && group.starts_with(['5', '6']);
    miles.is_some_and(is_number)
        || is_whole_mile
        || is_digits(metres, 4)
        || temperature.is_some_and(is_number)
        || shear.is_some_and(is_number)
        || pressure.is_some_and(is_number)
        || is_icing
}
