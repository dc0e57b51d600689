use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::output::{Output, Table, write_done, write_result};
use super::super::page::given;
use super::super::visitor::{Content, Visitor};
use crate::error::Error;

/// Jobs by their ids.
#[derive(Debug, Args)]
pub(super) struct Ids {
    /// The jobs' ids.
    #[arg(required = true)]
    ids: Vec<u64>,
}

impl Ids {
    /// Asks for each; one that is refused does not keep the others from being asked for.
    pub(super) async fn change(
        self,
        what: &str,
        visitor: &Visitor,
        output: Output,
    ) -> Result<(), Error> {
        each(&self.ids, output, async |id| {
            visitor
                .change(Method::POST, &["jobs", id, what], &[], Content::none())
                .await
        })
        .await
    }
}

/// Asks for something about each job and says what became of it.
///
/// # Errors
/// The first refusal, after all were asked for; at once what no other id would change.
pub(in super::super) async fn each(
    ids: &[u64],
    output: Output,
    ask: impl AsyncFn(&str) -> Result<Value, Error>,
) -> Result<(), Error> {
    let mut outcomes = Vec::new();
    let mut refused = None;
    for id in ids {
        match ask(&id.to_string()).await {
            Ok(_) => outcomes.push(json!({ "id": id, "outcome": "done" })),
            Err(Error::Refused { status, detail }) if !matches!(status, 401 | 403) => {
                outcomes.push(json!({ "id": id, "outcome": "refused", "detail": detail }));
                refused.get_or_insert(Error::Refused { status, detail });
            }
            Err(error) => return Err(error),
        }
    }
    write_result(output, &Value::Array(outcomes), |outcomes| {
        vec![outcome_table(outcomes)]
    })?;
    refused.map_or(Ok(()), Err)
}

fn outcome_table(outcomes: &Value) -> Table {
    let mut table = Table::new(&["id", "outcome", "detail"]);
    for outcome in outcomes.as_array().into_iter().flatten() {
        let cell = |key| super::super::words::text(outcome, key);
        table.row([cell("id"), cell("outcome"), cell("detail")]);
    }
    table
}

/// A queue, or one of its groups.
#[derive(Debug, Args)]
pub(super) struct Queue {
    /// The queue's name.
    queue: String,
    /// This group's jobs only.
    #[arg(long)]
    group: Option<String>,
}

impl Queue {
    pub(super) async fn change(
        self,
        what: &'static str,
        visitor: &Visitor,
        output: Output,
    ) -> Result<(), Error> {
        let query = given([("group", self.group)]);
        steer(&self.queue, what, &query, visitor, output).await
    }
}

/// A queue as a whole.
#[derive(Debug, Args)]
pub(super) struct DrainedQueue {
    /// The queue's name.
    queue: String,
}

impl DrainedQueue {
    pub(super) async fn change(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        steer(&self.queue, "drain", &[], visitor, output).await
    }
}

async fn steer(
    queue: &str,
    what: &'static str,
    query: &[(&str, String)],
    visitor: &Visitor,
    output: Output,
) -> Result<(), Error> {
    let path = ["queues", queue, what];
    let answer = visitor
        .change(Method::POST, &path, query, Content::none())
        .await?;
    let done = match what {
        "pause" => "paused: nothing is given out",
        "drain" => "draining: nothing is taken in",
        _ => "resumed",
    };
    write_done(output, &answer, &format!("{queue}: {done}"))
}
