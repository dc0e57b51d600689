use clap::Args;
use serde_json::Value;

use super::super::output::{Output, say, write_more};
use super::super::page::given;
use super::super::printable::printable;
use super::super::visitor::Visitor;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique events tail
  portique events tail 'shop.orders.*' --from 4711
  portique events tail 'shop.>' -o json | jq .event.data";

/// `portique events tail`.
#[derive(Debug, Args)]
pub(super) struct Tail {
    /// Events with these subjects: * is one word, > at the end is all that follows.
    #[arg(default_value = ">")]
    filter: String,
    /// From here: first, a sequence or a time, such as 4711 or 2026-11-21T09:00:00Z [default: what
    /// happens from now on].
    #[arg(long, value_name = "WHERE")]
    from: Option<String>,
    /// End after so many events.
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u64>,
}

impl Tail {
    /// Until somebody interrupts it, or the hub ends the stream.
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([("filter", Some(self.filter)), ("from", self.from)]);
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut next = None;
        let mut events = visitor.listen(&["events", "stream"], &query).await?;
        while left > 0 {
            match events.next().await {
                Ok(Some(event)) => {
                    if !show(&event.data, output)? {
                        break;
                    }
                    next = event.data["sequence"].as_u64().map(|sequence| sequence + 1);
                    left -= 1;
                }
                ended => {
                    say_where_to_go_on(next);
                    return ended.and(Err(stream_ended(visitor)));
                }
            }
        }
        Ok(())
    }
}

fn stream_ended(visitor: &Visitor) -> Error {
    Error::Answer {
        url: visitor.hub().to_owned(),
        problem: "the hub ended the stream".into(),
    }
}

fn say_where_to_go_on(next: Option<u64>) {
    if let Some(next) = next {
        say(&format!(
            "nothing is missed when you go on with --from {next}"
        ));
    }
}

/// False when nobody reads it.
fn show(read: &Value, output: Output) -> Result<bool, Error> {
    let line = match output {
        Output::Json => read.to_string(),
        Output::Table => printable(&super::line(&read["sequence"], &read["event"])),
    };
    write_more(&format!("{line}\n"))
}
