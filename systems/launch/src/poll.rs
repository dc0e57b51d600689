//! The readiness poll: every station on the roster answers, the commander closes; the deadline does, with no-go.

use std::collections::BTreeMap;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Station;

/// Go or no-go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// Ready.
    Go,
    /// Not ready.
    NoGo,
}

impl std::fmt::Display for Vote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Go => "go",
            Self::NoGo => "no-go",
        })
    }
}

/// One station's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ballot {
    /// The answer.
    pub vote: Vote,
    /// When it was given.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The live values behind it, by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, Value>,
}

/// A poll of one rocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Poll {
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened: Timestamp,
    /// Answers are taken until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// Each station of the roster and its answer.
    #[schema(value_type = BTreeMap<String, Ballot>)]
    pub roster: BTreeMap<Station, Option<Ballot>>,
    /// The commander's final word.
    pub decision: Option<Vote>,
}

impl Poll {
    /// A poll without answers.
    pub fn open(roster: &[Station], opened: Timestamp, deadline: Option<Timestamp>) -> Self {
        let roster = roster
            .iter()
            .map(|station| (station.clone(), None))
            .collect();
        Self {
            opened,
            deadline,
            roster,
            decision: None,
        }
    }

    /// Whether this station may vote now.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn check_vote(&self, station: &Station, now: Timestamp) -> Result<(), String> {
        if let Some(decision) = self.decision {
            return Err(format!(
                "the poll was closed with {decision}: open a new one to vote"
            ));
        }
        self.check_deadline(now)?;
        match self.roster.get(station) {
            Some(None) => Ok(()),
            Some(Some(ballot)) => Err(format!(
                "station {station} voted {} at {}; a vote stands until the poll is closed",
                ballot.vote, ballot.at
            )),
            None => {
                let roster: Vec<&str> = self.roster.keys().map(Station::as_str).collect();
                Err(format!(
                    "station {station} is not on the roster: {}",
                    roster.join(", ")
                ))
            }
        }
    }

    /// Whether the commander may close it with this decision.
    ///
    /// # Errors
    /// A sentence that says who, or what, stands against it.
    pub fn check_close(&self, decision: Vote, now: Timestamp) -> Result<(), String> {
        if let Some(decision) = self.decision {
            return Err(format!("the poll was closed with {decision} already"));
        }
        if decision == Vote::NoGo {
            return Ok(());
        }
        self.check_deadline(now)?;
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(format!("go needs every station's vote; missing: {missing}"));
        }
        let against = self.stations(|ballot| ballot.as_ref().is_some_and(|b| b.vote == Vote::NoGo));
        if !against.is_empty() {
            return Err(format!("go needs every station's go; no-go: {against}"));
        }
        Ok(())
    }

    /// Whether answers are still taken.
    ///
    /// # Errors
    /// A sentence that says since when not.
    pub fn check_deadline(&self, now: Timestamp) -> Result<(), String> {
        match self.deadline.filter(|deadline| now > *deadline) {
            None => Ok(()),
            Some(deadline) => Err(format!(
                "the poll's deadline passed at {deadline}: open a new one"
            )),
        }
    }

    /// The stations that have not answered, by name; empty when all have.
    pub fn missing(&self) -> String {
        self.stations(Option::is_none)
    }

    fn stations(&self, wanted: fn(&Option<Ballot>) -> bool) -> String {
        let names: Vec<&str> = self
            .roster
            .iter()
            .filter(|(_, ballot)| wanted(ballot))
            .map(|(station, _)| station.as_str())
            .collect();
        names.join(", ")
    }

    /// Whether it ended with a go.
    pub fn is_go(&self) -> bool {
        self.decision == Some(Vote::Go)
    }
}
