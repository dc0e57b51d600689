//! Recurring spans of time: office hours, weekends, the last days of a month.

mod read;

use jiff::Zoned;
use jiff::tz::TimeZone;
use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use read::{INTERVAL_KEYS, interval};

/// A named time interval: it holds when any of its parts does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedInterval {
    /// What routes call it.
    pub name: String,
    /// Its parts.
    pub parts: Vec<TimeInterval>,
}

impl NamedInterval {
    /// Whether a moment is within it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.parts.iter().any(|part| part.contains(at))
    }
}

/// A recurring span of time: all that is given must hold; a list that is empty holds always. Ranges
/// include both ends, except that of the time of day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeInterval {
    /// Minutes of the day, 0 to 1440: from the first to before the second.
    pub times: Vec<(u16, u16)>,
    /// 0 is Sunday.
    pub weekdays: Vec<(i8, i8)>,
    /// 1 to 31, or -1 (the last) to -31.
    pub days_of_month: Vec<(i8, i8)>,
    /// 1 is January.
    pub months: Vec<(i8, i8)>,
    /// Such as 2026.
    pub years: Vec<(i16, i16)>,
    /// The IANA name of the time zone whose clock counts; UTC when absent.
    pub location: Option<String>,
}

impl TimeInterval {
    /// Whether a moment is within it, by the clock of its time zone: where a clock is set forward the
    /// missing hour never comes, where it is set back the hour comes twice.
    pub fn contains(&self, at: Timestamp) -> bool {
        let at = self.zoned(at);
        let minute =
            u16::try_from(at.hour()).unwrap_or(0) * 60 + u16::try_from(at.minute()).unwrap_or(0);
        let weekday = at.weekday().to_sunday_zero_offset();
        within(&self.times, |(from, to)| from <= minute && minute < to)
            && within(&self.weekdays, |(from, to)| {
                from <= weekday && weekday <= to
            })
            && within(&self.days_of_month, |range| is_day(range, &at))
            && within(&self.months, |(from, to)| {
                from <= at.month() && at.month() <= to
            })
            && within(&self.years, |(from, to)| {
                from <= at.year() && at.year() <= to
            })
    }

    /// Whether it is one: ranges in order and within what there is, and a time zone that is known.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub(super) fn check(&self) -> Result<(), String> {
        let bad = |what: &str, found: String, right: &str| {
            Err(format!("the {what} {found} are no range: write {right}"))
        };
        for (from, to) in &self.times {
            if from >= to || *to > 1440 {
                let right = "minutes of the day, 0 to 1440, the second larger";
                return bad("times", format!("{from} to {to}"), right);
            }
        }
        for (from, to) in &self.weekdays {
            if from > to || *from < 0 || *to > 6 {
                return bad("weekdays", format!("{from} to {to}"), "0 to 6, in order");
            }
        }
        for (from, to) in &self.months {
            if from > to || *from < 1 || *to > 12 {
                return bad("months", format!("{from} to {to}"), "1 to 12, in order");
            }
        }
        for (from, to) in &self.days_of_month {
            let is_day = |day: i8| day != 0 && (-31..=31).contains(&day);
            if !is_day(*from) || !is_day(*to) || (from.signum() == to.signum() && from > to) {
                let right = "1 to 31, or -1 to -31 from the end, in order";
                return bad("days of the month", format!("{from} to {to}"), right);
            }
        }
        match &self.location {
            Some(name) if TimeZone::get(name).is_err() => Err(format!(
                "there is no time zone {name:?}: write one such as Europe/Paris"
            )),
            _ => Ok(()),
        }
    }

    fn zoned(&self, at: Timestamp) -> Zoned {
        let moment = jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos()))
            .expect("64 bits of nanoseconds are within jiff's range");
        let location = self.location.as_deref();
        // Names are checked when they are read; a zone that has been taken from the machine since is UTC.
        let zone = location.and_then(|name| TimeZone::get(name).ok());
        moment.to_zoned(zone.unwrap_or(TimeZone::UTC))
    }
}

fn within<R: Copy>(ranges: &[R], holds: impl Fn(R) -> bool) -> bool {
    ranges.is_empty() || ranges.iter().any(|range| holds(*range))
}

fn is_day((from, to): (i8, i8), at: &Zoned) -> bool {
    let days = at.days_in_month();
    // Counted from the end, -1 is the last day; what falls before the first is on no day.
    let day_of = |day: i8| if day < 0 { days + day + 1 } else { day };
    day_of(from) <= at.day() && at.day() <= day_of(to)
}

#[cfg(test)]
mod tests;
