//! Waiting for room in the queue, and for space on the disk.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use portique_clock::{SimulatedClock, Timestamp};
use portique_journal::{Error, Journal, Lane, Opened, Pending, SimulatedDisk, State, Step};

use crate::fixture::{SEGMENT_BYTES, Wakes, open_on, poll, sized, small};

/// The first segment, the store and a folder's worth of nothing: no second segment.
const ONE_SEGMENT: u64 = SEGMENT_BYTES + 3 * 4096;
const STEPS_MAX: usize = 100;

fn on(disk: &SimulatedDisk) -> (Opened, Arc<SimulatedClock>) {
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let opened = open_on(Arc::new(disk.clone()), clock.clone(), small()).unwrap();
    (opened, clock)
}

/// Submits until the queue is full, and says how many bytes found no room.
fn fill(journal: &Journal, pending: &mut Vec<Pending>) -> usize {
    loop {
        match journal.submit(vec![sized(4_000)], Lane::Drain) {
            Ok(accepted) => pending.push(accepted),
            Err(Error::Full { wanted_bytes, .. }) => return wanted_bytes,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn room_that_came_before_the_wait_is_not_missed() {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let (opened, _clock) = on(&disk);
    let (journal, mut committer) = (opened.journal, opened.committer);
    let wanted_bytes = fill(&journal, &mut Vec::new());
    assert_eq!(committer.step(), Step::Worked);
    let mut room = pin!(journal.room(Lane::Work, wanted_bytes));
    assert!(matches!(
        poll(&mut room, Waker::noop()),
        Poll::Ready(Ok(()))
    ));
}

#[test]
fn a_wait_for_room_is_woken_by_a_commit() {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let (opened, _clock) = on(&disk);
    let (journal, mut committer) = (opened.journal, opened.committer);
    let wanted_bytes = fill(&journal, &mut Vec::new());
    let (wakes, waker) = Wakes::new();
    let mut room = pin!(journal.room(Lane::Work, wanted_bytes));
    let mut append = pin!(journal.append(vec![sized(4_000)], Lane::Work));
    assert!(poll(&mut room, &waker).is_pending());
    assert!(poll(&mut append, &waker).is_pending());
    assert_eq!(committer.step(), Step::Worked);
    assert_eq!(wakes.count(), 2);
    assert!(matches!(poll(&mut room, &waker), Poll::Ready(Ok(()))));
    assert!(poll(&mut append, &waker).is_pending(), "it is queued now");
}

#[test]
fn a_wait_for_room_ends_when_the_disk_is_full() {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let (opened, clock) = on(&disk);
    let (journal, mut committer) = (opened.journal, opened.committer);
    assert_eq!(journal.state(), State::Open);
    disk.resize(ONE_SEGMENT);
    let mut pending = Vec::new();
    let mut wanted_bytes = fill(&journal, &mut pending);
    // Until the writer has nowhere to write: the queue is full then.
    while committer_works(&journal, &mut committer) {
        wanted_bytes = fill(&journal, &mut pending);
    }
    let refused = journal.submit(vec![sized(4_000)], Lane::Drain).unwrap_err();
    assert!(refused.to_string().contains("reserve"), "{refused}");
    assert!(matches!(refused, Error::Starved { .. }), "{refused}");
    let mut room = pin!(journal.room(Lane::Drain, wanted_bytes));
    let outcome = poll(&mut room, Waker::noop());
    assert!(matches!(outcome, Poll::Ready(Err(Error::Starved { .. }))));

    disk.resize(u64::MAX);
    clock.advance(Duration::from_secs(2));
    for _ in 0..STEPS_MAX {
        committer.step();
    }
    assert_eq!(journal.state(), State::Open);
    let last = pending.last().unwrap();
    assert_eq!(journal.durable(), *last.sequences().end());
    let _pending = journal.submit(vec![sized(4_000)], Lane::Work).unwrap();
}

/// Steps once beside two waits for room; when that does not write, they must have been woken, and
/// end.
fn committer_works(journal: &Journal, committer: &mut portique_journal::Committer) -> bool {
    let (wakes, waker) = Wakes::new();
    let mut work = pin!(journal.append(vec![sized(4_000)], Lane::Work));
    let mut drain = pin!(journal.append(vec![sized(4_000)], Lane::Drain));
    assert!(poll(&mut work, &waker).is_pending());
    assert!(poll(&mut drain, &waker).is_pending());
    let before = journal.durable();
    committer.step();
    assert!(wakes.count() >= 2);
    if journal.durable() > before {
        return true;
    }
    // What the writer took to its next frame left room for one of them.
    for _ in 0..STEPS_MAX {
        committer.step();
    }
    let work = poll(&mut work, &waker);
    assert!(matches!(work, Poll::Ready(Err(Error::DrainOnly { .. }))));
    let drain = poll(&mut drain, &waker);
    assert!(matches!(drain, Poll::Ready(Err(Error::Starved { .. }))));
    false
}

#[test]
fn a_disk_without_room_is_known_before_the_first_record() {
    let disk = SimulatedDisk::new(1, ONE_SEGMENT);
    let (opened, _clock) = on(&disk);
    let refused = opened
        .journal
        .submit(vec![sized(1)], Lane::Work)
        .unwrap_err();
    assert!(matches!(refused, Error::DrainOnly { .. }), "{refused}");
}

#[test]
fn a_wait_for_room_that_is_dropped_is_forgotten() {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let (opened, _clock) = on(&disk);
    let (journal, mut committer) = (opened.journal, opened.committer);
    fill(&journal, &mut Vec::new());
    let (wakes, waker) = Wakes::new();
    {
        let mut append = pin!(journal.append(vec![sized(4_000)], Lane::Work));
        assert!(poll(&mut append, &waker).is_pending());
    }
    assert_eq!(committer.step(), Step::Worked);
    assert_eq!(wakes.count(), 0);
}
