use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::hub_process::{complaint, run};

#[track_caller]
fn check_refused(rows: &str, place: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flight.csv");
    fs::write(&file, format!("time_s,velocity_m_s,altitude_km\n{rows}")).unwrap();
    let output = run(&["launch", "replay", file.to_str().unwrap(), "-o", "json"]);
    let said = complaint(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("flight.csv") && said.contains(place),
        "{place}: {said}"
    );
    assert!(output.stdout.is_empty(), "nothing is half done");
}

#[test]
fn a_recording_with_a_bad_value_is_refused_with_its_line() {
    check_refused("0,0,0\n1,fast,0\n", "line 3");
    check_refused("0,0,0\n1,NaN,0\n", "line 3");
    check_refused("0,0,0\n2,1,0\n1,2,0\n", "line 4");
    check_refused("0,0,0\n1,2\n", "line 3");
    check_refused("", "no rows");
}

#[test]
fn a_recorded_flight_gives_its_events_in_order() {
    let Some(flight) = recorded("zuma/stage1_raw_30hz.csv") else {
        return;
    };
    let output = run(&["launch", "replay", flight.to_str().unwrap(), "-o", "json"]);
    assert!(output.status.success(), "{}", complaint(&output));
    let events: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    for name in [
        "max_q",
        "meco",
        "boostback_start",
        "entry_burn_start",
        "landing_burn_start",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let times: Vec<f64> = events
        .iter()
        .map(|event| event["t_s"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

/// Recorded flights lie beside the checkout, where somebody has put them.
fn recorded(name: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/launch");
    Some(data.join(name)).filter(|path| path.exists())
}
