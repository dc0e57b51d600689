use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use portique_clock::{SimulatedClock, Timestamp};
use portique_journal::{
    Config, Error, Journal, Lane, Opened, RECORD_BYTES_MAX, Record, Sequence, SimulatedDisk,
    SimulatedFaults, State, Step, VerifyReport, dump, verify,
};

use crate::fixture::{assert_numbers, open_on, record, small};
use crate::image::{Files, closed_image, image, image_of, read_back, tiny};
use crate::meddler::{Call, Meddler, Meddling};

const SECOND: &str = "00000000000000000002.segment";
const THIRD: &str = "00000000000000000003.segment";

fn opened(config: Config) -> (Opened, SimulatedDisk) {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    (
        open_on(Arc::new(disk.clone()), clock, config).unwrap(),
        disk,
    )
}

fn refusal(change: impl FnOnce(&mut Files)) -> String {
    let mut files = image(6, true);
    change(&mut files);
    let verified = verify(&SimulatedDisk::with_files(files.clone()))
        .unwrap_err()
        .to_string();
    let refused = read_back(files).unwrap_err().to_string();
    assert_eq!(verified, refused, "verifying and opening agree");
    refused
}

#[test]
fn a_missing_segment_is_named() {
    for (name, sequence) in [(SECOND, 1), (THIRD, 3)] {
        let text = refusal(|files| drop(files.remove(name)));
        assert!(text.contains(name) && text.contains("missing"), "{text}");
        assert!(text.contains(&format!("sequence {sequence}")), "{text}");
    }
}

#[test]
fn a_missing_store_is_not_taken_for_a_new_journal() {
    let text = refusal(|files| drop(files.remove("store")));
    assert!(
        text.contains("/simulated/store") && text.contains("no store file"),
        "{text}"
    );
}

#[test]
fn removed_segments_are_not_taken_for_a_new_journal() {
    let text = refusal(|files| files.retain(|name, _| name == "store"));
    assert!(
        text.contains("00000000000000000001.segment") && text.contains("missing"),
        "{text}"
    );
}

#[test]
fn a_segment_of_another_journal_is_foreign() {
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let other = SimulatedDisk::new(2, u64::MAX);
    let config = Config {
        segment_bytes: 12 * 1024,
        frame_bytes_max: 8 * 1024,
        ..small()
    };
    let mut random = portique_clock::Seeded::new(99);
    Journal::open(config, Arc::new(other.clone()), clock, &mut random).unwrap();
    let first = "00000000000000000001.segment";
    let text = refusal(|files| {
        files.insert(first.to_owned(), other.files().remove(first).unwrap());
    });
    assert!(
        text.contains(first) && text.contains("belongs to journal"),
        "{text}"
    );
}

#[test]
fn a_frame_of_another_history_is_refused_in_its_own_place() {
    let mut other = image_of(100, 6, true);
    let text = refusal(|files| {
        let frame = &other.get_mut(SECOND).unwrap()[4096..8192];
        files.get_mut(SECOND).unwrap()[4096..8192].copy_from_slice(frame);
    });
    assert!(
        text.contains(SECOND) && text.contains("follows another"),
        "{text}"
    );
}

#[test]
fn a_later_version_is_refused_with_both_versions() {
    let text = refusal(|files| {
        let header = files.get_mut(SECOND).unwrap();
        header[8] = 2;
        let crc = crc32c::crc32c(&header[..4092]);
        header[4092..4096].copy_from_slice(&crc.to_le_bytes());
    });
    assert!(
        text.contains(SECOND) && text.contains("version 2") && text.contains("version 1"),
        "{text}"
    );
}

#[test]
fn damage_is_reported_with_file_offset_and_sequence() {
    let header = refusal(|files| files.get_mut(SECOND).unwrap()[20] ^= 1);
    assert!(
        header.contains(SECOND) && header.contains("byte 0"),
        "{header}"
    );
    let frame = refusal(|files| files.get_mut(SECOND).unwrap()[4096 + 80] ^= 1);
    assert!(
        frame.contains(SECOND) && frame.contains("byte 4096"),
        "{frame}"
    );
    assert!(frame.contains("sequence 3"), "{frame}");
    let text = refusal(|files| files.get_mut(SECOND).unwrap().truncate(5_000));
    assert!(
        text.contains(SECOND) && text.contains("byte 5000"),
        "{text}"
    );
}

#[test]
fn an_empty_folder_verifies_as_no_journal() {
    let VerifyReport {
        store, segments, ..
    } = verify(&SimulatedDisk::new(1, 0)).unwrap();
    assert!(store.is_none() && segments.is_empty());
}

#[test]
fn a_failed_write_or_sync_poisons_for_good() {
    for after in [0, 1] {
        let (
            Opened {
                journal,
                mut committer,
                ..
            },
            disk,
        ) = opened(small());
        let mut pending = pin!(journal.submit(vec![record(1)], Lane::Work).unwrap());
        let mut context = Context::from_waker(Waker::noop());
        assert!(pending.as_mut().poll(&mut context).is_pending());
        disk.arrange(SimulatedFaults {
            error_after: Some(after),
            ..SimulatedFaults::default()
        });
        assert_eq!(committer.step(), Step::Done);
        assert_eq!(
            committer.step(),
            Step::Done,
            "a failed write is never repeated"
        );
        let Poll::Ready(Err(Error::Poisoned { reason })) = pending.as_mut().poll(&mut context)
        else {
            panic!("not acknowledged, not pending: poisoned");
        };
        assert!(reason.contains("00000000000000000001.segment"), "{reason}");
        assert!(matches!(journal.state(), State::Poisoned { .. }));
        let again = journal.submit(vec![record(2)], Lane::Drain).unwrap_err();
        assert!(matches!(again, Error::Poisoned { .. }), "{again}");
        assert_eq!(journal.durable().0, 0);
    }
}

#[test]
fn a_committer_that_goes_leaves_nobody_waiting() {
    let (
        Opened {
            journal, committer, ..
        },
        _disk,
    ) = opened(small());
    let pending = journal.submit(vec![record(1)], Lane::Work).unwrap();
    drop(committer);
    assert!(matches!(pending.wait(), Err(Error::Poisoned { .. })));
}

#[test]
fn a_full_disk_makes_the_journal_drain_only_and_room_opens_it_again() {
    let config = Config {
        reserve_bytes: 0,
        ..small()
    };
    let disk = SimulatedDisk::new(1, 3 * config.segment_bytes);
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let Opened {
        journal,
        mut committer,
        ..
    } = open_on(Arc::new(disk.clone()), clock.clone(), config).unwrap();
    let mut accepted = 0;
    let refused = loop {
        match journal.submit(vec![record(accepted + 1)], Lane::Work) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        for _ in 0..20 {
            committer.step();
        }
        assert!(accepted < 100, "the disk holds no more");
    };
    assert!(matches!(refused, Error::DrainOnly { .. }), "{refused}");
    assert!(accepted > 15, "the first segment was filled: {accepted}");
    for number in 1..=10 {
        let pending = journal
            .submit(vec![record(accepted + number)], Lane::Drain)
            .unwrap();
        committer.step();
        assert_eq!(pending.wait().unwrap().start().0, accepted + number);
    }
    disk.resize(100 * 64 * 1024);
    clock.advance(std::time::Duration::from_secs(2));
    for _ in 0..20 {
        committer.step();
    }
    assert_eq!(journal.state(), State::Open);
    assert_eq!(journal.durable().0, accepted + 10);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_queued() {
    let (
        Opened {
            journal,
            committer: _committer,
            ..
        },
        _disk,
    ) = opened(Config {
        reserve_bytes: 0,
        segment_bytes: 8 * 1024 * 1024,
        ..Config::default()
    });
    let sized = |bytes: usize| Record {
        kind: 0,
        body: Bytes::from(vec![0; bytes]),
    };
    let refuse = |records| journal.submit(records, Lane::Work).unwrap_err().to_string();
    assert!(refuse(vec![]).contains("at least one"));
    assert!(refuse(vec![sized(RECORD_BYTES_MAX + 1)]).contains("1048576"));
    assert!(refuse(vec![sized(RECORD_BYTES_MAX); 4]).contains("bytes"));
    assert!(refuse(vec![sized(0); 8_193]).contains("8192"));
    let filling = vec![sized(RECORD_BYTES_MAX); 3];
    for _ in 0..5 {
        let _pending = journal.submit(filling.clone(), Lane::Work).unwrap();
    }
    assert!(refuse(filling).contains("full"));
    journal.close();
    assert!(refuse(vec![sized(1)]).contains("closed"));
}

#[test]
fn an_option_out_of_range_is_named() {
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    for (config, name) in [
        (
            Config {
                segment_bytes: 5_000,
                ..small()
            },
            "segment_bytes",
        ),
        (
            Config {
                frame_bytes_max: 0,
                ..small()
            },
            "frame_bytes_max",
        ),
        (
            Config {
                frame_records_max: 0,
                ..small()
            },
            "frame_records_max",
        ),
        (
            Config {
                queue_bytes_max: 10,
                ..small()
            },
            "queue_bytes_max",
        ),
    ] {
        let disk = Arc::new(SimulatedDisk::new(1, u64::MAX));
        let text = open_on(disk, clock.clone(), config)
            .unwrap_err()
            .to_string();
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_good_frame_is_not_replaced_by_what_a_bad_read_gave() {
    for bytes in [1, 4_096, 0] {
        let files = image(5, true);
        let disk = SimulatedDisk::with_files(files.clone());
        let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
        // Surveys open files to read only: this read is the one before the end is written again.
        let meddler = Meddler::new(disk.clone(), move |call, name| match call {
            Call::Read if name.ends_with(".segment") && bytes > 0 => Meddling::Short(bytes),
            Call::Read if name.ends_with(".segment") => Meddling::Flip,
            _ => Meddling::None,
        });
        let error = open_on(Arc::new(meddler), clock, tiny()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert_eq!(disk.files(), files, "nothing is changed");
        assert_numbers(&read_back(disk.files()).unwrap(), 1, 5);
    }
}

#[test]
fn what_cannot_be_is_refused_although_its_checksum_is_right() {
    let first = "00000000000000000001.segment";
    let fields: [(&str, usize, u64); 8] = [
        (first, 12, 512),
        (first, 40, 0),
        (first, 40, u64::MAX),
        (first, 56, 12_289),
        (first, 56, 0),
        ("store", 40, 0),
        ("store", 40, 1_000),
        ("store", 48, u64::MAX),
    ];
    for (name, at, value) in fields {
        let text = refusal(|files| {
            let bytes = files.get_mut(name).unwrap();
            if name == "store" {
                // Whichever slot counts, this is what it says.
                let (even, odd) = bytes.split_at_mut(4096);
                write_sealed(even, at, &value.to_le_bytes());
                write_sealed(odd, at, &value.to_le_bytes());
            } else if at == 12 {
                write_sealed(&mut bytes[..4096], at, &value.to_le_bytes()[..4]);
            } else {
                write_sealed(&mut bytes[..4096], at, &value.to_le_bytes());
            }
        });
        assert!(text.contains(name), "{name} {at}: {text}");
    }
}

/// Writes into a sector and makes its checksum right.
fn write_sealed(sector: &mut [u8], at: usize, bytes: &[u8]) {
    sector[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c::crc32c(&sector[..4092]);
    sector[4092..4096].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn a_dump_says_that_the_end_is_missing() {
    // Closed in order, so that the store knows the last record.
    let mut files = closed_image(5);
    let last = files
        .keys()
        .rfind(|name| name.ends_with("0.segment") || name.ends_with("3.segment"))
        .unwrap()
        .clone();
    files.get_mut(&last).unwrap()[4096..].fill(0);
    let disk = SimulatedDisk::with_files(files);
    let mut given = 0;
    let error = dump(&disk, Sequence::FIRST, &mut |_| {
        given += 1;
        ControlFlow::Continue(())
    })
    .unwrap_err();
    assert_eq!(given, 4);
    assert_eq!(error.to_string(), verify(&disk).unwrap_err().to_string());
}

#[test]
fn a_dump_that_is_told_to_stop_reads_no_further() {
    let mut files = image(6, true);
    files.get_mut(SECOND).unwrap()[8_192 + 80] ^= 1;
    let disk = SimulatedDisk::with_files(files);
    let stop = &mut |entry: portique_journal::Entry| match entry.sequence.0 {
        3.. => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    dump(&disk, Sequence::FIRST, stop).unwrap();
}

#[test]
fn a_damaged_slot_is_reported() {
    let files = image(5, true);
    for slot in [0, 4096] {
        let mut files = files.clone();
        files.get_mut("store").unwrap()[slot + 100] ^= 1;
        let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
        let disk = Arc::new(SimulatedDisk::with_files(files));
        let opened = open_on(disk, clock, tiny()).unwrap();
        assert_eq!(opened.recovery.damaged_slot, Some(slot as u64));
    }
}
