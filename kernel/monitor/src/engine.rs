//! When which rule is evaluated, and what comes of it.
//!
//! A state machine: samples, time and what evaluations found go in; rules to evaluate, facts, samples and
//! alerts come out. The shell around it owns clock, store and disk:
//!
//! ```text
//!  append --> appended() --.                        .--> calls    (at once, they wait for nothing)
//!                          |                        +--> facts    (keep them first)
//!  clock  --> tick() ------+--> DueRule::evaluate --> conclude() --> samples  (append them)
//!  files  --> load() ------'        (reads the store)              '--> alerts   (then tell people)
//! ```

mod arrive;
mod conclude;
mod flight;
mod load;
mod run;
mod schedule;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;

use crate::ingest::Index;
use crate::{Act, ActionRequest, Alert, Book, DueRule, Fact, RuleGroup, RuleId, Sample};
use run::RuleRun;

pub use status::{GroupStatus, Health, RuleStatus};

/// How rules are evaluated.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How far back an instant selector looks; as the query engine has it.
    pub lookback: Duration,
    /// Nobody looked for longer than this: pending alerts begin anew after a restart.
    pub outage_tolerance: Duration,
    /// After a restart, an alert that has been pending long enough fires no sooner than this.
    pub for_grace: Duration,
    /// The address under which people reach this server, without a slash at the end.
    pub external_url: String,
}

/// As in Prometheus.
const LOOKBACK: Duration = Duration::from_mins(5);
/// As in Prometheus.
const OUTAGE_TOLERANCE: Duration = Duration::from_hours(1);
/// As in Prometheus.
const FOR_GRACE: Duration = Duration::from_mins(10);

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback: LOOKBACK,
            outage_tolerance: OUTAGE_TOLERANCE,
            for_grace: FOR_GRACE,
            external_url: String::new(),
        }
    }
}

/// All rule groups and their alerts.
pub struct Engine {
    options: EngineOptions,
    groups: Vec<GroupRun>,
    /// All rules, group by group; an ordinal is an index here.
    rules: Vec<RuleRun>,
    by_id: BTreeMap<RuleId, usize>,
    index: Index,
    book: Book,
    is_restored: bool,
    /// Ordinals of the rules that have something to wait for besides their interval; some may not any more.
    waiting: BTreeSet<usize>,
    /// Alerts put aside, and until when: they are told of again then.
    shelved: BTreeMap<Labels, Timestamp>,
    last_tick: Timestamp,
    last_alive: Option<Timestamp>,
}

struct GroupRun {
    group: Arc<RuleGroup>,
    /// The ordinals of its rules.
    rules: std::ops::Range<usize>,
    next_at: Timestamp,
    /// Rules that were handed out and have not had their turn.
    turns_left: usize,
    /// Intervals that passed without an evaluation.
    missed: u64,
}

/// What came of loading rules or of an evaluation.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// Already [applied](Book::apply) here: to be kept before anybody is told.
    pub facts: Vec<Fact>,
    /// To be appended.
    pub samples: Vec<Sample>,
    /// Alerts that began to fire, were resolved, or fire with other annotations.
    pub alerts: Vec<Alert>,
    /// What systems are to do, at once: it waits neither for the facts nor for the samples.
    pub calls: Vec<Call>,
}

/// What a system is to do because an alert began to fire.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which [action](crate::Action).
    pub action: Arc<str>,
    /// With what, and why.
    pub request: ActionRequest,
}

/// What is to do now.
#[derive(Debug, Default)]
pub struct Work {
    /// Rules to evaluate one after the other within a list: later ones read what earlier ones recorded. The lists
    /// can be evaluated side by side.
    pub due: Vec<Vec<DueRule>>,
    /// Already applied: to be kept.
    pub facts: Vec<Fact>,
    /// Alerts that fire and are not put aside any more.
    pub alerts: Vec<Alert>,
}

impl Engine {
    /// An engine without rules.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            options,
            groups: Vec::new(),
            rules: Vec::new(),
            by_id: BTreeMap::new(),
            index: Index::default(),
            book: Book::default(),
            is_restored: false,
            waiting: BTreeSet::new(),
            shelved: BTreeMap::new(),
            last_tick: Timestamp::EPOCH,
            last_alive: None,
        }
    }

    /// Makes a fact true that was kept before a restart, or decided by
    /// [`Book::decide`].
    pub fn apply(&mut self, fact: &Fact) {
        self.book.apply(fact);
        if let Fact::Acted(acted) = fact {
            match &acted.act {
                Act::Shelve { until, .. } => {
                    self.shelved.insert(acted.labels.clone(), *until);
                }
                Act::Unshelve => {
                    self.shelved.remove(&acted.labels);
                }
                _ => {}
            }
        }
    }

    /// All alerts and what people did about them.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// How rules are evaluated.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }
}
