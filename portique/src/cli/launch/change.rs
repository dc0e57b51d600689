use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::super::finite::finite;
use super::super::output::{Output, write_text};
use super::super::visitor::Visitor;
use crate::error::Error;

/// A request that changes something about a rocket.
pub(super) struct Change {
    rocket: String,
    /// Below the rocket's own path.
    path: Vec<&'static str>,
    body: Value,
    /// What has become of it, for people.
    done: &'static str,
}

impl Change {
    pub(super) fn new(
        rocket: String,
        path: &[&'static str],
        body: Value,
        done: &'static str,
    ) -> Self {
        Self {
            rocket,
            path: path.to_vec(),
            body,
            done,
        }
    }

    /// A change of the count that needs no words.
    pub(super) fn count(rocket: String, what: &[&'static str], done: &'static str) -> Self {
        Self::new(rocket, &[&["count"], what].concat(), json!({}), done)
    }

    /// Asks for it, and says what has become of it.
    pub(super) async fn ask(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let mut path = vec!["launch", "rockets", self.rocket.as_str()];
        path.extend(self.path);
        let answer = visitor.post(&path, &self.body).await?;
        match output {
            Output::Json => write_text(&format!("{answer:#}\n")),
            Output::Table => write_text(&format!("{}: {}\n", self.rocket, self.done)),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Rocket {
    /// The rocket's name.
    pub(super) rocket: String,
}

#[derive(Debug, Args)]
pub(super) struct Reasoned {
    /// The rocket's name.
    rocket: String,
    /// Why; it goes into the mission log.
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Poll {
    #[command(subcommand)]
    verb: PollVerb,
}

#[derive(Debug, Subcommand)]
enum PollVerb {
    /// Ask every station on the roster.
    Open {
        /// The rocket's name.
        rocket: String,
        /// Take answers for this many seconds.
        #[arg(long, value_name = "SECONDS", value_parser = finite)]
        deadline: Option<f64>,
    },
    /// Close the poll with the final decision.
    Close {
        /// The rocket's name.
        rocket: String,
        /// The decision.
        decision: Decision,
    },
}

#[derive(Debug, Args)]
pub(super) struct Vote {
    /// The rocket's name.
    rocket: String,
    /// The station that answers.
    station: String,
    /// Its answer.
    vote: Decision,
    /// A remark for the log.
    #[arg(long)]
    comment: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Decision {
    Go,
    #[value(alias = "no_go", alias = "nogo")]
    NoGo,
}

impl Decision {
    fn wire(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::NoGo => "no_go",
        }
    }
}

impl Reasoned {
    pub(super) fn change(self, what: &'static str, done: &'static str) -> Change {
        let body = json!({ "reason": self.reason });
        Change::new(self.rocket, &["count", what], body, done)
    }
}

impl From<Poll> for Change {
    fn from(poll: Poll) -> Self {
        match poll.verb {
            PollVerb::Open { rocket, deadline } => {
                let body = json!({ "deadline_s": deadline });
                Self::new(rocket, &["poll"], body, "the poll is open")
            }
            PollVerb::Close { rocket, decision } => {
                let body = json!({ "decision": decision.wire() });
                Self::new(rocket, &["poll", "close"], body, "the poll is closed")
            }
        }
    }
}

impl From<Vote> for Change {
    fn from(vote: Vote) -> Self {
        let Vote {
            rocket,
            station,
            vote,
            comment,
        } = vote;
        let body = json!({ "station": station, "vote": vote.wire(), "comment": comment });
        Self::new(rocket, &["poll", "votes"], body, "the vote is recorded")
    }
}
