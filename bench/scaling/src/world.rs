//! A queue and its workers, in simulated time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use portique_clock::Seeded;

use crate::trace::{Trace, exponential};

/// What a scaler may see and do.
pub(crate) trait Scaler {
    /// It is woken at this time first.
    fn first(&mut self, world: &mut World<'_>) -> Duration;

    /// Looks and acts; says when it wants to be woken next.
    fn wake(&mut self, world: &mut World<'_>) -> Duration;

    /// A job came.
    fn arrived(&mut self, _world: &mut World<'_>) {}

    /// A worker is ready.
    fn ready(&mut self, _worker: u64, _at: Duration) {}

    /// A worker that drained is gone.
    fn gone(&mut self, _worker: u64, _at: Duration) {}
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ended {
    pub(crate) p50_s: f64,
    pub(crate) p99_s: f64,
    pub(crate) worker_s: f64,
    pub(crate) changes: u32,
    pub(crate) killed: u32,
    pub(crate) unfinished: usize,
}

/// One worker; it works on one job at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worker {
    pub(crate) is_ready: bool,
    pub(crate) drains: bool,
    /// The job in hand: when it came, and when it is done.
    job: Option<(Duration, Duration)>,
}

impl Worker {
    pub(crate) fn is_busy(&self) -> bool {
        self.job.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrive,
    Ready(u64),
    Finish(u64),
    Kill(u64),
    Wake,
}

/// The simulated world.
pub(crate) struct World<'a> {
    trace: &'a Trace,
    random: Seeded,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    next: u64,
    pub(crate) now: Duration,
    /// When the waiting jobs came.
    pub(crate) queue: VecDeque<Duration>,
    pub(crate) workers: BTreeMap<u64, Worker>,
    pub(crate) arrived: u64,
    pub(crate) finished: u64,
    /// Time spent on finished jobs.
    pub(crate) busy: Duration,
    waits: Vec<Duration>,
    ended: Ended,
}

/// One run of a trace under a scaler.
pub(crate) fn run(trace: &Trace, scaler: &mut dyn Scaler, seed: u64) -> Ended {
    let mut world = World {
        trace,
        random: Seeded::new(seed),
        events: BinaryHeap::new(),
        next: 0,
        now: Duration::ZERO,
        queue: VecDeque::new(),
        workers: BTreeMap::new(),
        arrived: 0,
        finished: 0,
        busy: Duration::ZERO,
        waits: Vec::new(),
        ended: Ended::default(),
    };
    for at in &trace.arrivals {
        world.at(*at, Event::Arrive);
    }
    let first = scaler.first(&mut world);
    world.at(first, Event::Wake);
    while let Some(Reverse((at, _, event))) = world.events.pop() {
        if at > trace.horizon {
            break;
        }
        world.pass(at);
        world.happen(event, scaler);
    }
    world.finish()
}

impl World<'_> {
    pub(crate) fn random(&mut self) -> &mut Seeded {
        &mut self.random
    }

    pub(crate) fn leased(&self) -> usize {
        self.workers
            .values()
            .filter(|worker| worker.is_busy())
            .count()
    }

    /// Workers that are to stay.
    pub(crate) fn staying(&self) -> u32 {
        let staying = self
            .workers
            .values()
            .filter(|worker| !worker.drains)
            .count();
        u32::try_from(staying).expect("the trace has a maximum")
    }

    /// Starts a worker; it is ready when its start is over.
    pub(crate) fn start(&mut self, id: u64) {
        let worker = Worker {
            is_ready: false,
            drains: false,
            job: None,
        };
        self.workers.insert(id, worker);
        self.at(self.now + self.trace.start, Event::Ready(id));
    }

    /// Asks a worker to go: at once when it has nothing in hand, else when it is done or, with a grace, when that is
    /// over. Whether it is gone.
    pub(crate) fn drain(&mut self, id: u64, grace: Option<Duration>) -> bool {
        let Some(worker) = self.workers.get_mut(&id) else {
            return true;
        };
        worker.drains = true;
        if !worker.is_busy() {
            self.workers.remove(&id);
            return true;
        }
        if let Some(grace) = grace {
            self.at(self.now + grace, Event::Kill(id));
        }
        false
    }

    /// Notes that the number of workers was changed.
    pub(crate) fn changed(&mut self) {
        self.ended.changes += 1;
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.next += 1;
        self.events.push(Reverse((at, self.next, event)));
    }

    fn pass(&mut self, at: Duration) {
        let passed = (at - self.now).as_secs_f64();
        self.ended.worker_s += passed * self.workers.len() as f64;
        self.now = at;
    }

    fn happen(&mut self, event: Event, scaler: &mut dyn Scaler) {
        match event {
            Event::Arrive => {
                self.queue.push_back(self.now);
                self.arrived += 1;
                self.fill();
                scaler.arrived(self);
            }
            Event::Ready(id) => {
                if let Some(worker) = self.workers.get_mut(&id) {
                    worker.is_ready = true;
                    scaler.ready(id, self.now);
                }
                self.fill();
            }
            Event::Finish(id) => self.end_job(id, scaler),
            Event::Kill(id) => {
                if let Some(Worker {
                    job: Some((came, _)),
                    ..
                }) = self.workers.remove(&id)
                {
                    self.ended.killed += 1;
                    self.queue.push_front(came);
                }
                self.fill();
            }
            Event::Wake => {
                let next = scaler.wake(self);
                self.at(next, Event::Wake);
            }
        }
    }

    fn end_job(&mut self, id: u64, scaler: &mut dyn Scaler) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        // The end of a job that a kill took away is none.
        if worker.job.is_none_or(|(_, done)| done != self.now) {
            return;
        }
        worker.job = None;
        self.finished += 1;
        if worker.drains {
            self.workers.remove(&id);
            scaler.gone(id, self.now);
        }
        self.fill();
    }

    fn fill(&mut self) {
        for (id, worker) in &mut self.workers {
            if worker.drains || !worker.is_ready || worker.is_busy() {
                continue;
            }
            let Some(came) = self.queue.pop_front() else {
                return;
            };
            self.waits.push(self.now - came);
            let takes = exponential(self.trace.service.as_secs_f64(), &mut self.random);
            let takes = Duration::from_secs_f64(takes);
            self.busy += takes;
            worker.job = Some((came, self.now + takes));
            self.next += 1;
            let done = (self.now + takes, self.next, Event::Finish(*id));
            self.events.push(Reverse(done));
        }
    }

    fn finish(mut self) -> Ended {
        self.waits.sort_unstable();
        let at = |share: f64| {
            let index = (self.waits.len() as f64 * share) as usize;
            let wait = self
                .waits
                .get(index.min(self.waits.len().saturating_sub(1)));
            wait.map_or(0.0, Duration::as_secs_f64)
        };
        Ended {
            p50_s: at(0.5),
            p99_s: at(0.99),
            unfinished: self.queue.len(),
            ..self.ended
        }
    }
}
