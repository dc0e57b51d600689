//! Recorded flights: CSV text with the header `time_s,velocity_m_s,altitude_km`.
//!
//! Time in seconds since lift-off, speed in m/s relative to the rotating Earth, altitude in km; one row
//! per reading, in the order of time. What a recording does not have (propellant, engines, throttle) is
//! zero in its samples. Gaps and freezes are marked by [`Quality`], never filled in.
//!
//! A row with the same time as the row before is skipped when it says the same (a display frame that was
//! read twice), and refused when it does not.

mod derive;
mod freeze;
#[cfg(test)]
mod tests;

use crate::detect::{Detected, Detector};
use crate::{Error, Quality, Sample};

use self::derive::Derivation;

/// The first line of every recording.
pub const HEADER: [&str; 3] = ["time_s", "velocity_m_s", "altitude_km"];
/// Largest recording: two hours at 100 Hz.
pub const RECORDING_BYTES_MAX: usize = 16 << 20;

/// A silence longer than this is a gap, unless the recording is slower than that throughout.
const GAP_S: f64 = 0.5;
/// In a slow recording, a silence of this many usual spacings is a gap.
const GAP_SPACINGS: f64 = 2.5;
/// Times a flight can have: from a long count to a month.
const TIME_RANGE_S: [f64; 2] = [-86_400.0, 2_678_400.0];
/// Speeds a vehicle can have, up to escape from the Sun.
const SPEED_RANGE_M_S: [f64; 2] = [0.0, 50_000.0];
/// Altitudes: from the lowest land to the Moon.
const ALTITUDE_RANGE_KM: [f64; 2] = [-0.5, 400_000.0];
/// Longest excerpt of a bad value in an error.
const EXCERPT_CHARS: usize = 40;

/// A row as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    t_s: f64,
    speed_m_s: f64,
    altitude_km: f64,
}

/// A recorded flight.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// In the order of time; never empty.
    samples: Vec<Sample>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// [`Error::Input`] with line, column, value and what would be right.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > RECORDING_BYTES_MAX {
            let bytes = text.len();
            return Err(refused(format!(
                "has {bytes} bytes: at most {RECORDING_BYTES_MAX} are read; cut it or thin it out"
            )));
        }
        let rows = rows(text)?;
        Ok(Self {
            samples: samples(&rows),
        })
    }

    /// The samples in the order of time; never empty.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }
}

/// Detects the events of a recorded flight, in the order of their times.
///
/// # Errors
/// As [`Recording::parse`].
pub fn replay(text: &str) -> Result<Vec<Detected>, Error> {
    let recording = Recording::parse(text)?;
    let mut detector = Detector::new();
    let mut detected: Vec<Detected> = recording
        .samples()
        .iter()
        .flat_map(|sample| detector.observe(sample))
        .collect();
    detected.extend(detector.finish());
    detected.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
    Ok(detected)
}

fn rows(text: &str) -> Result<Vec<Row>, Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut records = reader.records();
    let Some(header) = records.next() else {
        return Err(refused(format!(
            "is empty: its first line is {}",
            HEADER.join(",")
        )));
    };
    let header = header.map_err(|error| unreadable(&error))?;
    if header.iter().ne(HEADER) {
        let found = excerpt(&header.iter().collect::<Vec<_>>().join(","));
        return Err(refused(format!(
            "line 1: the header is {found}: write {}",
            HEADER.join(",")
        )));
    }
    let mut rows: Vec<Row> = Vec::new();
    for record in records {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = row(&record, line)?;
        match rows.last() {
            Some(last) if *last == row => {}
            Some(last) if row.t_s <= last.t_s => return Err(backwards(line, last, &row)),
            _ => rows.push(row),
        }
    }
    if rows.is_empty() {
        return Err(refused(
            "has a header and no rows: add one per reading".into(),
        ));
    }
    Ok(rows)
}

fn row(record: &csv::StringRecord, line: u64) -> Result<Row, Error> {
    if record.len() != HEADER.len() {
        let (found, wanted) = (record.len(), HEADER.len());
        return Err(refused(format!(
            "line {line}: has {found} columns: write {wanted}, {}",
            HEADER.join(",")
        )));
    }
    Ok(Row {
        t_s: value(record, line, 0, TIME_RANGE_S)?,
        speed_m_s: value(record, line, 1, SPEED_RANGE_M_S)?,
        altitude_km: value(record, line, 2, ALTITUDE_RANGE_KM)?,
    })
}

fn value(
    record: &csv::StringRecord,
    line: u64,
    column: usize,
    [min, max]: [f64; 2],
) -> Result<f64, Error> {
    let text = record.get(column).unwrap_or_default();
    let parsed = text.parse::<f64>().ok();
    let in_range = parsed.filter(|value| (min..=max).contains(value));
    in_range.ok_or_else(|| {
        let (name, found) = (HEADER[column], excerpt(text));
        refused(format!(
            "line {line}: {name} is {found}: write a number from {min} to {max}"
        ))
    })
}

fn backwards(line: u64, last: &Row, row: &Row) -> Error {
    let problem = if row.t_s == last.t_s {
        "repeats the time of the row before with other values: keep one of the two rows"
    } else {
        "goes back in time: sort the rows by time_s"
    };
    refused(format!(
        "line {line}: time_s is {} after {}: it {problem}",
        row.t_s, last.t_s
    ))
}

fn samples(rows: &[Row]) -> Vec<Sample> {
    let gap_s = GAP_S.max(GAP_SPACINGS * usual_spacing_s(rows));
    let frozen = freeze::mark(rows, gap_s);
    let mut derivation = Derivation::new();
    let mut last_s = None;
    rows.iter()
        .zip(frozen)
        .map(|(row, is_frozen)| {
            let is_after_gap = last_s.is_some_and(|last_s| row.t_s - last_s > gap_s);
            last_s = Some(row.t_s);
            let quality = match (is_frozen, is_after_gap) {
                (true, _) => Quality::Frozen,
                (_, true) => Quality::AfterGap,
                _ => Quality::Good,
            };
            derivation.sample(row, quality)
        })
        .collect()
}

/// The median time between two rows.
fn usual_spacing_s(rows: &[Row]) -> f64 {
    let mut spacings: Vec<f64> = rows.windows(2).map(|w| w[1].t_s - w[0].t_s).collect();
    spacings.sort_by(f64::total_cmp);
    spacings.get(spacings.len() / 2).copied().unwrap_or(0.0)
}

fn excerpt(text: &str) -> String {
    let short: String = text.chars().take(EXCERPT_CHARS).collect();
    format!("{short:?}")
}

fn unreadable(error: &csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    refused(format!("line {line}: is no CSV: {error}"))
}

fn refused(problem: String) -> Error {
    Error::Input {
        what: "recording",
        problem,
    }
}
