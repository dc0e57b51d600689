//! The ticks of a schedule.
//!
//! Patterns are what croner understands (Open Cron Pattern Specification); time zones come with jiff, so that
//! a schedule ticks alike on every machine. Where clocks change: a pattern of fixed hours and minutes
//! ticks once a day (when its hour is left out, at the end of the gap; when it comes twice, the first
//! time), one with wildcards or steps follows the hours as they pass.

use croner::parser::{CronParser, Year};
use jiff::Zoned;
use jiff::tz::TimeZone;
use portique_clock::Timestamp;

use crate::Error;

/// Longest pattern, in bytes: six fields with lists.
const PATTERN_BYTES_MAX: usize = 512;

/// A pattern in a time zone.
#[derive(Debug, Clone)]
pub(crate) struct Cron {
    pattern: croner::Cron,
    zone: TimeZone,
}

impl Cron {
    /// # Errors
    /// [`Error::InvalidOption`] names `cron` or `zone`, what is wrong and what would be right.
    pub(crate) fn parse(pattern: &str, zone: &str) -> Result<Self, Error> {
        if pattern.len() > PATTERN_BYTES_MAX {
            let problem = format!("longer than {PATTERN_BYTES_MAX} bytes");
            return Err(invalid("cron", problem));
        }
        let parser = CronParser::builder().year(Year::Disallowed).build();
        let parsed = parser.parse(pattern).map_err(|error| {
            let problem = format!(
                "{pattern:?}: {error}; write minute, hour, day of month, month and day of week, such \
                 as \"0 6 * * MON-FRI\", or six fields with seconds first"
            );
            invalid("cron", problem)
        })?;
        let zone = TimeZone::get(zone).map_err(|_| {
            let problem =
                format!("{zone:?}: write a name of the IANA database such as Europe/Paris, or UTC");
            invalid("zone", problem)
        })?;
        Ok(Self {
            pattern: parsed,
            zone,
        })
    }

    /// The first tick after `time`; none when there is none before the year 2262.
    pub(crate) fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        // Ticks are whole seconds: what is after the second that has begun is after `time`.
        let tick = self
            .pattern
            .find_next_occurrence(&self.second_of(time)?, false);
        to_timestamp(&tick.ok()?)
    }

    /// The last `count_max` ticks after `after` and up to `until`, oldest first. Takes time by the ticks it
    /// returns, however long the span is.
    pub(crate) fn last_between(
        &self,
        after: Timestamp,
        until: Timestamp,
        count_max: usize,
    ) -> Vec<Timestamp> {
        let mut ticks = Vec::new();
        let mut cursor = self.second_of(until);
        while let Some(from) = cursor.take().filter(|_| ticks.len() < count_max) {
            let is_first = ticks.is_empty();
            let Ok(found) = self.pattern.find_previous_occurrence(&from, is_first) else {
                break;
            };
            let Some(tick) = to_timestamp(&found).filter(|tick| *tick > after) else {
                break;
            };
            ticks.push(tick);
            cursor = Some(found);
        }
        ticks.reverse();
        ticks
    }

    fn second_of(&self, time: Timestamp) -> Option<Zoned> {
        let second =
            jiff::Timestamp::from_second(time.as_nanos().div_euclid(1_000_000_000)).ok()?;
        Some(Zoned::new(second, self.zone.clone()))
    }
}

fn to_timestamp(tick: &Zoned) -> Option<Timestamp> {
    let nanos = i64::try_from(tick.timestamp().as_nanosecond()).ok()?;
    Some(Timestamp::from_nanos(nanos))
}

fn invalid(name: &'static str, problem: String) -> Error {
    Error::InvalidOption { name, problem }
}

#[cfg(test)]
mod tests;
