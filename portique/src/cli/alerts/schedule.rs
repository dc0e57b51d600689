//! Spans of a silence's schedule as people write them.

use portique_monitor::notify::TimeInterval;

use super::silence::Spans;

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Reads days, times and a zone, in any order and each once: `mon-fri 22:00-06:00 Europe/Paris`.
///
/// # Errors
/// What would be right.
pub(super) fn every(text: &str) -> Result<Spans, String> {
    let mut interval = TimeInterval::default();
    let mut times = Vec::new();
    for word in text.split_whitespace() {
        if let Some(found) = span_of_day(word) {
            times.extend(found);
        } else if let Some(found) = weekdays(&word.to_ascii_lowercase()) {
            interval.weekdays.extend(found);
        } else if word == "UTC" || word.contains('/') {
            interval.location = Some(word.to_owned());
        } else {
            return Err(format!(
                "{word:?} is neither days (mon-fri, sat,sun) nor times (22:00-06:00) nor a zone \
                 (Europe/Paris)"
            ));
        }
    }
    if times.is_empty() && interval.weekdays.is_empty() {
        return Err("write days, times or both, such as 'mon-fri 22:00-24:00'".to_owned());
    }
    interval.times = times;
    Ok(Spans(vec![interval]))
}

/// One span, or two of the same day when it goes over midnight.
fn span_of_day(word: &str) -> Option<Vec<(u16, u16)>> {
    let (from, to) = word.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    match from < to {
        true => Some(vec![(from, to)]),
        false => {
            let spans = [(from, DAY), (0, to)];
            Some(spans.into_iter().filter(|(from, to)| from < to).collect())
        }
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let at = hour * 60 + minute;
    (minute < 60 && hour <= 24 && at <= DAY).then_some(at)
}

/// Days and ranges of them, in the order of a week that begins on any day.
fn weekdays(word: &str) -> Option<Vec<(i8, i8)>> {
    let mut found = Vec::new();
    for part in word.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (day(from)?, day(to)?);
        match from <= to {
            true => found.push((from, to)),
            false => found.extend([(from, 6), (0, to)]),
        }
    }
    Some(found)
}

fn day(name: &str) -> Option<i8> {
    let found = DAYS
        .iter()
        .position(|day| name.len() >= 3 && name.starts_with(day))?;
    i8::try_from(found).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_days_times_and_a_zone() {
        let Spans(spans) = every("mon-fri 22:00-24:00 Europe/Paris").unwrap();
        assert_eq!(spans[0].weekdays, [(1, 5)]);
        assert_eq!(spans[0].times, [(1320, 1440)]);
        assert_eq!(spans[0].location.as_deref(), Some("Europe/Paris"));
        let Spans(spans) = every("fri-mon,wednesday").unwrap();
        assert_eq!(spans[0].weekdays, [(5, 6), (0, 1), (3, 3)]);
        let Spans(spans) = every("22:00-06:00").unwrap();
        assert_eq!(spans[0].times, [(1320, 1440), (0, 360)]);
        for wrong in ["", "UTC", "noon", "25:00-26:00", "mo-fr", "1:00-2:75"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
    }
}
