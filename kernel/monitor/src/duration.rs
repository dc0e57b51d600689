//! Durations as Prometheus writes them: `1h30m`, `15d`, `250ms`.

use std::time::Duration;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Units from the longest, the order they must have; whether a value is only written in the unit when it
/// comes out even.
const UNITS: [(&str, u64, bool); 7] = [
    ("y", 365 * DAY_MS, true),
    ("w", 7 * DAY_MS, true),
    ("d", DAY_MS, false),
    ("h", HOUR_MS, false),
    ("m", MINUTE_MS, false),
    ("s", SECOND_MS, false),
    ("ms", 1, false),
];

/// Reads whole numbers with units, longest unit first and each at most once, or `0`; a year has 365 days.
///
/// None when the text is no duration, or is longer than 292 years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (_, unit_ms, _) = units.find(|(name, ..)| *name == unit)?;
        let number: u64 = number.parse().ok()?;
        total_ms = number.checked_mul(*unit_ms)?.checked_add(total_ms)?;
        rest = after;
    }
    let in_range = !text.is_empty() && total_ms <= i64::MAX as u64 / 1_000_000;
    in_range.then(|| Duration::from_millis(total_ms))
}

/// Writes what [`parse_duration`] reads, in whole milliseconds.
pub fn format_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, unit_ms, even_only) in UNITS {
        if left < unit_ms || (even_only && !left.is_multiple_of(unit_ms)) {
            continue;
        }
        text += &format!("{}{name}", left / unit_ms);
        left %= unit_ms;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, ms) in [
            ("0s", 0),
            ("1ms", 1),
            ("1m30s", 90_000),
            ("2w", 1_209_600_000),
            ("15d", 1_296_000_000),
            ("1y", 31_536_000_000),
            ("1d5ms", 86_400_005),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_millis(ms)),
                "{text}"
            );
            assert_eq!(format_duration(Duration::from_millis(ms)), text);
        }
        assert_eq!(parse_duration("0"), Some(Duration::ZERO));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "5",
            "1.5h",
            "-1m",
            "1s1m",
            "1m1m",
            "m",
            "1 m",
            "300y",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
