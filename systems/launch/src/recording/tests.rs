use std::fmt::Write as _;

use super::*;

const HEAD: &str = "time_s,velocity_m_s,altitude_km\n";

/// 30 Hz, 20 m/s², in the steps of a display, with what `show` makes of each moment.
fn climb(show: impl Fn(f64, f64) -> Option<f64>) -> Vec<Sample> {
    let mut csv = HEAD.to_owned();
    for frame in 0..600 {
        let t_s = f64::from(frame) / 30.0;
        let speed = 100.0 + (t_s * 20.0 / 0.278).floor() * 0.278;
        let altitude_km = (50.0 + t_s * t_s / 10.0).floor() / 10.0;
        if let Some(speed) = show(t_s, speed) {
            writeln!(csv, "{t_s:.3},{speed:.3},{altitude_km}").unwrap();
        }
    }
    Recording::parse(&csv).unwrap().samples().to_vec()
}

#[test]
fn bad_recordings_are_refused_with_place_and_remedy() {
    let bad = [
        (String::new(), "is empty"),
        (
            "t,v,h\n1,2,3\n".into(),
            "line 1: the header is \"t,v,h\": write time_s,",
        ),
        (HEAD.into(), "no rows"),
        (
            format!("{HEAD}0,0,0\n1,fast,0\n"),
            "line 3: velocity_m_s is \"fast\"",
        ),
        (
            format!("{HEAD}0,0,0\n1,NaN,0\n"),
            "line 3: velocity_m_s is \"NaN\"",
        ),
        (format!("{HEAD}0,0,inf\n"), "line 2: altitude_km is \"inf\""),
        (
            format!("{HEAD}0,-1,0\n"),
            "line 2: velocity_m_s is \"-1\": write a number from 0",
        ),
        (
            format!("{HEAD}0,0,0\n1,1,0\n0.5,1,0\n"),
            "line 4: time_s is 0.5 after 1: it goes back",
        ),
        (
            format!("{HEAD}0,0,0\n0,1,0\n"),
            "line 3: time_s is 0 after 0: it repeats",
        ),
        (format!("{HEAD}0,0\n"), "line 2: has 2 columns: write 3"),
        (format!("{HEAD}0,0,0,0\n"), "line 2: has 4 columns: write 3"),
        ("x".repeat(RECORDING_BYTES_MAX + 1), "bytes: at most"),
    ];
    for (csv, why) in bad {
        let error = Recording::parse(&csv).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[test]
fn a_row_that_is_repeated_whole_is_read_once() {
    let csv = format!(
        "\u{feff}{}0,0,0\r\n0,0,0\r\n1,5,0\r\n",
        HEAD.replace('\n', "\r\n")
    );
    assert_eq!(Recording::parse(&csv).unwrap().samples().len(), 2);
}

#[test]
fn a_gap_is_marked_once_and_not_filled() {
    let samples = climb(|t_s, speed| (!(8.0..9.0).contains(&t_s)).then_some(speed));
    assert_eq!(samples.len(), 570);
    let marked: Vec<&Sample> = samples
        .iter()
        .filter(|s| s.quality != Quality::Good)
        .collect();
    assert_eq!(marked.len(), 1);
    assert_eq!((marked[0].quality, marked[0].t_s), (Quality::AfterGap, 9.0));
}

#[test]
fn a_display_that_stands_still_is_marked_until_it_moves() {
    let mut csv = HEAD.to_owned();
    for (index, sample) in climb(|_, speed| Some(speed)).iter().enumerate() {
        // Frames 300 to 390 repeat frame 300.
        let shown = if (300..390).contains(&index) {
            (300.0, 15.0)
        } else {
            (sample.speed_m_s, sample.altitude_m / 1e3)
        };
        writeln!(csv, "{},{},{}", sample.t_s, shown.0, shown.1).unwrap();
    }
    let recording = Recording::parse(&csv).unwrap();
    let frozen = recording
        .samples()
        .iter()
        .enumerate()
        .filter(|(_, s)| s.quality == Quality::Frozen);
    let frames: Vec<usize> = frozen.map(|(index, _)| index).collect();
    assert_eq!(frames, (301..390).collect::<Vec<_>>());
}

#[test]
fn what_is_derived_follows_the_motion() {
    let samples = climb(|_, speed| Some(speed));
    let last = samples.last().unwrap();
    // 10 t² m of height after 20 s; the slope is taken over the seconds before.
    assert!((last.vertical_speed_m_s - 400.0).abs() < 50.0, "{last:?}");
    assert!((last.felt_accel_m_s2 - 27.8).abs() < 1.2, "{last:?}");
    assert!(last.dynamic_pressure_pa > 0.0 && last.mach > 1.0);
}
