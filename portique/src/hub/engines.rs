//! Which engine stands behind each port, and what stands on them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::ready;
use portique_broker::Broker;
use portique_clock::{Clock, Seeded, WallClock};
use portique_fault::Fault;
use portique_journal::{FolderDisk, Journal, Retention, Sequence, State};
use portique_records::{Collection, Records, SqliteConfig, SqliteRecords};

use crate::api::{Owned, Ports};
use crate::config::{Config, TelemetryConfig};
use crate::error::Error;
use crate::http::{Figure, Part, PartState, Source, Value};
use crate::lifetime::TaskGroup;
use crate::logs::Logs;
use crate::telemetry::Telemetry;

/// The journal's folder in the data folder.
pub(crate) const JOURNAL_FOLDER: &str = "journal";
/// The records' file in the data folder.
const RECORDS_FILE: &str = "records.sqlite";

/// The collection, always empty, that a probe asks for.
const PROBE: &str = "readiness";
/// Whoever probes gives up soon after; a page of the log comes in a hundredth of it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The embedded engines: journal, bus on it, records and telemetry beside it.
pub(super) struct Engines {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) broker: Broker,
    pub(super) records: Arc<SqliteRecords>,
    pub(super) telemetry: Telemetry,
    /// What the hub's processes printed last.
    pub(super) logs: Logs,
    journal: Journal,
    committer: JoinHandle<()>,
}

impl Engines {
    /// Opens all of them, recovering what a crash left. What is `owned` is published whatever it is bound
    /// to.
    ///
    /// # Errors
    /// [`Error::Damaged`] with file, offset and what to do; [`Error::JournalPoisoned`] when the
    /// first writes fail; [`Error::Part`].
    pub(super) async fn open(folder: &Path, config: &Config, owned: &Owned) -> Result<Self, Error> {
        let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
        // None of the three needs another, and a start after a crash is as long as the longest of them.
        let (bus, records, telemetry) = tokio::join!(
            open_bus(folder, config, owned, clock.clone()),
            open_records(folder),
            open_telemetry(folder, &config.telemetry, clock.clone()),
        );
        let Bus {
            broker,
            journal,
            committer,
        } = bus?;
        let (records, telemetry) = (records?, telemetry?);
        Ok(Self {
            logs: Logs::new(clock.clone()),
            clock,
            broker,
            records,
            telemetry,
            journal,
            committer,
        })
    }

    /// Their ports, for whoever serves them; `owned` is kept from visitors.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the machine has no random numbers.
    pub(super) fn ports(&self, owned: Owned, waiting_max: usize) -> Result<Ports, Error> {
        let broker = self.broker.clone();
        Ok(Ports {
            bus: self.broker.bus(),
            jobs: owned.keep_jobs(self.broker.jobs()),
            transact: owned.keep_transact(self.broker.transact(), self.broker.jobs()),
            clock: self.clock.clone(),
            random: seeded()?,
            records: self.records.clone(),
            owned,
            retention: Box::new(move || broker.retained()),
            waiting_max,
        })
    }

    /// How each of them is, for whoever asks whether the hub can serve.
    pub(super) fn parts(&self) -> Vec<Part> {
        let journal = self.journal.clone();
        let records = self.records.clone();
        let telemetry = self.telemetry.clone();
        vec![
            Box::new(move || ready(journal_state(&journal.state())).boxed()),
            Box::new(move || records_state(records.clone()).boxed()),
            Box::new(move || ready(telemetry.state()).boxed()),
        ]
    }

    /// Ends when nothing can be acknowledged any more, with the reason.
    pub(super) async fn poisoned(&self) -> Error {
        // No journal reaches this sequence, so the wait ends with the journal only.
        let ended = self.journal.wait_durable(Sequence(u64::MAX)).await;
        match self.poison() {
            Some(error) => error,
            None => {
                tracing::debug!(?ended, "the journal was closed");
                std::future::pending().await
            }
        }
    }

    /// Why nothing can be acknowledged any more; `None` while it can.
    pub(super) fn poison(&self) -> Option<Error> {
        poison_of(&self.journal)
    }

    /// What they count.
    pub(super) fn sources(&self) -> Vec<Source> {
        let journal = self.journal.clone();
        let broker = self.broker.clone();
        let telemetry = self.telemetry.clone();
        vec![
            Source(Box::new(move || journal_figures(&journal))),
            Source(Box::new(move || bus_figures(&broker))),
            Source(Box::new(move || telemetry.figures())),
        ]
    }

    /// Starts their housekeeping.
    pub(super) fn spawn(&self, control: &TaskGroup) {
        let (broker, stop) = (self.broker.clone(), control.token());
        control.spawn("bus", async move {
            tokio::select! {
                () = broker.run() => {}
                () = stop.cancelled() => {}
            }
            Ok(())
        });
        let (telemetry, stop) = (self.telemetry.clone(), control.token());
        control.spawn("telemetry", async move {
            telemetry.maintain(stop).await;
            Ok(())
        });
    }

    /// Leaves a checkpoint, makes durable what was accepted, and closes everything.
    ///
    /// # Errors
    /// [`Error::JournalPoisoned`] when not all that was accepted became durable, or [`Error::Part`]
    /// with the first that could not be closed; nothing acknowledged is lost by it.
    pub(super) async fn close(self) -> Result<(), Error> {
        let bus = self
            .broker
            .close()
            .await
            .map_err(|error| Error::part("the bus", &error));
        self.telemetry.close().await;
        self.journal.close();
        let committer = self.committer;
        let journal = tokio::task::spawn_blocking(move || committer.join()).await;
        let records = self
            .records
            .close()
            .await
            .map_err(|error| Error::part("the records", &error));
        if !matches!(journal, Ok(Ok(()))) {
            return Err(Error::TaskFailed {
                task: "journal-commit".into(),
                message: "it panicked; what it had acknowledged is on disk".into(),
            });
        }
        // The bus fails of it too, with less to say.
        poison_of(&self.journal).map_or(Ok(()), Err)?;
        bus.and(records)
    }
}

/// Jobs and events, and the journal they are in.
struct Bus {
    broker: Broker,
    journal: Journal,
    committer: JoinHandle<()>,
}

async fn open_bus(
    folder: &Path,
    config: &Config,
    owned: &Owned,
    clock: Arc<dyn Clock>,
) -> Result<Bus, Error> {
    let retention = Retention {
        age: config.events.retain_age,
        bytes: config.events.retain_bytes,
    };
    let (journal, committer) =
        open_journal(folder.join(JOURNAL_FOLDER), retention, clock.clone()).await?;
    let options = portique_broker::Config {
        replay_bytes_per_second: config.events.replay_bytes_per_second,
        unhindered: owned.filters(),
        ..portique_broker::Config::default()
    };
    let broker = Broker::open(options, journal.clone(), clock)
        .await
        .map_err(|error| {
            poison_of(&journal).unwrap_or_else(|| refuse_journal("the bus", &error, folder))
        })?;
    Ok(Bus {
        broker,
        journal,
        committer,
    })
}

async fn open_journal(
    folder: std::path::PathBuf,
    retention: Retention,
    clock: Arc<dyn Clock>,
) -> Result<(Journal, JoinHandle<()>), Error> {
    let place = folder.clone();
    let opened = blocking("the journal", move || {
        let disk = FolderDisk::open(&folder)
            .map_err(|source| crate::data_folder::file_error("create", &folder, source))?;
        let config = portique_journal::Config {
            retention,
            ..portique_journal::Config::default()
        };
        Journal::open(config, Arc::new(disk), clock, &mut seeded()?)
            .map_err(|error| refuse_journal("the journal", &error, &folder))
    })
    .await?;
    if let Some(torn) = &opened.recovery.torn {
        let (file, offset, bytes) = (torn.path.display(), torn.offset, torn.bytes);
        tracing::warn!(%file, offset, bytes, "cut off a write that a crash had interrupted");
    }
    let committer = portique_journal::spawn(opened.committer).map_err(|source| {
        crate::data_folder::file_error("start the thread that writes", &place, source)
    })?;
    Ok((opened.journal, committer))
}

async fn open_records(folder: &Path) -> Result<Arc<SqliteRecords>, Error> {
    let config = SqliteConfig::file(folder.join(RECORDS_FILE));
    let records = blocking("the records", move || {
        SqliteRecords::open(config).map_err(|error| Error::part("the records", &error))
    });
    records.await.map(Arc::new)
}

async fn open_telemetry(
    folder: &Path,
    config: &TelemetryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Telemetry, Error> {
    let (folder, config) = (folder.to_path_buf(), config.clone());
    let opened = blocking("the telemetry store", move || {
        Telemetry::open(&folder, &config, clock, &mut seeded()?)
    });
    opened.await
}

async fn blocking<T: Send + 'static>(
    part: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let task = part.to_owned();
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::TaskFailed {
            task,
            message: error.to_string(),
        }),
    }
}

/// A generator that starts somewhere else each time; not for secrets.
pub(super) fn seeded() -> Result<Seeded, Error> {
    let seed = getrandom::u64().map_err(|error| Error::Runtime {
        source: io::Error::other(error),
    })?;
    Ok(Seeded::new(seed))
}

/// Damage is for people to decide about: nothing is changed, and the way on is said.
fn refuse_journal(part: &'static str, fault: &dyn Fault, folder: &Path) -> Error {
    match Error::part(part, fault) {
        Error::Part {
            code: portique_fault::Code::DataLoss,
            message,
            ..
        } => Error::Damaged {
            message: format!(
                "{message}; nothing was changed: see all of it with `portique journal verify {}`, \
                 then restore the folder from a backup, or start empty with another --data",
                folder.display()
            ),
        },
        other => other,
    }
}

fn poison_of(journal: &Journal) -> Option<Error> {
    match journal.state() {
        State::Poisoned { reason } => Some(Error::JournalPoisoned { reason }),
        _ => None,
    }
}

fn journal_state(state: &State) -> PartState {
    match state {
        State::Open => PartState::open("journal"),
        State::DrainOnly {
            free_bytes,
            reserve_bytes,
        } => PartState::not_ready(
            "journal",
            "drain_only",
            format!(
                "{free_bytes} bytes free on the disk, {reserve_bytes} kept in reserve: free space"
            ),
        ),
        State::Poisoned { reason } => PartState::not_ready(
            "journal",
            "poisoned",
            format!("{reason}: the hub stops; mend the disk, then start it again"),
        ),
        State::Closed => PartState::not_ready("journal", "closed", "the hub is stopping".into()),
    }
}

/// Asks the records' writer and one of their readers for next to nothing.
async fn records_state(records: Arc<SqliteRecords>) -> PartState {
    let asked = async {
        records.define(probe()).await?;
        records.find(PROBE, PROBE).await
    };
    match tokio::time::timeout(PROBE_TIMEOUT, asked).await {
        Ok(Ok(_)) => PartState::open("records"),
        Ok(Err(portique_records::Error::Closed)) => {
            PartState::not_ready("records", "closed", "the hub is stopping".into())
        }
        Ok(Err(error)) => PartState::not_ready("records", "failing", portique_fault::chain(&error)),
        Err(_) => PartState::not_ready(
            "records",
            "slow",
            format!(
                "they did not answer within {} s: the disk is slow or much waits to be written",
                PROBE_TIMEOUT.as_secs()
            ),
        ),
    }
}

/// A collection without documents: to define it again changes nothing, but has to be done.
fn probe() -> Collection {
    Collection {
        name: PROBE.into(),
        indexes: Vec::new(),
        full_text: Vec::new(),
    }
}

fn journal_figures(journal: &Journal) -> Vec<Figure> {
    let is = |wanted: bool| Value::Gauge(if wanted { 1.0 } else { 0.0 });
    let state = journal.state();
    vec![
        Figure {
            name: "journal_durable_sequence",
            help: "The last record on stable storage",
            value: Value::Gauge(journal.durable().0 as f64),
        },
        Figure {
            name: "journal_first_sequence",
            help: "The first record that is kept",
            value: Value::Gauge(journal.first().0 as f64),
        },
        Figure {
            name: "journal_drain_only",
            help: "1 while the disk is nearly full and new work is refused",
            value: is(matches!(state, State::DrainOnly { .. })),
        },
        Figure {
            name: "journal_poisoned",
            help: "1 after a failed write, until the hub is restarted",
            value: is(matches!(state, State::Poisoned { .. })),
        },
    ]
}

fn bus_figures(broker: &Broker) -> Vec<Figure> {
    let figures = broker.bus_figures();
    let counter = |name, help, value| Figure {
        name,
        help,
        value: Value::Counter(value),
    };
    vec![
        counter(
            "events_published",
            "Events published, dead letters among them",
            figures.published,
        ),
        counter(
            "events_delivered",
            "Deliveries of all consumers, repeated ones among them",
            figures.delivered,
        ),
        counter(
            "events_dead",
            "Events that consumers gave up on",
            figures.dead,
        ),
        counter(
            "events_damaged",
            "Damaged records that consumers went on without",
            figures.damaged,
        ),
        counter(
            "replayed_bytes",
            "Bytes that readers of old events took from the disk",
            figures.replayed_bytes,
        ),
        counter(
            "bound_jobs_missed",
            "Jobs that the hub's own events are bound to and did not become: their queue took none",
            figures.jobs_missed,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn records_that_do_not_answer_are_not_ready() {
        let records = Arc::new(SqliteRecords::open(SqliteConfig::in_memory()).unwrap());
        assert_eq!(
            records_state(records.clone()).await,
            PartState::open("records")
        );
        records.close().await.unwrap();
        assert_ne!(records_state(records).await, PartState::open("records"));
    }
}
