use clap::Args;
use serde_json::Value;

use super::super::output::{Output, say, write_line, write_text};
use super::super::page::given;
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
    /// From this sequence on [default: what happens from now on].
    #[arg(long, value_name = "SEQUENCE")]
    from: Option<u64>,
    /// End after so many events.
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u64>,
}

impl Tail {
    /// Until somebody interrupts it, or the hub ends the stream.
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([
            ("filter", Some(self.filter)),
            ("from", self.from.map(|from| from.to_string())),
        ]);
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut events = visitor.listen(&["events", "stream"], &query).await?;
        while left > 0 {
            let Some(event) = events.next().await? else {
                return Err(Error::Answer {
                    url: visitor.hub().to_owned(),
                    problem: "the hub ended the stream".into(),
                });
            };
            match event.name.as_str() {
                "missed" => say("some events were missed: read them with `portique events replay`"),
                _ => {
                    show(&event.data, output)?;
                    left -= 1;
                }
            }
        }
        Ok(())
    }
}

fn show(read: &Value, output: Output) -> Result<(), Error> {
    match output {
        Output::Json => write_text(&format!("{read}\n")),
        Output::Table => write_line(&super::line(&read["sequence"], &read["event"])),
    }
}
