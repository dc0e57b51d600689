//! The life of one pool: looks at its queue, decides, and has workers started and ended.

mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Clock;
use portique_fleet::{
    Autoscaler, Backlog, Command, Decision, Mode, Observation, Pool, PoolOptions, Ticked, WorkerId,
    WorkerState,
};
use portique_jobs::Jobs;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Error;
use super::babysitter::{self, Heard, Launch, Order, Report};
use super::desk::Desk;
use super::facts::What;
use super::machine::{Machine, Need};
use super::observe::Observer;
use super::scribe::Facts;

/// How often a pool looks at its queue: a look reads a few numbers in memory, and a job that comes to an empty pool
/// waits for half of it on average.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A queue that could not be read is looked at again after this long: three such looks in a row make a pool blind.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A look at a queue of very many keys takes its time; the next one waits so many times as long, at most
/// [`LOOK_AGAIN`].
const REST_PER_LOOK: u32 = 5;
/// Reports of babysitters that wait for a runner.
const REPORTS_MAX: usize = 1_024;
/// Orders that wait for a babysitter: to drain, and to end.
const ORDERS_MAX: usize = 4;
/// From the end of a worker's drain deadline until it is killed: it ends its programs and gives its jobs back then.
const DRAIN_SLACK: Duration = Duration::from_secs(10);
/// Deaths in a row that are called a crash loop: what dies three times within seconds does not mend itself.
const LOOP_CRASHES: u32 = 3;
/// Workers that were ended by force are waited for this long.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// What a runner is given.
pub(super) struct Parts {
    pub(super) desk: Arc<Desk>,
    pub(super) jobs: Arc<dyn Jobs>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) machine: Arc<Machine>,
    pub(super) facts: Facts,
    pub(super) launch: Arc<Launch>,
    /// The last decision before a restart.
    pub(super) last: Option<Decision>,
    /// How long workers may take to end what they have in hand when the hub stops.
    pub(super) grace: Duration,
}

/// Owns one pool.
pub(super) struct Runner {
    desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
    machine: Arc<Machine>,
    facts: Facts,
    launch: Arc<Launch>,
    grace: Duration,
    observer: Observer,
    autoscaler: Autoscaler,
    pool: Pool,
    processes: BTreeMap<WorkerId, Process>,
    babysitters: JoinSet<()>,
    to: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    /// What was said last of the target, and of the wish in a dry run: only another decision is a fact.
    said: (u32, Option<u32>),
    /// Who decided last.
    mode: Mode,
    unread_at: Option<Duration>,
    rest_until: Duration,
    last_line: String,
}

/// The hub's side of a worker's process.
struct Process {
    orders: mpsc::Sender<Order>,
    pid: Option<u32>,
}

impl Runner {
    pub(super) fn new(parts: Parts) -> Result<Self, Error> {
        let config = &parts.desk.config;
        let autoscaler = Autoscaler::new(config.policy.clone());
        let mut autoscaler = autoscaler.map_err(|source| Error::Policy {
            pool: config.name.clone(),
            source,
        })?;
        if let Some(last) = &parts.last {
            autoscaler.resume(last);
        }
        let pool = Pool::new(PoolOptions {
            drain_max: config.drain + DRAIN_SLACK,
            loop_crashes: LOOP_CRASHES,
            ..PoolOptions::default()
        });
        let observer = Observer::new(
            parts.jobs,
            parts.clock.clone(),
            config.queue.clone(),
            config.policy.service_prior,
        );
        let (to, reports) = mpsc::channel(REPORTS_MAX);
        let mode = parts.desk.state().mode;
        Ok(Self {
            desk: parts.desk,
            clock: parts.clock,
            machine: parts.machine,
            facts: parts.facts,
            launch: parts.launch,
            grace: parts.grace,
            observer,
            autoscaler,
            pool,
            processes: BTreeMap::new(),
            babysitters: JoinSet::new(),
            to,
            reports,
            said: (parts.last.map_or(0, |last| last.target), None),
            mode,
            unread_at: None,
            rest_until: Duration::ZERO,
            last_line: String::new(),
        })
    }

    /// Runs the pool until `stop`; then ends all its workers, in order as far as the time allows.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let desk = self.desk.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(report) = self.reports.recv() => self.hear(report),
                _ = looks.tick() => self.look().await,
                () = desk.changed.notified() => self.look().await,
            }
            while self.babysitters.try_join_next().is_some() {}
        }
        self.end_all().await;
    }

    async fn look(&mut self) {
        let began = self.clock.monotonic();
        if began < self.rest_until {
            return;
        }
        let backlog = self.observer.look(self.autoscaler.look_ahead()).await;
        let now = self.clock.monotonic();
        let rest = now.saturating_sub(began) * REST_PER_LOOK;
        self.rest_until = now + rest.min(LOOK_AGAIN);
        let backlog = match backlog {
            Ok(backlog) => {
                self.unread_at = None;
                Some(backlog)
            }
            Err(error) => {
                let is_early = self
                    .unread_at
                    .is_some_and(|at| now.saturating_sub(at) < LOOK_AGAIN);
                if is_early {
                    return;
                }
                let (pool, problem) = (&self.desk.config.name, portique_fault::chain(&error));
                tracing::warn!(
                    pool,
                    problem,
                    "the queue of this pool cannot be read: its workers stay"
                );
                self.unread_at = Some(now);
                self.desk.state().counts.looks_failed += 1;
                None
            }
        };
        self.decide(backlog);
        let has_work = backlog.is_some_and(|backlog| backlog.ready > 0);
        self.tick(has_work);
    }

    fn decide(&mut self, backlog: Option<Backlog>) {
        let mode = self.desk.state().mode;
        self.autoscaler.decide_by(mode);
        let decision = self.autoscaler.observe(&Observation {
            at: self.clock.now(),
            backlog,
            workforce: self.pool.workforce(),
            room: self.room(),
        });
        self.pool.want(decision.target);
        self.take_room(decision.target);
        if std::mem::replace(&mut self.mode, mode) != mode {
            self.say(What::Mode(mode));
        }
        // What a dry run would do is what it is for; otherwise a wish that changes nothing is no fact.
        let wish = (mode == Mode::DryRun).then_some(decision.wanted);
        let (target, wished) = self.said;
        if decision.target != target || (wish.is_some() && wish != wished) {
            let pool = &self.desk.config.name;
            tracing::info!(pool, target = decision.target, "{decision}");
            self.desk.state().counts.decided(decision.movement());
            self.say(What::Decided(Box::new(decision.clone())));
        }
        self.said = (decision.target, wish);
        self.desk.state().decision = Some(decision);
    }

    /// Workers of this pool that there is room for; those that go have a place until they are gone.
    fn room(&self) -> u32 {
        let room = self
            .machine
            .room(&self.desk.config.name, self.there(), self.need());
        room.saturating_sub(self.there() - self.pool.workforce().present)
    }

    /// Nobody looks for room between [`room`](Self::room) and this: all runners are one task.
    fn take_room(&self, target: u32) {
        let workforce = self.pool.workforce();
        let coming = target.saturating_sub(workforce.present) + workforce.starting;
        let workers = self.there().max(target);
        let name = &self.desk.config.name;
        self.machine.take(name, workers, coming, self.need());
    }

    fn there(&self) -> u32 {
        u32::try_from(self.pool.workers().count()).unwrap_or(u32::MAX)
    }

    fn need(&self) -> Need {
        Need {
            memory_bytes: self.desk.config.memory_bytes,
            cpus: self.desk.config.cpus,
        }
    }

    fn tick(&mut self, has_work: bool) {
        let Ticked { commands, events } = self.pool.tick(self.clock.now(), has_work);
        for event in events {
            self.happened(event);
        }
        for command in commands {
            match command {
                Command::Start(worker, _) => self.start(worker),
                Command::Drain(worker) => {
                    self.desk.state().counts.drains += 1;
                    self.order(worker, Order::Drain);
                    self.say(What::Draining { worker });
                }
                Command::End(worker, _) => self.order(worker, Order::End),
            }
        }
        self.show();
    }

    fn start(&mut self, worker: WorkerId) {
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let (desk, launch) = (self.desk.clone(), self.launch.clone());
        let stay = babysitter::stay_with(worker, desk, launch, taken, self.to.clone());
        self.babysitters.spawn(stay);
        self.processes.insert(worker, Process { orders, pid: None });
        self.desk.state().counts.starts += 1;
    }

    fn order(&self, worker: WorkerId, order: Order) {
        // A babysitter that takes no orders has nobody to look after any more.
        if let Some(process) = self.processes.get(&worker)
            && let Err(error) = process.orders.try_send(order)
        {
            tracing::debug!(%error, %worker, "the worker is gone already");
        }
    }

    fn hear(&mut self, report: Report) {
        let (worker, now) = (report.worker, self.clock.now());
        match report.heard {
            Heard::Started(pid) => {
                if let Some(process) = self.processes.get_mut(&worker) {
                    process.pid = Some(pid);
                }
                self.say(What::Started { worker, pid });
            }
            Heard::Beat(beat) => self.pool.beat(worker, beat, now),
            Heard::Ended {
                ended,
                last,
                left_out,
            } => {
                self.processes.remove(&worker);
                self.desk.state().counts.lines_left_out += left_out;
                let is_draining = self
                    .pool
                    .workers()
                    .any(|known| known.id == worker && known.state == WorkerState::Draining);
                if is_draining {
                    self.say(What::Drained { worker, ended });
                }
                self.last_line = last;
                self.pool.ended(worker, ended, now);
                // What it said last is told with its death.
                let has_work = self.has_work();
                self.tick(has_work);
                return;
            }
        }
        self.show();
    }

    fn has_work(&self) -> bool {
        let state = self.desk.state();
        let decision = state.decision.as_ref();
        let backlog = decision.and_then(|decision| decision.inputs.backlog);
        backlog.is_some_and(|backlog| backlog.ready > 0)
    }

    /// Asks every worker to end, and ends those that do not in time.
    async fn end_all(mut self) {
        for order in [Order::Drain, Order::End] {
            let workers: Vec<WorkerId> = self.processes.keys().copied().collect();
            for worker in workers {
                self.order(worker, order);
            }
            let patience = match order {
                Order::Drain => self.grace,
                Order::End => KILLED_WITHIN,
            };
            let ended = timeout(patience, self.all_ended()).await;
            if ended.is_ok() {
                return;
            }
        }
        let pool = &self.desk.config.name;
        tracing::error!(pool, "workers are left that cannot be ended");
    }

    async fn all_ended(&mut self) {
        while !self.processes.is_empty() {
            let Some(report) = self.reports.recv().await else {
                return;
            };
            if let Heard::Ended { ended, .. } = report.heard {
                self.processes.remove(&report.worker);
                let worker = report.worker;
                self.say(What::Drained { worker, ended });
            }
        }
    }
}
