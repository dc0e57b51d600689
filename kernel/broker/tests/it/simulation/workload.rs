use std::collections::BTreeMap;
use std::time::Duration;

use portique_broker::Broker;
use portique_bus::{ConsumerName, ConsumerOptions};
use portique_clock::Clock;
use portique_event::Filter;
use portique_jobs::{
    Backoff, Binding, Claim, Claimed, Completion, DeadFilter, Dependency, Error, Failing, Failure,
    JobId, JobKind, JobOptions, Jobs, Label, Lease, MissedTicks, NewJob, OnDeadChild, Overlap,
    Payload, QueueName, QueueOptions, Rate, RetryPolicy, Schedule, ScheduleName, Settled,
    Transaction, Unique, UniqueMode, WorkerName,
};
use portique_journal::Journal;

use super::world::World;
use crate::rig::event;

/// Every kind of limit: none; order of keys; fair groups; few jobs and a rate.
pub(super) const QUEUES: [&str; 4] = ["plain", "keyed", "fair", "few"];
const WORKERS: [&str; 3] = ["ann", "bob", "eve"];
const LABELS: [&str; 3] = ["x", "y", "z"];
const LEASE: Duration = Duration::from_secs(5);
/// Rounds in which everything must come to its end.
const ROUNDS_MAX: usize = 400;

/// The broker's life is over: its disk failed.
#[derive(Debug)]
pub(super) struct Stopped;

pub(super) fn queue(name: &str) -> QueueName {
    QueueName::new(name).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn kind() -> JobKind {
    JobKind::new("work").unwrap()
}

fn schedule_name(text: &str) -> ScheduleName {
    ScheduleName::new(text).unwrap()
}

fn consumer() -> ConsumerName {
    ConsumerName::new("reader").unwrap()
}

fn options(name: &str) -> QueueOptions {
    let base = QueueOptions {
        lease: LEASE,
        retry: RetryPolicy {
            attempts: 3,
            backoff: Backoff {
                first: Duration::from_secs(2),
                factor: 2.0,
                max: Duration::from_secs(10),
                jitter: 0.5,
            },
        },
        // Clocks jump by hours, and what is finished is asked for at the end.
        result_ttl: Duration::from_secs(300 * 24 * 60 * 60),
        ..QueueOptions::default()
    };
    match name {
        "keyed" => QueueOptions {
            key_concurrency: Some(1),
            concurrency: Some(4),
            ..base
        },
        "fair" => QueueOptions {
            weights: BTreeMap::from([(label("x"), 3)]),
            group_concurrency: Some(2),
            ageing: None,
            ..base
        },
        "few" => QueueOptions {
            jobs_max: 20,
            losses_max: 2,
            rate: Some(Rate {
                count: 5,
                per: Duration::from_secs(10),
            }),
            ..base
        },
        _ => base,
    }
}

impl World {
    /// Defines what is there from the first life on; later it is found as it was.
    pub(super) async fn begin(
        &mut self,
        broker: &Broker,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let (jobs, bus) = (broker.jobs(), broker.bus());
        for name in QUEUES {
            let name = queue(name);
            let defined = jobs.define_queue(&name, options(name.as_str()));
            let defined = self.patient(journal, defined).await;
            self.answered(defined)?;
        }
        let binding = Binding {
            name: schedule_name("bound"),
            filter: Filter::new("bound.>").unwrap(),
            queue: queue("plain"),
            kind: kind(),
            options: JobOptions::default(),
        };
        let bound = self.patient(journal, jobs.bind(binding)).await;
        self.answered(bound)?;
        let reader = ConsumerOptions {
            ack_wait: LEASE,
            max_deliver: 3,
            ..ConsumerOptions::new(Filter::new(">").unwrap())
        };
        let made = self
            .patient(journal, bus.consumer(&consumer(), reader))
            .await;
        self.answered_bus(made)?;
        Ok(())
    }

    pub(super) async fn step(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let jobs = &*broker.jobs();
        match self.below(100) {
            0..18 => self.enqueue(jobs, journal).await,
            18..42 => self.claim(jobs, journal).await,
            42..60 => self.complete(jobs, journal).await,
            60..66 => self.fail(jobs, journal).await,
            66..69 => self.release(jobs, journal).await,
            69..71 => self.extend(jobs).await,
            71..73 => self.cancel(jobs, journal).await,
            73..75 => self.retry(jobs, journal).await,
            75..78 => self.see_to_dead(jobs, journal).await,
            78..80 => self.control(jobs, journal).await,
            80..81 => self.schedule(jobs, journal).await,
            81..88 => self.pass_time(broker, journal).await,
            88..90 => self.publish(broker, journal).await,
            90..93 => self.consume(broker, journal).await,
            93..97 => self.commit(broker, journal).await,
            97..98 => {
                let name = WORKERS[self.choose(3)];
                self.held.remove(name);
                Ok(())
            }
            _ => {
                self.fill_disk();
                Ok(())
            }
        }
    }

    /// The answer; none for a refusal that may be; [`Stopped`] when the disk failed.
    pub(super) fn answered<T>(&mut self, answer: Result<T, Error>) -> Result<Option<T>, Stopped> {
        let answer = match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::Bus(error)) => self.answered_bus(Err(error)),
            Err(error) => self.refused(error).map(|()| None),
        };
        if answer.is_ok() {
            self.ledger.hear();
        }
        answer
    }

    fn refused(&mut self, error: Error) -> Result<(), Stopped> {
        match error {
            Error::Unavailable { .. } | Error::InDoubt { .. } => {
                assert!(self.disk.has_failed(), "seed {}: {error:?}", self.seed);
                self.reached.in_doubt += u64::from(matches!(error, Error::InDoubt { .. }));
                Err(Stopped)
            }
            Error::QueueFull { .. } | Error::Exhausted { .. } => {
                self.reached.refused_full += 1;
                Ok(())
            }
            Error::KeyConflict { .. } => {
                self.reached.conflicts += 1;
                Ok(())
            }
            Error::StaleLease { .. } | Error::WrongState { .. } | Error::Draining { .. } => {
                self.reached.stale += 1;
                Ok(())
            }
            Error::UnknownJob { .. } | Error::UnknownName { .. } => Ok(()),
            error => panic!("seed {}: {error:?}", self.seed),
        }
    }

    fn answered_bus<T>(
        &mut self,
        answer: Result<T, portique_bus::Error>,
    ) -> Result<Option<T>, Stopped> {
        use portique_bus::Error;
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::StaleDelivery { .. } | Error::Exhausted { .. }) => Ok(None),
            Err(error) => {
                assert!(self.disk.has_failed(), "seed {}: {error:?}", self.seed);
                Err(Stopped)
            }
        }
    }

    fn payload(text: &str) -> Payload {
        Payload::json(text.to_owned())
    }

    fn new_job(&mut self, place: usize) -> (NewJob, String) {
        let name = QUEUES[self.choose(4)];
        let text = self.ledger.next_text();
        let mut job = NewJob::new(queue(name), kind(), Self::payload(&text));
        let options = &mut job.options;
        let pick = |world: &mut Self| Some(label(LABELS[world.choose(3)]));
        match name {
            "keyed" => options.key = pick(self),
            "fair" => options.group = pick(self),
            _ => {}
        }
        match self.below(20) {
            0 => options.priority = [-3, 5][self.choose(2)],
            1 => options.run_at = Some(self.clock.now().plus(self.seconds(20))),
            2 => options.deadline = Some(self.clock.now().plus(self.seconds(60))),
            3 => {
                let modes = [
                    UniqueMode::UntilFinished,
                    UniqueMode::UntilClaimed,
                    UniqueMode::Replace,
                    UniqueMode::For(Duration::from_secs(30)),
                ];
                let mode = modes[self.choose(4)];
                let key = LABELS[self.choose(3)].to_owned();
                options.unique = Some(Unique { key, mode });
            }
            4 => options.after = self.some_known().map(Dependency::Job).into_iter().collect(),
            5 if place > 0 => options.after = vec![Dependency::InBatch(place - 1)],
            _ => {}
        }
        let on_dead = [OnDeadChild::Wait, OnDeadChild::Ignore, OnDeadChild::Die];
        options.on_dead_child = on_dead[self.choose(3)];
        (job, text)
    }

    fn seconds(&mut self, most: u64) -> Duration {
        Duration::from_secs(self.below(most))
    }

    fn some_known(&mut self) -> Option<JobId> {
        let count = self.ledger.jobs.len();
        if count == 0 {
            return None;
        }
        let at = self.choose(count);
        self.ledger.jobs.keys().nth(at).copied()
    }

    async fn enqueue(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        if self.below(8) == 0 {
            return self.enqueue_keyed(jobs, journal).await;
        }
        let count = 1 + self.choose(4);
        let (batch, texts): (Vec<_>, Vec<_>) = (0..count).map(|at| self.new_job(at)).unzip();
        self.ledger.ask(&texts, []);
        let answer = self.patient(journal, jobs.enqueue(batch)).await;
        if let Some(answer) = self.answered(answer)? {
            self.ledger.enqueued(texts, &answer);
        }
        Ok(())
    }

    /// One of a few requests, again and again; sometimes with another content.
    async fn enqueue_keyed(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let key = format!("key {}", self.below(5));
        let is_other = self.below(4) == 0;
        let text = if is_other {
            "\"another\"".to_owned()
        } else {
            format!("\"the job of {key}\"")
        };
        let mut job = NewJob::new(queue("plain"), kind(), Self::payload(&text));
        job.options.idempotency_key = Some(key.clone());
        let answer = self.patient(journal, jobs.enqueue(vec![job])).await;
        if let Some(answer) = self.answered(answer)? {
            self.ledger.enqueued(vec![text], &answer);
            if !is_other {
                self.ledger.keyed(&key, answer[0]);
            }
        }
        Ok(())
    }

    async fn claim(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let name = WORKERS[self.choose(3)];
        let claim = Claim {
            queue: queue(QUEUES[self.choose(4)]),
            worker: WorkerName::new(name).unwrap(),
            limit: 1 + self.choose(5),
            wait: Duration::ZERO,
            lease: None,
        };
        let answer = self.patient(journal, jobs.claim(claim)).await;
        if let Some(claimed) = self.answered(answer)? {
            for job in &claimed {
                self.ledger.claimed(job);
            }
            self.held.entry(name).or_default().extend(claimed);
        }
        Ok(())
    }

    /// One worker's jobs, some of which it may have lost long ago.
    fn take_held(&mut self, most: u64) -> Vec<Claimed> {
        let name = WORKERS[self.choose(3)];
        let count = 1 + self.below(most) as usize;
        let held = self.held.entry(name).or_default();
        let at = held.len().saturating_sub(count);
        held.split_off(at)
    }

    async fn complete(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let held = self.take_held(4);
        let leases: Vec<Lease> = held.iter().map(|job| job.lease).collect();
        self.complete_leases(jobs, journal, &leases).await?;
        if self.below(8) == 0 {
            // An answer that got lost on its way: the client asks again.
            self.complete_leases(jobs, journal, &leases).await?;
        }
        Ok(())
    }

    async fn complete_leases(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
        leases: &[Lease],
    ) -> Result<(), Stopped> {
        let has_result = self.below(3) == 0;
        let completion = |lease: &Lease| Completion {
            lease: *lease,
            result: has_result.then(|| Self::payload("\"result\"")),
        };
        let completions = leases.iter().map(completion).collect();
        self.ledger.ask(&[], leases.iter().map(|lease| lease.id));
        let answer = self.patient(journal, jobs.complete(completions)).await;
        for (lease, settled) in leases.iter().zip(self.answered(answer)?.iter().flatten()) {
            self.reached.stale += u64::from(*settled == Settled::Stale);
            self.ledger.completed(*lease, settled);
        }
        Ok(())
    }

    async fn fail(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let failures = [
            Failure::Policy,
            Failure::Policy,
            Failure::After(Duration::from_secs(3)),
            Failure::Reject,
        ];
        let failure = failures[self.choose(4)];
        let failing = |job: Claimed| Failing {
            lease: job.lease,
            reason: "it did not work".into(),
            failure,
        };
        let failings: Vec<_> = self.take_held(2).into_iter().map(failing).collect();
        let answer = self.patient(journal, jobs.fail(failings)).await;
        self.answered(answer).map(drop)
    }

    async fn release(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let leases: Vec<Lease> = self.take_held(3).iter().map(|job| job.lease).collect();
        let delay = self.seconds(3);
        let answer = self.patient(journal, jobs.release(&leases, delay)).await;
        self.answered(answer).map(drop)
    }

    async fn extend(&mut self, jobs: &dyn Jobs) -> Result<(), Stopped> {
        let leases = self.held.values().flatten().map(|job| job.lease);
        let leases: Vec<Lease> = leases.collect();
        let answer = jobs.extend(&leases).await;
        self.answered(answer).map(drop)
    }

    async fn cancel(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let Some(id) = self.some_known() else {
            return Ok(());
        };
        self.ledger.ask(&[], [id]);
        let answer = self.patient(journal, jobs.cancel(&[id])).await;
        if let Some(answer) = self.answered(answer)? {
            self.ledger.cancelled(id, &answer[0]);
        }
        Ok(())
    }

    async fn retry(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let Some(id) = self.some_known() else {
            return Ok(());
        };
        let answer = self.patient(journal, jobs.retry(&[id])).await;
        self.answered(answer).map(drop)
    }

    async fn see_to_dead(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let filter = DeadFilter {
            queue: None,
            after: None,
            limit: 10,
        };
        let answer = self.patient(journal, jobs.dead(filter)).await;
        let letters = self.answered(answer)?.unwrap_or_default();
        if letters.is_empty() {
            return Ok(());
        }
        let id = letters[self.choose(letters.len())].id;
        match self.below(3) {
            0 => {
                self.ledger.edited(id);
                let edited = jobs.edit_dead(id, Self::payload("\"edited\""));
                let answer = self.patient(journal, edited).await;
                self.answered(answer)?;
            }
            1 => {
                self.ledger.ask(&[], [id]);
                let answer = self.patient(journal, jobs.drop_dead(&[id])).await;
                if let Some(answer) = self.answered(answer)? {
                    self.ledger.dropped(id, &answer[0]);
                }
            }
            _ => {
                let answer = self.patient(journal, jobs.retry(&[id])).await;
                self.answered(answer)?;
            }
        }
        Ok(())
    }

    async fn control(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let name = queue(QUEUES[self.choose(4)]);
        let group = (name.as_str() == "fair").then(|| label(LABELS[self.choose(3)]));
        let answer = match self.below(5) {
            0 => {
                self.patient(journal, jobs.pause(&name, group.as_ref()))
                    .await
            }
            1 => self.patient(journal, jobs.drain(&name)).await,
            _ => {
                let resumed = self
                    .patient(journal, jobs.resume(&name, group.as_ref()))
                    .await;
                self.answered(resumed)?;
                self.patient(journal, jobs.resume(&name, None)).await
            }
        };
        self.answered(answer).map(drop)
    }

    async fn schedule(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let job = NewJob::new(queue("few"), kind(), Self::payload("\"tick\""));
        let schedule = Schedule {
            name: schedule_name("often"),
            cron: "*/3 * * * * *".into(),
            zone: "Europe/Paris".into(),
            job,
            missed: [MissedTicks::Skip, MissedTicks::Last, MissedTicks::All][self.choose(3)],
            overlap: [Overlap::Queue, Overlap::Skip, Overlap::Replace][self.choose(3)],
            is_paused: self.below(2) == 0,
        };
        let answer = self.patient(journal, jobs.define_schedule(schedule)).await;
        self.answered(answer).map(drop)
    }

    async fn pass_time(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        match self.below(20) {
            0 => self
                .clock
                .jump_to(self.clock.now().plus(Duration::from_secs(3 * 60 * 60))),
            1 => self
                .clock
                .jump_to(self.clock.now().minus(Duration::from_secs(60 * 60))),
            _ => self
                .clock
                .advance(Duration::from_millis(self.random_millis())),
        }
        self.tick(broker, journal).await
    }

    fn random_millis(&self) -> u64 {
        // From the time itself, so that it stays the same whoever asks in between.
        let nanos = self.clock.monotonic().as_nanos() as u64;
        100 + (nanos / 1_000_000 * 7_919) % 4_000
    }

    async fn tick(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let ticked = self.patient(journal, broker.tick()).await;
        if let Err(error) = ticked {
            let is_full = portique_fault::Fault::code(&error);
            let is_right =
                self.disk.has_failed() || is_full == portique_fault::Code::ResourceExhausted;
            assert!(is_right, "seed {}: {error:?}", self.seed);
            if self.disk.has_failed() {
                return Err(Stopped);
            }
        }
        Ok(())
    }

    async fn publish(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let batch = (0..=self.below(2)).map(|_| self.new_event()).collect();
        let answer = self.patient(journal, broker.bus().publish(batch)).await;
        if let Some(sequences) = self.answered_bus(answer)? {
            self.ledger
                .told
                .published
                .extend(sequences.iter().map(|sequence| sequence.0));
        }
        Ok(())
    }

    fn new_event(&mut self) -> portique_event::Event {
        let id = self.below(1 << 40).to_string();
        event(&id, ["bound.a", "free.a"][self.choose(2)])
    }

    async fn consume(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let bus = broker.bus();
        let reader = consumer();
        let fetched = bus.fetch(&reader, 3, Duration::ZERO);
        let answer = self.patient(journal, fetched).await;
        for delivery in self.answered_bus(answer)?.unwrap_or_default() {
            let token = delivery.token;
            let answer = match self.below(5) {
                0 => continue,
                1 => {
                    let delay = self.seconds(3);
                    self.patient(journal, bus.nak(&reader, token, delay)).await
                }
                _ => self.patient(journal, bus.ack(&reader, &[token])).await,
            };
            self.answered_bus(answer)?;
        }
        Ok(())
    }

    /// Completes, acknowledges, publishes and enqueues in one frame.
    async fn commit(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let (bus, transact) = (broker.bus(), broker.transact());
        let reader = consumer();
        let fetched = self
            .patient(journal, bus.fetch(&reader, 1, Duration::ZERO))
            .await;
        let deliveries = self.answered_bus(fetched)?.unwrap_or_default();
        let tokens = deliveries.iter().map(|delivery| delivery.token).collect();
        let leases: Vec<Lease> = self.take_held(2).iter().map(|job| job.lease).collect();
        let (job, text) = self.new_job(0);
        let completion = |lease: &Lease| Completion {
            lease: *lease,
            result: None,
        };
        let transaction = Transaction {
            publish: vec![self.new_event()],
            enqueue: vec![job],
            complete: leases.iter().map(completion).collect(),
            acknowledge: vec![(reader, tokens)],
            ..Transaction::default()
        };
        self.ledger.ask(
            std::slice::from_ref(&text),
            leases.iter().map(|lease| lease.id),
        );
        let answer = self.patient(journal, transact.commit(transaction)).await;
        if let Some(committed) = self.answered(answer)? {
            self.reached.committed += 1;
            let sequences = committed.sequences.iter().map(|sequence| sequence.0);
            self.ledger.told.published.extend(sequences);
            self.ledger.enqueued(vec![text], &committed.jobs);
            for lease in leases {
                self.ledger.completed(lease, &Settled::Done);
            }
        }
        Ok(())
    }

    /// Lets everything come to its end: due, claimed, completed; the dead are retried once more.
    pub(super) async fn work_off(
        &mut self,
        broker: &Broker,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let jobs = &*broker.jobs();
        let removed = jobs.remove_schedule(&schedule_name("often")).await;
        self.answered(removed)?;
        for name in QUEUES {
            for group in LABELS.map(label) {
                let resumed = jobs.resume(&queue(name), Some(&group)).await;
                self.answered(resumed)?;
            }
            let resumed = jobs.resume(&queue(name), None).await;
            self.answered(resumed)?;
        }
        for round in 0..ROUNDS_MAX {
            self.clock.advance(Duration::from_secs(30));
            self.tick(broker, journal).await?;
            let left = self.work_once(jobs, journal, round).await?;
            if left == 0 {
                return Ok(());
            }
        }
        panic!(
            "seed {}: jobs are left after {ROUNDS_MAX} rounds",
            self.seed
        );
    }

    /// How many jobs are left that are not finished.
    async fn work_once(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
        round: usize,
    ) -> Result<u64, Stopped> {
        let mut left = 0;
        for name in QUEUES {
            let claim = Claim {
                queue: queue(name),
                worker: WorkerName::new(format!("last-{round}")).unwrap(),
                limit: 100,
                wait: Duration::ZERO,
                lease: None,
            };
            let claimed = jobs.claim(claim).await;
            let claimed = self.answered(claimed)?.unwrap_or_default();
            claimed.iter().for_each(|job| self.ledger.claimed(job));
            let leases: Vec<Lease> = claimed.iter().map(|job| job.lease).collect();
            self.complete_leases(jobs, journal, &leases).await?;
            // A job whose child was cancelled waits for good; one that is past its deadline dies again.
            for state in ["dead", "blocked"] {
                let ids = self.ids(jobs, name, Some(state)).await?;
                if state == "dead" && round.is_multiple_of(10) && round < ROUNDS_MAX / 2 {
                    let retried = jobs.retry(&ids).await;
                    self.answered(retried)?;
                } else if round >= ROUNDS_MAX / 2 {
                    self.give_up(jobs, state, &ids).await?;
                }
            }
            let counts = jobs.queue(&queue(name)).await;
            let counts = self.answered(counts)?.expect("the queue is there").counts;
            left += counts.waiting + counts.prioritized + counts.delayed + counts.failed;
            left += counts.active + counts.blocked + counts.dead;
        }
        Ok(left)
    }

    async fn give_up(
        &mut self,
        jobs: &dyn Jobs,
        state: &str,
        ids: &[JobId],
    ) -> Result<(), Stopped> {
        let answer = match state {
            "dead" => jobs.drop_dead(ids).await,
            _ => jobs.cancel(ids).await,
        };
        let answer = self.answered(answer)?.unwrap_or_default();
        for (id, settled) in ids.iter().zip(&answer) {
            match state {
                "dead" => self.ledger.dropped(*id, settled),
                _ => self.ledger.cancelled(*id, settled),
            }
        }
        Ok(())
    }
}
