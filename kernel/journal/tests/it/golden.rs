use std::fs;
use std::path::PathBuf;

use portique_journal::{SimulatedDisk, verify};

use crate::fixture::assert_numbers;
use crate::image::{Files, image, read_back};

const RECORDS: u64 = 5;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version-1")
}

fn golden() -> Files {
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read(path).unwrap())
    };
    fs::read_dir(folder())
        .unwrap()
        .map(|entry| read(entry.unwrap().path()))
        .collect()
}

#[test]
fn version_1_is_read() {
    let entries = read_back(golden()).unwrap();
    assert_numbers(&entries, 1, RECORDS);
    let millis: Vec<i64> = entries.iter().map(|entry| entry.time.as_millis()).collect();
    assert_eq!(millis, [1_000, 1_001, 1_002, 1_003, 1_004]);
    let report = verify(&SimulatedDisk::with_files(golden())).unwrap();
    assert_eq!(
        report.store.unwrap().to_string(),
        "c15c0289ec2d0a9167ec8e65a18debbe"
    );
}

#[test]
fn version_1_is_written_as_it_was() {
    // A difference is a new version of the format, never a new golden file.
    assert_eq!(image(RECORDS, true), golden());
}

#[test]
#[ignore = "writes the golden files, once per version"]
fn write_golden() {
    fs::create_dir_all(folder()).unwrap();
    for (name, bytes) in image(RECORDS, true) {
        fs::write(folder().join(name), bytes).unwrap();
    }
}
