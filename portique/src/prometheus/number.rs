//! Numbers and times as Prometheus writes them into JSON.

use std::fmt::Write as _;

/// Appends a number as JavaScript writes it, infinities and not-a-number as words.
pub(super) fn push_number(text: &mut String, value: f64) {
    let magnitude = value.abs();
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        push_exponent(text, value);
    } else {
        write!(text, "{value}").expect("a String takes all");
    }
}

/// A number with an exponent always, as values of alerts are written.
pub(super) fn exponent(value: f64) -> String {
    let mut text = String::new();
    if value.is_finite() {
        push_exponent(&mut text, value);
    } else {
        push_number(&mut text, value);
    }
    text
}

/// With an exponent that has a sign and two digits at least.
fn push_exponent(text: &mut String, value: f64) {
    let written = format!("{value:e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    write!(text, "{mantissa}e{sign}{digits:0>2}").expect("a String takes all");
}

/// Appends Unix milliseconds as seconds.
pub(super) fn push_time(text: &mut String, ms: i64) {
    if ms < 0 {
        text.push('-');
    }
    let (seconds, fraction) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    write!(text, "{seconds}").expect("a String takes all");
    if fraction != 0 {
        write!(text, ".{fraction:03}").expect("a String takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1e-6, "0.000001"),
            (2.5e-7, "2.5e-07"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut text = String::new();
            push_number(&mut text, value);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn times_are_seconds_with_three_decimals_or_none() {
        for (ms, expected) in [
            (0, "0"),
            (1000, "1"),
            (1, "0.001"),
            (-1500, "-1.500"),
            (1_435_781_430_781, "1435781430.781"),
        ] {
            let mut text = String::new();
            push_time(&mut text, ms);
            assert_eq!(text, expected);
        }
    }
}
