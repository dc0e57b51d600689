//! Many short lives of a journal on a disk that fails: what was acknowledged is there, byte for
//! byte, and nothing that was never submitted.
//!
//! Every other seed lets whoever waits alone write, as beside a committer on a thread.
//!
//! `PORTIQUE_SIMULATION_SEEDS` says how many seeds, `PORTIQUE_SIMULATION_SEED` which first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use portique_clock::{Random, Seeded, SimulatedClock, Timestamp};
use portique_journal::{
    Config, Disk, Entry, Error, Journal, Lane, Opened, Pending, Record, Retention, Sequence,
    SimulatedDisk, SimulatedFaults, State, Step,
};

/// As many as fit in a few seconds of an unoptimised build.
const SEEDS: u64 = 400;
const LIVES: u64 = 8;
const ACTIONS_MAX: u64 = 60;
const SEGMENT_BYTES: u64 = 32 * 1024;
/// Steps after which a journal that is closed must have ended.
const STEPS_MAX: u64 = 10_000;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_invented() {
    let first = variable("PORTIQUE_SIMULATION_SEED").unwrap_or(1);
    let seeds = variable("PORTIQUE_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let mut told = Told::default();
    for seed in first..first + seeds {
        let run = catch_unwind(AssertUnwindSafe(|| Run::new(seed).live(&mut told)));
        assert!(
            run.is_ok(),
            "seed {seed}: run again with PORTIQUE_SIMULATION_SEED={seed}"
        );
    }
    // The simulation must reach what it is for; a single seed need not.
    if seeds >= SEEDS {
        assert!(
            told.torn > 0 && told.refused > 0 && told.poisoned > 0,
            "{told:?}"
        );
        assert!(
            told.lonely > 0 && told.lonely_failures > 0 && told.unwaited > 0,
            "{told:?}"
        );
        assert!(
            told.drained > 0 && told.starved > 0 && told.trimmed > 0 && told.failed_opens > 0,
            "{told:?}"
        );
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

/// What the seeds came across.
#[derive(Debug, Default)]
struct Told {
    torn: u64,
    refused: u64,
    poisoned: u64,
    drained: u64,
    starved: u64,
    trimmed: u64,
    failed_opens: u64,
    /// Records that whoever waited for them wrote.
    lonely: u64,
    /// Journals that ended by such a write.
    lonely_failures: u64,
    /// Calls that nobody waited for any more.
    unwaited: u64,
}

/// One disk and what the caller knows of it.
struct Run {
    random: Seeded,
    disk: SimulatedDisk,
    clock: Arc<SimulatedClock>,
    config: Config,
    /// Every record submitted, the first being sequence 1; those that were lost are cut off.
    submitted: Vec<Record>,
    /// The last sequence of each call.
    ends: Vec<u64>,
    acknowledged: u64,
    floor: u64,
    /// The files a bit of which was flipped.
    damaged: Vec<String>,
    /// Whether who waits alone writes.
    waiters_write: bool,
}

enum Ending {
    Failed,
    Closed,
    /// Stopped while all was quiet, so that every frame but the last empty one is covered.
    Quiet,
    Busy,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let segments = if random.below(3) == 0 {
            4 + random.below(4)
        } else {
            1_000
        };
        let retention = match random.below(3) {
            0 => Retention {
                bytes: Some(3 * SEGMENT_BYTES),
                age: None,
            },
            1 => Retention {
                bytes: None,
                age: Some(Duration::from_millis(200)),
            },
            _ => Retention::default(),
        };
        let config = Config {
            segment_bytes: SEGMENT_BYTES,
            frame_bytes_max: 16 * 1024,
            frame_records_max: 64,
            queue_bytes_max: 32 * 1024,
            reserve_bytes: SEGMENT_BYTES,
            retention,
            idle_watermark: Duration::from_millis(5),
        };
        Self {
            disk: SimulatedDisk::new(random.next_u64(), segments * SEGMENT_BYTES),
            random,
            clock: Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000))),
            config,
            submitted: Vec::new(),
            ends: vec![0],
            acknowledged: 0,
            floor: 0,
            damaged: Vec::new(),
            waiters_write: seed.is_multiple_of(2),
        }
    }

    fn live(&mut self, told: &mut Told) {
        for _ in 0..LIVES {
            self.arrange();
            let opened = self.open();
            let ending = match opened {
                Ok(opened) => {
                    told.torn += u64::from(opened.recovery.torn.is_some());
                    self.check_recovered(&opened);
                    self.act(opened, told)
                }
                Err(error) if self.disk.has_failed() => {
                    assert!(matches!(error, Error::Io { .. }), "{error}");
                    told.failed_opens += 1;
                    Ending::Failed
                }
                Err(error) => {
                    assert!(self.names_a_damaged_file(&error), "{error}");
                    told.refused += 1;
                    return;
                }
            };
            self.end(&ending);
        }
    }

    fn arrange(&mut self) {
        let within = [5, 40, 400][self.random.below(3) as usize];
        let after = Some(self.random.below(within));
        let faults = match self.random.below(5) {
            0 => SimulatedFaults::default(),
            4 => {
                self.disk.fail_read_after(self.random.below(within));
                SimulatedFaults::default()
            }
            1 => SimulatedFaults {
                error_after: after,
                ..SimulatedFaults::default()
            },
            _ => SimulatedFaults {
                power_cut_after: after,
                ..SimulatedFaults::default()
            },
        };
        self.disk.arrange(faults);
    }

    fn open(&mut self) -> Result<Opened, Error> {
        let disk = Arc::new(self.disk.clone());
        Journal::open(
            self.config.clone(),
            disk,
            self.clock.clone(),
            &mut self.random,
        )
    }

    fn check_recovered(&mut self, opened: &Opened) {
        let last = opened.recovery.last.0;
        let submitted = self.submitted.len() as u64;
        assert!(
            last >= self.acknowledged,
            "{last} of {} acknowledged",
            self.acknowledged
        );
        assert!(last <= submitted, "{last} of {submitted} submitted");
        assert!(self.ends.contains(&last), "{last} cuts a call in two");
        self.submitted.truncate(last as usize);
        self.ends.retain(|end| *end <= last);
        self.acknowledged = last;
        let first = opened.journal.first().0;
        assert!(
            first <= self.floor.max(1),
            "{first} was not released: {}",
            self.floor
        );
        self.check_read(&opened.journal, first);
    }

    fn check_read(&self, journal: &Journal, from: u64) {
        let durable = journal.durable().0;
        let mut next = from;
        for entry in journal.read(Sequence(from)).unwrap() {
            match entry {
                Ok(entry) => self.check_entry(&entry, next),
                Err(_) if self.disk.has_failed() => return,
                Err(error) => {
                    assert!(self.names_a_damaged_file(&error), "{error}");
                    return;
                }
            }
            next += 1;
        }
        assert_eq!(
            next,
            (durable + 1).max(from),
            "reading ends at the watermark"
        );
    }

    fn check_entry(&self, entry: &Entry, sequence: u64) {
        assert_eq!(entry.sequence.0, sequence);
        let Record { kind, body } = &self.submitted[sequence as usize - 1];
        assert_eq!(
            (entry.kind, &entry.body),
            (*kind, body),
            "record {sequence}"
        );
    }

    fn act(&mut self, opened: Opened, told: &mut Told) -> Ending {
        let Opened {
            journal,
            mut committer,
            ..
        } = opened;
        if self.waiters_write {
            committer.let_waiters_write();
        }
        let mut pending: Vec<Pending> = Vec::new();
        for _ in 0..self.random.below(ACTIONS_MAX) {
            match self.random.below(10) {
                0..4 => pending.extend(self.submit(&journal, told)),
                4..8 if self.waiters_write && committer.may_sleep() => {
                    self.go_away(&mut pending, told);
                }
                4..8 => drop(committer.step()),
                8 => self
                    .clock
                    .advance(Duration::from_millis(self.random.below(50))),
                _ => self.look(&journal),
            }
            self.check_pending(&journal, &mut pending, told);
        }
        told.trimmed += u64::from(journal.first() > Sequence::FIRST);
        match journal.state() {
            State::Poisoned { reason } => {
                assert!(self.disk.has_failed(), "{reason}");
                told.poisoned += 1;
                assert_eq!(committer.step(), Step::Done, "nothing is written any more");
                assert!(pending.is_empty(), "{reason}, and somebody waits");
                return Ending::Failed;
            }
            State::Closed => panic!("nobody closed it"),
            State::Open | State::DrainOnly { .. } => {}
        }
        let ending = match self.random.below(3) {
            0 => Ending::Busy,
            1 => {
                journal.close();
                Ending::Closed
            }
            _ => Ending::Quiet,
        };
        let settled = match ending {
            Ending::Busy => true,
            _ => self.settle(|| committer.step()),
        };
        self.check_pending(&journal, &mut pending, told);
        if matches!(ending, Ending::Closed) {
            assert!(
                settled,
                "a closed journal does not end: {:?}",
                journal.state()
            );
            assert_eq!(committer.step(), Step::Done, "{:?}", journal.state());
            assert!(pending.is_empty(), "closed, and somebody waits");
        }
        let starved = matches!(
            journal.state(),
            State::DrainOnly { .. } | State::Poisoned { .. }
        );
        if self.disk.has_failed() || starved {
            return Ending::Failed;
        }
        assert!(settled, "the journal does not come to rest");
        if !matches!(ending, Ending::Busy) {
            assert!(pending.is_empty(), "accepted, at rest, and not durable");
        }
        ending
    }

    /// Steps until there is nothing to do any more.
    fn settle(&self, mut step: impl FnMut() -> Step) -> bool {
        let mut idle = 0;
        for _ in 0..STEPS_MAX {
            match step() {
                Step::Worked => idle = 0,
                Step::Idle(_) => idle += 1,
                Step::Done => return true,
            }
            self.clock.advance(Duration::from_millis(1));
            if idle > 20 {
                return true;
            }
        }
        false
    }

    fn submit(&mut self, journal: &Journal, told: &mut Told) -> Option<Pending> {
        let records: Vec<Record> = (0..=self.random.below(6))
            .map(|_| random_record(&mut self.random))
            .collect();
        let lane = if self.random.below(4) == 0 {
            Lane::Drain
        } else {
            Lane::Work
        };
        match journal.submit(records.clone(), lane) {
            Ok(pending) => {
                assert_eq!(
                    pending.sequences().start().0,
                    self.submitted.len() as u64 + 1
                );
                self.submitted.extend(records);
                self.ends.push(self.submitted.len() as u64);
                Some(pending)
            }
            Err(Error::Full { .. } | Error::TooLarge { .. }) => None,
            Err(Error::DrainOnly { .. }) => {
                assert_eq!(lane, Lane::Work);
                told.drained += 1;
                None
            }
            Err(Error::Starved { .. }) => {
                told.starved += 1;
                None
            }
            Err(error) => {
                assert!(self.disk.has_failed(), "{error}");
                None
            }
        }
    }

    /// Now and then somebody no longer waits; the records stay.
    fn go_away(&mut self, pending: &mut Vec<Pending>, told: &mut Told) {
        if !pending.is_empty() && self.random.below(4) == 0 {
            let at = self.random.below(pending.len() as u64) as usize;
            drop(pending.swap_remove(at));
            told.unwaited += 1;
        }
    }

    fn look(&mut self, journal: &Journal) {
        let (first, durable) = (journal.first().0, journal.durable().0);
        match self.random.below(3) {
            0 => {
                let floor = self.random.below(durable + 1);
                if journal.trim(Sequence(floor)).is_ok() {
                    self.floor = self.floor.max(floor);
                }
            }
            _ => {
                let from = first + self.random.below(durable + 2 - first);
                self.check_read(journal, from);
            }
        }
    }

    fn check_pending(&mut self, journal: &Journal, pending: &mut Vec<Pending>, told: &mut Told) {
        let before = journal.durable().0;
        let was_open = !has_ended(journal);
        let mut context = Context::from_waker(Waker::noop());
        pending.retain_mut(|pending| {
            let last = pending.sequences().end().0;
            let polled = Pin::new(pending).poll(&mut context);
            // Looking at it may have written it, or failed to.
            let (durable, ended) = (journal.durable().0, has_ended(journal));
            match polled {
                Poll::Ready(Ok(_)) => assert!(last <= durable, "{last} acknowledged too early"),
                Poll::Ready(Err(_)) => assert!(ended && last > durable),
                Poll::Pending => {
                    assert!(!ended && last > durable);
                    return true;
                }
            }
            false
        });
        let durable = journal.durable().0;
        assert!(durable <= self.submitted.len() as u64);
        assert!(self.waiters_write || durable == before);
        told.lonely += durable - before;
        told.lonely_failures += u64::from(was_open && has_ended(journal));
        self.acknowledged = self.acknowledged.max(durable);
    }

    fn end(&mut self, ending: &Ending) {
        if self.random.below(4) == 0 {
            self.disk.restart_after_kill();
        } else {
            self.disk.restart_after_power_cut();
        }
        if matches!(ending, Ending::Closed | Ending::Quiet) && self.random.below(4) == 0 {
            self.damage();
        }
    }

    /// Flips one bit somewhere.
    fn damage(&mut self) {
        let files = self.disk.files();
        let at = self.random.below(files.len() as u64) as usize;
        let (name, bytes) = files.iter().nth(at).unwrap();
        if !bytes.is_empty() {
            let byte = self.random.below(bytes.len() as u64) as usize;
            self.disk.flip(name, byte, self.random.below(8) as u8);
            self.damaged.push(name.clone());
        }
    }

    fn names_a_damaged_file(&self, error: &Error) -> bool {
        match error {
            Error::Corrupt { path, .. }
            | Error::Foreign { path, .. }
            | Error::Version { path, .. } => {
                let is_it = |name: &String| *path == self.disk.path(name);
                self.damaged.iter().any(is_it)
            }
            _ => false,
        }
    }
}

fn has_ended(journal: &Journal) -> bool {
    matches!(journal.state(), State::Poisoned { .. } | State::Closed)
}

fn random_record(random: &mut Seeded) -> Record {
    let bytes = [0, 10, 300, 3_000][random.below(4) as usize];
    let bytes = random.below(bytes + 1);
    let zeros = random.below(8) == 0;
    let body: Vec<u8> = (0..bytes)
        .map(|_| if zeros { 0 } else { random.below(256) as u8 })
        .collect();
    Record {
        kind: random.below(256) as u8,
        body: Bytes::from(body),
    }
}
