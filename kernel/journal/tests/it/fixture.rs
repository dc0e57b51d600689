use std::future::Future;
use std::ops::RangeInclusive;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_journal::{
    Config, Disk, Entry, Error, FolderDisk, Journal, Lane, Opened, Record, Recovery, Sequence,
};

/// Small enough that a test rolls over many segments.
pub(crate) const SEGMENT_BYTES: u64 = 64 * 1024;

pub(crate) fn small() -> Config {
    Config {
        segment_bytes: SEGMENT_BYTES,
        frame_bytes_max: 16 * 1024,
        queue_bytes_max: 64 * 1024,
        reserve_bytes: 0,
        idle_watermark: Duration::from_millis(5),
        ..Config::default()
    }
}

/// The record of a number: its length and bytes follow from it.
pub(crate) fn record(number: u64) -> Record {
    let bytes = usize::try_from(number * 37 % 900).unwrap();
    let body: Vec<u8> = number
        .to_le_bytes()
        .into_iter()
        .cycle()
        .take(bytes)
        .collect();
    Record {
        kind: u8::try_from(number % 251).unwrap(),
        body: Bytes::from(body),
    }
}

/// A record whose body has as many bytes.
pub(crate) fn sized(bytes: usize) -> Record {
    Record {
        kind: 0,
        body: Bytes::from(vec![7; bytes]),
    }
}

/// How often a waker was woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

pub(crate) fn open_on(
    disk: Arc<dyn Disk>,
    clock: Arc<SimulatedClock>,
    config: Config,
) -> Result<Opened, Error> {
    Journal::open(config, disk, clock, &mut Seeded::new(1))
}

/// A journal on a folder, with its committer on a thread.
pub(crate) struct Running {
    pub(crate) journal: Journal,
    pub(crate) recovery: Recovery,
    pub(crate) clock: Arc<SimulatedClock>,
    committer: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(folder: &Path, config: Config) -> Self {
        Self::try_start(folder, config).unwrap()
    }

    pub(crate) fn try_start(folder: &Path, config: Config) -> Result<Self, Error> {
        let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000)));
        let disk = Arc::new(FolderDisk::open(folder).unwrap());
        let Opened {
            journal,
            committer,
            recovery,
        } = open_on(disk, clock.clone(), config)?;
        let committer = portique_journal::spawn(committer).unwrap();
        Ok(Self {
            journal,
            recovery,
            clock,
            committer,
        })
    }

    /// Appends the records of these numbers one by one, each durable before the next.
    pub(crate) fn append(&self, numbers: RangeInclusive<u64>) {
        for number in numbers {
            let pending = self
                .journal
                .submit(vec![record(number)], Lane::Work)
                .unwrap();
            let sequences = pending.wait().unwrap();
            assert_eq!(sequences, Sequence(number)..=Sequence(number));
        }
    }

    pub(crate) fn read(&self, from: u64) -> Vec<Entry> {
        self.journal
            .read(Sequence(from))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }

    pub(crate) fn stop(self) {
        self.journal.close();
        self.committer.join().unwrap();
    }
}

/// Asserts that the entries are those of the numbers `from..=to`, whole and in order.
pub(crate) fn assert_numbers(entries: &[Entry], from: u64, to: u64) {
    let sequences: Vec<u64> = entries.iter().map(|entry| entry.sequence.0).collect();
    assert_eq!(sequences, (from..=to).collect::<Vec<_>>());
    for entry in entries {
        let Record { kind, body } = record(entry.sequence.0);
        assert_eq!(
            (entry.kind, &entry.body),
            (kind, &body),
            "record {}",
            entry.sequence
        );
    }
}
