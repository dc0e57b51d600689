//! The rule engine, with the rules that ship and one more, in the manner of a hub's loop.

use std::sync::{Arc, Mutex, OnceLock, mpsc as blocking};
use std::time::Duration;

use portique_clock::{Clock, WallClock};
use portique_launch::rules::RULE_FILES;
use portique_monitor::{
    Actions, Call, DueRule, Engine, EngineOptions, PromQl, RuleDefaults, Surroundings,
    read_rule_file,
};
use portique_series::{Labels, Store, Value};

use crate::alerted::lock;
use crate::field::LIMIT_PA;

/// Batches on their way to the rules: a second's worth.
pub(crate) const BATCHES_WAITING_MAX: usize = 1_024;

/// The engine has to see a clock that is set.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The rule that is measured, beside those that ship.
const RULE: &str = "groups: [{name: bench, trigger: ingest, rules: [{alert: BenchPressure, \
                    expr: launch_dynamic_pressure_pascals > LIMIT, action: launch.abort}]}]";

/// Series that have a new sample, with its time and value.
pub(crate) type Arrived = Vec<(Labels, i64, Value)>;

/// The rule engine and what it stands on.
pub(crate) struct Rules {
    engine: Mutex<Engine>,
    language: PromQl,
    store: Arc<Store>,
    clock: Arc<WallClock>,
    actions: Arc<OnceLock<Actions>>,
    runtime: tokio::runtime::Handle,
}

impl Rules {
    pub(crate) fn load(
        store: Arc<Store>,
        clock: Arc<WallClock>,
        actions: Arc<OnceLock<Actions>>,
    ) -> anyhow::Result<Self> {
        let promql = portique_promql::Engine::new(portique_promql::Config::default());
        let language = PromQl::new(Arc::new(promql));
        let own = RULE.replace("LIMIT", &LIMIT_PA.to_string());
        let files = RULE_FILES
            .iter()
            .copied()
            .chain([("bench.yml", own.as_str())]);
        let mut groups = Vec::new();
        for (name, text) in files {
            let read = read_rule_file(name, text, &language, &RuleDefaults::default());
            groups.extend(read.map_err(|problems| anyhow::anyhow!("{problems:?}"))?);
        }
        let mut engine = Engine::new(EngineOptions::default());
        engine.load(groups, clock.now());
        Ok(Self {
            engine: Mutex::new(engine),
            language,
            store,
            clock,
            actions,
            runtime: tokio::runtime::Handle::current(),
        })
    }

    /// As a hub does: what needs no query is evaluated at once, the rest beside, and who rests is waited for.
    pub(crate) fn run(self: Arc<Self>, arrivals: &blocking::Receiver<Arrived>) {
        let (slow, slow_lists) = blocking::sync_channel::<Vec<DueRule>>(BATCHES_WAITING_MAX);
        let beside = Arc::clone(&self);
        std::thread::spawn(move || {
            slow_lists.iter().for_each(|list| beside.evaluate_all(list));
        });
        loop {
            let next = lock(&self.engine).next_due();
            let patience = next.map_or(LOOK_EVERY, |next| next.since(self.clock.now()));
            let first = match arrivals.recv_timeout(patience.min(LOOK_EVERY)) {
                Ok(first) => Some(first),
                Err(blocking::RecvTimeoutError::Timeout) => None,
                Err(blocking::RecvTimeoutError::Disconnected) => return,
            };
            for list in self.look(first.into_iter().chain(arrivals.try_iter())) {
                if list.iter().all(DueRule::is_quick) {
                    self.evaluate_all(list);
                } else if slow.send(list).is_err() {
                    return;
                }
            }
        }
    }

    fn look(&self, arrived: impl Iterator<Item = Arrived>) -> Vec<Vec<DueRule>> {
        let mut engine = lock(&self.engine);
        let now = self.clock.now();
        for (labels, at_ms, value) in arrived.flatten() {
            engine.appended(&labels, at_ms, &value, now);
        }
        engine.tick(now).due
    }

    fn evaluate_all(&self, list: Vec<DueRule>) {
        for due in list {
            let Some(due) = lock(&self.engine).begin(due) else {
                continue;
            };
            let surroundings = Surroundings {
                language: &self.language,
                external_labels: &Labels::empty(),
                external_url: "",
            };
            let begin = self.clock.monotonic();
            let evaluated = due.evaluate(self.store.as_ref(), &surroundings);
            let took = self.clock.monotonic().saturating_sub(begin);
            let now = self.clock.now();
            let outcome = lock(&self.engine).conclude(evaluated, took, now);
            for Call { action, request } in outcome.calls {
                let action = self.actions.get().and_then(|all| all.find(&action));
                let action = action.cloned();
                self.runtime
                    .spawn(async move { action?.call(request).await.ok() });
            }
        }
    }
}
