//! What tests of rules, of the keeper and of the fleet stand on: a real broker and real records, on a disk in memory.

use std::sync::Arc;
use std::thread::JoinHandle;

use portique_broker::{Broker, Config};
use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_jobs::Jobs;
use portique_journal::{Journal, SimulatedDisk, spawn};
use portique_records::{SqliteConfig, SqliteRecords};

use super::keeper::KeeperPorts;

pub(crate) struct Ground {
    pub(crate) ports: KeeperPorts,
    pub(crate) clock: Arc<SimulatedClock>,
    broker: Broker,
    journal: Journal,
    committer: JoinHandle<()>,
}

impl Ground {
    pub(crate) async fn open() -> Self {
        let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(
            1_795_000_000_000,
        )));
        let config = portique_journal::Config {
            segment_bytes: 8 * 1024 * 1024,
            reserve_bytes: 0,
            ..portique_journal::Config::default()
        };
        let disk = Arc::new(SimulatedDisk::new(1, 1 << 30));
        let mut random = Seeded::new(7);
        let opened = Journal::open(config, disk, clock.clone(), &mut random).unwrap();
        let committer = spawn(opened.committer).unwrap();
        let journal = opened.journal;
        let broker = Broker::open(Config::default(), journal.clone(), clock.clone());
        let broker = broker.await.unwrap();
        let records = SqliteRecords::open(SqliteConfig::in_memory()).unwrap();
        let ports = KeeperPorts {
            bus: broker.bus(),
            transact: broker.transact(),
            records: Arc::new(records),
            clock: clock.clone(),
            random,
        };
        Self {
            ports,
            clock,
            broker,
            journal,
            committer,
        }
    }

    pub(crate) fn jobs(&self) -> Arc<dyn Jobs> {
        self.broker.jobs()
    }

    pub(crate) async fn close(self) {
        self.broker.close().await.unwrap();
        self.journal.close();
        self.committer.join().unwrap();
    }
}
