use clap::Args;
use serde_json::json;

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

/// Page by page, the oldest first: a job that dies again meanwhile is not replayed again.
async fn all_of(queue: &str, limit: u64, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let mut left = limit;
    let mut replayed = 0;
    let mut after = None;
    while left > 0 {
        let asked = left.min(PAGE_JOBS_MAX);
        let mut body = json!({ "queue": queue, "limit": asked });
        if let Some(after) = after {
            body["after"] = json!(after);
        }
        let page = visitor.post(&["dead", "retry"], &body).await?;
        replayed += page["retried"].as_u64().unwrap_or_default();
        left -= asked;
        after = page["next"].as_u64();
        if after.is_none() {
            break;
        }
    }
    let sentence = format!("{queue}: {replayed} dead jobs are queued again");
    write_done(output, &json!({ "replayed": replayed }), &sentence)
}
