use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;
use serde_json::Value;

use crate::count::Action;
use crate::mission::{Actor, Entry, Fact, Mission, OrderStage, Outcome, Stage};
use crate::poll::Vote;
use crate::weather::Observation;
use crate::{Error, LinkKind, ModuleId, Order, Station};

/// Orders kept per mission: a flight has a few dozen.
const ORDERS_MAX: usize = 2_000;
/// Modules of one rocket.
const MODULES_MAX: usize = 32;
/// Longest reason or comment, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;
/// How long a release waits for its engines, in wall time: at a fast clock, spooling up takes longer
/// than the count has.
const RELEASE_PATIENCE_S: f64 = 1.0;
/// Longest idempotency key, in bytes.
const ORDER_ID_BYTES_MAX: usize = 64;

/// The two clocks at the moment of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// On the wall.
    pub wall: Timestamp,
    /// Since some fixed start.
    pub monotonic: Duration,
}

/// What somebody asks of a mission.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Name a module that will attach.
    AddModule {
        /// Its name.
        module: ModuleId,
    },
    /// Take in an observation.
    ReportWeather {
        /// What was seen.
        observation: Box<Observation>,
    },
    /// Ask every station.
    OpenPoll {
        /// Take answers for this long.
        deadline: Option<Duration>,
    },
    /// Answer for a station.
    Vote {
        /// Which.
        station: Station,
        /// What.
        vote: Vote,
        /// Said with it.
        comment: Option<String>,
        /// The live values behind it.
        values: BTreeMap<String, Value>,
    },
    /// Give the final word.
    ClosePoll {
        /// Go or no-go.
        decision: Vote,
    },
    /// Give the launch order.
    StartCount,
    /// Stop the clock.
    Hold {
        /// Why.
        reason: String,
    },
    /// Let the clock run on.
    Resume,
    /// Give up for now.
    Scrub {
        /// Why.
        reason: String,
    },
    /// Order a module.
    Order {
        /// Idempotency key.
        id: String,
        /// To whom.
        module: ModuleId,
        /// What.
        order: Order,
    },
    /// Shut or open the public feed.
    SetEmbargo {
        /// Shut.
        on: bool,
    },
}

impl Mission {
    /// What a request leads to; an empty list when it is so already.
    ///
    /// # Errors
    /// [`Error`] when the state does not allow it; nothing changes.
    pub fn decide(&self, request: &Request, now: Now) -> Result<Vec<Fact>, Error> {
        match request {
            Request::AddModule { module } => self.decide_module(module),
            Request::ReportWeather { observation } => Ok(vec![Fact::WeatherObserved {
                observation: observation.clone(),
            }]),
            Request::SetEmbargo { on } if *on == self.is_embargoed() => Ok(Vec::new()),
            Request::SetEmbargo { on } => Ok(vec![Fact::EmbargoSet { on: *on }]),
            Request::OpenPoll { deadline } => self.decide_open_poll(*deadline, now),
            Request::Vote {
                station,
                vote,
                comment,
                values,
            } => {
                check_text("comment", comment.as_deref().unwrap_or("-"))?;
                let poll = self.open_poll()?;
                poll.check_vote(station, now.wall)
                    .map_err(|reason| self.not_now(reason))?;
                Ok(vec![Fact::VoteCast {
                    station: station.clone(),
                    vote: *vote,
                    comment: comment.clone(),
                    values: values.clone(),
                }])
            }
            Request::ClosePoll { decision } => {
                let poll = self.open_poll()?;
                poll.check_close(*decision)
                    .map_err(|reason| self.not_now(reason))?;
                Ok(vec![Fact::PollClosed {
                    decision: *decision,
                }])
            }
            Request::StartCount => self.decide_start_count(),
            Request::Hold { reason } => self.decide_hold(reason),
            Request::Resume => self.decide_resume(),
            Request::Scrub { reason } => self.decide_scrub(reason),
            Request::Order { id, module, order } => self.decide_order(id, module, order),
        }
    }

    /// What a restart of the hub leads to, once all facts were applied again.
    pub fn decide_restart(&self) -> Vec<Fact> {
        let unanswered = self
            .orders()
            .iter()
            .filter(|o| o.stage == OrderStage::Released);
        let mut facts: Vec<Fact> = unanswered
            .map(|order| Fact::OrderAnswered {
                id: order.id.clone(),
                module: order.module.clone(),
                stage: OrderStage::Failed,
                reason: Some("the hub stopped before the answer came".into()),
            })
            .collect();
        match self.stage() {
            Stage::Counting => {
                let reason = "the hub restarted in mid-count; check, then resume".to_owned();
                let is_hot = self.count().is_some_and(|c| c.is_past_engine_start());
                facts.push(if is_hot {
                    Fact::CountRecycled { reason }
                } else {
                    Fact::CountHeld { reason }
                });
            }
            Stage::Flying if self.definition().link != LinkKind::Remote => {
                let reason = "the hub stopped in flight, and the vehicle's world with it".into();
                let outcome = Outcome::Failure;
                facts.push(Fact::FlightEnded { outcome, reason });
            }
            _ => {}
        }
        facts
    }

    /// What the next step of the count leads to, if its time has come; nothing also means a release
    /// that waits for its engines, so ask again soon. Releasing needs the engines'
    /// state, which is not a fact: the caller checks `is_ready_to_release` when the step is a release.
    pub fn decide_step(
        &self,
        now: Duration,
        is_ready_to_release: impl FnOnce() -> Result<(), String>,
    ) -> Vec<Fact> {
        let Some(count) = self.count() else {
            return Vec::new();
        };
        let Some(step) = count.due(now) else {
            return Vec::new();
        };
        let overdue_s = (count.t_s(now) - step.t_s) / count.rate();
        if self.stage() != Stage::Counting {
            return Vec::new();
        }
        let done = Fact::StepDone {
            step: step.name.clone(),
        };
        match step.action {
            Action::Hold => {
                vec![
                    done,
                    Fact::CountHeld {
                        reason: format!("planned hold: {}", step.name),
                    },
                ]
            }
            Action::FinalGo if !self.poll().is_some_and(|poll| poll.is_go()) => {
                vec![Fact::CountHeld {
                    reason: "final go: the poll does not stand at go".into(),
                }]
            }
            Action::Release => match is_ready_to_release() {
                Ok(()) => vec![done],
                Err(_) if overdue_s < RELEASE_PATIENCE_S => Vec::new(),
                Err(reason) => vec![Fact::CountRecycled { reason }],
            },
            _ => vec![done],
        }
    }

    /// A fact of this mission with its circumstances.
    pub fn entry(&self, actor: Actor, fact: Fact, t_s: Option<f64>) -> Entry {
        Entry {
            rocket: self.rocket().clone(),
            actor,
            t_s,
            fact,
        }
    }

    fn decide_module(&self, module: &ModuleId) -> Result<Vec<Fact>, Error> {
        if self.modules().contains_key(module) {
            return Err(Error::Conflict {
                what: "module",
                name: module.to_string(),
                problem: format!("of rocket {} exists already", self.rocket()),
            });
        }
        if self.modules().len() >= MODULES_MAX {
            return Err(self.not_now(format!("it has {MODULES_MAX} modules, which is the limit")));
        }
        Ok(vec![Fact::ModuleAdded {
            module: module.clone(),
        }])
    }

    fn decide_open_poll(&self, deadline: Option<Duration>, now: Now) -> Result<Vec<Fact>, Error> {
        match self.stage() {
            Stage::Preparing | Stage::Scrubbed | Stage::Ready => Ok(vec![Fact::PollOpened {
                deadline: deadline.map(|d| now.wall.plus(d)),
            }]),
            Stage::Polling => Err(self.not_now("a poll is open: close it first")),
            stage => Err(self.not_now(format!("no poll while {}", stage.as_str()))),
        }
    }

    fn open_poll(&self) -> Result<&crate::poll::Poll, Error> {
        self.poll()
            .ok_or_else(|| self.not_now("no poll is open: open one first"))
    }

    fn decide_start_count(&self) -> Result<Vec<Fact>, Error> {
        match self.stage() {
            Stage::Ready => {}
            Stage::Preparing | Stage::Polling | Stage::Scrubbed => {
                return Err(self
                    .not_now("the launch order needs a complete poll closed with go; poll first"));
            }
            stage => return Err(self.not_now(format!("it is {} already", stage.as_str()))),
        }
        let is_reachable = |(_, state): &(&ModuleId, &super::ModuleState)| !state.is_up;
        let missing: Vec<&str> = self
            .modules()
            .iter()
            .filter(is_reachable)
            .map(|(name, _)| name.as_str())
            .collect();
        if self.modules().is_empty() {
            return Err(self.not_now("no module has attached yet"));
        }
        if !missing.is_empty() {
            return Err(self.not_now(format!("modules out of reach: {}", missing.join(", "))));
        }
        Ok(vec![Fact::CountStarted])
    }

    fn decide_hold(&self, reason: &str) -> Result<Vec<Fact>, Error> {
        check_text("reason", reason)?;
        let reason = reason.to_owned();
        match (self.stage(), self.count()) {
            (Stage::Counting, Some(count)) if count.is_past_engine_start() => {
                Ok(vec![Fact::CountRecycled { reason }])
            }
            (Stage::Counting, Some(_)) => Ok(vec![Fact::CountHeld { reason }]),
            (Stage::Held, _) => Err(self.not_now("the count is held already")),
            (stage, _) => Err(self.not_now(format!("no count to hold while {}", stage.as_str()))),
        }
    }

    fn decide_resume(&self) -> Result<Vec<Fact>, Error> {
        match self.stage() {
            Stage::Held => Ok(vec![Fact::CountResumed]),
            stage => Err(self.not_now(format!("nothing to resume while {}", stage.as_str()))),
        }
    }

    fn decide_scrub(&self, reason: &str) -> Result<Vec<Fact>, Error> {
        check_text("reason", reason)?;
        match self.stage() {
            Stage::Polling | Stage::Ready | Stage::Counting | Stage::Held => {
                Ok(vec![Fact::Scrubbed {
                    reason: reason.into(),
                }])
            }
            Stage::Flying => Err(self.not_now("it has lifted off: order a module destroyed")),
            stage => Err(self.not_now(format!("nothing to scrub while {}", stage.as_str()))),
        }
    }

    fn decide_order(&self, id: &str, module: &ModuleId, order: &Order) -> Result<Vec<Fact>, Error> {
        check_order(id, order)?;
        if let Some(known) = self.orders().iter().find(|record| record.id == id) {
            if known.module == *module && known.order == *order {
                return Ok(Vec::new());
            }
            return Err(Error::Conflict {
                what: "order",
                name: id.into(),
                problem: "was given before with another content; use a new id".into(),
            });
        }
        if self.orders().len() >= ORDERS_MAX {
            return Err(self.not_now(format!("it has had {ORDERS_MAX} orders, the limit")));
        }
        let Some(state) = self.modules().get(module) else {
            let known: Vec<&str> = self.modules().keys().map(ModuleId::as_str).collect();
            return Err(Error::Unknown {
                what: "module",
                name: module.to_string(),
                known: known.join(", "),
            });
        };
        if state.has_ended {
            let reason = state.reason.as_deref().unwrap_or("its telemetry ended");
            return Err(self.not_now(format!("module {module} is gone: {reason}")));
        }
        Ok(vec![Fact::OrderReleased {
            id: id.into(),
            module: module.clone(),
            order: order.clone(),
        }])
    }

    fn not_now(&self, reason: impl Into<String>) -> Error {
        Error::NotNow {
            rocket: self.rocket().to_string(),
            reason: reason.into(),
        }
    }
}

impl Stage {
    /// The stage as people say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Polling => "polling",
            Self::Ready => "ready",
            Self::Counting => "counting",
            Self::Held => "held",
            Self::Scrubbed => "scrubbed",
            Self::Flying => "flying",
            Self::Ended => "ended",
        }
    }
}

fn check_order(id: &str, order: &Order) -> Result<(), Error> {
    let is_fine = !id.is_empty()
        && id.len() <= ORDER_ID_BYTES_MAX
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_fine {
        let problem = format!("{id:?} is not 1 to {ORDER_ID_BYTES_MAX} of A-Z a-z 0-9 _ -");
        return Err(Error::Input {
            what: "order id",
            problem,
        });
    }
    match order {
        Order::Throttle {
            fraction: Some(fraction),
        } if !(0.0..=1.0).contains(fraction) => {
            let problem = format!("{fraction} is outside 0 to 1");
            Err(Error::Input {
                what: "throttle fraction",
                problem,
            })
        }
        _ => Ok(()),
    }
}

fn check_text(what: &'static str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX {
        let problem = format!("must be 1 to {TEXT_BYTES_MAX} bytes of text");
        return Err(Error::Input { what, problem });
    }
    Ok(())
}
