//! Rules, alerts and who is told of them.
//!
//! [`read_rule_file`] makes [`RuleGroup`]s of Prometheus' rule files. The [`Engine`] says when which rule is to be
//! evaluated: at its group's interval, and, for rules with `trigger: ingest`, when a sample arrives that they
//! read. What an evaluation found becomes facts, samples and alerts; the [`Book`] holds all alerts and is made by
//! facts alone, so that a restart has what was there before.
//!
//! ```text
//!   sample --> Engine::appended --.                                  .--> calls   --> systems
//!                                 |                                  +--> facts   --> journal
//!   time   --> Engine::tick ------+--> DueRule::evaluate --> conclude +--> samples --> store
//!   file   --> Engine::load ------'                                  '--> alerts  --> notifier
//! ```
//!
//! Everything here is synchronous and takes time as a parameter, but for what systems do about alerts, which is
//! behind the port [`Action`]; the shell that owns clock, store and disk stands elsewhere. Rules stand on the small trait [`Query`]; [`PromQl`] is the language they speak.
//! [`read_unit_tests`] tests rule files as `promtool test rules` does.
//! [`scrape`] says who is asked for samples, when, and what becomes of the answers.
//! [`notify`] takes alerts from there to people, and [`template`] writes what they read.

mod act;
mod action;
mod alert;
mod book;
mod duration;
mod engine;
mod episode;
mod error;
mod evaluation;
mod expand;
mod explain;
mod fact;
mod ingest;
mod judge;
pub mod notify;
mod problem;
mod promql;
mod query;
mod rule;
mod rule_file;
pub mod scrape;
pub mod template;
mod unit_test;
mod wire;
mod yaml;

pub use act::{COMMENT_BYTES_MAX, PERSON_BYTES_MAX, SHELVED_MAX};
pub use action::{Action, ActionError, ActionRequest, Actions};
pub use alert::{ALERT_NAME, Alert, AlertState, Fingerprint};
pub use book::{Book, RESOLVED_KEPT, Shelf};
pub use duration::{format_duration, parse_duration};
pub use engine::{Call, Engine, EngineOptions, GroupStatus, Health, Outcome, RuleStatus, Work};
pub use episode::{Acknowledgement, Entry, EntryKind, Episode, HISTORY_MAX};
pub use error::Error;
pub use evaluation::{DueRule, Evaluated, Reason, Sample};
pub use expand::Surroundings;
pub use explain::{Explanation, Input, read_inputs};
pub use fact::{Act, Acted, Changed, FACT_BYTES_MAX, Fact, Transition};
pub use ingest::Interest;
pub use problem::Problem;
pub use promql::PromQl;
pub use query::{Comparison, Language, Point, Query, QueryError, Threshold};
pub use rule::{Alerting, OnStale, Rule, RuleAction, RuleGroup, RuleId, RuleKind, Trigger};
pub use rule_file::{
    DuplicateRule, RULE_FILE_BYTES_MAX, RuleDefaults, duplicate_rules, read_rule_file,
};
pub use unit_test::{UnitTestFailure, UnitTests, read_unit_tests};
