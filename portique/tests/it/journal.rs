use rustix::process::Signal;
use serde_json::Value;

use crate::hub_process::{HubProcess, complaint, run};

#[test]
fn verify_and_dump_agree_on_what_a_hub_wrote() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        HubProcess::start(folder.path())
            .stop(Signal::TERM)
            .success()
    );
    let data = folder.path().to_str().unwrap();
    let verified = run(&["journal", "verify", data, "-o", "json"]);
    assert!(verified.status.success(), "{}", complaint(&verified));
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let last = report["last"].as_u64().unwrap();
    assert!(last > 0, "{report}");

    let dumped = run(&["journal", "dump", data, "-o", "json"]);
    assert!(dumped.status.success(), "{}", complaint(&dumped));
    let text = String::from_utf8(dumped.stdout).unwrap();
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sequences: Vec<u64> = records
        .iter()
        .map(|record| record["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, (1..=last).collect::<Vec<_>>());

    let one = run(&["journal", "dump", data, "--from", "1", "--limit", "1"]);
    assert_eq!(String::from_utf8(one.stdout).unwrap().lines().count(), 1);
}

#[test]
fn a_folder_without_a_journal_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let output = run(&["journal", "verify", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        complaint(&output).contains("no journal"),
        "{}",
        complaint(&output)
    );
    assert!(!missing.exists(), "looking creates nothing");
}
