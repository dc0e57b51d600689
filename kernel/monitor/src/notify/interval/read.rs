//! Time intervals as the file writes them.

use jiff::tz::TimeZone;

use super::TimeInterval;
use crate::yaml::{Fields, Node, Reader};

/// The keys of one part of a time interval.
pub(in super::super) const INTERVAL_KEYS: [&str; 6] = [
    "times",
    "weekdays",
    "days_of_month",
    "months",
    "years",
    "location",
];

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Reads one part.
pub(in super::super) fn interval(reader: &mut Reader, node: &Node) -> Option<TimeInterval> {
    let fields = reader.fields(node, "a time interval", &INTERVAL_KEYS)?;
    Some(TimeInterval {
        times: times(reader, &fields),
        weekdays: ranges(reader, &fields, "weekdays", weekday),
        days_of_month: ranges(reader, &fields, "days_of_month", day),
        months: ranges(reader, &fields, "months", month),
        years: ranges(reader, &fields, "years", year),
        location: location(reader, &fields),
    })
}

fn location(reader: &mut Reader, fields: &Fields<'_>) -> Option<String> {
    let node = fields.get("location");
    let name = reader.text(node, "location")?;
    let is_known = name == "UTC" || TimeZone::get(&name).is_ok();
    if let (false, Some(node)) = (is_known, node) {
        let message = format!("there is no time zone {name:?}: write one such as Europe/Paris");
        reader.problem(node, message);
    }
    Some(name)
}

fn times(reader: &mut Reader, fields: &Fields<'_>) -> Vec<(u16, u16)> {
    let mut times = Vec::new();
    for node in reader.items(fields.get("times"), "times") {
        let known = ["start_time", "end_time"];
        let Some(range) = reader.fields(node, "a time range", &known) else {
            continue;
        };
        let mut minute = |key: &str| {
            let text = reader.text(range.get(key), key)?;
            let minute = minute_of(&text);
            if minute.is_none() {
                let message =
                    format!("{key} is a time of day such as 09:00 or 24:00, not {text:?}");
                reader.problem(range.get(key).unwrap_or(node), message);
            }
            minute
        };
        match (minute("start_time"), minute("end_time")) {
            (Some(from), Some(to)) if from < to => times.push((from, to)),
            (Some(_), Some(_)) => {
                let message = "start_time is before end_time: write two ranges to pass midnight";
                reader.problem(node, message);
            }
            _ if range.get("start_time").is_none() || range.get("end_time").is_none() => {
                reader.problem(node, "a time range has start_time and end_time");
            }
            _ => {}
        }
    }
    times
}

fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
    if !(digits(hour) && digits(minute)) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 24 * 60).then_some(total)
}

/// Ranges such as `monday:friday`, or one value.
fn ranges<T: Copy + PartialOrd>(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &str,
    value: fn(&str) -> Result<T, String>,
) -> Vec<(T, T)> {
    let mut ranges = Vec::new();
    for node in reader.items(fields.get(key), key) {
        let Some(text) = reader.text(Some(node), key) else {
            continue;
        };
        let (from, to) = text.split_once(':').unwrap_or((&text, &text));
        match (value(from.trim()), value(to.trim())) {
            (Ok(from), Ok(to)) => match is_backwards(key, from, to) {
                true => reader.problem(
                    node,
                    format!("{text:?} ends before it begins: swap or split it"),
                ),
                false => ranges.push((from, to)),
            },
            (Err(problem), _) | (_, Err(problem)) => reader.problem(node, problem),
        }
    }
    ranges
}

fn is_backwards<T: PartialOrd>(key: &str, from: T, to: T) -> bool {
    // A range of days from the fifth to the last but one is in order in every month.
    key != "days_of_month" && from > to
}

fn named(text: &str, names: &[&str]) -> Option<i8> {
    let lower = text.to_lowercase();
    let place = names.iter().position(|name| *name == lower)?;
    i8::try_from(place).ok()
}

fn weekday(text: &str) -> Result<i8, String> {
    named(text, &WEEKDAYS).ok_or_else(|| format!("{text:?} is no weekday: write monday to sunday"))
}

fn month(text: &str) -> Result<i8, String> {
    let by_name = named(text, &MONTHS).map(|place| place + 1);
    let by_number = || text.parse().ok().filter(|month| (1..=12).contains(month));
    let found = by_name.or_else(by_number);
    found.ok_or_else(|| format!("{text:?} is no month: write january to december, or 1 to 12"))
}

fn day(text: &str) -> Result<i8, String> {
    let found: Option<i8> = text.parse().ok();
    let is_day = |day: &i8| *day != 0 && (-31..=31).contains(day);
    let found = found.filter(is_day);
    found.ok_or_else(|| format!("{text:?} is no day of a month: write 1 to 31, or -1 for the last"))
}

fn year(text: &str) -> Result<i16, String> {
    let found = text.parse().ok().filter(|year| (1..=9999).contains(year));
    found.ok_or_else(|| format!("{text:?} is no year such as 2026"))
}
