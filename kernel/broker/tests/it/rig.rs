use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use portique_broker::{Broker, Config};
use portique_bus::{Bus, ConsumerName, ConsumerOptions, Start};
use portique_clock::{Clock, Seeded, SimulatedClock, Timestamp};
use portique_event::{Event, Filter, Subject};
use portique_journal::{Disk, Journal, SimulatedDisk, spawn};

/// A broker with everything below it, on a clock that stands still.
pub(crate) struct Rig {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) config: Config,
    pub(crate) journal_config: portique_journal::Config,
    running: Option<Running>,
}

struct Running {
    broker: Broker,
    journal: Journal,
    committer: JoinHandle<()>,
}

impl Rig {
    pub(crate) async fn open(disk: Arc<dyn Disk>) -> Self {
        Self::open_with(disk, Config::default(), journal_config()).await
    }

    pub(crate) async fn open_with(
        disk: Arc<dyn Disk>,
        config: Config,
        journal_config: portique_journal::Config,
    ) -> Self {
        let clock = SimulatedClock::new(Timestamp::from_millis(1_795_000_000_000));
        let clock = Arc::new(clock);
        let mut rig = Self {
            disk,
            clock,
            config,
            journal_config,
            running: None,
        };
        rig.start().await;
        rig
    }

    async fn start(&mut self) {
        let (disk, clock) = (self.disk.clone(), self.clock.clone());
        let opened = Journal::open(
            self.journal_config.clone(),
            disk,
            clock.clone(),
            &mut Seeded::new(7),
        );
        let opened = opened.unwrap();
        let committer = spawn(opened.committer).unwrap();
        let journal = opened.journal;
        let broker = Broker::open(self.config.clone(), journal.clone(), clock)
            .await
            .unwrap();
        self.running = Some(Running {
            broker,
            journal,
            committer,
        });
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.running().broker
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.running().journal
    }

    pub(crate) fn bus(&self) -> Arc<dyn Bus> {
        self.running().broker.bus()
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.broker().tick().await.unwrap();
    }

    /// Stops in order and starts again.
    pub(crate) async fn restart(&mut self) {
        let Running {
            broker,
            journal,
            committer,
        } = self.running.take().unwrap();
        broker.close().await.unwrap();
        drop(broker);
        journal.close();
        committer.join().unwrap();
        self.start().await;
    }

    /// Starts again on the disk as it is at this moment: nothing of the life before was closed.
    pub(crate) async fn kill(&mut self, disk: &SimulatedDisk) {
        let killed = self.running.take().unwrap();
        self.disk = Arc::new(SimulatedDisk::with_files(disk.files()));
        self.start().await;
        // What is left of it writes to the disk that was.
        killed.journal.close();
        killed.committer.join().unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(Running {
            journal, committer, ..
        }) = self.running.take()
        {
            journal.close();
            let _ = committer.join();
        }
    }
}

/// Small segments, so that tests on a disk in memory stay small.
pub(crate) fn journal_config() -> portique_journal::Config {
    portique_journal::Config {
        segment_bytes: 8 * 1024 * 1024,
        reserve_bytes: 0,
        ..portique_journal::Config::default()
    }
}

pub(crate) fn event(id: &str, subject: &str) -> Event {
    Event::builder(id, "/rig", "rig.event", Subject::new(subject).unwrap())
        .json(serde_json::json!({ "id": id }))
        .build()
        .unwrap()
}

pub(crate) fn name(text: &str) -> ConsumerName {
    ConsumerName::new(text).unwrap()
}

pub(crate) fn options(filter: &str) -> ConsumerOptions {
    ConsumerOptions::new(Filter::new(filter).unwrap())
}

/// Ids of all events of a filter, page by page.
pub(crate) async fn ids(bus: &dyn Bus, filter: &str) -> Vec<String> {
    let filter = Filter::new(filter).unwrap();
    let mut ids = Vec::new();
    let mut start = Start::First;
    loop {
        let page = bus.read(&filter, start, 100).await.unwrap();
        if page.events.is_empty() {
            return ids;
        }
        start = Start::Sequence(page.next);
        ids.extend(
            page.events
                .iter()
                .map(|delivered| delivered.event.id().to_string()),
        );
    }
}

impl Rig {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
