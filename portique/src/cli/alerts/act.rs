use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::super::output::{Output, write_result};
use super::super::span::span;
use super::super::visitor::Visitor;
use super::{fingerprint, list};
use crate::error::Error;

/// Who does it.
#[derive(Debug, Args)]
struct Who {
    /// Who you are, for the history.
    #[arg(long, value_name = "NAME", env = "USER")]
    by: String,
}

#[derive(Debug, Args)]
pub(super) struct Done {
    /// The alert's fingerprint, or its name when there is one such alert only.
    alert: String,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Args)]
pub(super) struct Said {
    /// The alert's fingerprint, or its name when there is one such alert only.
    alert: String,
    /// Why or how.
    #[arg(long, default_value = "")]
    comment: String,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Args)]
pub(super) struct Comment {
    /// The alert's fingerprint, or its name when there is one such alert only.
    alert: String,
    /// What to say.
    comment: String,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Args)]
pub(super) struct Shelve {
    /// The alert's fingerprint, or its name when there is one such alert only.
    alert: String,
    /// For how long, such as 30m or 2h; at most 92d.
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    span: Duration,
    /// Why.
    #[arg(long, default_value = "")]
    comment: String,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Args)]
pub(super) struct Assign {
    /// The alert's fingerprint, or its name when there is one such alert only.
    alert: String,
    /// To whom.
    #[arg(required_unless_present = "nobody")]
    to: Option<String>,
    /// Take it from whom it was given to.
    #[arg(long, conflicts_with = "to")]
    nobody: bool,
    #[command(flatten)]
    who: Who,
}

impl Done {
    pub(super) async fn run(
        self,
        act: &str,
        visitor: &Visitor,
        output: Output,
    ) -> Result<(), Error> {
        let body = json!({ "by": self.who.by });
        send(&self.alert, act, &body, visitor, output).await
    }
}

impl Said {
    pub(super) async fn run(
        self,
        act: &str,
        visitor: &Visitor,
        output: Output,
    ) -> Result<(), Error> {
        let body = json!({ "by": self.who.by, "comment": self.comment });
        send(&self.alert, act, &body, visitor, output).await
    }
}

impl Comment {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let body = json!({ "by": self.who.by, "comment": self.comment });
        send(&self.alert, "comment", &body, visitor, output).await
    }
}

impl Shelve {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let for_s = self.span.as_secs_f64();
        let body = json!({ "by": self.who.by, "comment": self.comment, "for_s": for_s });
        send(&self.alert, "shelve", &body, visitor, output).await
    }
}

impl Assign {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let body = json!({ "by": self.who.by, "to": self.to });
        send(&self.alert, "assign", &body, visitor, output).await
    }
}

async fn send(
    alert: &str,
    act: &str,
    body: &Value,
    visitor: &Visitor,
    output: Output,
) -> Result<(), Error> {
    let alert = fingerprint(alert, visitor).await?;
    let answer = visitor.post(&["alerts", &alert, act], body).await?;
    write_result(output, &answer, |answer| vec![list::table(answer)])
}
