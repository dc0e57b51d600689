//! Payments on the real engines, in a folder of their own.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portique_broker::Broker;
use portique_clock::{Clock, Seeded, WallClock};
use portique_jobs::{Claim, Claimed, QueueName, WorkerName};
use portique_journal::{FolderDisk, Journal};
use portique_payments::lines::{Read, read_json_lines};
use portique_payments::service::{Config, Parts, Payments, Search};
use portique_payments::{AccountChange, Currency, Iban, Opening};
use portique_records::{SqliteConfig, SqliteRecords};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything here happens within moments; a loaded machine gets this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Rig {
    folder: TempDir,
    config: Config,
    running: Option<Running>,
}

struct Running {
    payments: Payments,
    parts: Parts,
    broker: Broker,
    journal: Journal,
    committer: JoinHandle<()>,
    records: Arc<SqliteRecords>,
    worker: tokio::task::JoinHandle<Result<(), String>>,
    /// Lets leases run out.
    upkeep: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
}

impl Rig {
    pub(crate) async fn open() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut rig = Self {
            folder,
            config,
            running: None,
        };
        rig.start().await;
        rig
    }

    async fn start(&mut self) {
        let running = start(self.folder.path(), self.config.clone()).await;
        self.running = Some(running);
    }

    pub(crate) fn payments(&self) -> &Payments {
        &self.running().payments
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.running().parts
    }

    pub(crate) fn records_file(&self) -> std::path::PathBuf {
        self.folder.path().join("records.sqlite")
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Stops in order, and starts again.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) async fn stop(&mut self) {
        let mut running = self.running.take().unwrap();
        running.stop.cancel();
        (&mut running.worker).await.unwrap().unwrap();
        running.close().await;
    }

    /// As [`crash`](Self::crash), and starts with other workers.
    pub(crate) async fn crash_to(&mut self, config: Config) {
        self.config = config;
        self.crash().await;
    }

    /// Drops everything where it is, without a checkpoint, and starts again on what is on disk.
    pub(crate) async fn crash(&mut self) {
        let running = self.running.take().unwrap();
        running.worker.abort();
        running.upkeep.abort();
        let _ = running.worker.await;
        running.journal.close();
        running.committer.join().unwrap();
        running.records.close().await.unwrap();
        self.start().await;
    }

    /// Opens the bank's cash, account 0, and as many customers, 1 and up.
    pub(crate) async fn open_accounts(&self, customers: u32) {
        let opening = |number| {
            AccountChange::Opened(Opening {
                iban: iban(number),
                currency: Currency::EUR,
                overdraft_minor: (number > 0).then_some(0),
            })
        };
        let changes = (0..=customers).map(opening).collect();
        let outcomes = self.payments().change_accounts(changes).await.unwrap();
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }

    /// Takes lines in and waits until all that was ever taken in can be searched.
    pub(crate) async fn post(&self, lines: &str) -> Read {
        let read = read_json_lines(lines.as_bytes());
        self.payments().accept(read.clone(), None).await.unwrap();
        self.settle().await;
        read
    }

    pub(crate) async fn settle(&self) {
        let settled = async {
            loop {
                let counts = self.payments().counts().await.unwrap();
                let is_idle = counts
                    .queues
                    .iter()
                    .all(|queue| queue.waiting + queue.active + queue.delayed + queue.dead == 0);
                let decided = counts.posted + counts.rejected + counts.known;
                if is_idle && counts.accepted == decided && counts.journalled == decided {
                    return;
                }
                let next = counts.journalled + 1;
                let wait = self.payments().shared().journal_counts(next);
                let _ = tokio::time::timeout(Duration::from_millis(100), wait).await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.unwrap();
    }

    pub(crate) async fn balance(&self, number: u32) -> (i64, i64) {
        let balance = self.payments().account(iban(number)).await.unwrap().balance;
        (balance.posted_minor, balance.held_minor)
    }

    pub(crate) async fn found(&self, search: Search) -> Vec<String> {
        let page = self.payments().search(&search).await.unwrap();
        page.transactions.into_iter().map(|it| it.id).collect()
    }

    /// Claims one job, as a worker outside does.
    pub(crate) async fn claim(&self, queue: &str, lease: Duration) -> Option<Claimed> {
        self.claim_as("outside", queue, lease).await
    }

    /// Claims one job under this name.
    pub(crate) async fn claim_as(
        &self,
        worker: &str,
        queue: &str,
        lease: Duration,
    ) -> Option<Claimed> {
        let claim = Claim {
            queue: QueueName::new(queue).unwrap(),
            worker: WorkerName::new(worker).unwrap(),
            limit: 1,
            wait: Duration::from_secs(30),
            lease: Some(lease),
        };
        self.parts().jobs.claim(claim).await.unwrap().pop()
    }

    /// Leases that ran out since the start, of all queues.
    pub(crate) async fn losses(&self) -> u64 {
        let queues = self.parts().jobs.queues().await.unwrap();
        queues.iter().map(|queue| queue.totals.losses).sum()
    }

    pub(crate) async fn assert_balanced(&self) {
        let trial = self.payments().look(|ledger| ledger.trial_balance()).await;
        let trial = trial.unwrap();
        assert!(
            trial.values().all(|totals| totals.is_balanced()),
            "{trial:?}"
        );
        let counts = self.payments().counts().await.unwrap();
        assert_eq!(counts.drift, 0, "{counts:?}");
        let verified = self.payments().verify().await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }
}

impl Running {
    async fn close(self) {
        let Self {
            payments,
            parts,
            broker,
            journal,
            committer,
            records,
            upkeep,
            ..
        } = self;
        upkeep.abort();
        drop((payments, parts));
        broker.close().await.unwrap();
        journal.close();
        committer.join().unwrap();
        records.close().await.unwrap();
    }
}

async fn start(folder: &Path, config: Config) -> Running {
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    let disk = FolderDisk::open(folder.join("journal")).unwrap();
    let journal_config = portique_journal::Config {
        segment_bytes: 8 << 20,
        reserve_bytes: 0,
        ..portique_journal::Config::default()
    };
    let opened = Journal::open(
        journal_config,
        Arc::new(disk),
        clock.clone(),
        &mut Seeded::new(1),
    );
    let opened = opened.unwrap();
    let committer = portique_journal::spawn(opened.committer).unwrap();
    let journal = opened.journal;
    let options = portique_broker::Config::default();
    let broker = Broker::open(options, journal.clone(), clock.clone());
    let broker = broker.await.unwrap();
    let records = SqliteConfig::file(folder.join("records.sqlite"));
    let records = Arc::new(SqliteRecords::open(records).unwrap());
    let parts = Parts {
        bus: broker.bus(),
        jobs: broker.jobs(),
        transact: broker.transact(),
        records: records.clone(),
        clock,
        random: Arc::new(Mutex::new(Seeded::new(2))),
        config,
    };
    let (payments, worker) = Payments::open(parts.clone()).await.unwrap();
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let worker = tasks.spawn(worker.run(stop.clone()));
    let housekeeping = broker.clone();
    let upkeep = tasks.spawn(async move { housekeeping.run().await });
    Running {
        payments,
        parts,
        broker,
        journal,
        committer,
        records,
        worker,
        upkeep,
        stop,
    }
}

pub(crate) fn iban(number: u32) -> Iban {
    Iban::of_account("DE", &format!("{number:018}")).unwrap()
}

/// A line: its id, kind, who pays and who is paid, and how much.
pub(crate) fn line(id: &str, kind: &str, parties: (u32, u32), amount: &str) -> String {
    let (debtor, creditor) = (iban(parties.0), iban(parties.1));
    format!(
        "{{\"id\":\"{id}\",\"kind\":\"{kind}\",\"debtor\":\"{debtor}\",\"creditor\":\"{creditor}\",\"amount\":\"{amount}\",\"currency\":\"EUR\",\"reference\":\"about {id}\"}}\n"
    )
}
