//! Every bit of a small journal flipped, and every file cut at every length.

use std::ops::ControlFlow;
use std::thread;

use portique_journal::{Error, Sequence, SimulatedDisk, dump, verify};

use crate::fixture::assert_numbers;
use crate::image::{Files, assert_sound, image, read_back, trimmed_image};

const RECORDS: u64 = 5;

#[test]
fn the_image_is_whole_before_surgery() {
    for rested in [false, true] {
        let files = image(RECORDS, rested);
        assert!(files.len() >= 4, "a store and three segments");
        assert_numbers(&read_back(files).unwrap(), 1, RECORDS);
    }
}

#[test]
fn every_flipped_bit_is_harmless_or_refused() {
    let files = image(RECORDS, true);
    flip_all(&files, RECORDS);
}

#[test]
fn a_flipped_bit_in_a_spare_is_harmless() {
    for name in ["spare.segment", "spare.preparing"] {
        let mut files = image(RECORDS, true);
        files.insert(name.to_owned(), vec![0; 12 * 1024]);
        for byte in 0..12 * 1024 {
            let mut damaged = files.clone();
            damaged.get_mut(name).unwrap()[byte] ^= 1 << (byte % 8);
            assert_numbers(&read_back(damaged).unwrap(), 1, RECORDS);
        }
    }
}

#[test]
fn damage_without_a_later_frame_costs_the_last_record_at_most() {
    let mut files = image(RECORDS, false);
    // The last segment is the only one whose end nothing else vouches for.
    let last = files
        .keys()
        .rfind(|name| name.ends_with(".segment"))
        .unwrap()
        .clone();
    let rest = files.clone();
    files.retain(|name, _| *name == last);
    each(&files, |name, byte| {
        for bit in 0..8 {
            let mut damaged = rest.clone();
            damaged.get_mut(name).unwrap()[byte] ^= 1 << bit;
            let what = format!("{name} byte {byte} bit {bit}");
            assert_sound(read_back(damaged), &what, RECORDS - 1, RECORDS);
        }
    });
}

#[test]
fn a_damaged_store_does_not_accuse_segments_that_were_dropped() {
    let (files, first) = trimmed_image(RECORDS);
    assert!(first > 1 && first <= RECORDS, "{first}");
    for byte in 0..files["store"].len() {
        let mut damaged = files.clone();
        damaged.get_mut("store").unwrap()[byte] ^= 1;
        let entries = read_back(damaged).unwrap();
        assert_numbers(&entries, first, RECORDS);
    }
}

#[test]
fn every_truncation_is_refused() {
    let files = image(RECORDS, true);
    each(&files, |name, bytes| {
        let mut damaged = files.clone();
        damaged.get_mut(name).unwrap().truncate(bytes);
        let what = format!("{name} cut to {bytes} bytes");
        assert!(
            !assert_sound(read_back(damaged), &what, RECORDS, RECORDS),
            "{what} was read"
        );
    });
}

fn flip_all(files: &Files, least: u64) {
    each(files, |name, byte| {
        for bit in 0..8 {
            let mut damaged = files.clone();
            damaged.get_mut(name).unwrap()[byte] ^= 1 << bit;
            let what = format!("{name} byte {byte} bit {bit}");
            // Every bit would take minutes; each byte has its turn.
            if bit == byte % 8 {
                inspect(&damaged, &what, byte, least);
            }
            let outcome = read_back(damaged);
            assert_place(outcome.as_ref().err(), &what, byte);
            assert_sound(outcome, &what, least, RECORDS);
        }
    });
}

/// Looks at a damaged image without opening it.
fn inspect(files: &Files, what: &str, byte: usize, least: u64) {
    let disk = SimulatedDisk::with_files(files.clone());
    let verified = verify(&disk);
    assert_place(verified.as_ref().err(), what, byte);
    let mut entries = Vec::new();
    let dumped = dump(&disk, Sequence::FIRST, &mut |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    });
    assert_place(dumped.as_ref().err(), what, byte);
    assert_eq!(verified.is_ok(), dumped.is_ok(), "{what}");
    assert_numbers(&entries, 1, entries.len() as u64);
    assert_sound(dumped.map(|()| entries), what, least, RECORDS);
    assert!(disk.files() == *files, "{what}: looking changes nothing");
}

/// Asserts that damage is reported in the structure that holds the byte: each fills a sector here.
fn assert_place(error: Option<&Error>, what: &str, byte: usize) {
    if let Some(Error::Corrupt { offset, .. }) = error {
        assert_eq!(*offset / 4_096, byte as u64 / 4_096, "{what}: {offset}");
    }
}

/// Calls `surgery` for every byte of every file, on as many threads as there are processors.
fn each(files: &Files, surgery: impl Fn(&str, usize) + Sync) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for thread in 0..threads {
            let surgery = &surgery;
            scope.spawn(move || {
                for (name, bytes) in files {
                    (thread..bytes.len())
                        .step_by(threads)
                        .for_each(|byte| surgery(name, byte));
                }
            });
        }
    });
}
