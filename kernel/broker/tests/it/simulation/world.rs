use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_broker::history::audit_disk;
use portique_broker::{Broker, Config};
use portique_clock::{Random, Seeded, SimulatedClock, Timestamp};
use portique_jobs::{Claimed, JobFilter, JobId, Jobs};
use portique_journal::{Committer, Journal, Retention, SimulatedDisk, SimulatedFaults, State};

use super::answers::Stopped;
use super::beside::Beside;
use super::ledger::Ledger;
use super::names::{QUEUES, queue};

const SEGMENT_BYTES: u64 = 64 * 1024;
/// More than any seed writes.
const ROOMY_BYTES: u64 = 1 << 30;
/// Steps of one life at most.
const STEPS_MAX: u64 = 120;
/// Looks at a request that waits for a full disk before there is room again.
const LOOKS_WHEN_FULL: u64 = 5_000;
/// Looks at a request after which it is stuck, not slow.
const LOOKS_MAX: u64 = 20_000_000;

/// What the seeds came across.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Reached {
    pub(super) completed: u64,
    pub(super) dead: u64,
    pub(super) losses: u64,
    pub(super) stale: u64,
    pub(super) in_doubt: u64,
    pub(super) refused_full: u64,
    pub(super) conflicts: u64,
    pub(super) committed: u64,
    pub(super) trimmed: u64,
    pub(super) cuts: u64,
    /// Records that whoever waited for them wrote.
    pub(super) lonely: u64,
}

impl Reached {
    pub(super) fn add(&mut self, other: &Self) {
        self.completed += other.completed;
        self.dead += other.dead;
        self.losses += other.losses;
        self.stale += other.stale;
        self.in_doubt += other.in_doubt;
        self.refused_full += other.refused_full;
        self.conflicts += other.conflicts;
        self.committed += other.committed;
        self.trimmed += other.trimmed;
        self.cuts += other.cuts;
        self.lonely += other.lonely;
    }

    pub(super) fn check(&self) {
        let all = [
            self.completed,
            self.dead,
            self.losses,
            self.stale,
            self.in_doubt,
            self.refused_full,
            self.conflicts,
            self.committed,
            self.trimmed,
            self.cuts,
            self.lonely,
        ];
        assert!(
            all.iter().all(|count| *count > 0),
            "never reached: {self:?}"
        );
    }
}

/// One disk, one clock, and everybody who outlives a crash of the broker.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) random: Seeded,
    pub(super) disk: Arc<SimulatedDisk>,
    pub(super) clock: Arc<SimulatedClock>,
    pub(super) ledger: Ledger,
    /// What each worker holds, or believes to hold.
    pub(super) held: BTreeMap<&'static str, Vec<Claimed>>,
    pub(super) reached: Reached,
    /// How far the wall clock was set back, all in all.
    pub(super) set_back: Duration,
    config: Config,
    journal_config: portique_journal::Config,
    is_full: bool,
    /// The power goes in this life, if it lasts long enough.
    has_cut: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let clock = SimulatedClock::new(Timestamp::from_millis(1_795_000_000_000));
        let config = Config {
            checkpoint_records: 40 + random.below(300),
            tail_bytes_max: [0, 2_000, 1 << 20][choose(&mut random, 3)],
            ..Config::default()
        };
        let is_kept = random.below(2) == 0;
        let journal_config = portique_journal::Config {
            segment_bytes: SEGMENT_BYTES,
            frame_bytes_max: 32 * 1024,
            queue_bytes_max: 128 * 1024,
            reserve_bytes: SEGMENT_BYTES,
            retention: Retention {
                bytes: (!is_kept).then_some(SEGMENT_BYTES),
                age: None,
            },
            ..portique_journal::Config::default()
        };
        Self {
            seed,
            disk: Arc::new(SimulatedDisk::new(random.next_u64(), ROOMY_BYTES)),
            random,
            clock: Arc::new(clock),
            ledger: Ledger::default(),
            held: BTreeMap::new(),
            reached: Reached::default(),
            set_back: Duration::ZERO,
            config,
            journal_config,
            is_full: false,
            has_cut: false,
        }
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    pub(super) fn choose(&mut self, among: usize) -> usize {
        choose(&mut self.random, among)
    }

    /// What goes wrong in the next life.
    pub(super) fn arrange(&mut self) {
        let within = [30, 300][self.choose(2)];
        let after = Some(self.below(within));
        let faults = match self.below(6) {
            0 => SimulatedFaults::default(),
            1 => SimulatedFaults {
                error_after: after,
                ..SimulatedFaults::default()
            },
            _ => SimulatedFaults {
                power_cut_after: after,
                ..SimulatedFaults::default()
            },
        };
        self.has_cut = faults.power_cut_after.is_some();
        self.disk.arrange(faults);
    }

    /// One life of the broker, until the power goes or the steps are done.
    pub(super) async fn live(&mut self) {
        let steps = 20 + self.below(STEPS_MAX - 20);
        let Some((journal, committer)) = self.open_journal() else {
            return;
        };
        let (disk, has_cut) = (self.disk.clone(), self.has_cut);
        let is_cut = move || has_cut && disk.has_failed();
        let beside = Beside::new(self.seed, &journal);
        tokio::select! {
            biased;
            _ = Box::pin(self.serve(journal, steps)) => {}
            () = beside.commit(committer, is_cut) => {}
        }
        self.reached.lonely += beside.lonely.get();
    }

    /// None when the disk fails meanwhile.
    fn open_journal(&mut self) -> Option<(Journal, Committer)> {
        let (disk, clock) = (self.disk.clone(), self.clock.clone());
        match Journal::open(self.journal_config.clone(), disk, clock, &mut self.random) {
            Ok(opened) => Some((opened.journal, opened.committer)),
            Err(error) => {
                assert!(self.disk.has_failed(), "seed {}: {error:?}", self.seed);
                None
            }
        }
    }

    async fn open_broker(&mut self, journal: &Journal) -> Result<Broker, Stopped> {
        let opening = Broker::open(self.config.clone(), journal.clone(), self.clock.clone());
        match self.patient(journal, opening).await {
            Ok(broker) => Ok(broker),
            Err(error) => {
                assert!(self.disk.has_failed(), "seed {}: {error:?}", self.seed);
                Err(Stopped)
            }
        }
    }

    async fn serve(&mut self, journal: Journal, steps: u64) -> Result<(), Stopped> {
        let broker = self.open_broker(&journal).await?;
        Box::pin(self.begin(&broker, &journal)).await?;
        self.check_states(&*broker.jobs()).await?;
        for _ in 0..steps {
            Box::pin(self.step(&broker, &journal)).await?;
            self.reached.trimmed += u64::from(journal.first().0 > 1);
        }
        Ok(())
    }

    /// Waits for an answer; when the disk is full and nothing moves, makes room.
    pub(super) async fn patient<T>(
        &mut self,
        journal: &Journal,
        asked: impl Future<Output = T>,
    ) -> T {
        let mut asked = std::pin::pin!(asked);
        for look in 1..LOOKS_MAX {
            tokio::select! {
                biased;
                answer = &mut asked => return answer,
                () = tokio::task::yield_now() => {}
            }
            if self.is_full && look % LOOKS_WHEN_FULL == 0 && journal.state() != State::Open {
                self.free_disk();
                self.clock.advance(Duration::from_secs(2));
            }
        }
        panic!("seed {}: a request is never answered", self.seed);
    }

    /// Leaves no room for another segment.
    pub(super) fn fill_disk(&mut self) {
        let used: usize = self.disk.files().values().map(Vec::len).sum();
        self.disk.resize(used as u64 + 2 * SEGMENT_BYTES);
        self.is_full = true;
    }

    pub(super) fn free_disk(&mut self) {
        self.disk.resize(ROOMY_BYTES);
        self.is_full = false;
    }

    /// Holds every job's state against what clients know.
    pub(super) async fn check_states(&mut self, jobs: &dyn Jobs) -> Result<(), Stopped> {
        let mut states = BTreeMap::new();
        for name in QUEUES {
            let mut after = None;
            loop {
                let filter = JobFilter {
                    queue: queue(name),
                    state: None,
                    after,
                    limit: 1_000,
                };
                let page = jobs.list(filter).await;
                let page = self.answered(page)?.expect("every queue can be listed");
                states.extend(page.jobs.iter().map(|view| (view.id, view.state.word())));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        self.ledger.check(&states);
        Ok(())
    }

    /// Everybody's power goes, or only the broker is killed.
    pub(super) fn crash(&mut self) {
        self.ledger.doubt_asked();
        let has_failed = self.disk.has_failed();
        self.disk.arrange(SimulatedFaults::default());
        if self.below(3) == 0 && !has_failed {
            self.disk.restart_after_kill();
        } else {
            self.reached.cuts += 1;
            self.disk.restart_after_power_cut();
        }
        self.free_disk();
    }

    /// The history on the disk holds, and has what clients were told of.
    pub(super) fn audit(&mut self) {
        let audit = audit_disk(&*self.disk, Some(&self.ledger.told));
        let audit = audit.unwrap_or_else(|error| panic!("seed {}: {error:?}", self.seed));
        assert!(
            audit.is_clean(),
            "seed {}: {:#?}",
            self.seed,
            audit.violations
        );
        self.reached.losses += audit.totals.losses;
        self.reached.dead += audit.totals.dead;
    }

    /// After the last crash, everything that was ever taken in can be brought to an end.
    pub(super) async fn end(&mut self) {
        self.disk.arrange(SimulatedFaults::default());
        let (journal, committer) = self.open_journal().expect("nothing is wrong with the disk");
        let beside = Beside::new(self.seed, &journal);
        tokio::select! {
            biased;
            done = Box::pin(self.bring_to_end(journal)) => done.expect("nothing is wrong"),
            () = beside.commit(committer, || false) => {}
        }
        self.disk.restart_after_kill();
        self.audit();
        self.reached.completed += self.ledger.told.completed.len() as u64;
    }

    async fn bring_to_end(&mut self, journal: Journal) -> Result<(), Stopped> {
        let broker = self.open_broker(&journal).await?;
        Box::pin(self.begin(&broker, &journal)).await?;
        self.check_states(&*broker.jobs()).await?;
        Box::pin(self.work_off(&broker, &journal)).await?;
        self.check_states(&*broker.jobs()).await
    }

    /// Jobs of one queue in one state.
    pub(super) async fn ids(
        &mut self,
        jobs: &dyn Jobs,
        name: &str,
        state: Option<&str>,
    ) -> Result<Vec<JobId>, Stopped> {
        let filter = JobFilter {
            queue: queue(name),
            state: state.map(Into::into),
            after: None,
            limit: 1_000,
        };
        let page = jobs.list(filter).await;
        let page = self.answered(page)?.expect("every queue can be listed");
        Ok(page.jobs.iter().map(|view| view.id).collect())
    }
}

fn choose(random: &mut Seeded, among: usize) -> usize {
    usize::try_from(random.below(among as u64)).expect("it is below a usize")
}
