//! Numbers and times as texts of the language have them.

/// The shortest decimal form without an exponent: `0.1`, `1000000`, `NaN`, `+Inf`.
pub(crate) fn plain(value: f64) -> String {
    special(value).unwrap_or_else(|| value.to_string())
}

/// The shortest form, with an exponent from `1e+06` on and below `0.0001`.
pub(crate) fn general(value: f64) -> String {
    special(value).unwrap_or_else(|| {
        let scientific = format!("{value:e}");
        general_of(&scientific, 6, value.to_string())
    })
}

/// As [`general`], rounded to so many digits, 1 at least.
pub(crate) fn general_digits(value: f64, digits: usize) -> String {
    special(value).unwrap_or_else(|| {
        let scientific = format!("{value:.*e}", digits - 1);
        let rounded: f64 = scientific
            .parse()
            .expect("what was just written is a number");
        let trimmed = format!("{rounded:e}");
        let exponent_max = i32::try_from(digits).unwrap_or(i32::MAX);
        general_of(&trimmed, exponent_max, rounded.to_string())
    })
}

/// A time in seconds as RFC 3339 has it, in UTC.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970-01-01.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn special(value: f64) -> Option<String> {
    let text = match value {
        _ if value.is_nan() => "NaN",
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => return None,
    };
    Some(text.to_owned())
}

fn general_of(scientific: &str, exponent_max: i32, plain: String) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return plain;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..exponent_max).contains(&exponent) {
        return plain;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_users_of_the_language_know_them() {
        assert_eq!(plain(1e21), "1000000000000000000000");
        assert_eq!(plain(f64::INFINITY), "+Inf");
        assert_eq!(general(1_000_000.0), "1e+06");
        assert_eq!(general(0.00001), "1e-05");
        assert_eq!(general(-0.5), "-0.5");
        assert_eq!(general_digits(0.123, 2), "0.12");
        assert_eq!(general_digits(123.0, 2), "1.2e+02");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
    }
}
