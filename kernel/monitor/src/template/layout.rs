//! Times, and Go's way to say how they are written: by an example.

use std::fmt;

use jiff::Zoned;
use jiff::tz::TimeZone;
use portique_clock::Timestamp;

/// A moment seen in a time zone; without a moment it is the zero time, `0001-01-01 00:00:00 UTC`.
#[derive(Debug, Clone)]
pub struct Time {
    /// When; `None` is the zero time, which stands for "not set".
    pub at: Option<Timestamp>,
    /// Where the hands of the clock are read.
    pub zone: TimeZone,
}

/// How times are written when nobody says how.
const PLAIN: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

impl Time {
    /// In UTC.
    pub fn utc(at: Option<Timestamp>) -> Self {
        let zone = TimeZone::UTC;
        Self { at, zone }
    }

    /// The same moment in another zone.
    #[must_use]
    pub fn within(&self, zone: TimeZone) -> Self {
        Self { at: self.at, zone }
    }

    fn zoned(&self) -> Zoned {
        let moment = match self.at {
            Some(at) => jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos()))
                .expect("64 bits of nanoseconds are within jiff's range"),
            None => "0001-01-01T00:00:00Z".parse().expect("this is a time"),
        };
        moment.to_zoned(self.zone.clone())
    }

    /// Written like the example: Go's reference time, 2 January 2006, 15:04:05, seven hours west.
    pub fn format(&self, layout: &str) -> String {
        let zoned = self.zoned();
        let mut out = String::new();
        let mut rest = layout;
        while let Some(first) = rest.chars().next() {
            let found = ELEMENTS.iter().find(|(text, _)| is_element(rest, text));
            let Some((text, element)) = found else {
                if let Some((digits, keeps_zeros)) =
                    fraction(rest, out.ends_with(|c: char| c.is_ascii_digit()))
                {
                    write_fraction(&mut out, &zoned, digits, keeps_zeros);
                    rest = &rest[digits + 1..];
                    continue;
                }
                out.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            out.push_str(&element.write(&zoned));
            rest = &rest[text.len()..];
        }
        out
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format(PLAIN))
    }
}

#[derive(Debug, Clone, Copy)]
enum Element {
    MonthName,
    MonthShort,
    Month(usize),
    WeekdayName,
    WeekdayShort,
    Day(usize),
    DaySpaced,
    DayOfYear,
    Hour,
    Hour12(usize),
    Minute(usize),
    Second(usize),
    Year,
    YearShort,
    Noon { upper: bool },
    ZoneName,
    Offset { z: bool, colon: bool, minutes: bool },
}

/// Longer ones before those that they begin with.
const ELEMENTS: [(&str, Element); 29] = [
    ("January", Element::MonthName),
    ("Jan", Element::MonthShort),
    ("Monday", Element::WeekdayName),
    ("Mon", Element::WeekdayShort),
    ("MST", Element::ZoneName),
    ("2006", Element::Year),
    ("002", Element::DayOfYear),
    ("01", Element::Month(2)),
    ("02", Element::Day(2)),
    ("03", Element::Hour12(2)),
    ("04", Element::Minute(2)),
    ("05", Element::Second(2)),
    ("06", Element::YearShort),
    ("15", Element::Hour),
    ("_2006", Element::Year),
    ("_2", Element::DaySpaced),
    (
        "-07:00",
        Element::Offset {
            z: false,
            colon: true,
            minutes: true,
        },
    ),
    (
        "-0700",
        Element::Offset {
            z: false,
            colon: false,
            minutes: true,
        },
    ),
    (
        "-07",
        Element::Offset {
            z: false,
            colon: false,
            minutes: false,
        },
    ),
    (
        "Z07:00",
        Element::Offset {
            z: true,
            colon: true,
            minutes: true,
        },
    ),
    (
        "Z0700",
        Element::Offset {
            z: true,
            colon: false,
            minutes: true,
        },
    ),
    (
        "Z07",
        Element::Offset {
            z: true,
            colon: false,
            minutes: false,
        },
    ),
    ("PM", Element::Noon { upper: true }),
    ("pm", Element::Noon { upper: false }),
    ("1", Element::Month(1)),
    ("2", Element::Day(1)),
    ("3", Element::Hour12(1)),
    ("4", Element::Minute(1)),
    ("5", Element::Second(1)),
];

fn is_element(rest: &str, text: &str) -> bool {
    if !rest.starts_with(text) {
        return false;
    }
    // "Jan" and "Mon" are no elements at the beginning of another word, such as "Month".
    let next = rest[text.len()..].chars().next();
    !(matches!(text, "Jan" | "Mon") && next.is_some_and(|c| c.is_ascii_lowercase()))
}

/// A fraction of seconds: how many digits, and whether zeros at the end are kept.
fn fraction(rest: &str, follows_digit: bool) -> Option<(usize, bool)> {
    if !follows_digit || !rest.starts_with(['.', ',']) {
        return None;
    }
    let digit = rest[1..]
        .chars()
        .next()
        .filter(|c| matches!(c, '0' | '9'))?;
    let count = rest[1..].chars().take_while(|c| *c == digit).count();
    let ends = !rest[1 + count..].starts_with(|c: char| c.is_ascii_digit());
    ends.then_some((count, digit == '0'))
}

fn write_fraction(out: &mut String, zoned: &Zoned, digits: usize, keeps_zeros: bool) {
    let nanos = format!("{:09}", zoned.subsec_nanosecond());
    let digits = &nanos[..digits.min(nanos.len())];
    let digits = if keeps_zeros {
        digits
    } else {
        digits.trim_end_matches('0')
    };
    if !digits.is_empty() {
        out.push('.');
        out.push_str(digits);
    }
}

impl Element {
    fn write(self, at: &Zoned) -> String {
        let hour12 = match at.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        match self {
            Self::MonthName => at.strftime("%B").to_string(),
            Self::MonthShort => at.strftime("%b").to_string(),
            Self::Month(width) => format!("{:0width$}", at.month()),
            Self::WeekdayName => at.strftime("%A").to_string(),
            Self::WeekdayShort => at.strftime("%a").to_string(),
            Self::Day(width) => format!("{:0width$}", at.day()),
            Self::DaySpaced => format!("{:2}", at.day()),
            Self::DayOfYear => format!("{:03}", at.day_of_year()),
            Self::Hour => format!("{:02}", at.hour()),
            Self::Hour12(width) => format!("{hour12:0width$}"),
            Self::Minute(width) => format!("{:0width$}", at.minute()),
            Self::Second(width) => format!("{:0width$}", at.second()),
            Self::Year => format!("{:04}", at.year()),
            Self::YearShort => format!("{:02}", at.year().rem_euclid(100)),
            Self::Noon { upper } => noon(at, upper).to_owned(),
            Self::ZoneName => at.strftime("%Z").to_string(),
            Self::Offset { z, colon, minutes } => offset(at, z, colon, minutes),
        }
    }
}

fn noon(at: &Zoned, upper: bool) -> &'static str {
    match (at.hour() >= 12, upper) {
        (true, true) => "PM",
        (true, false) => "pm",
        (false, true) => "AM",
        (false, false) => "am",
    }
}

fn offset(at: &Zoned, z: bool, colon: bool, minutes: bool) -> String {
    let seconds = at.offset().seconds();
    if z && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let all = seconds.abs() / 60;
    let colon = if colon { ":" } else { "" };
    match minutes {
        true => format!("{sign}{:02}{colon}{:02}", all / 60, all % 60),
        false => format!("{sign}{:02}", all / 60),
    }
}
