//! The one loop that owns the dispatcher: what is decided is kept first, then true, then done.

mod frames;
mod reconcile;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use portique_clock::Seeded;
use portique_fault::{Fault, Report};
use portique_jobs::{Committed, Completion, Jobs, Transaction};
use portique_monitor::notify::{Due, Fact, NotificationJob, Output, Posted, Silence, WithoutEnd};
use portique_series::Labels;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::handle::{Input, Reply, Settlement, Shared};
use super::setup::Setup;
use crate::monitor::keeper::{Error, Keeper};
use frames::frames;

/// Inputs taken at once: their facts go to the disk together where that is possible.
const INPUTS_AT_ONCE: usize = 256;
/// Looks at what is due before others are heard again: each looks at 500 groups.
const LOOKS_AT_ONCE: usize = 20;
/// Longest sleep: a clock that was set ahead is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(10);
/// After something that could not be kept: a disk that is full is not asked all the time.
const PAUSE: Duration = Duration::from_secs(1);
/// The alert that tells of a silence that ends soon.
const SILENCE_ENDING: &str = "SilenceEnding";

/// Owns the dispatcher.
pub(super) struct Desk {
    pub(super) shared: Arc<Shared>,
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) keeper: Keeper<Fact>,
    pub(super) jobs: Arc<dyn Jobs>,
    pub(super) random: Seeded,
    /// Nothing is decided before this, by the monotonic clock.
    pub(super) paused_until: Duration,
    /// When it is next compared with its queue, by the monotonic clock.
    pub(super) reconciled_at: Duration,
}

impl Desk {
    /// Runs until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut inputs = Vec::new();
        self.tend().await;
        loop {
            let sleep = tokio::time::sleep(self.until_due());
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                () = stop.cancelled() => break,
                _ = self.inputs.recv_many(&mut inputs, INPUTS_AT_ONCE) => {}
                () = shared.wake.notified() => {}
                () = sleep => {}
            }
            self.take_told().await;
            self.take_all(&mut inputs).await;
            self.look().await;
            self.tend().await;
        }
        self.checkpoint().await;
    }

    /// How long nothing is due.
    fn until_due(&self) -> Duration {
        let clock = &self.shared.clock;
        let next = self.shared.read(|dispatcher| dispatcher.next_due());
        let due = next.map_or(SLEEP_MAX, |next| next.since(clock.now()));
        let pause = self.paused_until.saturating_sub(clock.monotonic());
        due.min(SLEEP_MAX).max(pause)
    }

    /// Takes in what the hub's own rules told of.
    async fn take_told(&mut self) {
        let told = {
            let mut told = self
                .shared
                .told
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *told)
        };
        if told.is_empty() {
            return;
        }
        let posted: Vec<Posted> = told.values().cloned().collect();
        match self.post(&posted).await {
            Ok(refused) => {
                for (place, problem) in refused {
                    let alert = posted[place].labels.to_string();
                    tracing::warn!(alert, problem, "nobody is told of an alert");
                }
            }
            Err(error) => {
                self.complain(&error, "alerts cannot be kept");
                // What was said of them since is newer.
                let mut waiting = self
                    .shared
                    .told
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                for (fingerprint, posted) in told {
                    waiting.entry(fingerprint).or_insert(posted);
                }
            }
        }
    }

    async fn take_all(&mut self, inputs: &mut Vec<Input>) {
        let mut settled = Vec::new();
        for input in inputs.drain(..) {
            match input {
                Input::Settle(settlement, reply) => settled.push((settlement, reply)),
                other => {
                    self.settle_all(std::mem::take(&mut settled)).await;
                    self.take(other).await;
                }
            }
        }
        self.settle_all(settled).await;
    }

    async fn take(&mut self, input: Input) {
        match input {
            Input::Post(alerts, reply) => answer(reply, self.post(&alerts).await),
            Input::SetSilence(request, reply) => {
                let now = self.shared.clock.now();
                let shared = Arc::clone(&self.shared);
                let decided = shared.read(|d| d.set_silence(*request, now, &mut self.random));
                match decided {
                    Ok((id, facts)) => answer(reply, self.keep_all(facts).await.map(|()| id)),
                    Err(error) => drop(reply.send(Err(Report::from(&error)))),
                }
            }
            Input::ExpireSilence(id, reply) => {
                let now = self.shared.clock.now();
                match self.shared.read(|d| d.expire_silence(&id, now)) {
                    Ok(fact) => answer(reply, self.keep_all(vec![fact]).await),
                    Err(error) => drop(reply.send(Err(Report::from(&error)))),
                }
            }
            Input::Configure(setup, reply) => answer(reply, self.configure(setup).await),
            Input::Settle(settlement, reply) => self.settle_all(vec![(settlement, reply)]).await,
        }
    }

    /// Takes alerts in; places and problems of those that are refused.
    async fn post(&mut self, alerts: &[Posted]) -> Result<Vec<(usize, String)>, Error> {
        let now = self.shared.clock.now();
        let receipt = self.shared.read(|d| d.post(alerts, now));
        let refused = receipt.refused.len();
        self.keep_all(receipt.facts).await?;
        let figures = &self.shared.figures;
        figures.posted(alerts.len() - refused, refused);
        Ok(receipt.refused)
    }

    /// Goes by another configuration; one that differs in secrets or templates only leaves all timers alone.
    async fn configure(&mut self, setup: Arc<Setup>) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let before = shared.read(|d| Arc::clone(d.config()));
        if before.redacted != setup.config.redacted {
            let now = shared.clock.now();
            let change = |config| {
                let mut dispatcher = shared
                    .dispatcher
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                dispatcher.configure(config, now)
            };
            let fact = change(Arc::clone(&setup.config));
            if let Err(error) = self.keep_all(vec![fact]).await {
                change(before);
                return Err(error);
            }
        }
        shared.put_setup(setup);
        Ok(())
    }

    /// Settles many at once; one whose lease is not held any more must not keep the others.
    async fn settle_all(&mut self, settled: Vec<(Settlement, Reply<()>)>) {
        if settled.is_empty() {
            return;
        }
        let all: Vec<&Settlement> = settled.iter().map(|(settlement, _)| settlement).collect();
        if self.settle(&all).await.is_ok() {
            for (_, reply) in settled {
                let _ = reply.send(Ok(()));
            }
            return;
        }
        for (mut settlement, reply) in settled {
            let mut done = self.settle(&[&settlement]).await;
            if done.is_err() {
                // Somebody cancelled the job, or took it for lost: that it arrived is true all the same.
                settlement.lease = None;
                done = self.settle(&[&settlement]).await;
            }
            answer(reply, done);
        }
    }

    async fn settle(&mut self, settled: &[&Settlement]) -> Result<(), Error> {
        let now = self.shared.clock.now();
        let mut facts = Vec::new();
        let mut transaction = Transaction::default();
        for settlement in settled {
            let outcome = settlement.outcome.clone();
            facts.extend(self.shared.read(|d| d.settle(settlement.id, outcome, now)));
            let completion = settlement.lease.map(|lease| Completion {
                lease,
                result: None,
            });
            transaction.complete.extend(completion);
        }
        self.keep(&facts, transaction).await?;
        for settlement in settled {
            self.shared.attempts.forget(settlement.id);
        }
        Ok(())
    }

    /// Does what is due by now.
    async fn look(&mut self) {
        for _ in 0..LOOKS_AT_ONCE {
            let now = self.shared.clock.now();
            let is_paused = self.paused_until > self.shared.clock.monotonic();
            let next = self.shared.read(|dispatcher| dispatcher.next_due());
            if is_paused || next.is_none_or(|next| next > now) {
                return;
            }
            let shared = Arc::clone(&self.shared);
            let decide = move || shared.read(|dispatcher| dispatcher.due(now));
            let Ok(due) = tokio::task::spawn_blocking(decide).await else {
                self.pause();
                return;
            };
            if due.facts.is_empty() {
                self.pause();
                return;
            }
            if let Err(error) = self.keep_due(due).await {
                self.complain(&error, "what is to be told cannot be kept");
                return;
            }
        }
        // Others are heard, then it goes on.
        self.shared.wake.notify_one();
    }

    /// Keeps what was decided with the jobs that tell it, as many frames as that takes.
    async fn keep_due(&mut self, due: Due) -> Result<(), Error> {
        let mut jobs: Vec<NotificationJob> = Vec::new();
        let mut ending = Vec::new();
        for output in due.outputs {
            match output {
                Output::Notify(job) => jobs.push(*job),
                Output::SilenceEnding(silence) => ending.push(silence_ending(&silence)),
            }
        }
        for frame in frames(due.facts, jobs) {
            let transaction = Transaction {
                enqueue: frame.jobs,
                ..Transaction::default()
            };
            self.keep(&frame.facts, transaction).await?;
        }
        if !ending.is_empty() {
            self.post(&ending).await?;
        }
        Ok(())
    }

    /// Keeps facts of any number, then makes them true.
    async fn keep_all(&mut self, facts: Vec<Fact>) -> Result<(), Error> {
        for frame in frames(facts, Vec::new()) {
            self.keep(&frame.facts, Transaction::default()).await?;
        }
        Ok(())
    }

    /// Keeps the facts of one frame with what belongs to them, then makes them true.
    async fn keep(&mut self, facts: &[Fact], with: Transaction) -> Result<Committed, Error> {
        let committed = self.keeper.keep(facts, with).await?;
        let dispatcher = &self.shared.dispatcher;
        let mut dispatcher = dispatcher.write().unwrap_or_else(PoisonError::into_inner);
        facts.iter().for_each(|fact| dispatcher.apply(fact));
        Ok(committed)
    }

    fn complain(&mut self, error: &Error, what: &str) {
        let problem = portique_fault::chain(error);
        tracing::error!(problem, "{what}: trying again");
        self.pause();
    }

    fn pause(&mut self) {
        self.paused_until = self.shared.clock.monotonic() + PAUSE;
    }
}

fn answer<T>(reply: Reply<T>, done: Result<T, impl Fault>) {
    // Who asked may have gone.
    let _ = reply.send(done.map_err(|error| Report::from(&error)));
}

/// The alert that tells the owner of a silence; routes send it to whom they will.
fn silence_ending(silence: &Silence) -> Posted {
    let (id, ends_at) = (&silence.id, silence.ends_at);
    let labels = [
        ("alertname", SILENCE_ENDING),
        ("silence", id),
        ("created_by", &silence.created_by),
    ];
    let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
    let summary = format!("The silence of {} ends at {ends_at}", silence.matchers);
    let annotations = [("summary", summary.as_str()), ("comment", &silence.comment)];
    let annotations = annotations
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    Posted {
        labels: Labels::from_pairs(labels),
        annotations: Labels::from_pairs(annotations),
        starts_at: None,
        ends_at: Some(ends_at),
        generator: Arc::from(""),
        without_end: WithoutEnd::TimesOut,
        shelved_until: None,
    }
}
