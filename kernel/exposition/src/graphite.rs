//! Graphite's plaintext: `path value timestamp`, where a path may carry tags: `path;tag=value`.
//!
//! The path becomes the metric's name as it is, dots and all: two paths never become one series.

use portique_series::{Batch, METRIC_NAME};

use crate::float_text::{parse_seconds, parse_value};
use crate::lines::{lenient_text_of, lines};
use crate::rejection::Bad;
use crate::{Place, Reason, Rejections};

/// What lines held that went into the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCounts {
    /// Lines, good, bad and blank.
    pub lines: u64,
    /// Samples.
    pub samples: usize,
}

/// Adds whole lines to the batch; the first has the number `first_line`, so that a stream can be read in pieces.
///
/// A timestamp of −1, and `N`, mean `now_ms`, as for carbon.
pub fn read_graphite(
    body: &[u8],
    first_line: u64,
    now_ms: i64,
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> LineCounts {
    let mut counts = LineCounts::default();
    for line in lines(body) {
        let place = Place::Line(first_line + counts.lines);
        counts.lines += 1;
        match lenient_text_of(line).and_then(|text| read_line(text, now_ms, batch)) {
            Ok(is_sample) => counts.samples += usize::from(is_sample),
            Err(bad) => rejections.add(place, bad, line),
        }
    }
    counts
}

/// Whether the line held a sample: blank ones hold none.
fn read_line(line: &str, now_ms: i64, batch: &mut Batch) -> Result<bool, Bad> {
    let mut words = line.split_ascii_whitespace();
    let Some(series) = words.next() else {
        return Ok(false);
    };
    let (Some(value), Some(timestamp), None) = (words.next(), words.next(), words.next()) else {
        let right = "write a path, a value and a timestamp in seconds";
        return Err(Bad::new(
            Reason::Syntax,
            format!("a line has three words: {right}"),
        ));
    };
    let value = parse_value(value)
        .ok_or_else(|| Bad::new(Reason::BadValue, "the second word, the value, is no number"))?;
    let timestamp_ms = match timestamp {
        "N" | "-1" => now_ms,
        seconds => parse_seconds(seconds).ok_or_else(|| {
            let wrong = "the third word, the timestamp, is not in seconds since 1970";
            Bad::new(Reason::BadTimestamp, wrong)
        })?,
    };
    begin(series, batch)?;
    batch.float(timestamp_ms, value);
    Ok(true)
}

fn begin(series: &str, batch: &mut Batch) -> Result<(), Bad> {
    let mut parts = series.split(';');
    let path = parts.next().unwrap_or("");
    if path.is_empty() {
        return Err(Bad::new(Reason::NoName, "the path is empty"));
    }
    batch.begin();
    batch.label(METRIC_NAME, path);
    for tag in parts {
        match tag.split_once('=') {
            Some((name, value)) if !name.is_empty() => batch.label(name, value),
            _ => {
                let wrong = "a tag is not name=value: write path;name=value";
                return Err(Bad::new(Reason::Syntax, wrong));
            }
        }
    }
    Ok(batch.end_labels()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn read(body: &[u8]) -> (LineCounts, Batch, Rejections) {
        let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
        let counts = read_graphite(body, 10, NOW_MS, &mut batch, &mut rejections);
        (counts, batch, rejections)
    }

    #[test]
    fn good_lines() {
        for (line, labels, value, at_ms) in [
            ("a.b.c 1.5 1700000000", "a.b.c", 1.5, NOW_MS),
            (" a 1 1700000000.25\r", "a", 1.0, NOW_MS + 250),
            ("a\t-1e3\tN", "a", -1000.0, NOW_MS),
            ("a;dc=x;é=y=z 1 -1", "a{dc=\"x\",é=\"y=z\"}", 1.0, NOW_MS),
        ] {
            let (counts, batch, rejections) = read(line.as_bytes());
            assert_eq!((counts.samples, rejections.total()), (1, 0), "{line}");
            let series = batch.at(0);
            assert_eq!(series.to_labels().to_string(), labels);
            assert_eq!(
                (series.floats(), series.timestamps()),
                (&[value][..], &[at_ms][..])
            );
        }
    }

    #[test]
    fn bad_lines_are_named_while_others_are_kept() {
        for (line, reason, said) in [
            (
                "a 1",
                Reason::Syntax,
                "a line has three words: write a path, a value and a timestamp in seconds",
            ),
            (
                "a 1 2 3",
                Reason::Syntax,
                "a line has three words: write a path, a value and a timestamp in seconds",
            ),
            (
                "a x 1",
                Reason::BadValue,
                "the second word, the value, is no number",
            ),
            (
                "a 1 now",
                Reason::BadTimestamp,
                "the third word, the timestamp, is not in seconds since 1970",
            ),
            (";a=b 1 1", Reason::NoName, "the path is empty"),
            (
                "a;b 1 1",
                Reason::Syntax,
                "a tag is not name=value: write path;name=value",
            ),
            (
                "a;=b 1 1",
                Reason::Syntax,
                "a tag is not name=value: write path;name=value",
            ),
            (
                "a;b=1;b=2 1 1",
                Reason::BadLabels,
                "the label \"b\" occurs twice",
            ),
        ] {
            let (counts, batch, rejections) = read(format!("x 1 1\n\n{line}\ny 1 1\n").as_bytes());
            assert_eq!(
                (counts.lines, counts.samples, batch.samples()),
                (4, 2, 2),
                "{line}"
            );
            let kept = &rejections.kept()[0];
            assert_eq!(
                (kept.place, kept.reason, &*kept.detail),
                (Place::Line(12), reason, said)
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in "[a;=. 0-9\n\r]{0,60}") {
            read(&bytes);
            read(text.as_bytes());
        }
    }
}
