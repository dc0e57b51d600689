use clap::Args;
use serde_json::{Value, json};

use super::super::jobs::each;
use super::super::output::{Output, write_done};
use super::super::visitor::Visitor;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique dead replay 4711 4712
  portique dead replay --queue emails
  portique dead replay --queue emails --limit 100";

/// Jobs of one request.
const PAGE_JOBS_MAX: u64 = 1_000;

/// `portique dead replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The jobs' ids.
    #[arg(required_unless_present = "queue")]
    ids: Vec<u64>,
    /// All dead jobs of this queue instead.
    #[arg(long, conflicts_with = "ids")]
    queue: Option<String>,
    /// With --queue: jobs at most, the oldest first.
    #[arg(long, value_name = "JOBS", requires = "queue")]
    limit: Option<u64>,
}

impl Replay {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        match self.queue {
            Some(queue) => {
                let limit = self.limit.unwrap_or(u64::MAX);
                all_of(&queue, limit, visitor, output).await
            }
            None => {
                each(&self.ids, output, async |id| {
                    visitor.post(&["jobs", id, "retry"], &json!({})).await
                })
                .await
            }
        }
    }
}

/// The oldest first, as many as were dead when it began: a job that dies again is not replayed again.
async fn all_of(queue: &str, limit: u64, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let state = visitor.get(&["queues", queue], &[]).await?;
    let dead = state["counts"]["dead"].as_u64().unwrap_or_default();
    let mut left = dead.min(limit);
    let mut replayed = 0;
    while left > 0 {
        let body = json!({ "queue": queue, "limit": left.min(PAGE_JOBS_MAX) });
        let settled = visitor.post(&["dead", "retry"], &body).await?;
        let done = done(&settled);
        replayed += done;
        left = left.saturating_sub(done);
        if done == 0 {
            break;
        }
    }
    let sentence = format!("{queue}: {replayed} dead jobs are queued again");
    write_done(output, &json!({ "replayed": replayed }), &sentence)
}

fn done(settled: &Value) -> u64 {
    let jobs = settled.as_array().into_iter().flatten();
    jobs.filter(|job| job["outcome"] == "done").count() as u64
}
