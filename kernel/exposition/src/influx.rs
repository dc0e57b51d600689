//! Influx' line protocol: `measurement,tag=value field=1,other=2i 1700000000000000000`.
//!
//! Each field becomes a sample of its own. Its metric is the measurement and the field with `_` between, or the
//! measurement alone where the field is called `value`; names stay as they are otherwise. Fields that are text are
//! rejected one by one, for a store of numbers has no place for them; other fields of their line are kept.
//!
//! Source: InfluxDB, line protocol.

mod line;

use portique_series::{Batch, METRIC_NAME};

use crate::graphite::LineCounts;
use crate::lines::{lenient_text_of, lines};
use crate::rejection::Bad;
use crate::{Place, Reason, Rejections};
use line::{FieldValue, Point};

/// The field that adds nothing to its measurement's name.
const PLAIN_FIELD: &str = "value";

/// What a timestamp of a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InfluxPrecision {
    /// Nanoseconds, which is what lines are in when nobody says otherwise.
    #[default]
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

impl InfluxPrecision {
    /// What the parameter `precision` says, in the words of either version; `None` for other words.
    pub fn of_parameter(word: &str) -> Option<Self> {
        Some(match word {
            "" | "n" | "ns" => Self::Nanoseconds,
            "u" | "us" | "µ" => Self::Microseconds,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "m" => Self::Minutes,
            "h" => Self::Hours,
            _ => return None,
        })
    }

    fn to_ms(self, timestamp: i64) -> Option<i64> {
        match self {
            Self::Nanoseconds => Some(timestamp.div_euclid(1_000_000)),
            Self::Microseconds => Some(timestamp.div_euclid(1000)),
            Self::Milliseconds => Some(timestamp),
            Self::Seconds => timestamp.checked_mul(1000),
            Self::Minutes => timestamp.checked_mul(60_000),
            Self::Hours => timestamp.checked_mul(3_600_000),
        }
    }
}

/// How lines are read.
#[derive(Debug, Clone, Copy)]
pub struct InfluxOptions<'a> {
    /// What their timestamps count.
    pub precision: InfluxPrecision,
    /// The timestamp of lines that name none, Unix milliseconds.
    pub now_ms: i64,
    /// The database or bucket they were sent to, which becomes the label `db`; empty for none.
    pub database: &'a str,
}

/// Adds lines to the batch, each field as a series of its own.
pub fn read_influx(
    body: &[u8],
    options: &InfluxOptions<'_>,
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> LineCounts {
    let mut counts = LineCounts::default();
    let mut point = Point::default();
    let mut name = String::new();
    for line in lines(body) {
        counts.lines += 1;
        let place = Place::Line(counts.lines);
        match lenient_text_of(line).and_then(|text| point.scan(text)) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(bad) => {
                rejections.add(place, bad, line);
                continue;
            }
        }
        let added = timestamp_ms(&point, options).and_then(|timestamp_ms| {
            let mut reject = |bad| rejections.add(place, bad, line);
            add(&point, options, timestamp_ms, &mut name, batch, &mut reject)
        });
        match added {
            Ok(samples) => counts.samples += samples,
            Err(bad) => rejections.add(place, bad, line),
        }
    }
    counts
}

fn timestamp_ms(point: &Point, options: &InfluxOptions<'_>) -> Result<i64, Bad> {
    let Some(timestamp) = point.timestamp else {
        return Ok(options.now_ms);
    };
    options.precision.to_ms(timestamp).ok_or_else(|| {
        let wrong = format!("the timestamp {timestamp} is out of range: is the precision right?");
        Bad::new(Reason::BadTimestamp, wrong)
    })
}

fn add(
    point: &Point,
    options: &InfluxOptions<'_>,
    timestamp_ms: i64,
    name: &mut String,
    batch: &mut Batch,
    reject: &mut impl FnMut(Bad),
) -> Result<usize, Bad> {
    let mut samples = 0;
    for (field, value) in point.fields() {
        let FieldValue::Number(value) = value else {
            let wrong = format!("the field {field:?} is text: only numbers and booleans are kept");
            reject(Bad::new(Reason::Unsupported, wrong));
            continue;
        };
        name.clear();
        name.push_str(point.measurement());
        if field != PLAIN_FIELD {
            name.extend(["_", field]);
        }
        batch.begin();
        batch.label(METRIC_NAME, name);
        batch.label("db", options.database);
        for (name, value) in point.tags() {
            batch.label(name, value);
        }
        batch.end_labels()?;
        batch.float(timestamp_ms, value);
        samples += 1;
    }
    Ok(samples)
}

#[cfg(test)]
mod tests;
