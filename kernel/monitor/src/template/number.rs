//! Numbers as Go writes them.

/// Farthest edit distance of a suggestion: beyond it, it is another word.
const NEAR: usize = 2;

/// The digits (without trailing zeros) and the exponent of the first of them.
fn digits(value: f64, precision: Option<usize>) -> (String, i32) {
    let text = match precision {
        None => format!("{:e}", value.abs()),
        Some(p) => format!("{:.*e}", p.max(1) - 1, value.abs()),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let kept = all.trim_end_matches('0');
    let kept = if kept.is_empty() { "0" } else { kept };
    (kept.to_owned(), exponent.parse().unwrap_or(0))
}

/// `NaN` and infinities, as Go writes them.
fn special(value: f64) -> Option<&'static str> {
    match value {
        v if v.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn sign(value: f64) -> &'static str {
    if value.is_sign_negative() { "-" } else { "" }
}

/// `%g`: without a precision the shortest text that reads back as the same number.
pub(super) fn general(value: f64, precision: Option<usize>) -> String {
    /// From here on the shortest form has an exponent: a million is 1e+06.
    const SHORTEST_EXPONENT: i32 = 6;
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (digits, exponent) = digits(value, precision);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let limit = match precision {
        None => SHORTEST_EXPONENT,
        Some(p) => {
            let p = i32::try_from(p.max(1)).unwrap_or(i32::MAX);
            if p > count && count > exponent {
                count
            } else {
                p
            }
        }
    };
    let text = if exponent < -4 || exponent >= limit {
        with_exponent(&digits, exponent)
    } else {
        plain(&digits, exponent)
    };
    format!("{}{text}", sign(value))
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{exponent_sign}{:02}", exponent.abs())
}

fn plain(digits: &str, exponent: i32) -> String {
    if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        return format!("0.{}{digits}", "0".repeat(zeros));
    }
    let whole = usize::try_from(exponent).unwrap_or(0) + 1;
    if digits.len() <= whole {
        return format!("{digits}{}", "0".repeat(whole - digits.len()));
    }
    let (before, after) = digits.split_at(whole);
    format!("{before}.{after}")
}

/// `%e`, six digits after the point unless told otherwise.
pub(super) fn scientific(value: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let text = format!("{:.*e}", precision.unwrap_or(6), value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{}{mantissa}e{exponent_sign}{:02}",
        sign(value),
        exponent.abs()
    )
}

/// `%f`, six digits after the point unless told otherwise.
pub(super) fn fixed(value: f64, precision: Option<usize>) -> String {
    match special(value) {
        Some(text) => text.to_owned(),
        None => format!("{:.*}", precision.unwrap_or(6), value),
    }
}

/// The known name that was probably meant.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let distances = known.map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name));
    let nearest = distances.min_by_key(|(distance, _)| *distance);
    nearest
        .filter(|(distance, _)| *distance <= NEAR)
        .map(|(_, name)| name)
}
