use std::fs;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_journal::{Config, Error, FolderDisk, Lane, Retention, Sequence, State, dump, verify};

use crate::fixture::{Running, SEGMENT_BYTES, assert_numbers, record, small};

/// Looks at a state that another thread reaches, for a bounded time.
const LOOKS_MAX: usize = 10_000;

fn until(mut reached: impl FnMut() -> bool) {
    for _ in 0..LOOKS_MAX {
        if reached() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("the state was not reached");
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), small());
    assert!(first.recovery.created);
    first.append(1..=300);
    assert_eq!(first.journal.durable(), Sequence(300));
    assert_numbers(&first.read(1), 1, 300);
    first.stop();

    let second = Running::start(folder.path(), small());
    assert!(!second.recovery.created);
    assert!(second.recovery.segments > 2, "{:?}", second.recovery);
    assert_eq!(second.recovery.last, Sequence(300));
    assert_eq!(second.recovery.torn, None);
    assert_numbers(&second.read(1), 1, 300);
    second.append(301..=400);
    assert_numbers(&second.read(250), 250, 400);
    second.stop();
}

#[test]
fn reading_starts_anywhere_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), small());
    running.append(1..=100);
    for from in [1, 2, 17, 63, 99, 100] {
        assert_numbers(&running.read(from), from, 100);
    }
    let mut reader = running.journal.read(Sequence(90)).unwrap();
    assert_eq!(reader.by_ref().count(), 11);
    assert!(reader.next().is_none());
    running.append(101..=140);
    let rest: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
    assert_numbers(&rest, 101, 140);
    assert_eq!(running.journal.read(Sequence(141)).unwrap().count(), 0);
    let none = running.journal.read(Sequence(0)).unwrap_err();
    assert!(matches!(none, Error::Trimmed { .. }), "{none}");
    running.stop();
}

#[test]
fn a_call_is_one_frame_and_its_sequences_follow() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), small());
    let pending = running
        .journal
        .submit((1..=7).map(record).collect(), Lane::Work)
        .unwrap();
    assert_eq!(pending.sequences(), Sequence(1)..=Sequence(7));
    pending.wait().unwrap();
    assert_numbers(&running.read(1), 1, 7);
    running.stop();
    let report = verify(&FolderDisk::open(folder.path()).unwrap()).unwrap();
    let filled: u64 = report.segments.iter().map(|segment| segment.records).sum();
    assert_eq!((filled, report.last), (7, Sequence(7)));
}

#[test]
fn a_time_leads_to_the_first_record_at_or_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), small());
    let start = Timestamp::from_millis(1_000);
    for number in 1..=60 {
        running.append(number..=number);
        running.clock.advance(Duration::from_secs(1));
    }
    let at = |time| running.journal.sequence_at(time).unwrap().0;
    assert_eq!(at(Timestamp::EPOCH), 1);
    for number in [1, 2, 15, 16, 17, 59, 60] {
        let time = start.plus(Duration::from_secs(number - 1));
        assert_eq!(at(time), number);
        assert_eq!(at(time.plus(Duration::from_millis(1))), number + 1);
    }
    // The wall clock goes back; the journal's time does not.
    running.clock.jump_to(Timestamp::EPOCH);
    running.append(61..=61);
    let times: Vec<_> = running.read(60).iter().map(|entry| entry.time).collect();
    assert!(times[1] >= times[0], "{times:?}");
    running.stop();
}

#[test]
fn retention_by_bytes_drops_whole_segments_once_they_are_released() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention {
        bytes: Some(3 * SEGMENT_BYTES),
        age: None,
    };
    let running = Running::start(
        folder.path(),
        Config {
            retention,
            ..small()
        },
    );
    running.append(1..=200);
    assert_eq!(
        running.journal.first(),
        Sequence::FIRST,
        "nothing was released"
    );
    running.journal.trim(Sequence(60)).unwrap();
    // Fifteen frames fit a segment: 46 is the first sequence of the one that holds 60.
    let first = Sequence(46);
    until(|| running.journal.first() == first);
    assert_eq!(running.journal.trim_floor(), Sequence(60));
    assert_numbers(&running.read(first.0), first.0, 200);
    let gone = running.journal.read(Sequence(1)).unwrap_err();
    assert!(
        matches!(gone, Error::Trimmed { first: kept, .. } if kept == first),
        "{gone}"
    );
    running.journal.trim(Sequence(200)).unwrap();
    running.append(201..=400);
    running.journal.trim(Sequence(400)).unwrap();
    until(|| running.journal.first() == Sequence(361));
    running.stop();
    let bytes: u64 = segments(folder.path())
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes <= 3 * SEGMENT_BYTES, "{bytes}");
    let again = Running::start(folder.path(), small());
    assert_numbers(
        &again.read(again.recovery.first.0),
        again.recovery.first.0,
        400,
    );
    again.stop();
}

#[test]
fn retention_by_age_drops_what_is_old_and_keeps_the_active_segment() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention {
        age: Some(Duration::from_secs(60)),
        bytes: None,
    };
    let running = Running::start(
        folder.path(),
        Config {
            retention,
            ..small()
        },
    );
    running.append(1..=100);
    running.clock.advance(Duration::from_secs(50));
    running.append(101..=150);
    running.clock.advance(Duration::from_secs(20));
    running.journal.trim(Sequence(150)).unwrap();
    let first = Sequence(91);
    until(|| running.journal.first() == first);
    running.clock.advance(Duration::from_secs(1_000));
    running.journal.trim(Sequence(151)).unwrap();
    until(|| running.journal.first() > first);
    running.append(151..=151);
    // The active segment stays, however old it is.
    assert_numbers(&running.read(151), 151, 151);
    running.stop();
}

#[test]
fn a_nearly_full_disk_takes_draining_work_only() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(
        folder.path(),
        Config {
            reserve_bytes: u64::MAX / 2,
            ..small()
        },
    );
    until(|| matches!(running.journal.state(), State::DrainOnly { .. }));
    let refused = running
        .journal
        .submit(vec![record(1)], Lane::Work)
        .unwrap_err();
    assert!(matches!(refused, Error::DrainOnly { .. }), "{refused}");
    // More than the active segment holds: the reserve is there to be used.
    for number in 1..=40 {
        running
            .journal
            .submit(vec![record(number)], Lane::Drain)
            .unwrap()
            .wait()
            .unwrap();
    }
    assert!(matches!(running.journal.state(), State::DrainOnly { .. }));
    running.stop();

    let roomy = Running::start(folder.path(), small());
    assert_eq!(roomy.journal.state(), State::Open);
    roomy.append(41..=60);
    assert_numbers(&roomy.read(1), 1, 60);
    roomy.stop();
}

#[test]
fn a_torn_end_is_cut_off_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), small());
    running.append(1..=5);
    running.stop();
    let path = segments(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap()
        .next_multiple_of(4096);
    bytes[end + 100..end + 5_000].fill(0xab);
    fs::write(&path, &bytes).unwrap();

    let disk = FolderDisk::open(folder.path()).unwrap();
    let before = verify(&disk).unwrap().torn.unwrap();
    assert_eq!((before.offset, before.bytes), (end as u64, 5_000));
    assert_eq!(fs::read(&path).unwrap(), bytes, "verifying changes nothing");
    let again = Running::start(folder.path(), small());
    assert_eq!(again.recovery.torn.as_ref(), Some(&before));
    again.append(6..=10);
    assert_numbers(&again.read(1), 1, 10);
    again.stop();
    assert_eq!(verify(&disk).unwrap().torn, None);
}

#[test]
fn a_dump_gives_what_was_appended_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), small());
    running.append(1..=100);
    running.stop();
    let disk = FolderDisk::open(folder.path()).unwrap();
    let mut entries = Vec::new();
    dump(&disk, Sequence(40), &mut |entry| {
        entries.push(entry);
        if entries.len() < 30 {
            std::ops::ControlFlow::Continue(())
        } else {
            std::ops::ControlFlow::Break(())
        }
    })
    .unwrap();
    assert_numbers(&entries, 40, 69);
}

#[tokio::test]
async fn many_writers_wait_for_room_and_all_are_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(
        folder.path(),
        Config {
            queue_bytes_max: 16 * 1024,
            ..small()
        },
    );
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..200 {
        let journal = running.journal.clone();
        writers.spawn(async move { journal.append(vec![record(number)], Lane::Work).await });
    }
    let mut sequences: Vec<u64> = writers
        .join_all()
        .await
        .into_iter()
        .map(|appended| appended.unwrap().start().0)
        .collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=200).collect::<Vec<_>>());
    running.journal.wait_durable(Sequence(200)).await.unwrap();
    running.stop();
}

#[tokio::test]
async fn what_nobody_waits_for_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), small());
    running.append(1..=1);
    drop(running.journal.submit(vec![record(2)], Lane::Work).unwrap());
    running.journal.wait_durable(Sequence(2)).await.unwrap();
    // Never looked at, but there is somebody who waits for a later one.
    let unseen = running.journal.submit(vec![record(3)], Lane::Work).unwrap();
    running.append(4..=4);
    assert_eq!(running.journal.durable(), Sequence(4));
    drop(unseen);
    assert_numbers(&running.read(1), 1, 4);
    running.stop();
}

#[tokio::test]
async fn writers_of_one_thread_share_frames() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), small());
    running.append(1..=1);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..100 {
        let journal = running.journal.clone();
        writers.spawn(async move { journal.append(vec![record(number)], Lane::Work).await });
    }
    for appended in writers.join_all().await {
        appended.unwrap();
    }
    running.stop();
    let verified = verify(&FolderDisk::open(folder.path()).unwrap()).unwrap();
    let frames: u64 = verified.segments.iter().map(|segment| segment.frames).sum();
    assert!(frames < 50, "{frames} frames for 101 records");
}

/// The segment files, in order.
fn segments(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut paths: Vec<_> = entries
        .filter(|path| name(path).starts_with("0000"))
        .collect();
    paths.sort();
    paths
}
