use super::*;
use crate::yaml::Reader;

fn read(text: &str) -> Result<TimeInterval, Vec<String>> {
    let mut reader = Reader::new("f.yml");
    let node = reader.document(text).unwrap();
    let found = interval(&mut reader, &node);
    let problems = reader.into_problems();
    if problems.is_empty() {
        return Ok(found.unwrap());
    }
    Err(problems.iter().map(ToString::to_string).collect())
}

fn holds(interval: &str, at: &str) -> bool {
    read(interval).unwrap().contains(at.parse().unwrap())
}

#[test]
fn moments_within_and_without() {
    const OFFICE: &str =
        "{times: [{start_time: '09:00', end_time: '17:00'}], weekdays: ['monday:friday']}";
    for (interval, at, expected) in [
        (OFFICE, "2026-03-27T08:59:59Z", false),
        (OFFICE, "2026-03-27T09:00:00Z", true),
        (OFFICE, "2026-03-27T16:59:59Z", true),
        (OFFICE, "2026-03-27T17:00:00Z", false),
        (OFFICE, "2026-03-28T12:00:00Z", false),
        (
            "{times: [{start_time: '22:00', end_time: '24:00'}]}",
            "2026-03-28T23:59:59Z",
            true,
        ),
        ("{days_of_month: ['-1']}", "2028-02-29T12:00:00Z", true),
        ("{days_of_month: ['-1']}", "2028-02-28T12:00:00Z", false),
        (
            "{days_of_month: ['-3:-1', '1']}",
            "2026-02-26T00:00:00Z",
            true,
        ),
        (
            "{days_of_month: ['-31:-31']}",
            "2026-02-01T00:00:00Z",
            false,
        ),
        ("{days_of_month: ['10:-5']}", "2026-02-24T00:00:00Z", true),
        ("{days_of_month: ['10:-5']}", "2026-02-25T00:00:00Z", false),
        (
            "{months: ['march:april', '12'], years: ['2026:2027']}",
            "2026-04-30T23:59:59Z",
            true,
        ),
        (
            "{months: ['march:april'], years: ['2027']}",
            "2026-04-30T23:59:59Z",
            false,
        ),
        ("{weekdays: [sunday]}", "2026-03-29T00:00:00Z", true),
        ("{}", "2026-03-29T00:00:00Z", true),
    ] {
        assert_eq!(holds(interval, at), expected, "{interval} {at}");
    }
}

/// Paris sets its clocks forward on 29 March 2026 at 01:00 UTC, and back on 25 October at 01:00 UTC.
#[test]
fn the_clock_of_the_place_counts_when_it_is_set() {
    let paris = |from: &str, to: &str| {
        format!("{{times: [{{start_time: '{from}', end_time: '{to}'}}], location: Europe/Paris}}")
    };
    let morning = paris("09:00", "10:00");
    let lost = paris("02:00", "03:00");
    for (interval, at, expected) in [
        (&morning, "2026-03-28T08:00:00Z", true),
        (&morning, "2026-03-28T07:59:59Z", false),
        (&morning, "2026-03-29T07:00:00Z", true),
        (&morning, "2026-03-29T08:00:00Z", false),
        (&morning, "2026-10-24T07:00:00Z", true),
        (&morning, "2026-10-25T08:00:00Z", true),
        // The hour from two to three does not come in spring and comes twice in autumn.
        (&lost, "2026-03-29T00:59:59Z", false),
        (&lost, "2026-03-29T01:00:00Z", false),
        (&lost, "2026-10-25T00:00:00Z", true),
        (&lost, "2026-10-25T01:59:59Z", true),
        (&lost, "2026-10-25T02:00:00Z", false),
    ] {
        assert_eq!(holds(interval, at), expected, "{interval} {at}");
    }
    // The day begins at the place's midnight.
    let sunday = "{weekdays: [sunday], location: Australia/Sydney}";
    assert!(holds(sunday, "2026-10-03T14:00:00Z") && !holds(sunday, "2026-10-04T13:00:00Z"));
}

#[test]
fn mistakes_are_told_all_at_once() {
    let problems = read(
        "times: [{start_time: '9:00', end_time: '25:00'}, {start_time: '10:00', end_time: '09:00'}, {start_time: '10:00'}]\n\
         weekdays: [funday, 'friday:monday']\ndays_of_month: ['0']\nmonths: [13]\nyears: [x]\nlocation: Paris\n",
    )
    .unwrap_err();
    for expected in [
        "not \"9:00\"",
        "not \"25:00\"",
        "pass midnight",
        "has start_time and end_time",
        "no weekday",
        "ends before it begins",
        "no day of a month",
        "no month",
        "no year",
        "no time zone \"Paris\"",
    ] {
        assert!(
            problems.iter().any(|p| p.contains(expected)),
            "{expected}: {problems:?}"
        );
    }
    assert_eq!(problems.len(), 10, "{problems:?}");
}
