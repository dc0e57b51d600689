//! Damage in the middle of an open journal: what is around it is read, it never is.

use std::sync::Arc;

use portique_clock::{SimulatedClock, Timestamp};
use portique_journal::{Entry, Error, Journal, Lane, Opened, Sequence, SimulatedDisk};

use super::fixture::{assert_numbers, open_on, record, small};

const RECORDS: u64 = 400;

/// Reads everything, passing over damage: what was read, and what was lost.
fn read_around(journal: &Journal) -> (Vec<Entry>, Vec<u64>) {
    let (mut read, mut lost) = (Vec::new(), Vec::new());
    let mut reader = journal.read(Sequence::FIRST).unwrap();
    let mut after_damage = false;
    while let Some(entry) = reader.next() {
        match entry {
            Ok(entry) => read.push(entry),
            Err(Error::Corrupt { .. }) => {
                assert!(reader.next().is_none(), "nothing is read past it unasked");
                let range = reader.pass_damage().unwrap();
                assert!(!after_damage || range.is_some(), "it goes on");
                after_damage = true;
                let range = range.map(|range| range.start().0..=range.end().0);
                lost.extend(range.into_iter().flatten());
            }
            Err(other) => panic!("{other}"),
        }
    }
    (read, lost)
}

fn segment(number: u64) -> String {
    format!("{number:020}.segment")
}

#[test]
fn what_is_around_a_damaged_frame_is_read_and_it_is_not() {
    let disk = SimulatedDisk::new(1, 1 << 30);
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000)));
    let opened = open_on(Arc::new(disk.clone()), clock, small()).unwrap();
    let Opened {
        journal, committer, ..
    } = opened;
    let committer = portique_journal::spawn(committer).unwrap();
    for number in 1..=RECORDS {
        let pending = journal.submit(vec![record(number)], Lane::Work).unwrap();
        pending.wait().unwrap();
    }
    let (read, lost) = read_around(&journal);
    assert_numbers(&read, 1, RECORDS);
    assert_eq!(lost, [0_u64; 0]);

    let sectors = 64 * 1024 / 4096;
    let segments = disk
        .files()
        .keys()
        .filter(|name| name.ends_with(".segment"))
        .count() as u64;
    assert!(segments > 3, "{segments} segments");
    let mut losses = 0;
    for number in [1, 2, segments] {
        for sector in 1..sectors {
            for byte in [0, 20, 60, 70] {
                disk.flip(&segment(number), sector * 4096 + byte, 3);
                let (read, lost) = read_around(&journal);
                let mut all: Vec<u64> = read.iter().map(|entry| entry.sequence.0).collect();
                for entry in &read {
                    let expected = record(entry.sequence.0);
                    assert_eq!((entry.kind, &entry.body), (expected.kind, &expected.body));
                }
                all.extend(&lost);
                all.sort_unstable();
                let case = format!("segment {number}, sector {sector}, byte {byte}");
                assert_eq!(all, (1..=RECORDS).collect::<Vec<_>>(), "{case}");
                assert!(
                    lost.len() <= 1,
                    "{case}: {lost:?} for one frame of one record"
                );
                losses += lost.len();
                disk.flip(&segment(number), sector * 4096 + byte, 3);
            }
        }
    }
    assert!(losses > 40, "{losses} losses");
    journal.close();
    committer.join().unwrap();
}

#[test]
fn a_reader_behind_damage_at_the_end_goes_on_with_what_is_written_next() {
    let disk = SimulatedDisk::new(1, 1 << 30);
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000)));
    let opened = open_on(Arc::new(disk.clone()), clock, small()).unwrap();
    let Opened {
        journal, committer, ..
    } = opened;
    let committer = portique_journal::spawn(committer).unwrap();
    let append = |number| {
        let pending = journal.submit(vec![record(number)], Lane::Work).unwrap();
        pending.wait().unwrap();
    };
    append(1);
    disk.flip(&segment(1), 4096 + 70, 3);
    let mut reader = journal.read(Sequence::FIRST).unwrap();
    assert!(matches!(reader.next(), Some(Err(Error::Corrupt { .. }))));
    let lost = reader.pass_damage().unwrap();
    assert_eq!(lost, Some(Sequence(1)..=Sequence(1)));
    assert!(reader.next().is_none(), "the watermark is reached");
    append(2);
    append(3);
    let rest: Vec<Entry> = loop {
        match reader.next() {
            Some(Err(Error::Corrupt { .. })) => {
                assert_eq!(reader.pass_damage().unwrap(), None, "nothing more is lost");
            }
            Some(entry) => {
                break std::iter::once(entry)
                    .chain(reader)
                    .map(Result::unwrap)
                    .collect();
            }
            None => panic!("it ended"),
        }
    };
    assert_numbers(&rest, 2, 3);
    journal.close();
    committer.join().unwrap();
}
