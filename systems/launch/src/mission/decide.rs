//! What a request leads to, given where the mission stands.

mod count;
mod order;
mod poll;

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;
use serde_json::Value;

use crate::mission::modules::MODULES_MAX;
use crate::mission::{Actor, Entry, Fact, Mission};
use crate::poll::Vote;
use crate::weather::{self, Forecast, Observation};
use crate::{Error, LinkKind, ModuleId, Order, Station};

/// Longest reason or comment, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;

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
    /// Take in a forecast.
    ReportForecast {
        /// What is expected.
        forecast: Box<Forecast>,
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
            Request::ReportWeather { observation } => self.decide_weather(observation),
            Request::ReportForecast { forecast } => Ok(vec![Fact::ForecastReceived {
                forecast: forecast.clone(),
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
                self.check_vote(station, now)?;
                Ok(vec![Fact::VoteCast {
                    station: station.clone(),
                    vote: *vote,
                    comment: comment.clone(),
                    values: values.clone(),
                }])
            }
            Request::ClosePoll { decision } => self.decide_close_poll(*decision, now),
            Request::StartCount => self.decide_start_count(),
            Request::Hold { reason } => self.decide_hold(reason),
            Request::Resume => self.decide_resume(),
            Request::Scrub { reason } => self.decide_scrub(reason),
            Request::Order { id, module, order } => self.decide_order(id, module, order),
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
        if !self.accepts_module(module) {
            return Err(self.not_now(format!("it has {MODULES_MAX} modules, which is the limit")));
        }
        Ok(vec![Fact::ModuleAdded {
            module: module.clone(),
        }])
    }

    fn decide_weather(&self, observation: &Observation) -> Result<Vec<Fact>, Error> {
        let is_simulated = observation.source == weather::Source::Simulated;
        if is_simulated && self.definition().link == LinkKind::Remote {
            return Err(self.not_now("it may be real, and is not flown on simulated weather"));
        }
        Ok(vec![Fact::WeatherObserved {
            observation: Box::new(observation.clone()),
        }])
    }

    fn not_now(&self, reason: impl Into<String>) -> Error {
        Error::NotNow {
            rocket: self.rocket().to_string(),
            reason: reason.into(),
        }
    }
}

fn check_text(what: &'static str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX {
        let problem = format!("must be 1 to {TEXT_BYTES_MAX} bytes of text");
        return Err(Error::Input { what, problem });
    }
    if text.contains(char::is_control) {
        let problem = "must be one line without control characters".into();
        return Err(Error::Input { what, problem });
    }
    Ok(())
}
