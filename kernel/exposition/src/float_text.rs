//! Numbers as text, in the spelling that Prometheus and its clients use.

use std::fmt::Write;

/// What a text's NaN becomes: not the stale marker, and the one that Prometheus stores.
const NORMAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);
/// So many digits make a number that a float holds exactly.
const EXACT_DIGITS_MAX: usize = 15;
/// Milliseconds that a float still tells apart, about 285,000 years.
const MILLISECONDS_MAX: f64 = (1_u64 << 53) as f64;
/// Decimal exponents in this range are not written.
const PLAIN_EXPONENTS: std::ops::Range<i32> = -4..6;

/// A value as every client library writes it: digits, exponents, `NaN`, `+Inf` in any case.
#[inline]
pub(crate) fn parse_value(text: &str) -> Option<f64> {
    if let Some(whole) = parse_digits(text.as_bytes()) {
        return Some(whole as f64);
    }
    let value: f64 = text.parse().ok()?;
    Some(if value.is_nan() { NORMAL_NAN } else { value })
}

fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > EXACT_DIGITS_MAX {
        return None;
    }
    let mut whole = 0;
    for digit in digits {
        whole = whole * 10 + u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    Some(whole)
}

/// Seconds with a fraction, as Unix milliseconds.
pub(crate) fn parse_seconds(text: &str) -> Option<i64> {
    let milliseconds = (text.parse::<f64>().ok()? * 1000.0).round();
    // NaN is in no range.
    (-MILLISECONDS_MAX..=MILLISECONDS_MAX)
        .contains(&milliseconds)
        .then_some(milliseconds as i64)
}

/// Writes a value so that [`parse_value`] reads the same.
pub(crate) fn write_value(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if is_plain(value) {
        write!(out, "{value}").expect("a string takes everything");
    } else {
        write_exponent(out, value);
    }
}

/// A bucket's bound as a label's value: `0.5`, `1.0`, `+Inf`.
pub fn bound_text(value: f64) -> String {
    let mut text = String::new();
    write_bound(&mut text, value);
    text
}

/// Writes a bucket's bound or a quantile, which always shows that it is a float: `1.0`.
///
/// Source: OpenMetrics 1.0, canonical numbers.
pub(crate) fn write_bound(out: &mut String, value: f64) {
    let begin = out.len();
    write_value(out, value);
    if value.is_finite() && !out[begin..].contains(['.', 'e']) {
        out.push_str(".0");
    }
}

fn is_plain(value: f64) -> bool {
    let magnitude = value.abs();
    let least = 10_f64.powi(PLAIN_EXPONENTS.start);
    value == 0.0 || magnitude >= least && magnitude < 10_f64.powi(PLAIN_EXPONENTS.end)
}

/// The exponent has a sign and two digits at least.
fn write_exponent(out: &mut String, value: f64) {
    let written = format!("{value:e}");
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    write!(out, "{digits}e{sign}{exponent:0>2}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(value: f64) -> String {
        let mut out = String::new();
        write_value(&mut out, value);
        out
    }

    fn bound(value: f64) -> String {
        let mut out = String::new();
        write_bound(&mut out, value);
        out
    }

    #[test]
    fn spellings() {
        let values = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            123_456.0,
            1e6,
            0.0001,
            0.000_012,
            f64::INFINITY,
        ];
        let expected = [
            "0", "-0", "1", "-1.5", "123456", "1e+06", "0.0001", "1.2e-05", "+Inf",
        ];
        assert_eq!(values.map(value), expected);
        let expected = [
            "0.0", "-0.0", "1.0", "-1.5", "123456.0", "1e+06", "0.0001", "1.2e-05", "+Inf",
        ];
        assert_eq!(values.map(bound), expected);
        assert_eq!(
            (bound(f64::NAN), value(f64::NEG_INFINITY)),
            ("NaN".into(), "-Inf".into())
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: f64) {
            for text in [value(number), bound(number)] {
                let read = parse_value(&text).unwrap();
                prop_assert!(read.to_bits() == number.to_bits() || read.is_nan() && number.is_nan());
            }
        }
    }
}
