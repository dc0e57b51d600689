//! How long something lasts, on the command line and for people.

use std::time::Duration;

/// Units and their seconds, longest name first where one begins with another.
const UNITS: [(&str, f64); 5] = [
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];
/// A year, the longest that a queue waits for anything.
const SPAN_SECONDS_MAX: f64 = 366.0 * 86_400.0;

/// A duration such as `250ms`, `30s`, `1.5h`, `7d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let unit = UNITS
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let seconds = unit.and_then(|(number, seconds)| Some(number.parse::<f64>().ok()? * seconds));
    match seconds {
        Some(seconds) if (0.0..=SPAN_SECONDS_MAX).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        Some(_) => Err("write 0 to 366d".into()),
        None => Err("write a number with ms, s, m, h or d, such as 30s".into()),
    }
}

/// Seconds as people read them: two units at most, such as `1m 5s`.
pub(super) fn in_words(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "-".into();
    }
    if seconds < 1.0 {
        return format!("{:.0}ms", seconds * 1e3);
    }
    if seconds < 60.0 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds as u64;
    match whole {
        ..3_600 => format!("{}m {}s", whole / 60, whole % 60),
        3_600..86_400 => format!("{}h {}m", whole / 3_600, whole / 60 % 60),
        _ => format!("{}d {}h", whole / 86_400, whole / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_with_a_unit() {
        assert_eq!(span("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(span("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(span("1.5h"), Ok(Duration::from_secs(5_400)));
        assert_eq!(span("366d"), Ok(Duration::from_secs(366 * 86_400)));
        for text in ["", "s", "30", "-1s", "nans", "infd", "367d", "1 week"] {
            assert!(span(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn seconds_are_written_in_two_units() {
        let written = [0.0042, 2.25, 65.0, 7_320.0, 200_000.0, f64::NAN].map(in_words);
        assert_eq!(written, ["4ms", "2.2s", "1m 5s", "2h 2m", "2d 7h", "-"]);
    }
}
