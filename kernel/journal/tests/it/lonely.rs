//! Who waits alone writes: what happens when that fails, panics or is the last write, on a
//! committer that sleeps on its own thread.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portique_clock::{SimulatedClock, Timestamp};
use portique_journal::{Error, Journal, Lane, Sequence, SimulatedDisk, State, spawn};

use crate::fixture::{assert_numbers, open_on, record, small};
use crate::meddler::{Call, Meddler, Meddling};

/// Records after which somebody who waits alone must have written one.
const TRIES_MAX: u64 = 10_000;
/// Whoever is not woken within this is never woken.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens once to the first call of a kind that comes from a thread that waits.
type Trap = Box<dyn FnOnce() -> Meddling + Send>;

/// A journal whose committer runs, on a disk with a trap.
struct Alone {
    journal: Journal,
    disk: SimulatedDisk,
    clock: Arc<SimulatedClock>,
    committer: JoinHandle<()>,
    trap: Arc<Mutex<Option<(Call, Trap)>>>,
    /// Writes of frames by others than the committer.
    lonely: Arc<AtomicU64>,
    /// Records submitted and acknowledged.
    acknowledged: u64,
}

impl Alone {
    fn start() -> Self {
        let disk = SimulatedDisk::new(1, u64::MAX);
        let trap: Arc<Mutex<Option<(Call, Trap)>>> = Arc::default();
        let lonely: Arc<AtomicU64> = Arc::default();
        let meddle = {
            let (trap, lonely) = (trap.clone(), lonely.clone());
            move |call, _: &str| {
                let is_lonely = !thread::current()
                    .name()
                    .is_some_and(|name| name.starts_with("journal-"));
                if !is_lonely {
                    return Meddling::None;
                }
                lonely.fetch_add(u64::from(call == Call::Write), Ordering::SeqCst);
                let armed = trap.lock().unwrap().take_if(|(at, _)| *at == call);
                armed.map_or(Meddling::None, |(_, trap)| trap())
            }
        };
        let meddler = Arc::new(Meddler::new(disk.clone(), meddle));
        let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
        let opened = open_on(meddler, clock.clone(), small()).unwrap();
        // Opening writes too.
        lonely.store(0, Ordering::SeqCst);
        Self {
            journal: opened.journal,
            disk,
            clock,
            committer: spawn(opened.committer).unwrap(),
            trap,
            lonely,
            acknowledged: 0,
        }
    }

    fn lonely(&self) -> u64 {
        self.lonely.load(Ordering::SeqCst)
    }

    /// Appends one record after the other, until somebody who waits writes and `trap` happens to
    /// it; gives what that one was told.
    fn until_trapped(
        &mut self,
        call: Call,
        trap: impl FnOnce() -> Meddling + Send + 'static,
    ) -> thread::Result<Result<(), Error>> {
        *self.trap.lock().unwrap() = Some((call, Box::new(trap)));
        for _ in 0..TRIES_MAX {
            let number = self.acknowledged + 1;
            let pending = self
                .journal
                .submit(vec![record(number)], Lane::Work)
                .unwrap();
            let told = catch_unwind(AssertUnwindSafe(|| pending.wait().map(drop)));
            if matches!(told, Ok(Ok(()))) {
                self.acknowledged = number;
            }
            if self.trap.lock().unwrap().is_none() {
                return told;
            }
        }
        panic!("nobody who waited alone wrote");
    }

    /// Somebody else who waits, for a record that is far away.
    fn bystander(&self) -> mpsc::Receiver<Result<(), Error>> {
        let journal = self.journal.clone();
        let (told, hears) = mpsc::sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        thread::spawn(move || {
            let waited = runtime.block_on(journal.wait_durable(Sequence(TRIES_MAX * 2)));
            _ = told.send(waited);
        });
        hears
    }

    /// Nobody sleeps on, the next one hears of it, and what was acknowledged is there, no more.
    fn assert_poisoned(self, bystander: &mpsc::Receiver<Result<(), Error>>, why: &str) {
        let State::Poisoned { reason } = self.journal.state() else {
            panic!("{:?}", self.journal.state());
        };
        assert!(reason.contains(why), "{reason}");
        let woken = bystander.recv_timeout(PATIENCE).expect("it sleeps on");
        assert!(matches!(woken, Err(Error::Poisoned { .. })), "{woken:?}");
        let next = self.journal.submit(vec![record(0)], Lane::Drain);
        assert!(matches!(next, Err(Error::Poisoned { .. })), "{next:?}");
        assert_eq!(self.journal.durable(), Sequence(self.acknowledged));
        let before = self.disk.files();
        self.ends();
        assert_eq!(self.disk.files(), before, "nothing is written any more");
        self.disk.restart_after_power_cut();
        self.assert_there(self.acknowledged + 1);
    }

    /// The committer's thread comes to its end.
    fn ends(&self) {
        let (told, hears) = mpsc::sync_channel(1);
        // Of the committer's own end the handle would tell only by waiting for ever.
        let journal = self.journal.clone();
        thread::spawn(move || {
            while !matches!(journal.state(), State::Poisoned { .. } | State::Closed) {
                thread::park_timeout(Duration::from_millis(1));
            }
            _ = told.send(());
        });
        hears
            .recv_timeout(PATIENCE)
            .expect("the journal never ends");
        let deadline = Instant::now() + PATIENCE;
        while !self.committer.is_finished() {
            assert!(Instant::now() < deadline, "the committer stays");
            thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// After a restart all that was acknowledged is there, and at most `most` records.
    fn assert_there(&self, most: u64) {
        let opened = open_on(Arc::new(self.disk.clone()), self.clock.clone(), small()).unwrap();
        let last = opened.recovery.last.0;
        assert!((self.acknowledged..=most).contains(&last), "{last}");
        let entries: Result<Vec<_>, _> = opened.journal.read(Sequence(1)).unwrap().collect();
        assert_numbers(&entries.unwrap(), 1, last);
    }
}

#[test]
fn a_write_that_fails_is_told_to_everybody() {
    let mut alone = Alone::start();
    let bystander = alone.bystander();
    let fails = || Meddling::Fail(io::Error::other("the disk is gone"));
    let told = alone.until_trapped(Call::Write, fails).unwrap();
    assert!(matches!(told, Err(Error::Poisoned { .. })), "{told:?}");
    alone.assert_poisoned(&bystander, "the disk is gone");
}

#[test]
fn a_sync_that_fails_acknowledges_nothing() {
    let mut alone = Alone::start();
    let bystander = alone.bystander();
    let fails = || Meddling::Fail(io::Error::other("what was written is in doubt"));
    let told = alone.until_trapped(Call::Sync, fails).unwrap();
    assert!(matches!(told, Err(Error::Poisoned { .. })), "{told:?}");
    alone.assert_poisoned(&bystander, "what was written is in doubt");
}

#[test]
fn a_panic_of_who_writes_ends_the_journal_for_all() {
    for call in [Call::Write, Call::Sync] {
        let mut alone = Alone::start();
        let bystander = alone.bystander();
        let told = alone.until_trapped(call, || panic!("on purpose"));
        assert!(told.is_err(), "the panic is not swallowed: {told:?}");
        alone.ends();
        alone.assert_poisoned(&bystander, "the committer stopped");
    }
}

#[test]
fn a_close_while_somebody_writes_waits_for_it() {
    for call in [Call::Write, Call::Sync] {
        let mut alone = Alone::start();
        let bystander = alone.bystander();
        let journal = alone.journal.clone();
        let closes = move || {
            journal.close();
            Meddling::None
        };
        alone.until_trapped(call, closes).unwrap().unwrap();
        alone.ends();
        assert_eq!(alone.journal.state(), State::Closed);
        let woken = bystander.recv_timeout(PATIENCE).expect("it sleeps on");
        assert!(matches!(woken, Err(Error::Closed)), "{woken:?}");
        alone.assert_there(alone.acknowledged);
    }
}

#[test]
fn a_close_before_anybody_writes_makes_it_durable() {
    let mut alone = Alone::start();
    alone
        .until_trapped(Call::Write, || Meddling::None)
        .unwrap()
        .unwrap();
    let number = alone.acknowledged + 1;
    let pending = alone
        .journal
        .submit(vec![record(number)], Lane::Work)
        .unwrap();
    alone.journal.close();
    alone.ends();
    assert_eq!(pending.wait().unwrap(), Sequence(number)..=Sequence(number));
    alone.acknowledged = number;
    alone.assert_there(number);
}

#[test]
fn a_disk_that_became_slow_is_left_to_the_committer() {
    let mut alone = Alone::start();
    for _ in 0..3 {
        let clock = alone.clock.clone();
        let stalls = move || {
            clock.advance(Duration::from_millis(10));
            Meddling::None
        };
        alone.until_trapped(Call::Sync, stalls).unwrap().unwrap();
        if alone.lonely() > 0 {
            break;
        }
    }
    // One stall of 10 ms makes an average of 625 us, which a few fast writes bring down again.
    let before = alone.lonely();
    let number = alone.acknowledged + 1;
    let pending = alone
        .journal
        .submit(vec![record(number)], Lane::Work)
        .unwrap();
    pending.wait().unwrap();
    assert_eq!(alone.lonely(), before);
    alone.journal.close();
    alone.ends();
}
