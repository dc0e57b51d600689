use std::fmt::Write;

/// What a text's NaN becomes: not the stale marker, and the one that Prometheus stores.
const NORMAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);
/// So many digits make a number that a float holds exactly.
const EXACT_DIGITS_MAX: usize = 15;
/// Milliseconds that a float still tells apart, about 285,000 years.
const MILLISECONDS_MAX: f64 = (1_u64 << 53) as f64;
/// Numbers in this range are shorter without an exponent.
const PLAIN: std::ops::Range<f64> = 1e-5..1e17;

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
    let written = if value.is_nan() {
        out.write_str("NaN")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else if value == 0.0 || PLAIN.contains(&value.abs()) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
    written.expect("a string takes everything");
}
