use std::time::Duration;

use portique_clock::Timestamp;
use portique_flight::EventKind;

use crate::count::Count;
use crate::mission::{Entry, Fact, Mission, ModuleState, OrderRecord, OrderStage, Stage};
use crate::poll::{Ballot, Poll};

impl Mission {
    /// Takes in a fact. `now` is the monotonic clock, `at` the wall time of the fact.
    pub fn apply(&mut self, entry: &Entry, at: Timestamp, now: Duration) {
        self.last_t_s = entry.t_s.or(self.last_t_s);
        match &entry.fact {
            Fact::RocketAdded { .. } => self.added_at = at,
            Fact::WeatherObserved { observation } => self.weather = Some((**observation).clone()),
            Fact::ForecastReceived { forecast } => self.forecast = Some((**forecast).clone()),
            Fact::AnomalyRaised { .. } | Fact::AnomalyCleared { .. } => {
                self.apply_anomaly(entry, at)
            }
            Fact::AbortConsidered { .. } | Fact::AbortExecuted { .. } => {}
            Fact::EmbargoSet { on } => self.is_embargoed = *on,
            Fact::PollOpened { .. } | Fact::VoteCast { .. } | Fact::PollClosed { .. } => {
                self.apply_poll(&entry.fact, at);
            }
            Fact::OrderReleased { .. } | Fact::OrderAnswered { .. } => self.apply_order(entry, at),
            Fact::CountStarted
            | Fact::StepDone { .. }
            | Fact::CountHeld { .. }
            | Fact::CountResumed
            | Fact::CountRecycled { .. }
            | Fact::Scrubbed { .. } => self.apply_count(entry, now),
            Fact::ModuleAdded { .. }
            | Fact::Flight { .. }
            | Fact::LinkUp { .. }
            | Fact::LinkDown { .. }
            | Fact::TelemetryEnded { .. } => self.apply_module(&entry.fact),
            Fact::FlightEnded { outcome, reason } => {
                self.stage = Stage::Ended;
                self.outcome = Some((*outcome, reason.clone()));
                for state in self.modules.values_mut() {
                    state.lose("the flight is over");
                }
            }
        }
    }

    /// Says what a replay of facts cannot tell: the count's clock stands at the last T that is known,
    /// and no module has been heard yet.
    pub fn settle(&mut self, now: Duration) {
        for state in self.modules.values_mut() {
            state.lose("not heard since the hub started");
        }
        if let (Some(count), Some(t_s)) = (&mut self.count, self.last_t_s) {
            count.correct(t_s, now);
        }
    }

    fn apply_poll(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::PollOpened { deadline } => {
                self.poll = Some(Poll::open(&self.definition.roster, at, *deadline));
                self.count = None;
                self.stage = Stage::Polling;
                self.begin_attempt();
            }
            Fact::VoteCast {
                station,
                vote,
                comment,
                values,
            } => {
                let ballot = Ballot {
                    vote: *vote,
                    at,
                    comment: comment.clone(),
                    values: values.clone(),
                };
                if let Some(poll) = &mut self.poll {
                    poll.roster.insert(station.clone(), Some(ballot));
                }
            }
            Fact::PollClosed { decision, .. } => {
                if let Some(poll) = &mut self.poll {
                    poll.decision = Some(*decision);
                    self.stage = if poll.is_go() {
                        Stage::Ready
                    } else {
                        Stage::Preparing
                    };
                }
            }
            _ => {}
        }
    }

    fn apply_count(&mut self, entry: &Entry, now: Duration) {
        let definition = &self.definition;
        let count = self.count.get_or_insert_with(|| {
            Count::start(definition.count.clone(), definition.time_factor, now)
        });
        match &entry.fact {
            Fact::CountStarted => {
                self.stage = Stage::Counting;
                self.begin_attempt();
            }
            Fact::StepDone { .. } => count.step_done(),
            Fact::CountHeld { reason } => {
                count.hold(entry.t_s.unwrap_or_else(|| count.t_s(now)), reason);
                self.stage = Stage::Held;
            }
            Fact::CountResumed => {
                count.resume(now);
                self.stage = Stage::Counting;
            }
            Fact::CountRecycled { reason } => {
                count.recycle(reason);
                self.stage = Stage::Held;
                self.begin_attempt();
            }
            Fact::Scrubbed { reason } => {
                count.hold(entry.t_s.unwrap_or_else(|| count.t_s(now)), reason);
                self.stage = Stage::Scrubbed;
                self.poll = None;
                self.begin_attempt();
            }
            _ => {}
        }
    }

    fn apply_order(&mut self, entry: &Entry, at: Timestamp) {
        match &entry.fact {
            Fact::OrderReleased { id, module, order } => self.orders.push(OrderRecord {
                id: id.clone(),
                module: module.clone(),
                order: order.clone(),
                actor: entry.actor.clone(),
                stage: OrderStage::Released,
                reason: None,
                at,
            }),
            Fact::OrderAnswered {
                id, stage, reason, ..
            } => {
                if let Some(record) = self.orders.iter_mut().find(|record| record.id == *id) {
                    record.stage = *stage;
                    record.reason.clone_from(reason);
                    record.at = at;
                }
            }
            _ => {}
        }
    }

    fn apply_module(&mut self, fact: &Fact) {
        let Some(module) = fact.module().filter(|module| self.accepts_module(module)) else {
            return;
        };
        let state = self.modules.entry(module.clone()).or_default();
        match fact {
            Fact::LinkUp { .. } => {
                state.is_up = true;
                state.reason = None;
            }
            Fact::LinkDown { reason, .. } => {
                state.is_up = false;
                state.reason = Some(reason.clone());
            }
            Fact::TelemetryEnded { reason, .. } => {
                state.is_up = false;
                state.has_ended = true;
                state.reason = Some(reason.clone());
            }
            Fact::Flight { event, .. } => {
                state.events.insert(*event);
                let is_counted = matches!(self.stage, Stage::Counting | Stage::Held);
                if *event == EventKind::Liftoff && is_counted {
                    self.stage = Stage::Flying;
                }
            }
            _ => {}
        }
    }
    /// What happens again in a next attempt is new then, not heard twice.
    fn begin_attempt(&mut self) {
        self.modules
            .values_mut()
            .for_each(ModuleState::begin_attempt);
    }
}
