//! Rules and alerts as the hub runs them: what stands around `portique_monitor`, which decides.
//!
//! ```text
//!  sender --> WatchingSink --> store           .--> calls: actions, at once
//!                  |                           |
//!              arrivals --> loop --> evaluate -+--> samples: back through the sink
//!  rule files ------------> (a thread)         |
//!                                              '--> scribe --> facts on the bus --> notifier
//! ```
//!
//! The loop is a thread of its own that owns the schedule: it waits for a sample or for the next time something
//! is due, evaluates by itself what needs no query, and gives the rest to a few threads that may block. What is
//! decided changes the engine at once; it is durable when the scribe has kept it, and people are told then.
//! Nothing of this makes whoever sends samples wait.

mod act;
mod arrivals;
mod ask;
mod call;
mod deadline;
mod evaluate;
mod figures;
#[cfg(test)]
pub(crate) mod ground;
pub(crate) mod keeper;
mod load;
mod pool;
mod scribe;
mod shipped;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use portique_clock::Timestamp;
use portique_monitor::{
    Actions, Alert, Call, Engine, EngineOptions, Evaluated, Fact, Outcome, PromQl, Sample, Work,
};
use portique_series::{Batch, Labels};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::lifetime::TaskGroup;
use crate::telemetry::Telemetry;
pub(crate) use arrivals::{Arrivals, WatchingSink};
pub(crate) use ask::AlertFilter;
use figures::Figures;
use keeper::{Keeper, KeeperPorts};
pub(crate) use load::{Loaded, RuleList, ShippedRules};
use scribe::{Decided, Scribe};
pub(crate) use shipped::HUB_RULES;
pub(crate) use view::{
    AlertExplained, AlertHistory, AlertView, AlertingView, GroupView, RuleView, StateView,
};

/// The name of the loop among the hub's tasks.
const LOOP_TASK: &str = "rules";

/// Tells whoever tells people; it does not wait.
pub(crate) type Tell = Box<dyn Fn(Vec<Alert>) + Send + Sync>;

/// Says which files have rules now; asked again at every reload.
pub(crate) type RuleLists = Box<dyn Fn() -> Result<Vec<RuleList>, Vec<String>> + Send + Sync>;

/// What rules and alerts stand on.
pub(crate) struct Parts {
    pub(crate) keeper: KeeperPorts,
    pub(crate) telemetry: Telemetry,
    /// What the sink before the store notes down.
    pub(crate) arrivals: Arc<Arrivals>,
    /// What systems can do.
    pub(crate) actions: Actions,
    pub(crate) lists: RuleLists,
    /// Rules that are part of the program.
    pub(crate) shipped: Vec<ShippedRules>,
    /// What the names of metrics begin with that only those record.
    pub(crate) reserved: &'static [&'static str],
    /// Where people reach the hub, without a slash at the end.
    pub(crate) url: String,
    pub(crate) tell: Tell,
}

/// Rules and alerts, for whoever asks or acts; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Monitor {
    shared: Arc<Shared>,
}

/// What runs while the hub does.
pub(crate) struct MonitorWorker {
    shared: Arc<Shared>,
    scribe: Scribe,
}

/// What the loop, the evaluations, the scribe and visitors share.
struct Shared {
    telemetry: Telemetry,
    arrivals: Arc<Arrivals>,
    language: PromQl,
    actions: Actions,
    lists: RuleLists,
    shipped: Vec<ShippedRules>,
    reserved: &'static [&'static str],
    /// One reload after the other.
    loading: AsyncMutex<()>,
    /// Labels for templates, which a reload may change.
    external_labels: RwLock<Arc<Labels>>,
    core: Mutex<Core>,
    /// Rung when something was decided.
    decided: Notify,
    /// Rung when a system is to do something.
    called: Notify,
    figures: Figures,
    stop: CancellationToken,
}

/// What is behind the one lock, which nobody holds for long: not while a rule is evaluated.
struct Core {
    engine: Engine,
    /// In the order decided.
    decided: Vec<Decided>,
    calls: Vec<Call>,
}

impl Monitor {
    /// Brings alerts back as they were, and loads the rules; nothing runs yet.
    ///
    /// # Errors
    /// [`Error::Rules`] with every mistake of every file, or [`Error::Part`].
    pub(crate) async fn open(parts: Parts) -> Result<(Self, MonitorWorker), Error> {
        let options = EngineOptions {
            external_url: parts.url,
            ..EngineOptions::default()
        };
        let mut engine = Engine::new(options);
        let keeper = Keeper::open(parts.keeper, |fact| engine.apply(&fact)).await;
        let keeper = keeper.map_err(|error| Error::part("the keeper of alerts", &error))?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            language: deadline::language(&parts.telemetry, stop.clone()),
            telemetry: parts.telemetry,
            arrivals: parts.arrivals,
            actions: parts.actions,
            lists: parts.lists,
            shipped: parts.shipped,
            reserved: parts.reserved,
            loading: AsyncMutex::new(()),
            external_labels: RwLock::new(Arc::new(Labels::empty())),
            core: Mutex::new(Core {
                engine,
                decided: Vec::new(),
                calls: Vec::new(),
            }),
            decided: Notify::new(),
            called: Notify::new(),
            figures: Figures::default(),
            stop,
        });
        let monitor = Self {
            shared: Arc::clone(&shared),
        };
        let loaded = monitor.load().await;
        loaded.map_err(|problems| Error::Rules { problems })?;
        let scribe = Scribe::new(Arc::clone(&shared), keeper, parts.tell);
        let worker = MonitorWorker { shared, scribe };
        Ok((monitor, worker))
    }
}

impl MonitorWorker {
    /// Starts everything; the scribe ends last, so that what was decided is kept.
    pub(crate) fn spawn(self, control: &TaskGroup) {
        let Self { shared, scribe } = self;
        let stop = control.token();
        let calling = Arc::clone(&shared);
        control.spawn("actions", async move {
            call::run(&calling).await;
            Ok(())
        });
        let ending = Arc::clone(&shared);
        control.spawn("alerts", async move {
            scribe.run().await;
            Ok(())
        });
        control.spawn(LOOP_TASK, async move {
            let _end = EndWithIt(Arc::clone(&ending));
            let looping = Arc::clone(&ending);
            let handle = tokio::runtime::Handle::current();
            let thread = tokio::task::spawn_blocking(move || evaluate::run(&looping, &handle));
            tokio::pin!(thread);
            tokio::select! {
                ended = &mut thread => {
                    ending.end();
                    return ended.map_err(|error| error.to_string());
                }
                () = stop.cancelled() => ending.end(),
            }
            thread.await.map_err(|error| error.to_string())
        });
    }
}

/// Ends the loop with the task that waits for its thread, also when a runtime is dropped with it: the runtime
/// waits for the thread.
struct EndWithIt(Arc<Shared>);

impl Drop for EndWithIt {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.telemetry.clock.now()
    }

    /// Ends the evaluations, the loop and those who wait for what it decides.
    fn end(&self) {
        self.stop.cancel();
        self.arrivals.ring();
        self.called.notify_one();
        self.decided.notify_one();
    }

    /// Does what an evaluation came to.
    fn conclude(&self, evaluated: Evaluated, took: std::time::Duration) {
        let mut core = self.core();
        let now = self.now();
        let outcome = core.engine.conclude(evaluated, took, now);
        let samples = self.note(&mut core, outcome);
        drop(core);
        self.append(samples);
    }

    /// Notes what was decided, in the order decided; gives back the samples, which are for the caller to append
    /// without the lock.
    fn note(&self, core: &mut Core, outcome: Outcome) -> Vec<Sample> {
        let Outcome {
            facts,
            samples,
            alerts,
            calls,
        } = outcome;
        if !calls.is_empty() {
            core.calls.extend(calls);
            self.called.notify_one();
        }
        self.decide(core, facts, alerts);
        samples
    }

    /// Notes what the clock alone decided.
    fn note_work(&self, core: &mut Core, work: &mut Work) {
        let facts = std::mem::take(&mut work.facts);
        let alerts = std::mem::take(&mut work.alerts);
        self.decide(core, facts, alerts);
    }

    fn decide(&self, core: &mut Core, facts: Vec<Fact>, alerts: Vec<Alert>) {
        if !facts.is_empty() || !alerts.is_empty() {
            core.decided.push(Decided {
                facts,
                alerts,
                reply: None,
            });
            self.decided.notify_one();
        }
    }

    /// Gives samples to the store, through the sink, so that rules that read them are due.
    fn append(&self, samples: Vec<Sample>) {
        if samples.is_empty() {
            return;
        }
        let mut batch = Batch::new();
        for sample in &samples {
            if batch.series(&sample.labels).is_err() {
                continue;
            }
            match &sample.value {
                portique_series::Value::Float(value) => batch.float(sample.at_ms, *value),
                portique_series::Value::Histogram(value) => {
                    batch.histogram(sample.at_ms, Arc::clone(value));
                }
            }
        }
        match self.telemetry.owners.submit(&batch) {
            Ok(submitted) => {
                let refused = submitted.appended().refused_samples();
                self.figures.refused(refused);
            }
            Err(error) => {
                self.figures.refused(samples.len());
                let problem = portique_fault::chain(&error);
                tracing::warn!(problem, "the store does not take what rules yield");
            }
        }
    }
}
