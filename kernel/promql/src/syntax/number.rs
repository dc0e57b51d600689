//! Numbers and durations, as written.

use super::text::quote;

/// Milliseconds of each unit, largest first.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Durations are counted in nanoseconds of 64 bits.
const MILLISECONDS_MAX: i64 = i64::MAX / 1_000_000;

/// A number as written: decimal, hexadecimal, octal after a leading zero, `inf`, `nan`; `_` between digits.
pub(super) fn parse_number(written: &str) -> Result<f64, String> {
    let digits = written.replace('_', "").to_ascii_lowercase();
    if let Some(hex) = digits.strip_prefix("0x") {
        return match i64::from_str_radix(hex, 16) {
            Ok(value) => Ok(value as f64),
            Err(_) => Err(bad_number(written, "invalid syntax")),
        };
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        // All zeros and ones that only look octal are decimal.
        if let Ok(value) = i64::from_str_radix(&digits, 8) {
            return Ok(value as f64);
        }
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_infinite() && digits != "inf" => {
            Err(bad_number(written, "value out of range"))
        }
        Ok(value) => Ok(value),
        Err(_) => Err(bad_number(written, "invalid syntax")),
    }
}

fn bad_number(written: &str, reason: &str) -> String {
    let written = quote(written.as_bytes());
    format!("error parsing number: strconv.ParseFloat: parsing {written}: {reason}")
}

/// A duration as written, `1h30m`, in milliseconds, above 0.
pub(super) fn parse_duration(written: &str) -> Result<i64, String> {
    match sum_of_units(written)? {
        0 => Err("duration must be greater than 0".to_owned()),
        total => Ok(total),
    }
}

fn sum_of_units(written: &str) -> Result<i64, String> {
    let invalid = || format!("not a valid duration string: {}", quote(written.as_bytes()));
    let mut rest = written;
    let mut units = UNITS.iter();
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits_end = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(invalid)?;
        let (digits, tail) = rest.split_at(digits_end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, after) = tail.split_at(unit_end);
        let (_, unit_ms) = units.find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        let count: i64 = digits.parse().map_err(|_| invalid())?;
        let added = count
            .checked_mul(*unit_ms)
            .and_then(|ms| total.checked_add(ms));
        total = match added {
            Some(total) if total <= MILLISECONDS_MAX => total,
            _ => return Err("duration out of range".to_owned()),
        };
        rest = after;
    }
    Ok(total)
}

/// A duration as written, `1h30m`, in milliseconds; 0 is one too.
///
/// # Errors
/// As Prometheus words them, when it is none or too long.
pub fn duration_ms(text: &str) -> Result<i64, String> {
    match text {
        "" => Err("empty duration string".to_owned()),
        "0" => Ok(0),
        _ => sum_of_units(text),
    }
}

/// A number without exponent, infinities with their sign.
pub(super) fn format_number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{value}")
}

/// Seconds as a duration: `1h30m`, `-5m`, `0s`; years and weeks only when nothing is left.
pub(super) fn format_duration(seconds: f64) -> String {
    // Within the range of the integers, because the parser refuses longer ones.
    let total = (seconds.abs() * 1000.0).round() as i64;
    if total == 0 {
        return "0s".to_owned();
    }
    let mut formatted = String::new();
    if seconds < 0.0 {
        formatted.push('-');
    }
    let mut rest = total;
    for (unit, unit_ms) in UNITS {
        let whole_only = matches!(unit, "y" | "w");
        if rest < unit_ms || (whole_only && rest % unit_ms != 0) {
            continue;
        }
        formatted.push_str(&format!("{}{unit}", rest / unit_ms));
        rest %= unit_ms;
    }
    formatted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (written, value) in [
            ("1_000", 1000.0),
            ("0x1F", 31.0),
            ("010", 8.0),
            ("08", 8.0),
            ("1e-3", 0.001),
            (".5", 0.5),
            ("5.", 5.0),
            ("Inf", f64::INFINITY),
        ] {
            assert_eq!(parse_number(written), Ok(value), "{written}");
        }
        assert!(parse_number("NaN").is_ok_and(f64::is_nan));
        let refused = parse_number("1e999").unwrap_err();
        assert!(
            refused.ends_with(r#"parsing "1e999": value out of range"#),
            "{refused}"
        );
    }

    #[test]
    fn durations_have_their_units_in_order_and_once() {
        assert_eq!(parse_duration("1y2w3d4h5m6s7ms"), Ok(33_019_506_007));
        for written in ["5mm", "5s5m", "5m5m", "5hs", "5"] {
            let refused = parse_duration(written).unwrap_err();
            assert!(
                refused.starts_with("not a valid duration string"),
                "{refused}"
            );
        }
        assert_eq!(
            parse_duration("0s").unwrap_err(),
            "duration must be greater than 0"
        );
        assert_eq!(
            parse_duration("1000y").unwrap_err(),
            "duration out of range"
        );
    }

    #[test]
    fn durations_are_written_as_prometheus_writes_them() {
        for (seconds, written) in [
            (5400.0, "1h30m"),
            (90.0 * 86_400.0, "90d"),
            (14.0 * 86_400.0, "2w"),
            (365.0 * 86_400.0, "1y"),
            (0.5, "500ms"),
            (-61.0, "-1m1s"),
            (0.0, "0s"),
        ] {
            assert_eq!(format_duration(seconds), written);
        }
    }
}
