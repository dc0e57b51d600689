//! A shell around the machine: a journal in memory, and starts from it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use portique_clock::Timestamp;
use portique_jobs::{Fact, JobId, JobRecord, Machine, Now};

/// A record of the journal.
#[derive(Debug, Clone)]
enum Record {
    /// A start, with its epoch.
    Opened(u64),
    Fact(u8, Bytes),
}

/// The machine, its journal and its time.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) machine: Machine,
    pub(crate) now: Now,
    epoch: u64,
    journal: BTreeMap<u64, Record>,
    /// The last checkpoint, and the sequence of the first record after it.
    checkpoint: Option<(Vec<Bytes>, u64)>,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let now = Now {
            wall: "2026-03-01T00:00:00Z".parse().unwrap(),
            monotonic: Duration::ZERO,
        };
        let mut shell = Self {
            machine: Machine::new(),
            now,
            epoch: 0,
            journal: BTreeMap::new(),
            checkpoint: None,
        };
        shell.open();
        shell
    }

    pub(crate) fn wall(&self) -> Timestamp {
        self.now.wall
    }

    /// The sequence of the next record.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.journal
            .last_key_value()
            .map_or(1, |(last, _)| last + 1)
    }

    /// Writes facts and applies them as a start would read them.
    pub(crate) fn commit(&mut self, facts: &[Fact]) {
        for fact in facts {
            let (kind, body) = fact.encode();
            assert!(Fact::is_kind(kind));
            let sequence = self.next_sequence();
            let read = Fact::decode(kind, body.clone()).unwrap();
            assert_eq!(read, *fact, "a fact is read as it was written");
            self.journal.insert(sequence, Record::Fact(kind, body));
            self.machine.apply(sequence, &read, self.now);
        }
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now.wall = self.now.wall.plus(by);
        self.now.monotonic += by;
    }

    /// A job's record, as the machine says where it is.
    pub(crate) fn record(&self, id: JobId) -> JobRecord {
        let location = self
            .machine
            .location(id)
            .expect("an unfinished job has a record");
        let Some(Record::Fact(kind, body)) = self.journal.get(&location) else {
            panic!("job {id} is not at {location}");
        };
        assert!(Fact::is_job(*kind));
        let record = JobRecord::decode(location, *kind, body.clone()).unwrap();
        assert_eq!(record.id, id);
        record
    }

    /// Every fact ever written: sequence, kind and body.
    pub(crate) fn facts(&self) -> Vec<(u64, u8, Bytes)> {
        let facts = self
            .journal
            .iter()
            .filter_map(|(sequence, record)| match record {
                Record::Opened(_) => None,
                Record::Fact(kind, body) => Some((*sequence, *kind, body.clone())),
            });
        facts.collect()
    }

    pub(crate) fn checkpoint(&mut self) {
        self.checkpoint = Some((self.machine.checkpoint(), self.next_sequence()));
    }

    /// Starts again from the last checkpoint, or from all there is.
    pub(crate) fn restart(&mut self, from_checkpoint: bool) {
        // Another process has another start of its monotonic time.
        self.now.monotonic = Duration::from_secs(3);
        let checkpoint = self.checkpoint.as_ref().filter(|_| from_checkpoint);
        let (mut machine, first) = match checkpoint {
            Some((parts, first)) => (Machine::restore(parts, self.now).unwrap(), *first),
            None => (Machine::new(), 0),
        };
        for (sequence, record) in self.journal.range(first..) {
            match record {
                Record::Opened(epoch) => machine.open(*epoch),
                Record::Fact(kind, body) => {
                    let fact = Fact::decode(*kind, body.clone()).unwrap();
                    machine.apply(*sequence, &fact, self.now);
                }
            }
        }
        self.machine = machine;
        self.open();
    }

    fn open(&mut self) {
        self.epoch += 1;
        self.journal
            .insert(self.next_sequence(), Record::Opened(self.epoch));
        self.machine.open(self.epoch);
    }
}
