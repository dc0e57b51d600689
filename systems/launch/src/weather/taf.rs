//! TAF text. No library for it that keeps the times of its parts is at hand, and launch criteria need few of
//! its groups: wind, thunderstorms, cumulonimbus, and when. The other groups are recognised and passed over;
//! a group that is none is refused, so that a typing error does not hide a thunderstorm.

mod group;
#[cfg(test)]
mod tests;

use std::time::Duration;

use portique_clock::Timestamp;

use self::group::{Change, DayTime, Stated, head, is_station, issue_time, span};
use super::metar::last_such_day;
use super::{Forecast, Likelihood, Period};
use crate::Error;

/// Longest forecast: the longest TAFs have some 1,500 bytes.
pub const TAF_BYTES_MAX: usize = 4_000;

/// Most parts: the longest TAFs have a dozen.
const PARTS_MAX: usize = 48;
/// Longest validity: TAFs are for 30 hours at most.
const VALIDITY_MAX: Duration = Duration::from_secs(36 * 3_600);
/// A day of the month is meant to be less than half a month away.
const HALF_MONTH: Duration = Duration::from_secs(16 * 86_400);
/// Longest excerpt of the text in an error.
const EXCERPT_CHARS: usize = 60;
/// Words after which a forecast says nothing about the weather any more.
const ENDINGS: [&str; 6] = ["RMK", "AMD", "LAST", "NEXT", "NXT", "LIMITED"];

/// Reads a TAF; its day of issue is taken for the last such day before `now`.
///
/// # Errors
/// [`Error::Input`] with what does not fit and an example, when the text is no TAF or says nothing.
pub fn parse_taf(text: &str, now: Timestamp) -> Result<Forecast, Error> {
    if text.len() > TAF_BYTES_MAX {
        let bytes = text.len();
        let problem = format!("has {bytes} bytes: a TAF has at most {TAF_BYTES_MAX}");
        return Err(refused("", &problem));
    }
    let raw = text.split_whitespace().collect::<Vec<_>>().join(" ");
    read(&raw, now).map_err(|problem| refused(&raw, &problem))
}

/// The forecast, or what does not fit.
fn read(raw: &str, now: Timestamp) -> Result<Forecast, String> {
    if let Some(odd) = raw.chars().find(|c| !c.is_ascii_graphic() && *c != ' ') {
        return Err(format!("contains {odd:?}, which no TAF has"));
    }
    let mut groups: Vec<&str> = raw.trim_end_matches(['=', ' ']).split(' ').collect();
    let titles = groups
        .iter()
        .take_while(|group| matches!(**group, "TAF" | "AMD" | "COR"));
    groups.drain(..titles.count());
    if let Some(none) = groups.iter().find(|group| matches!(**group, "NIL" | "CNL")) {
        return Err(format!("says {none}: there is no forecast"));
    }
    let station = groups.first().filter(|group| is_station(group));
    let station =
        (*station.ok_or("does not begin with TAF and a station of four letters")?).to_owned();
    let issued = groups.get(1).and_then(|group| issue_time(group));
    let at = issued.map(|time| issue(time, now)).transpose()?;
    let validity_index = if at.is_some() { 2 } else { 1 };
    let validity = groups.get(validity_index).copied().unwrap_or_default();
    let (from, until) = validity_of(validity, at.unwrap_or(now))?;
    let parts = parts(
        (from, until),
        &groups[groups.len().min(validity_index + 1)..],
    )?;
    if parts[0].stated.wind_m_s.is_none() {
        return Err("says nothing of the wind at its beginning".into());
    }
    Ok(Forecast {
        station,
        at,
        from,
        until,
        periods: periods(&parts, until),
        raw: raw.to_owned(),
    })
}

fn issue(time: DayTime, now: Timestamp) -> Result<Timestamp, String> {
    let at = last_such_day(now, time.day, time.in_day_s);
    at.ok_or_else(|| format!("is of day {:02}, which no month has", time.day))
}

fn validity_of(group: &str, issued: Timestamp) -> Result<(Timestamp, Timestamp), String> {
    let (from, until) = span(group).ok_or_else(|| {
        format!("has {group:?} where its hours should be, such as 2118/2224 for 21st 18:00 to 22nd 24:00")
    })?;
    let from = nearest(issued, from)?;
    let until = nearest(from, until)?;
    if until <= from || until.since(from) > VALIDITY_MAX {
        return Err(format!(
            "is valid from {from} until {until}: a TAF is for 1 to 36 hours"
        ));
    }
    Ok((from, until))
}

/// The moment with this day of the month that is nearest.
fn nearest(reference: Timestamp, time: DayTime) -> Result<Timestamp, String> {
    let found = last_such_day(reference.plus(HALF_MONTH), time.day, time.in_day_s);
    found.ok_or_else(|| format!("speaks of day {:02}, which no month has", time.day))
}

/// A part of the text: when, how, and what it states.
struct Part {
    from: Timestamp,
    until: Timestamp,
    change: Change,
    stated: Stated,
}

/// The parts in the order of the text, never none: the first is the one before any change.
fn parts(validity: (Timestamp, Timestamp), groups: &[&str]) -> Result<Vec<Part>, String> {
    let mut parts = vec![Part {
        from: validity.0,
        until: validity.1,
        change: Change::From,
        stated: Stated::default(),
    }];
    let mut index = 0;
    while let Some(group) = groups.get(index).filter(|group| !ENDINGS.contains(group)) {
        if let Some((head, used)) = head(&groups[index..])? {
            let from = nearest(validity.0, head.from)?;
            let until = head
                .until
                .map_or(Ok(validity.1), |until| nearest(validity.0, until))?;
            if until <= from || from < validity.0 || from >= validity.1 {
                return Err(format!(
                    "has a part from {from} until {until} after {group}: it is valid from {} until {}",
                    validity.0, validity.1
                ));
            }
            parts.push(Part {
                from,
                until,
                change: head.change,
                stated: Stated::default(),
            });
            index += used;
        } else {
            let last = parts.last_mut().expect("there is a first part");
            let next = groups.get(index + 1).copied().unwrap_or_default();
            if !last.stated.take(group, next) {
                return Err(format!("has {group:?}, which is no group of a TAF"));
            }
            index += 1;
        }
        if parts.len() > PARTS_MAX {
            return Err(format!("has more than {PARTS_MAX} parts"));
        }
    }
    Ok(parts)
}

/// From parts that say what changes to periods that say what may be.
fn periods(parts: &[Part], valid_until: Timestamp) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    let mut prevailing = Stated::default();
    for part in parts {
        let (ends, likelihood) = match part.change {
            Change::From => (part.from, Likelihood::Prevailing),
            Change::Becoming => (part.until, Likelihood::Prevailing),
            Change::Chance(likelihood) => {
                periods.push(part.stated.period(part.from, part.until, likelihood));
                continue;
            }
        };
        for period in &mut periods {
            if period.likelihood == Likelihood::Prevailing {
                period.until = period.until.min(ends);
            }
        }
        prevailing = match part.change {
            Change::Becoming => part.stated.or(prevailing),
            _ => part.stated,
        };
        periods.push(prevailing.period(part.from, valid_until, likelihood));
    }
    periods
}

fn refused(raw: &str, problem: &str) -> Error {
    let short: String = raw.chars().take(EXCERPT_CHARS).collect();
    let shown = if short.is_empty() {
        String::new()
    } else {
        format!("{short:?} ")
    };
    Error::Input {
        what: "TAF",
        problem: format!(
            "{shown}{problem}; write one such as TAF KXMR 211730Z 2118/2218 11012KT P6SM SCT030 TEMPO 2120/2123 VCTS BKN025CB"
        ),
    }
}
