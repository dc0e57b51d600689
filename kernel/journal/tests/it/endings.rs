//! However a journal ends, nothing is written afterwards and nobody is left waiting.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use portique_clock::{SimulatedClock, Timestamp};
use portique_journal::{
    Config, Error, Journal, Lane, Opened, Sequence, SimulatedDisk, SimulatedFaults, State, Step,
    spawn,
};

use crate::fixture::{SEGMENT_BYTES, Wakes, open_on, poll, record, sized, small};
use crate::meddler::{Call, Meddler, Meddling};

/// What Linux says when a process has too many files open, and when a quota is used up.
const EMFILE: i32 = 24;
const EDQUOT: i32 = 122;
const SPARE: &str = "spare.segment";
/// Steps after which a journal that was closed or has failed must have ended.
const STEPS_MAX: usize = 100;

fn on(disk: &SimulatedDisk, config: Config) -> Opened {
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    open_on(Arc::new(disk.clone()), clock, config).unwrap()
}

fn ends(mut step: impl FnMut() -> Step) -> bool {
    (0..STEPS_MAX).any(|_| step() == Step::Done)
}

#[test]
fn a_close_ends_although_more_than_a_frame_waits_for_space() {
    // Room for the first segment and the store, and for no second one.
    let disk = SimulatedDisk::new(1, SEGMENT_BYTES + 3 * 4096);
    let Opened {
        journal,
        mut committer,
        ..
    } = on(&disk, small());
    let mut pending = Vec::new();
    for _ in 0..16 {
        pending.push(journal.submit(vec![sized(4_000)], Lane::Drain).unwrap());
    }
    for _ in 0..3 {
        assert_eq!(committer.step(), Step::Worked);
        for _ in 0..4 {
            pending.push(journal.submit(vec![sized(4_000)], Lane::Drain).unwrap());
        }
    }
    for _ in 0..STEPS_MAX {
        committer.step();
    }
    let (wakes, waker) = Wakes::new();
    let durable = journal.durable();
    pending.retain(|pending| *pending.sequences().end() > durable);
    for pending in &mut pending {
        assert!(poll(pending, &waker).is_pending());
    }
    let waiting = pending.len();
    assert!(waiting > 8, "several frames wait: {waiting}");
    journal.close();
    assert!(ends(|| committer.step()), "{:?}", journal.state());
    assert_eq!(wakes.count(), waiting, "everybody was woken");
    let State::Poisoned { reason } = journal.state() else {
        panic!("{:?}", journal.state());
    };
    assert!(
        reason.contains("not on the disk") && reason.contains("no space is left"),
        "{reason}"
    );
    for pending in &mut pending {
        let outcome = poll(pending, Waker::noop());
        assert!(matches!(outcome, Poll::Ready(Err(Error::Poisoned { .. }))));
    }
}

#[test]
fn a_failure_beside_the_writer_ends_the_writer() {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let Opened {
        journal,
        mut committer,
        ..
    } = on(&disk, small());
    // The first changes are the file of the next segment and the zeros in it.
    disk.arrange(SimulatedFaults {
        error_after: Some(1),
        ..SimulatedFaults::default()
    });
    assert!(ends(|| committer.step()), "{:?}", journal.state());
    assert!(matches!(journal.state(), State::Poisoned { .. }));
    let before = disk.files();
    journal.close();
    assert_eq!(committer.step(), Step::Done);
    assert_eq!(disk.files(), before, "nothing is written after a failure");
    assert!(matches!(journal.state(), State::Poisoned { .. }));
}

#[test]
fn a_panic_beside_the_writer_ends_the_journal() {
    let armed = Arc::new(AtomicBool::new(false));
    let trigger = armed.clone();
    let disk = Meddler::new(SimulatedDisk::new(1, u64::MAX), move |call, _| {
        assert!(call != Call::Create || !trigger.load(Ordering::Relaxed));
        Meddling::None
    });
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let opened = open_on(Arc::new(disk), clock, small()).unwrap();
    armed.store(true, Ordering::Relaxed);
    // It waits for what will never come, unless the end of the upkeep ends everything.
    let never = opened.journal.clone();
    let committer = spawn(opened.committer).unwrap();
    assert!(committer.join().is_err(), "the panic is not swallowed");
    let refused = never.submit(vec![record(1)], Lane::Work).unwrap_err();
    assert!(matches!(refused, Error::Poisoned { .. }), "{refused}");
}

#[test]
fn without_a_next_segment_this_one_is_used_to_its_last_sector() {
    let disk = SimulatedDisk::new(1, SEGMENT_BYTES + 3 * 4096);
    let Opened {
        journal,
        mut committer,
        ..
    } = on(&disk, small());
    for number in 1..=14 {
        let pending = journal.submit(vec![sized(4_000)], Lane::Drain).unwrap();
        assert_eq!(committer.step(), Step::Worked);
        assert_eq!(pending.wait().unwrap().start().0, number);
    }
    // One sector is left, and both come at once.
    let mut fits = journal.submit(vec![sized(4_000)], Lane::Drain).unwrap();
    let mut waits = journal.submit(vec![sized(4_000)], Lane::Drain).unwrap();
    for _ in 0..STEPS_MAX {
        committer.step();
    }
    assert!(matches!(poll(&mut fits, Waker::noop()), Poll::Ready(Ok(_))));
    assert!(poll(&mut waits, Waker::noop()).is_pending());
    disk.resize(u64::MAX);
    journal.close();
    assert!(ends(|| committer.step()));
}

/// Appends a few segments' worth of records on a disk that meddles, and says how the journal was
/// meanwhile.
fn roll_on(meddle: impl Fn(Call, &str) -> Meddling + Send + Sync + 'static) -> Vec<State> {
    let disk = Meddler::new(SimulatedDisk::new(1, u64::MAX), meddle);
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let opened = open_on(Arc::new(disk), clock.clone(), small()).unwrap();
    let (journal, mut committer) = (opened.journal, opened.committer);
    let mut states = Vec::new();
    for number in 1..=40 {
        let mut pending = journal.submit(vec![sized(4_000)], Lane::Drain).unwrap();
        let done = (0..STEPS_MAX).any(|_| {
            committer.step();
            clock.advance(Duration::from_millis(100));
            states.push(journal.state());
            poll(&mut pending, Waker::noop()).is_ready()
        });
        assert!(done, "record {number}: {:?}", journal.state());
        assert_eq!(journal.durable().0, number);
    }
    assert_eq!(journal.state(), State::Open);
    states.dedup();
    states
}

#[test]
fn a_lack_of_file_descriptors_passes() {
    let (opens, creates) = (AtomicU64::new(0), AtomicU64::new(0));
    let lack = || Meddling::Fail(io::Error::from_raw_os_error(EMFILE));
    let states = roll_on(move |call, _| match call {
        // The journal opens its first segment once, and what is left of an earlier run never.
        Call::Open if opens.fetch_add(1, Ordering::Relaxed) > 4 => Meddling::None,
        Call::Open if opens.load(Ordering::Relaxed) > 2 => lack(),
        Call::Create if (3..6).contains(&creates.fetch_add(1, Ordering::Relaxed)) => lack(),
        _ => Meddling::None,
    });
    assert_eq!(states, [State::Open]);
}

#[test]
fn beginning_a_segment_opens_no_file() {
    let states = roll_on(|call, name| match (call, name) {
        (Call::Open, SPARE) => Meddling::Fail(io::Error::from_raw_os_error(EMFILE)),
        _ => Meddling::None,
    });
    assert_eq!(states, [State::Open]);
}

#[test]
fn a_quota_is_a_full_disk() {
    let writes = AtomicU64::new(0);
    // The first segment is made of two writes under this name; the third fills the next one.
    let states = roll_on(move |call, name| match (call, name) {
        (Call::Write, "spare.preparing") if writes.fetch_add(1, Ordering::Relaxed) == 2 => {
            Meddling::Fail(io::Error::from_raw_os_error(EDQUOT))
        }
        _ => Meddling::None,
    });
    let drained = |state: &State| matches!(state, State::DrainOnly { .. });
    assert!(states.iter().any(drained), "{states:?}");
}

#[test]
fn everybody_who_waits_is_woken_when_it_is_over() {
    type End = fn(&SimulatedDisk, &Journal);
    let fail: End = |disk, _| {
        disk.arrange(SimulatedFaults {
            error_after: Some(0),
            ..SimulatedFaults::default()
        });
    };
    let close: End = |_, journal| journal.close();
    for end in [fail, close] {
        let disk = SimulatedDisk::new(1, u64::MAX);
        let Opened {
            journal,
            mut committer,
            ..
        } = on(&disk, small());
        // More than the queue takes, so that the last one waits for room.
        let mut appends: Vec<_> = (0..17)
            .map(|_| Box::pin(journal.append(vec![sized(4_000)], Lane::Work)))
            .collect();
        let mut durable = Box::pin(journal.wait_durable(Sequence(1_000)));
        let wakes: Vec<_> = (0..18).map(|_| Wakes::new()).collect();
        for (append, (_, waker)) in appends.iter_mut().zip(&wakes) {
            assert!(poll(append, waker).is_pending());
        }
        assert!(poll(&mut durable, &wakes[17].1).is_pending());
        end(&disk, &journal);
        assert!(ends(|| committer.step()), "{:?}", journal.state());
        for (index, (wakes, _)) in wakes.iter().enumerate() {
            assert!(
                wakes.count() > 0,
                "{index} sleeps on: {:?}",
                journal.state()
            );
        }
        for append in &mut appends {
            assert!(poll(append, Waker::noop()).is_ready());
        }
        let durable = poll(&mut durable, Waker::noop());
        assert!(matches!(durable, Poll::Ready(Err(_))));
    }
}

#[test]
fn an_append_that_is_cancelled_is_not_woken_and_its_records_stay() {
    let disk = SimulatedDisk::new(1, u64::MAX);
    let Opened {
        journal,
        mut committer,
        ..
    } = on(&disk, small());
    let (wakes, waker) = Wakes::new();
    {
        let mut append = Box::pin(journal.append(vec![sized(100)], Lane::Work));
        assert!(poll(&mut append, &waker).is_pending());
    }
    let mut waits = Box::pin(journal.wait_durable(Sequence(1)));
    let (woken, waker) = Wakes::new();
    assert!(poll(&mut waits, &waker).is_pending());
    assert_eq!(committer.step(), Step::Worked);
    assert_eq!((wakes.count(), woken.count()), (0, 1));
    assert!(matches!(poll(&mut waits, &waker), Poll::Ready(Ok(()))));
}
