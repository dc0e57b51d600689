//! What rules can have launch control do: `launch.abort` and `launch.hold`.
//!
//! As the limit watch does, an abort orders the modules from here and lets the worker write it down meanwhile:
//! neither the worker's queue nor a disk is in its way, and no stage of the mission forbids it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use portique_flight::Phase;
use portique_monitor::{ALERT_NAME, Action, ActionError, ActionRequest, Alert, AlertState};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::couriers;
use super::inputs::Input;
use super::live::Shared;
use super::watch::ORDER_VALID_FOR;
use crate::abort::AbortCommand;
use crate::mission::{Mission, OrderStage, Severity, Stage};
use crate::{Command, Link, ModuleId, Order, RocketId};

/// Calls remembered, so that a repeated one does nothing.
const CALLS_KEPT: usize = 1_024;
/// Numbers in the ids of orders: with the time before them, none comes twice.
const NUMBERS: u64 = 1_000;

/// What an alert says of a module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sign {
    /// The alert's fingerprint.
    pub(crate) alert: String,
    pub(crate) rocket: RocketId,
    pub(crate) module: ModuleId,
    pub(crate) rule: String,
    pub(crate) severity: Severity,
    pub(crate) value: Option<f64>,
    pub(crate) limit: Option<f64>,
}

impl Sign {
    /// Reads an alert; none when it is about no module of a rocket.
    pub(crate) fn of(
        labels: &portique_series::Labels,
        annotations: &portique_series::Labels,
        value: f64,
    ) -> Option<Self> {
        let severity = match labels.get("severity") {
            Some("info") => Severity::Info,
            Some("critical") => Severity::Critical,
            _ => Severity::Warning,
        };
        let limit = annotations
            .get("limit")
            .and_then(|limit| limit.parse().ok());
        let finite = |value: &f64| value.is_finite();
        Some(Self {
            alert: portique_monitor::Fingerprint::of(labels).to_string(),
            rocket: RocketId::new(labels.get("rocket")?).ok()?,
            module: ModuleId::new(labels.get("module")?).ok()?,
            rule: labels.get(ALERT_NAME)?.to_owned(),
            severity,
            value: Some(value).filter(finite),
            limit: limit.filter(finite),
        })
    }
}

/// An abort that was decided; the orders are on their way.
#[derive(Debug)]
pub(crate) struct Aborted {
    pub(crate) sign: Sign,
    pub(crate) phase: Option<Phase>,
    pub(crate) t_s: Option<f64>,
    /// Id, module and content of each order.
    pub(crate) orders: Vec<(String, ModuleId, Order)>,
    pub(crate) holds: bool,
    pub(crate) scrubs: bool,
    /// Why nothing is done, when nothing is.
    pub(crate) reason: Option<String>,
}

impl Aborted {
    /// What is done, in words.
    pub(crate) fn commands(&self) -> Vec<String> {
        let count = [(self.holds, "hold"), (self.scrubs, "scrub")];
        let count = count.into_iter().filter(|(is_so, _)| *is_so);
        let orders = self.orders.iter();
        let orders = orders.map(|(_, module, order)| format!("{} {module}", order.name()));
        count
            .map(|(_, word)| word.to_owned())
            .chain(orders)
            .collect()
    }
}

/// What both actions stand on.
#[derive(Clone)]
pub(crate) struct Reflexes {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) tracker: TaskTracker,
}

impl Reflexes {
    /// Without anybody behind them.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let clock = Arc::new(portique_clock::WallClock::new());
        Self {
            shared: Arc::new(Shared::new(clock, super::Config::default())),
            inputs: mpsc::channel(1).0,
            tracker: TaskTracker::new(),
        }
    }

    /// The actions, for the registry of the hub.
    pub(crate) fn actions(&self) -> Vec<Arc<dyn Action>> {
        [What::Abort, What::Hold]
            .map(|what| {
                let reflex = Reflex {
                    what,
                    reflexes: self.clone(),
                    calls: Mutex::default(),
                    orders: AtomicU64::new(0),
                };
                Arc::new(reflex) as Arc<dyn Action>
            })
            .into()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// What the abort matrix says.
    Abort,
    /// Stop the count, whatever it says.
    Hold,
}

struct Reflex {
    what: What,
    reflexes: Reflexes,
    calls: Mutex<VecDeque<String>>,
    orders: AtomicU64,
}

#[async_trait]
impl Action for Reflex {
    fn name(&self) -> &str {
        match self.what {
            What::Abort => "launch.abort",
            What::Hold => "launch.hold",
        }
    }

    fn check(&self, params: &BTreeMap<String, String>) -> Result<(), String> {
        match params.keys().next() {
            None => Ok(()),
            Some(key) => Err(format!("there is no parameter {key:?}: it takes none")),
        }
    }

    async fn call(&self, request: ActionRequest) -> Result<String, ActionError> {
        let started = self.reflexes.shared.now();
        if !self.is_news(&request.id) {
            return Ok("done before".into());
        }
        // What is over is no sign, however a receiver is told of it.
        let firing = |alert: &&Alert| alert.state != AlertState::Resolved;
        let signs = request.alerts.iter().filter(firing);
        let signs = signs.filter_map(
            |Alert {
                 labels,
                 annotations,
                 value,
                 ..
             }| { Sign::of(labels, annotations, *value) },
        );
        let mut said = Vec::new();
        let mut answers = Vec::new();
        for sign in signs {
            let aborted = self.decide(sign);
            let commands = aborted.commands().join(", ");
            said.push(match &aborted.reason {
                Some(reason) => format!("{}: nothing done: {reason}", aborted.sign.rocket),
                None => format!("{}: {commands}", aborted.sign.rocket),
            });
            answers.push(self.execute(aborted, started));
        }
        if said.is_empty() {
            let reason = "no alert has the labels rocket and module, of a rocket's name".into();
            return Err(ActionError::Refused { reason });
        }
        for answer in answers {
            // A task that is gone means that the hub is stopping.
            let _ = answer.await;
        }
        Ok(said.join("; "))
    }
}

impl Reflex {
    fn is_news(&self, id: &str) -> bool {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.iter().any(|known| known == id) {
            return false;
        }
        if calls.len() == CALLS_KEPT {
            calls.pop_front();
        }
        calls.push_back(id.to_owned());
        true
    }

    fn decide(&self, sign: Sign) -> Aborted {
        let shared = &self.reflexes.shared;
        let phase = shared.phase(&sign.rocket, &sign.module);
        let looked = shared.mission(&sign.rocket, |mission| {
            (self.commands(mission, &sign, phase), shared.t_s(mission))
        });
        let mut aborted = Aborted {
            sign,
            phase,
            t_s: None,
            orders: Vec::new(),
            holds: false,
            scrubs: false,
            reason: None,
        };
        match looked {
            Err(error) => aborted.reason = Some(error.to_string()),
            Ok((Err(reason), t_s)) => (aborted.reason, aborted.t_s) = (Some(reason), t_s),
            Ok((Ok(commands), t_s)) => {
                aborted.t_s = t_s;
                for (command, modules) in commands {
                    match command {
                        AbortCommand::Hold => aborted.holds = true,
                        AbortCommand::Scrub => aborted.scrubs = true,
                        AbortCommand::Order { order, .. } => {
                            let named = modules.into_iter();
                            let orders =
                                named.map(|module| (self.id(&module), module, order.clone()));
                            aborted.orders.extend(orders);
                        }
                    }
                }
            }
        }
        aborted
    }

    /// What is to be done and by whom, or why nothing is.
    fn commands(
        &self,
        mission: &Mission,
        sign: &Sign,
        phase: Option<Phase>,
    ) -> Result<Vec<(AbortCommand, Vec<ModuleId>)>, String> {
        let is_counting = mission.stage() == Stage::Counting;
        if self.what == What::Hold {
            let hold = vec![(AbortCommand::Hold, Vec::new())];
            return is_counting
                .then_some(hold)
                .ok_or_else(|| "no count runs".into());
        }
        let matrix = &mission.definition().aborts;
        let Some(row) = matrix.find(&sign.rule, phase, &sign.module) else {
            return Err(format!("no row of the abort matrix {} fits", matrix.name));
        };
        let living = mission
            .modules()
            .iter()
            .filter(|(_, state)| !state.has_ended);
        let living: Vec<ModuleId> = living.map(|(module, _)| module.clone()).collect();
        let mut commands = Vec::new();
        for command in &row.commands {
            let mut modules = command.addressees(&sign.module, &living);
            modules.retain(|module| living.contains(module));
            let is_for_count = matches!(command, AbortCommand::Hold | AbortCommand::Scrub);
            let is_held = *command == AbortCommand::Hold && !is_counting;
            if (is_for_count && !is_held && mission.stage() != Stage::Flying) || !modules.is_empty()
            {
                commands.push((command.clone(), modules));
            }
        }
        match (row.commands.is_empty(), commands.is_empty()) {
            (true, _) => Err(format!("the abort matrix {} says so", matrix.name)),
            (_, true) => Err("there is nothing left to stop".into()),
            _ => Ok(commands),
        }
    }

    fn id(&self, module: &ModuleId) -> String {
        let number = self.orders.fetch_add(1, Ordering::Relaxed) % NUMBERS;
        let at = self.reflexes.shared.wall().as_millis();
        format!("reflex-{module}-{at}-{number}")
    }

    /// Sends the orders at once and has the worker write it down; ready when all are answered.
    fn execute(&self, aborted: Aborted, started: Duration) -> oneshot::Receiver<()> {
        let Reflexes {
            shared,
            inputs,
            tracker,
        } = self.reflexes.clone();
        let (all_answered, answered) = oneshot::channel();
        let link = shared.link(&aborted.sign.rocket);
        let timeout = shared.config().answer_timeout;
        tracker.spawn(async move {
            let (sign, orders) = (aborted.sign.clone(), aborted.orders.clone());
            let commands = aborted.commands();
            let told = inputs.send(Input::Aborted(Box::new(aborted)));
            let asked = async {
                let asked = orders
                    .iter()
                    .map(|order| ask(link.as_ref(), order, timeout));
                let answers = join_all(asked).await;
                let took = shared.now().saturating_sub(started);
                // Nobody listens when the caller has hung up.
                let _ = all_answered.send(());
                (answers, took)
            };
            let (_, (answers, took)) = tokio::join!(told, asked);
            for ((id, module, _), (stage, reason)) in orders.iter().zip(answers) {
                let answer = Input::Answered {
                    rocket: sign.rocket.clone(),
                    module: module.clone(),
                    id: id.clone(),
                    stage,
                    reason,
                };
                let _ = inputs.send(answer).await;
            }
            if !commands.is_empty() {
                let took_ms = (!orders.is_empty()).then_some(took.as_secs_f64() * 1e3);
                let _ = inputs
                    .send(Input::AbortDone {
                        sign,
                        commands,
                        took_ms,
                    })
                    .await;
            }
        });
        answered
    }
}

async fn ask(
    link: Option<&Arc<dyn Link>>,
    (id, module, order): &(String, ModuleId, Order),
    timeout: Duration,
) -> (OrderStage, Option<String>) {
    let Some(link) = link else {
        return (
            OrderStage::Failed,
            Some("its vehicle is not connected".into()),
        );
    };
    let command = Command {
        id: id.clone(),
        order: order.clone(),
        valid_for: ORDER_VALID_FOR,
    };
    couriers::insist(link, module, command, timeout).await
}
