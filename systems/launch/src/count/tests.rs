use super::*;

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn short() -> Count {
    Count::start(Plan::named("short").unwrap(), 10.0, at(100.0))
}

#[test]
fn shipped_counts_are_valid() {
    assert_eq!(Plan::named("short").unwrap().start_s, -60.0);
    assert_eq!(Plan::named("full").unwrap().recycle_s, -780.0);
    assert!(
        Plan::named("tiny")
            .unwrap_err()
            .to_string()
            .contains("short, full")
    );
}

#[test]
fn the_clock_runs_at_its_rate_and_stands_while_held() {
    let mut count = short();
    assert_eq!(count.t_s(at(102.0)), -40.0);
    count.hold(-40.0, "range is red");
    assert_eq!(count.t_s(at(500.0)), -40.0);
    assert_eq!(count.until_due(at(500.0)), None);
    count.resume(at(500.0));
    assert_eq!(count.t_s(at(501.0)), -30.0);
}

#[test]
fn steps_that_time_has_passed_come_due_one_by_one() {
    let mut count = short();
    let late = at(104.6);
    let mut names = Vec::new();
    while let Some(step) = count.due(late) {
        names.push(step.name.clone());
        count.step_done();
    }
    assert_eq!(
        names,
        ["propellant load", "internal power", "startup", "final go"]
    );
    assert_eq!(count.until_due(late), Some(at(1.1)));
}

#[test]
fn a_recycled_count_does_its_steps_again() {
    let mut count = short();
    for _ in 0..5 {
        count.step_done();
    }
    assert!(count.is_past_engine_start());
    count.recycle("engine 3 did not start");
    assert!(!count.is_past_engine_start());
    assert_eq!(count.next().unwrap().name, "propellant load");
    assert_eq!(count.hold_reason(), Some("engine 3 did not start"));
    assert_eq!(count.due(at(9_999.0)), None);
}

#[test]
fn propellant_is_loaded_over_its_window() {
    let count = short();
    assert_eq!(count.propellant(at(100.0)), 0.0);
    assert_eq!(count.propellant(at(101.75)), 0.5);
    assert_eq!(count.propellant(at(105.0)), 1.0);
}

#[test]
fn bad_count_files_say_what_would_be_right() {
    let release = "[[step]]\nt_s = 0.0\nname = \"release\"\naction = { do = \"release\" }\n";
    let head = "name = \"x\"\nstart_s = -10.0\nrecycle_s = -10.0\n";
    assert!(Plan::parse(&format!("{head}{release}")).is_ok());
    for (text, expected) in [
        (format!("{head}hodl = true\n{release}"), "hodl"),
        (
            format!("{head}[[step]]\nt_s = 1.0\nname = \"late\"\n{release}"),
            "order of time",
        ),
        (
            format!("{head}[[step]]\nt_s = nan\nname = \"never\"\n{release}"),
            "order of time",
        ),
        (
            format!("{head}[[step]]\nt_s = 0.0\nname = \"end\"\n"),
            "release",
        ),
        (head.replace("-10.0\nr", "10.0\nr") + release, "start_s"),
        (head.to_string(), "step"),
        (
            format!("{head}[[step]]\nt_s = -5.0\nname = \"\\u001b[2J\"\n{release}"),
            "control characters",
        ),
        (
            format!(
                "{head}[[step]]\nt_s = -5.0\nname = \"{}\"\n{release}",
                "x".repeat(201)
            ),
            "1 to 200 bytes",
        ),
        (format!("{head}{release}#{}", "x".repeat(65_536)), "65536"),
        (
            head.replace("recycle_s = -10.0", "recycle_s = -5.0")
                + "[[step]]\nt_s = -8.0\nname = \"power\"\naction = { do = \"internal_power\" }\n"
                + release,
            "recycle_s",
        ),
    ] {
        let error = Plan::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
    }
    assert!(check_rate(f64::NAN).is_err() && check_rate(0.0).is_err() && check_rate(10.0).is_ok());
}
