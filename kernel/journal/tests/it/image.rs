//! A small journal as bytes, to be damaged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::{SimulatedClock, Timestamp};
use portique_journal::{
    Config, Entry, Error, Journal, Lane, Opened, Retention, Sequence, SimulatedDisk, Step,
};

use crate::fixture::{assert_numbers, open_on, record, small};

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Steps after which a small journal must have come to rest.
const STEPS_MAX: usize = 1_000;

/// Two frames of one sector to a segment.
pub(crate) fn tiny() -> Config {
    let segment_bytes = 12 * 1024;
    Config {
        segment_bytes,
        frame_bytes_max: 8 * 1024,
        queue_bytes_max: 8 * 1024,
        ..small()
    }
}

/// A journal of the records 1 to `last`, each durable before the next and the last one a second
/// later, at rest or, if not `rested`, stopped right behind the last record.
pub(crate) fn image(last: u64, rested: bool) -> Files {
    image_of(0, last, rested)
}

/// The same journal, closed in order.
pub(crate) fn closed_image(last: u64) -> Files {
    let disk = SimulatedDisk::with_files(image(last, true));
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(5_000)));
    let opened = open_on(Arc::new(disk.clone()), clock, tiny()).unwrap();
    let (journal, mut committer) = (opened.journal, opened.committer);
    journal.close();
    assert!((0..STEPS_MAX).any(|_| committer.step() == Step::Done));
    disk.files()
}

/// A journal of the records 1 to `last` whose first segments were dropped, with the first sequence
/// that is left.
pub(crate) fn trimmed_image(last: u64) -> (Files, u64) {
    let config = Config {
        retention: Retention {
            bytes: Some(1),
            age: None,
        },
        ..tiny()
    };
    let disk = SimulatedDisk::with_files(image(last, true));
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(5_000)));
    let opened = open_on(Arc::new(disk.clone()), clock, config).unwrap();
    let (journal, mut committer) = (opened.journal, opened.committer);
    journal.trim(Sequence(last)).unwrap();
    for _ in 0..STEPS_MAX {
        committer.step();
    }
    let mut files = disk.files();
    files.retain(|name, _| !name.starts_with("spare"));
    (files, journal.first().0)
}

/// The same journal with the records of numbers that are `shift` higher.
pub(crate) fn image_of(shift: u64, last: u64, rested: bool) -> Files {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000)));
    let Opened {
        journal,
        mut committer,
        ..
    } = open_on(Arc::new(disk.clone()), clock.clone(), tiny()).unwrap();
    for number in 1..=last {
        let pending = journal
            .submit(vec![record(shift + number)], Lane::Work)
            .unwrap();
        for _ in 0..STEPS_MAX {
            if journal.durable().0 == number {
                break;
            }
            committer.step();
        }
        pending.wait().unwrap();
        clock.advance(Duration::from_millis(1));
    }
    for _ in 0..STEPS_MAX {
        if !rested {
            break;
        }
        clock.advance(Duration::from_millis(1));
        rested_step(committer.step());
    }
    let mut files = disk.files();
    files.retain(|name, _| !name.starts_with("spare"));
    files
}

fn rested_step(step: Step) {
    assert_ne!(step, Step::Done, "nobody closed it");
}

/// Opens the image and reads all of it.
pub(crate) fn read_back(files: Files) -> Result<Vec<Entry>, Error> {
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(9_000)));
    let disk = Arc::new(SimulatedDisk::with_files(files));
    let opened = open_on(disk, clock, tiny())?;
    read_all(&opened.journal)
}

pub(crate) fn read_all(journal: &Journal) -> Result<Vec<Entry>, Error> {
    journal.read(journal.first())?.collect()
}

/// Asserts that a damaged image was refused with the place, or read back to `least` or more
/// records, and never as anything else.
pub(crate) fn assert_sound(
    outcome: Result<Vec<Entry>, Error>,
    damaged: &str,
    least: u64,
    last: u64,
) -> bool {
    match outcome {
        Ok(entries) => {
            let read = entries.len() as u64;
            assert!(
                (least..=last).contains(&read),
                "{damaged}: {read} of {last} records"
            );
            assert_numbers(&entries, 1, read);
            true
        }
        Err(Error::Corrupt { path, .. } | Error::Foreign { path, .. }) => {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(damaged.starts_with(name), "{damaged} was found in {name}");
            false
        }
        Err(error) => panic!("{damaged}: {error}"),
    }
}
